/* features: points — what an account has to spend: one book for all features, kept by accounts. */
#ifndef MADANG_POINTS_H
#define MADANG_POINTS_H

#include "madang/store.h"

/* Books points (negative: takes them) once for each reason and reference; POINTS_SHORT. The reference names what is paid for, as
 * the database knows it: never a number that a client or a process chose. */
problem points_book(struct tx *tx, int64_t account, int64_t amount, const char *reason, struct text reference) MUST_USE;

#endif
