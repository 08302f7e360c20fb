/* A hashed wheel: a timer lies in the slot of a tick modulo the wheel, that of its own or, when it was put off, an earlier one;
 * when the slot comes by and it is not due, it moves on. A bitmap of slots in use tells how long to sleep. What is due runs after
 * the poll: an answer that has arrived is taken before the timer that waits for it, however late the loop is. */
#include "loop_parts.h"

#define TICK_MS 16
#define SLOTS 1024

static struct list slots[SLOTS];
static uint64_t in_use[SLOTS / 64];
static uint64_t tick_done; /* the last tick whose slot was run */
static uint64_t wake_tick; /* when the uv_timer is set to fire; 0: not */
static size_t count;
static uv_timer_t wake;
static bool woken;

/* Ticks are kept in 32 bits, which pass their end after 795 days of the machine: which of two is later tells their distance. */
static bool is_later(uint64_t tick, uint64_t than)
{
    return (int32_t)((uint32_t)tick - (uint32_t)than) > 0;
}

static uint64_t tick_of(uint64_t ms)
{
    return (ms + TICK_MS - 1) / TICK_MS;
}

/* Ticks from `after` to the next slot in use, 1..SLOTS; the wheel must not be empty. */
static uint64_t ticks_to_next(uint64_t after)
{
    for (uint64_t ahead = 1; ahead < SLOTS; ahead++) {
        uint64_t slot = (after + ahead) % SLOTS;

        if (in_use[slot / 64] == 0 && slot % 64 == 0) {
            ahead += 63;
            continue;
        }
        if (in_use[slot / 64] >> slot % 64 & 1)
            return ahead;
    }
    return SLOTS;
}

static void on_wake(uv_timer_t *t);

static void sleep_until(uint64_t tick)
{
    uint64_t now = clock_ms(), at = tick * TICK_MS;

    wake_tick = tick;
    uv_update_time(loop_uv()); /* else the delay counts from the turn's beginning and fires early */
    uv_timer_start(&wake, on_wake, at > now ? at - now : 0, 0);
}

static void lie_down(struct timer *t)
{
    t->slot = t->due;
    list_append(&slots[t->slot % SLOTS], &t->node);
    in_use[t->slot % SLOTS / 64] |= UINT64_C(1) << t->slot % 64;
}

static void run_slot(uint64_t tick)
{
    struct list due, *node;

    list_init(&due);
    list_splice(&due, &slots[tick % SLOTS]);
    in_use[tick % SLOTS / 64] &= ~(UINT64_C(1) << tick % 64);
    while ((node = list_take_first(&due)) != NULL) {
        struct timer *t = CONTAINER_OF(node, struct timer, node);

        if (is_later(t->due, tick)) {
            lie_down(t);
        } else {
            count--;
            t->run(t);
        }
    }
}

static void on_wake(uv_timer_t *t)
{
    (void)t;
    woken = true;
    loop_keep_going();
}

bool timers_are_due(void)
{
    return woken;
}

void timers_run(void)
{
    uint64_t now = clock_ms() / TICK_MS;

    if (!woken)
        return;
    woken = false;
    wake_tick = 0;
    if (now > tick_done + SLOTS)
        tick_done = now - SLOTS; /* asleep for a whole round: every slot once is enough */
    while (tick_done < now && count)
        run_slot(++tick_done);
    if (count)
        sleep_until(tick_done + ticks_to_next(tick_done));
}

void timers_start(uv_loop_t *uv)
{
    for (size_t i = 0; i < SLOTS; i++)
        list_init(&slots[i]);
    CHECK(uv_timer_init(uv, &wake) == 0);
    tick_done = clock_ms() / TICK_MS;
    wake_tick = 0;
}

void timers_close(void)
{
    uv_close((uv_handle_t *)&wake, NULL);
}

void timer_init(struct timer *t, void (*run)(struct timer *t))
{
    list_init(&t->node);
    t->run = run;
}

void timer_set(struct timer *t, uint64_t at_ms)
{
    uint64_t tick = tick_of(at_ms);

    if (count == 0)
        tick_done = clock_ms() / TICK_MS;
    if (tick > tick_done + INT32_MAX)
        tick = tick_done + INT32_MAX; /* 397 days: nothing here waits longer */
    if (timer_is_set(t) && !is_later(t->slot, tick)) {
        t->due = (uint32_t)tick;
        return;
    }
    timer_clear(t);
    if (tick <= tick_done)
        tick = tick_done + 1;
    t->due = (uint32_t)tick;
    lie_down(t);
    count++;
    if (wake_tick == 0 || tick < wake_tick)
        sleep_until(tick);
}

void timer_set_after(struct timer *t, uint64_t delay_ms)
{
    timer_set(t, clock_ms() + delay_ms);
}

void timer_clear(struct timer *t)
{
    if (!timer_is_set(t))
        return;
    list_remove(&t->node);
    count--;
}

bool timer_is_set(const struct timer *t)
{
    return !list_is_empty(&t->node);
}
