/* sec: random — bytes from the operating system's generator. */
#ifndef MADANG_RANDOM_H
#define MADANG_RANDOM_H

#include "madang/arena.h"

void random_bytes(void *out, size_t len);
struct text random_token(struct arena *a, size_t bytes); /* base64url */
uint32_t random_below(uint32_t bound);                   /* 0..bound-1, without bias */
int64_t random_jitter(int64_t around);                   /* around ± a quarter, for retries */

#endif
