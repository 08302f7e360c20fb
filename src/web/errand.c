#include "madang/errand.h"

#include <signal.h>

#include "madang/log.h"
#include "madang/outbound.h"
#include "madang/pg.h"

#define ERRAND_BYTES (64u << 20)
#define CONNECT_MS 5000
#define LOOK_MS 20

struct errand {
    const char *name;
    enum errand_needs needs;
    problem (*run)(struct call *c, void *arg);
    void *arg;
    problem result;
};

static problem wait_for_postgres(struct call *c)
{
    uint64_t until = clock_ms() + CONNECT_MS;
    problem p, slept = NULL;

    do {
        struct tx tx TX_SCOPE = { 0 };

        p = tx_begin(c, &tx);
    } while (p == PROBLEM(STORE_UNAVAILABLE) && clock_ms() < until && !(slept = task_sleep(c->task, LOOK_MS)));
    return slept ? slept : p;
}

/* What the pool has begun by itself ends first. */
static void leave_postgres(struct task *t)
{
    uint64_t until = clock_ms() + CONNECT_MS;
    problem p = NULL;

    pg_rest();
    while (task_count() > 1 && !p) {
        if (clock_ms() > until)
            pg_abandon();
        p = task_sleep(t, LOOK_MS);
    }
    pg_stop();
}

static void work(struct task *t, void *arg)
{
    struct errand *e = arg;
    struct arena a;
    struct call c;

    arena_init(&a, ERRAND_BYTES);
    c = call_of_our_own(t, &a, e->name);
    e->result = e->needs == ERRAND_WITH_POSTGRES ? wait_for_postgres(&c) : NULL;
    if (!e->result)
        e->result = e->run(&c, e->arg);
    arena_fini(&a);
    outbound_stop();
    if (e->needs == ERRAND_WITH_POSTGRES)
        leave_postgres(t);
    loop_rest();
    uv_stop(loop_uv()); /* and does not wait for times that nobody waits for any more */
}

problem errand_run(const char *name, enum errand_needs needs, problem (*run)(struct call *c, void *arg), void *arg)
{
    struct errand e = { name, needs, run, arg, NULL };

    log_set_level(LOG_WARN);
    signal(SIGPIPE, SIG_IGN);
    loop_start();
    outbound_start();
    if (needs == ERRAND_WITH_POSTGRES)
        pg_start();
    task_start(name, 0, work, &e);
    loop_run();
    loop_close();
    return e.result;
}
