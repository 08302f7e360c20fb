/* loop: loop — the one event loop of the process.
 *
 * Everything but thread-pool work runs on its thread. A turn is: events, then ready tasks, then the turn hooks (which
 * send what the turn has written: one writev a socket, one flush a database connection). There is one loop a process by
 * design, hence no handle; to use more cores start more processes.
 */
#ifndef MADANG_LOOP_H
#define MADANG_LOOP_H

#include <uv.h>

#include "madang/clock.h"
#include "madang/list.h"
#include "madang/problem.h"

/* clock_ms() as it was when this turn's events came, without reading the clock: for what may be off by a turn. */
uint64_t loop_ms(void);
uint64_t loop_us(void); /* clock_us() when the first event of this turn was handled */
void loop_start(void);
void loop_run(void);   /* until nothing is left */
void loop_rest(void);  /* no work comes any more: nothing of the loop's own keeps loop_run() from returning */
void loop_close(void); /* every handle must be closed or closing; joins the thread pool's work */
uv_loop_t *loop_uv(void);

/* Runs at the end of each turn in which it was armed, in the order of arming; disarmed before it runs. */
struct turn_hook {
    struct list node;
    void (*run)(struct turn_hook *h);
};
void turn_hook_init(struct turn_hook *h, void (*run)(struct turn_hook *h));
void turn_hook_arm(struct turn_hook *h); /* harmless when armed */

/* Says that an event of this turn is being handled: the first one begins the turn's work. For callbacks of libuv; what runs
 * after the poll is counted anyway. */
void loop_event(void);
/* The longest turn since the last call, and the mean: microseconds of work on the loop. */
struct loop_lag {
    uint64_t max_us, mean_us;
};
struct loop_lag loop_lag_take(void);

/* A cheap timer: 32 bytes in its owner, about 16 ms coarse, one uv_timer for all. Never fires early. Putting one off costs next
 * to nothing: it stays where it lies until its old time comes. */
struct timer {
    struct list node;
    uint32_t due, slot; /* in ticks of clock_ms(): when it fires, and where it lies until then */
    void (*run)(struct timer *t);
};
void timer_init(struct timer *t, void (*run)(struct timer *t));
void timer_set(struct timer *t, uint64_t at_ms); /* of clock_ms(); sets anew when set already */
void timer_set_after(struct timer *t, uint64_t delay_ms);
void timer_clear(struct timer *t);
bool timer_is_set(const struct timer *t);

#endif
