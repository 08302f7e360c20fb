#include "stack.h"

#include <sys/mman.h>
#include <unistd.h>

#include "loop_parts.h"
#include "madang/pool.h"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(from, to) 0
#define VALGRIND_STACK_DEREGISTER(id) (void)(id)
#endif

#ifdef MADANG_SANITIZE
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#define STACK_SIZE (1024u << 10) /* red zones make frames several times larger */
#define unpoison(at, size) __asan_unpoison_memory_region(at, size)
#define register_root(at, size) __lsan_register_root_region(at, size)
#define unregister_root(at, size) __lsan_unregister_root_region(at, size)
#else
#define STACK_SIZE (256u << 10)
#define unpoison(at, size) (void)0
#define register_root(at, size) (void)0
#define unregister_root(at, size) (void)0
#endif

#define GUARD_SIZE 4096u
#define KEEP_WARM 128 /* stacks kept for reuse, with the pages that they touched … */
#define KEEP_IDLE 8   /* … and so many of those that nobody needed for half a second */
#define LOOK_MS 500

static struct stack *pool;
static size_t pooled, idle; /* idle: the fewest that were in the pool since the last look */
static struct timer look;

size_t stack_size(void)
{
    return STACK_SIZE;
}

char *stack_bottom(const struct stack *s)
{
    return s->memory + GUARD_SIZE;
}

char *stack_top(const struct stack *s)
{
    return stack_bottom(s) + STACK_SIZE;
}

static struct stack *stack_new(void)
{
    struct stack *s = must_zalloc(sizeof *s);
    void *memory = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

    CHECK(memory != MAP_FAILED);
    CHECK(mprotect(memory, GUARD_SIZE, PROT_NONE) == 0);
    s->memory = memory;
    s->valgrind_id = VALGRIND_STACK_REGISTER(stack_bottom(s), stack_top(s));
    register_root(stack_bottom(s), STACK_SIZE);
    return s;
}

static void stack_free(struct stack *s)
{
    unregister_root(stack_bottom(s), STACK_SIZE);
    VALGRIND_STACK_DEREGISTER(s->valgrind_id);
    CHECK(munmap(s->memory, GUARD_SIZE + STACK_SIZE) == 0);
    free(s);
}

struct stack *stack_take(void)
{
    struct stack *s = pool;

    if (!s)
        return stack_new();
    pool = s->next;
    pooled--;
    idle = pooled < idle ? pooled : idle;
    return s;
}

/* A burst of tasks does not keep its memory. */
static void on_look(struct timer *t)
{
    for (; idle > KEEP_IDLE; idle--, pooled--) {
        struct stack *s = pool;

        pool = s->next;
        stack_free(s);
    }
    idle = pooled;
    if (pools_tidy() || pooled > KEEP_IDLE)
        timer_set_after(t, LOOK_MS);
}

void stack_give(struct stack *s)
{
    unpoison(stack_bottom(s), STACK_SIZE); /* frames that never returned left red zones behind */
    if (pooled >= KEEP_WARM) {
        stack_free(s);
        return;
    }
    s->next = pool;
    pool = s;
    if (++pooled > KEEP_IDLE && !timer_is_set(&look))
        timer_set_after(&look, LOOK_MS);
}

void stacks_start(void)
{
    timer_init(&look, on_look);
    idle = pooled = 0;
}

void stacks_rest(void)
{
    timer_clear(&look);
}

void stacks_free(void)
{
    struct stack *s;

    while ((s = pool) != NULL) {
        pool = s->next;
        stack_free(s);
    }
    pooled = 0;
}
