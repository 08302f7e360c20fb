#include "madang/worker.h"

#include "madang/fault.h"

/* libuv lets look-ups of names hold half of its threads: the classes get the other half. */
#define POOL_THREADS(running_max) (2 * (running_max))

struct work {
    struct list node;
    struct wait wait;
    uv_work_t uv;
    enum worker_class class;
    void (*run)(void *arg), (*stop)(void *arg);
    void *arg;
    bool running;
};

static struct class_state {
    const char *name;
    size_t running_max, waiting_max, running, waiting;
    uint64_t refused, done;
    struct list queue;
} classes[WORKER_CLASSES] = {
    [WORKER_PASSWORD] = { .name = "password", .running_max = 2, .waiting_max = 64 },
    [WORKER_IMAGE] = { .name = "image", .running_max = 1, .waiting_max = 32 },
    [WORKER_FILE] = { .name = "file", .running_max = 5, .waiting_max = 1024 },
    [WORKER_LETTER] = { .name = "letter", .running_max = 4, .waiting_max = 64 },
};

static struct class_state *class_of(enum worker_class class)
{
    struct class_state *c = &classes[class];

    if (!c->queue.next)
        list_init(&c->queue);
    return c;
}

static void on_work(uv_work_t *uv)
{
    struct work *w = CONTAINER_OF(uv, struct work, uv);

    w->run(w->arg);
}

static void on_worked(uv_work_t *uv, int status);

static void begin(struct class_state *c, struct work *w)
{
    w->running = true;
    c->running++;
    CHECK(uv_queue_work(loop_uv(), &w->uv, on_work, on_worked) == 0);
}

static void on_worked(uv_work_t *uv, int status)
{
    struct work *w = CONTAINER_OF(uv, struct work, uv);
    struct class_state *c = class_of(w->class);
    struct list *next;

    c->running--;
    c->done++;
    wait_done(&w->wait, status ? PROBLEM(CANCELLED) : NULL);
    if (c->running < c->running_max && (next = list_take_first(&c->queue)) != NULL) {
        c->waiting--;
        begin(c, CONTAINER_OF(next, struct work, node));
    }
}

static void cancel_work(struct wait *wait)
{
    struct work *w = CONTAINER_OF(wait, struct work, wait);

    if (w->running && w->stop)
        w->stop(w->arg);
    if (w->running)
        return;
    list_remove(&w->node);
    class_of(w->class)->waiting--;
    wait_done(wait, NULL);
}

problem worker_run(struct task *t, enum worker_class class, void (*run)(void *arg), void *arg)
{
    return worker_run_until(t, class, run, NULL, arg);
}

problem worker_run_until(struct task *t, enum worker_class class, void (*run)(void *arg), void (*stop)(void *arg), void *arg)
{
    struct class_state *c = class_of(class);
    struct work w = { .class = class, .run = run, .stop = stop, .arg = arg };

    list_init(&w.node);
    wait_init(&w.wait, cancel_work);
    if (FAULT(QUEUE_FULL))
        return PROBLEM(OVERLOADED);
    if (c->running < c->running_max) {
        begin(c, &w);
    } else if (c->waiting < c->waiting_max) {
        c->waiting++;
        list_append(&c->queue, &w.node);
    } else {
        c->refused++;
        return PROBLEM(OVERLOADED);
    }
    return task_wait(t, &w.wait, 0);
}

void workers_start(void)
{
    size_t running_max = 0;
    char threads[12];

    for (size_t i = 0; i < WORKER_CLASSES; i++)
        running_max += classes[i].running_max;
    snprintf(threads, sizeof threads, "%zu", POOL_THREADS(running_max));
    setenv("UV_THREADPOOL_SIZE", threads, 0);
}

void worker_limits(enum worker_class class, size_t running_max, size_t waiting_max)
{
    class_of(class)->running_max = running_max;
    class_of(class)->waiting_max = waiting_max;
}

struct worker_info worker_info(enum worker_class class)
{
    struct class_state *c = class_of(class);

    return (struct worker_info){ c->name, c->running, c->waiting, c->running_max, c->waiting_max, c->refused, c->done };
}
