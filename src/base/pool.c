#include "madang/pool.h"

#include "madang/check.h"

#define KEEP_IDLE 8

static struct pool *pools;

void *pool_take(struct pool *p)
{
    void *block = p->kept;

    if (!block)
        return must_alloc(p->size);
    p->kept = *(void **)block;
    p->count--;
    p->idle = p->count < p->idle ? p->count : p->idle;
    return block;
}

static void list(struct pool *p)
{
    p->listed = true;
    p->next = pools;
    pools = p;
}

void pool_give(struct pool *p, void *block)
{
#ifdef MADANG_SANITIZE
    free(block);
    return;
#endif
    if (p->count >= p->max) {
        free(block);
        return;
    }
    if (!p->listed)
        list(p);
    *(void **)block = p->kept;
    p->kept = block;
    p->count++;
}

static void tidy(struct pool *p)
{
    for (size_t n = p->idle; n > KEEP_IDLE; n--)
        free(pool_take(p));
    p->idle = p->count;
}

bool pools_tidy(void)
{
    bool more = false;

    for (struct pool *p = pools; p; p = p->next) {
        tidy(p);
        more = more || p->count > KEEP_IDLE;
    }
    return more;
}

void pools_free(void)
{
    for (struct pool *p = pools; p; p = p->next) {
        while (p->kept)
            free(pool_take(p));
    }
}
