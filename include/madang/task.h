/* loop: task — straight-line code that may wait.
 *
 * A task runs on a stack of its own. Whatever waits parks the task and lets the loop go on. A function that can wait
 * takes the task (or the call that holds it): there is no hidden current task. Tasks never resume tasks: a
 * completion marks the task ready and the loop runs it later in the turn.
 * Disadvantages: each waiting task keeps the stack pages that it touched (about 8 KiB); frames must stay small
 * (a guard page ends the process otherwise); and a wait is a hole in every invariant: what was read before it may have changed.
 */
#ifndef MADANG_TASK_H
#define MADANG_TASK_H

#include "madang/loop.h"

struct task;
typedef void task_run(struct task *t, void *arg);

/* Starts run(t, arg) later in this turn. `name` must outlive the task. `deadline_ms` of clock_ms(), 0: none; every wait of the
 * task ends by then. The task ends by returning. */
struct task *task_start(const char *name, uint64_t deadline_ms, task_run *run, void *arg);
/* Asks the task to end: its present and every further wait fails with CANCELLED. Only while the task is known to live. */
void task_cancel(struct task *t);
void task_cancel_all(void);
bool task_is_cancelled(const struct task *t);
uint64_t task_deadline_ms(const struct task *t);
void task_set_deadline(struct task *t, uint64_t deadline_ms);
size_t task_count(void);
/* While a transaction is open nothing outside may be waited for; the tx holds and releases this mark. */
void task_foreign_forbid(struct task *t, int by);
bool task_foreign_is_forbidden(const struct task *t);

/* One wait. Lies in the frame of who waits, or in what outlives it. Subsystems call wait_done() exactly once.
 * Cancelling has two phases: cancel(w) asks the subsystem, and the task stays parked until wait_done(w) says that
 * nothing points into its frame any more. wait_done() within cancel() is allowed. */
struct wait {
    struct task *task; /* set while parked */
    void (*cancel)(struct wait *w);
    problem result, stopped;
    bool is_done;
};
void wait_init(struct wait *w, void (*cancel)(struct wait *w));
void wait_done(struct wait *w, problem result);
/* The result; or DEADLINE or CANCELLED when that came first. deadline_ms 0: the task's own. */
problem task_wait_at(struct task *t, struct wait *w, uint64_t deadline_ms, const char *file, int line) MUST_USE;
#define task_wait(t, w, deadline_ms) task_wait_at((t), (w), (deadline_ms), __FILE__, __LINE__)
problem task_sleep(struct task *t, uint64_t ms) MUST_USE; /* NULL when it slept to the end */

/* Children that never outlive the function that made them: scope_open, scope_start…, scope_join on every path out. */
struct scope {
    struct task *owner;
    struct list children;
    struct wait joined;
};
void scope_open(struct scope *s, struct task *owner);
struct task *scope_start(struct scope *s, const char *name, task_run *run, void *arg);
void scope_cancel(struct scope *s);
void scope_join(struct scope *s); /* waits for all; when the owner is cancelled, so are they */

/* For the operator's list. */
struct task_info {
    uint64_t id, age_ms, waiting_ms;
    const char *name, *file;
    int line;
};
void task_each(void (*each)(const struct task_info *i, void *arg), void *arg);

#endif
