/* web: errand — what a command does as a task on a loop of its own, so that it may call what handlers call.
 *
 * Nothing is served, no job runs and nothing is published meanwhile; outside services can be asked. Ends when the task does.
 */
#ifndef MADANG_ERRAND_H
#define MADANG_ERRAND_H

#include "madang/call.h"

enum errand_needs { ERRAND_ALONE, ERRAND_WITH_POSTGRES };

/* What `run` returned; STORE_UNAVAILABLE, and it did not run, when it needs Postgres and that is not reached within seconds. */
problem errand_run(const char *name, enum errand_needs needs, problem (*run)(struct call *c, void *arg), void *arg) MUST_USE;

#endif
