/* base: buf — a byte buffer that grows up to a stated maximum.
 *
 * Writing past the maximum sets `over` and drops the bytes from then on: the writer checks once, at the end.
 * Owner: whoever called buf_init() calls buf_fini(). buf_text() borrows until the next write.
 */
#ifndef MADANG_BUF_H
#define MADANG_BUF_H

#include <stdarg.h>

#include "madang/text.h"

struct buf {
    char *at;
    size_t len, room, max;
    bool over, lent; /* lent: the memory is the caller's, until it does not suffice */
};

void buf_init(struct buf *b, size_t max);
/* Over the caller's own memory: it never grows and is not to be given to buf_fini(). */
void buf_borrow(struct buf *b, char *memory, size_t size);
/* In the caller's memory for as long as that suffices, then in its own, up to `max`; buf_fini() as after buf_init(). */
void buf_begin(struct buf *b, char *memory, size_t size, size_t max);
void buf_fini(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory */
struct text buf_text(const struct buf *b);
void buf_put_i64(struct buf *b, int64_t value);
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list args) PRINTF_LIKE(2, 0);
/* At least `size` writable bytes at the end, or NULL when that would pass the maximum; then buf_commit() what was written. */
char *buf_reserve(struct buf *b, size_t size);
void buf_commit(struct buf *b, size_t size);
void buf_drop(struct buf *b, size_t size); /* from the front */

static inline void buf_put(struct buf *b, struct text t)
{
    char *at = t.len == 0 ? NULL : t.len <= b->room - b->len && !b->over ? b->at + b->len : buf_reserve(b, t.len);

    if (!at)
        return;
    memcpy(at, t.at, t.len);
    b->len += t.len;
}

static inline void buf_put_char(struct buf *b, char c)
{
    buf_put(b, (struct text){ &c, 1 });
}

/* A JSON string with its quotes, escaped as RFC 8259 asks; also safe inside an HTML script element. */
void buf_put_json_string(struct buf *b, struct text t);

#endif
