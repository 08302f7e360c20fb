#include "madang/keeper.h"

#define ROUND_MS 5000
#define ROUND_BYTES (64u << 20)

static uint64_t run_round(struct keeper *k, struct task *t)
{
    uint64_t next_ms;
    struct arena a;
    struct call c;

    arena_init(&a, ROUND_BYTES);
    c = call_of_our_own(t, &a, k->name);
    task_set_deadline(t, clock_ms() + ROUND_MS);
    next_ms = k->round(&c);
    arena_fini(&a);
    task_set_deadline(t, 0);
    return next_ms;
}

static void run(struct task *t, void *arg)
{
    struct keeper *k = arg;

    while (!k->stopping && !task_is_cancelled(t))
        if (task_sleep(t, run_round(k, t)))
            break;
    k->task = NULL;
}

void keeper_start(struct keeper *k)
{
    k->stopping = false;
    k->task = task_start(k->name, 0, run, k);
}

void keeper_stop(struct keeper *k)
{
    k->stopping = true;
    if (k->task)
        task_cancel(k->task);
}
