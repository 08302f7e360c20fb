/* loop: worker — work in libuv's thread pool, in classes with bounds.
 *
 * `run(arg)` runs on a pool thread while the task is parked; it must touch nothing but what `arg` points to. Work that has
 * begun cannot be stopped: a cancelled task stays parked until it ends. When `waiting_max` tasks wait, OVERLOADED at once.
 */
#ifndef MADANG_WORKER_H
#define MADANG_WORKER_H

#include "madang/task.h"

enum worker_class { WORKER_PASSWORD, WORKER_IMAGE, WORKER_FILE, WORKER_LETTER, WORKER_CLASSES };

problem worker_run(struct task *t, enum worker_class class, void (*run)(void *arg), void *arg) MUST_USE;
/* The same for work that can be asked to hurry: stop(arg), on the loop's thread, when the task no longer wants to wait. */
problem worker_run_until(struct task *t, enum worker_class class, void (*run)(void *arg), void (*stop)(void *arg),
                         void *arg) MUST_USE;
/* Before anything is asked of the pool: as many threads as all classes and the look-ups of names can hold. */
void workers_start(void);
void worker_limits(enum worker_class class, size_t running_max, size_t waiting_max);
struct worker_info {
    const char *name;
    size_t running, waiting, running_max, waiting_max;
    uint64_t refused, done;
};
struct worker_info worker_info(enum worker_class class);

#endif
