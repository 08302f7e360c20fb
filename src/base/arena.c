#include "madang/arena.h"

#include <stdalign.h>

#include "madang/fault.h"
#include "madang/pool.h"

struct arena_block {
    struct arena_block *older;
    size_t size, used;
    alignas(max_align_t) char memory[];
};

struct arena_defer {
    struct arena_defer *older;
    void (*run)(void *arg);
    void *arg;
};

#ifdef MADANG_SANITIZE
#define BLOCK_MIN 0 /* one block an allocation: each gets its own red zone */
#else
#define BLOCK_MIN 4032
#endif

static size_t live;
static struct pool blocks = { .size = sizeof(struct arena_block) + BLOCK_MIN, .max = 256 }; /* of the usual size: 1 MiB */

void arena_init(struct arena *a, size_t limit)
{
    *a = (struct arena){ .limit = limit };
    live++;
}

static void run_defers(struct arena *a)
{
    struct arena_defer *d;

    while ((d = a->defers) != NULL) {
        a->defers = d->older;
        d->run(d->arg);
    }
}

static void block_free(struct arena_block *b)
{
    if (b->size == BLOCK_MIN)
        pool_give(&blocks, b);
    else
        free(b);
}

void arena_reset(struct arena *a)
{
    struct arena_block *b, *older;

    run_defers(a);
    for (b = a->blocks; b; b = older) {
        older = b->older;
        block_free(b);
    }
    a->blocks = NULL;
    a->used = 0;
}

void arena_fini(struct arena *a)
{
    arena_reset(a);
    CHECK(live > 0);
    live--;
}

bool arena_is_over(const struct arena *a)
{
    return a->used > a->limit;
}

void arena_fill(struct arena *a)
{
    if (a->used <= a->limit)
        a->used = a->limit + 1;
}

size_t arena_live(void)
{
    return live;
}

static struct arena_block *block_add(struct arena *a, size_t size)
{
    size_t room = size > BLOCK_MIN ? size : BLOCK_MIN;
    struct arena_block *b = room == BLOCK_MIN ? pool_take(&blocks) : must_alloc(sizeof *b + room);

    *b = (struct arena_block){ .older = a->blocks, .size = room };
    a->blocks = b;
    if (FAULT(ARENA_FULL))
        arena_fill(a);
    return b;
}

/* Not zeroed. */
static void *take(struct arena *a, size_t size)
{
    struct arena_block *b = a->blocks;
    size_t rounded;
    void *memory;

    CHECK(size < SIZE_MAX / 2);
    rounded = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (BLOCK_MIN == 0)
        rounded = size ? size : 1; /* exact, for the sanitizer's eyes */
    if (!b || b->size - b->used < rounded)
        b = block_add(a, rounded);
    memory = b->memory + b->used;
    b->used += rounded;
    a->used += rounded;
    return memory;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return memset(take(a, size), 0, size);
}

struct text arena_text(struct arena *a, struct text t)
{
    char *copy = take(a, t.len + 1);

    if (t.len)
        memcpy(copy, t.at, t.len);
    copy[t.len] = '\0';
    return (struct text){ copy, t.len };
}

struct text arena_buf(struct arena *a, struct buf *b)
{
    struct text out = arena_text(a, buf_text(b));

    if (b->over)
        arena_fill(a);
    buf_fini(b);
    return out;
}

const char *arena_cstr(struct arena *a, struct text t)
{
    return arena_text(a, t).at;
}

struct text arena_join_all(struct arena *a, const struct text *parts, size_t count)
{
    size_t len = 0;
    char *out, *to;

    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    to = out = take(a, len + 1);
    for (size_t i = 0; i < count; i++) {
        memcpy(to, parts[i].at, parts[i].len);
        to += parts[i].len;
    }
    *to = '\0';
    return (struct text){ out, len };
}

struct text arena_vprintf(struct arena *a, const char *format, va_list args)
{
    char small[256];
    va_list again;
    char *out;
    int length;

    va_copy(again, args);
    length = vsnprintf(small, sizeof small, format, again);
    va_end(again);
    CHECK(length >= 0);
    out = arena_alloc(a, (size_t)length + 1);
    if ((size_t)length < sizeof small)
        memcpy(out, small, (size_t)length);
    else
        CHECK(vsnprintf(out, (size_t)length + 1, format, args) == length);
    return (struct text){ out, (size_t)length };
}

struct text arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    struct text out;

    va_start(args, format);
    out = arena_vprintf(a, format, args);
    va_end(args);
    return out;
}

void arena_defer(struct arena *a, void (*run)(void *arg), void *arg)
{
    struct arena_defer *d = arena_new(a, struct arena_defer);

    *d = (struct arena_defer){ .older = a->defers, .run = run, .arg = arg };
    a->defers = d;
}
