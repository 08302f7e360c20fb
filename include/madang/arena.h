/* base: arena — memory that lives and dies together.
 *
 * Everything made while one call is answered comes from its arena and goes with it, in one step; nothing in it
 * is freed alone. Owner: whoever called arena_init() calls arena_fini(). Allocation never fails: past
 * `limit` bytes arena_alloc() sets a flag that arena_is_over() shows and goes on, so that a handler need not
 * check each step: of a call whose arena is over no statement and no commit is sent any more, and the dispatcher
 * refuses it.
 * On the loop's thread alone. Disadvantages: a loop over much data keeps all of it until the end, and an
 * overrun inside a block is unseen in a release build. Under ASan each allocation is a block of its own.
 */
#ifndef MADANG_ARENA_H
#define MADANG_ARENA_H

#include <stdarg.h>

#include "madang/buf.h"

struct arena_block;
struct arena_defer;

struct arena {
    struct arena_block *blocks; /* newest first */
    struct arena_defer *defers; /* newest first */
    size_t used, limit;         /* bytes handed out; the mark past which arena_is_over() */
};

void arena_init(struct arena *a, size_t limit);
/* Runs the defer list, newest first, then frees all memory. The arena may be used again afterwards. */
void arena_reset(struct arena *a);
void arena_fini(struct arena *a);
bool arena_is_over(const struct arena *a);
void arena_fill(struct arena *a); /* makes it over: something that belongs in it did not fit elsewhere either */
/* Arenas between init and fini, process-wide: the tests' leak count. */
size_t arena_live(void);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull));
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, count) ((type *)arena_alloc((a), sizeof(type) * (count)))
/* A copy, NUL-terminated behind its last byte. */
struct text arena_text(struct arena *a, struct text t);
struct text arena_buf(struct arena *a, struct buf *b); /* ends the buf; when that was over, so is the arena */
const char *arena_cstr(struct arena *a, struct text t);
/* One after the other: arena_join(a, T("room:"), digits). */
struct text arena_join_all(struct arena *a, const struct text *parts, size_t count);
#define arena_join(a, ...) \
    arena_join_all((a), (const struct text[]){ __VA_ARGS__ }, sizeof((const struct text[]){ __VA_ARGS__ }) / sizeof(struct text))
struct text arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
struct text arena_vprintf(struct arena *a, const char *format, va_list args) PRINTF_LIKE(2, 0);
/* Runs run(arg) when the arena is reset; newest first. */
void arena_defer(struct arena *a, void (*run)(void *arg), void *arg);

#endif
