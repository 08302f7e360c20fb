/* The public page of a reading. */
#ifndef MADANG_TAROT_PAGE_H
#define MADANG_TAROT_PAGE_H

#include "madang/tarot.h"
#include "tarot_store.h"

/* A shared reading as others may see it. */
problem tarot_public(struct call *c, struct text code, struct shared_row *out, bool *found) MUST_USE;
problem tarot_page(struct call *c) MUST_USE; /* GET /r/{code} */

#endif
