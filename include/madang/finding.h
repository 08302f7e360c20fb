/* ops: finding — what madangd doctor finds out: one line each, with what to do about it. Never a secret. */
#ifndef MADANG_FINDING_H
#define MADANG_FINDING_H

#include "madang/text.h"

enum finding { FOUND_OK, FOUND_WARN, FOUND_FAIL };

/* Before the first one; an array of JSON objects, or lines for people. */
void findings_begin(bool json);
/* `about`: a noun, "pg.version"; `todo`: what to do, a sentence, for what is not ok. The line is printed at once. */
void finding(enum finding f, const char *about, const char *todo, const char *format, ...) PRINTF_LIKE(4, 5);
bool findings_end(void); /* whether nothing failed */

#endif
