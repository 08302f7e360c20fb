/* The public page of a reading. */
#ifndef MADANG_TAROT_PAGE_H
#define MADANG_TAROT_PAGE_H

#include "madang/calls.h"
#include "tarot_store.h"

/* A shared reading as others may see it. */
problem tarot_public(struct call *c, struct text code, struct shared_row *out, bool *found) MUST_USE;
problem tarot_page(struct call *c) MUST_USE; /* GET /r/{code} */

/* Draws 00.png … 77.png beside 00.svg …, as messengers show them (1200 × 630). False, and told on stderr: not all. */
bool tarot_draw_pictures(const char *folder);

#endif
