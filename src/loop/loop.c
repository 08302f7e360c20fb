#include "loop_parts.h"
#include "madang/pool.h"
#include "madang/worker.h"

#define TASKS_PER_TURN 512

static uv_loop_t uv;
static uv_prepare_t before_poll;
static uv_check_t after_poll;
static uv_idle_t keep_going;
static struct list hooks;
static uint64_t turn_began_us; /* when its first event was handled; 0: none has come */
static struct {
    uint64_t max_us, total_us, turns;
} lag;

uv_loop_t *loop_uv(void)
{
    return &uv;
}

uint64_t loop_ms(void)
{
    return uv_now(&uv);
}

static void do_nothing(uv_idle_t *idle)
{
    (void)idle;
}

void loop_keep_going(void)
{
    uv_idle_start(&keep_going, do_nothing);
}

void turn_hook_init(struct turn_hook *h, void (*run)(struct turn_hook *h))
{
    list_init(&h->node);
    h->run = run;
}

void turn_hook_arm(struct turn_hook *h)
{
    if (!list_is_empty(&h->node))
        return;
    list_append(&hooks, &h->node);
    loop_keep_going();
}

static void run_hooks(void)
{
    struct list now, *node;

    list_init(&now);
    list_splice(&now, &hooks);
    while ((node = list_take_first(&now)) != NULL) {
        struct turn_hook *h = CONTAINER_OF(node, struct turn_hook, node);

        h->run(h);
    }
}

static void finish_turn(void)
{
    bool left = tasks_run_ready(TASKS_PER_TURN);

    run_hooks();
    if (!left && !tasks_are_ready() && !timers_are_due() && list_is_empty(&hooks))
        uv_idle_stop(&keep_going);
}

void loop_event(void)
{
    if (!turn_began_us)
        turn_began_us = clock_us();
}

static void on_after_poll(uv_check_t *check)
{
    (void)check;
    loop_event();
    timers_run();
    finish_turn();
}

uint64_t loop_us(void)
{
    loop_event();
    return turn_began_us;
}

/* The turn's work ends where the poll begins. */
static void on_before_poll(uv_prepare_t *prepare)
{
    uint64_t took;

    (void)prepare;
    finish_turn();
    took = turn_began_us ? clock_us() - turn_began_us : 0;
    turn_began_us = 0;
    lag.turns++;
    lag.total_us += took;
    lag.max_us = took > lag.max_us ? took : lag.max_us;
}

struct loop_lag loop_lag_take(void)
{
    struct loop_lag taken = { lag.max_us, lag.turns ? lag.total_us / lag.turns : 0 };

    memset(&lag, 0, sizeof lag);
    return taken;
}

void loop_start(void)
{
    workers_start();
    CHECK(uv_loop_init(&uv) == 0);
    list_init(&hooks);
    CHECK(uv_prepare_init(&uv, &before_poll) == 0 && uv_prepare_start(&before_poll, on_before_poll) == 0);
    CHECK(uv_check_init(&uv, &after_poll) == 0 && uv_check_start(&after_poll, on_after_poll) == 0);
    CHECK(uv_idle_init(&uv, &keep_going) == 0);
    uv_unref((uv_handle_t *)&before_poll);
    uv_unref((uv_handle_t *)&after_poll);
    timers_start(&uv);
    stacks_start();
}

void loop_rest(void)
{
    stacks_rest();
}

void loop_run(void)
{
    uv_run(&uv, UV_RUN_DEFAULT);
}

void loop_close(void)
{
    uv_close((uv_handle_t *)&before_poll, NULL);
    uv_close((uv_handle_t *)&after_poll, NULL);
    uv_close((uv_handle_t *)&keep_going, NULL);
    timers_close();
    uv_run(&uv, UV_RUN_DEFAULT);
    stacks_free();
    pools_free();
    CHECK(uv_loop_close(&uv) == 0);
    uv_library_shutdown(); /* joins the pool's threads, so that none outlives main */
}
