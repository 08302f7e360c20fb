/* data: page — a list that comes in pages: where one begins, what fits in it, and where the next one begins.
 *
 * The statement is asked for one row more than the page holds, sorted by (key, id) with the id unique:
 *
 *     if ((p = page_from(c, "/before", in->before, CURSOR_TIME, &from)) || (p = store_things(c, in->limit + 1, &from, out)))
 *         return p;
 *     if ((last = page_cut(&out->things, in->limit)))
 *         out->next = page_next(c, last->at, last->thing);
 *
 * A list sorted by its id alone needs no cursor: its `next` is that number.
 */
#ifndef MADANG_PAGE_H
#define MADANG_PAGE_H

#include "madang/call.h"
#include "madang/cursor.h"

/* Where a page begins, from what the client sent: absent is the beginning; what is no cursor of this list is wrong at
 * `pointer`. */
problem page_from(struct call *c, const char *pointer, struct opt_text cursor, int key, struct cursor *out) MUST_USE;

/* Cuts a LIST_OF to the size of its page: the last row that stays; NULL when nothing follows. */
#define page_cut(list, limit) page_cut_rows((list), sizeof *(list)->at, (limit))
void *page_cut_rows(void *list, size_t size, int64_t limit);

struct opt_text page_next_time(struct call *c, struct instant key, int64_t id);
struct opt_text page_next_number(struct call *c, int64_t key, int64_t id);
struct opt_text page_next_text(struct call *c, struct text key, int64_t id);
/* clang-format off */
#define page_next(c, key, id) \
    _Generic((key), struct instant: page_next_time, int64_t: page_next_number, struct text: page_next_text)(c, key, id)
/* clang-format on */

#endif
