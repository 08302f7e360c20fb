#include "madang/task.h"

#include "loop_parts.h"
#include "madang/log.h"
#include "madang/pool.h"
#include "stack.h"

/* Boost.Context's C ABI (boost/context/detail/fcontext.hpp is C++, so its three lines stand here again). */
typedef void *fcontext;
struct transfer {
    fcontext from;
    void *data;
};
extern struct transfer jump_fcontext(fcontext to, void *data);
extern fcontext make_fcontext(void *stack_top, size_t size, void (*run)(struct transfer t));

#ifdef MADANG_SANITIZE
#include <sanitizer/common_interface_defs.h>
#define switch_begin(save, bottom, size) __sanitizer_start_switch_fiber(save, bottom, size)
#define switch_end(save, bottom, size) __sanitizer_finish_switch_fiber(save, bottom, size)
#else
#define switch_begin(save, bottom, size) (void)0
#define switch_end(save, bottom, size) (void)0
#endif

struct task {
    struct list all, ready, sibling;
    uint64_t id, began_ms, deadline_ms, parked_ms;
    const char *name, *file;
    int line, foreign_forbidden;
    bool cancelled, finished;
    struct stack *stack;
    fcontext context;
    struct wait *waiting;
    struct timer timer;
    task_run *run;
    void *arg;
    struct scope *scope;
};

static struct pool tasks = POOL_OF(struct task, 256);
static struct list all = { &all, &all }, ready = { &ready, &ready };
static size_t count;
static uint64_t last_id;
static fcontext loop_context;
#ifdef MADANG_SANITIZE
static const void *loop_bottom;
static size_t loop_size;
#endif

/* Runs on the task's stack, first thing. */
static void enter(struct transfer from)
{
    struct task *t = from.data;
    void *fake = NULL;

    (void)fake;
    switch_end(NULL, &loop_bottom, &loop_size);
    loop_context = from.from;
    t->run(t, t->arg);
    t->finished = true;
    switch_begin(NULL, loop_bottom, loop_size); /* NULL: this stack is not come back to */
    jump_fcontext(loop_context, NULL);
    CHECK(false);
}

static void ready_add(struct task *t)
{
    if (!list_is_empty(&t->ready))
        return;
    list_append(&ready, &t->ready);
    loop_keep_going();
}

static void on_deadline(struct timer *timer);

static struct task *task_new(const char *name, uint64_t deadline_ms, task_run *run, void *arg)
{
    struct task *t = pool_take(&tasks);

    *t =
        (struct task){ .id = ++last_id, .name = name, .began_ms = loop_ms(), .deadline_ms = deadline_ms, .run = run, .arg = arg };
    list_init(&t->ready);
    list_init(&t->sibling);
    timer_init(&t->timer, on_deadline);
    list_append(&all, &t->all);
    count++;
    return t;
}

struct task *task_start(const char *name, uint64_t deadline_ms, task_run *run, void *arg)
{
    struct task *t = task_new(name, deadline_ms, run, arg);

    ready_add(t);
    return t;
}

static void task_end(struct task *t)
{
    struct scope *scope = t->scope;

    CHECK(!t->waiting && !timer_is_set(&t->timer) && !t->foreign_forbidden);
    list_remove(&t->all);
    list_remove(&t->sibling);
    stack_give(t->stack);
    pool_give(&tasks, t);
    count--;
    if (scope && list_is_empty(&scope->children) && scope->joined.task)
        wait_done(&scope->joined, NULL);
}

/* From the loop into the task, until it parks or ends. */
static void resume(struct task *t)
{
    struct transfer back;
    void *fake = NULL;

    (void)fake;
    if (!t->stack) {
        t->stack = stack_take();
        t->context = make_fcontext(stack_top(t->stack), stack_size(), enter);
    }
    switch_begin(&fake, stack_bottom(t->stack), stack_size());
    back = jump_fcontext(t->context, t);
    switch_end(fake, NULL, NULL);
    t->context = back.from;
    if (t->finished)
        task_end(t);
}

/* From the task back into the loop. */
static void park(struct task *t)
{
    struct transfer from;
    void *fake = NULL;

    (void)fake;
    (void)t;
    switch_begin(&fake, loop_bottom, loop_size);
    from = jump_fcontext(loop_context, NULL);
    switch_end(fake, &loop_bottom, &loop_size);
    loop_context = from.from;
}

bool tasks_are_ready(void)
{
    return !list_is_empty(&ready);
}

bool tasks_run_ready(size_t budget)
{
    struct list *node;

    while (budget-- && (node = list_take_first(&ready)) != NULL)
        resume(CONTAINER_OF(node, struct task, ready));
    return tasks_are_ready();
}

void wait_init(struct wait *w, void (*cancel)(struct wait *w))
{
    *w = (struct wait){ .cancel = cancel };
}

void wait_done(struct wait *w, problem result)
{
    CHECK(!w->is_done);
    w->is_done = true;
    w->result = result;
    if (w->task)
        ready_add(w->task);
}

static void wait_stop(struct wait *w, problem why)
{
    if (w->is_done || w->stopped)
        return;
    w->stopped = why;
    w->cancel(w);
}

static void on_deadline(struct timer *timer)
{
    struct task *t = CONTAINER_OF(timer, struct task, timer);

    if (t->waiting)
        wait_stop(t->waiting, PROBLEM(DEADLINE));
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a && (!b || a < b) ? a : b;
}

problem task_wait_at(struct task *t, struct wait *w, uint64_t deadline_ms, const char *file, int line)
{
    CHECK(!t->waiting);
    w->task = t;
    t->waiting = w;
    t->file = file;
    t->line = line;
    t->parked_ms = loop_ms();
    if (t->cancelled)
        wait_stop(w, PROBLEM(CANCELLED));
    deadline_ms = earlier(deadline_ms, t->deadline_ms);
    if (deadline_ms && !w->is_done)
        timer_set(&t->timer, deadline_ms);
    while (!w->is_done)
        park(t);
    list_remove(&t->ready);
    timer_clear(&t->timer);
    t->waiting = NULL;
    w->task = NULL;
    return w->stopped ? w->stopped : w->result;
}

static void cancel_sleep(struct wait *w)
{
    wait_done(w, NULL);
}

problem task_sleep(struct task *t, uint64_t ms)
{
    uint64_t until = clock_ms() + ms;
    struct wait w;
    problem p;

    wait_init(&w, cancel_sleep);
    p = task_wait(t, &w, until);
    return p == PROBLEM(DEADLINE) && clock_ms() >= until ? NULL : p;
}

void task_cancel(struct task *t)
{
    t->cancelled = true;
    if (t->waiting)
        wait_stop(t->waiting, PROBLEM(CANCELLED));
}

void task_cancel_all(void)
{
    list_each_safe (node, &all)
        task_cancel(CONTAINER_OF(node, struct task, all));
}

bool task_is_cancelled(const struct task *t)
{
    return t->cancelled;
}

uint64_t task_deadline_ms(const struct task *t)
{
    return t->deadline_ms;
}

void task_set_deadline(struct task *t, uint64_t deadline_ms)
{
    t->deadline_ms = deadline_ms;
}

size_t task_count(void)
{
    return count;
}

void task_foreign_forbid(struct task *t, int by)
{
    t->foreign_forbidden += by;
    CHECK(t->foreign_forbidden >= 0);
}

bool task_foreign_is_forbidden(const struct task *t)
{
    return t->foreign_forbidden > 0;
}

static void cancel_children(struct wait *joined)
{
    scope_cancel(CONTAINER_OF(joined, struct scope, joined));
}

void scope_open(struct scope *s, struct task *owner)
{
    s->owner = owner;
    list_init(&s->children);
    wait_init(&s->joined, cancel_children);
}

struct task *scope_start(struct scope *s, const char *name, task_run *run, void *arg)
{
    struct task *t = task_start(name, s->owner->deadline_ms, run, arg);

    t->scope = s;
    list_append(&s->children, &t->sibling);
    return t;
}

void scope_cancel(struct scope *s)
{
    list_each_safe (node, &s->children)
        task_cancel(CONTAINER_OF(node, struct task, sibling));
}

void scope_join(struct scope *s)
{
    problem p;

    if (list_is_empty(&s->children))
        return;
    p = task_wait(s->owner, &s->joined, 0);
    CHECK(list_is_empty(&s->children));
    if (p)
        log_debug("task", "children of %s ended: %s", s->owner->name, p->code);
}

void task_each(void (*each)(const struct task_info *i, void *arg), void *arg)
{
    uint64_t now = clock_ms();

    list_each (node, &all) {
        const struct task *t = CONTAINER_OF(node, struct task, all);
        struct task_info i = { .id = t->id, .age_ms = now - t->began_ms, .name = t->name };

        if (t->waiting) {
            i.file = t->file;
            i.line = t->line;
            i.waiting_ms = now - t->parked_ms;
        }
        each(&i, arg);
    }
}
