/* ops: load — a whole file in an arena. Blocks: for what is read when the process starts. */
#ifndef MADANG_LOAD_H
#define MADANG_LOAD_H

#include "madang/arena.h"

/* False: it cannot be read, or has more than `max` bytes. */
bool file_load(struct arena *a, const char *path, size_t max, struct text *out) MUST_USE;

#endif
