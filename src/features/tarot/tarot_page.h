/* The public page of a reading. */
#ifndef MADANG_TAROT_PAGE_H
#define MADANG_TAROT_PAGE_H

#include "madang/tarot.h"

problem tarot_page(struct call *c) MUST_USE; /* GET /r/{code} */

#endif
