/* web: jobs — work that outlives the call that caused it: a row of Postgres, taken by one node at a time, tried again.
 *
 * A job may run twice (a node dies behind its last step): what it does is tied to rows, or harmless when repeated. A kind
 * that no node knows waits. Periodic work has one row for its kind, and is never given up.
 */
#ifndef MADANG_JOBS_H
#define MADANG_JOBS_H

#include "madang/store.h"

/* What runs beside what: each lane has a bound of its own ([jobs] …_at_once), so that a slow one holds no other up. */
enum job_lane { JOB_HOUSE, JOB_MAIL, JOB_MONEY, JOB_MEDIA, JOB_LANES };

struct job_def {
    const char *kind;
    enum job_lane lane;
    const struct shape *payload; /* NULL: periodic work without one */
    problem (*run)(struct call *c, const void *payload);
    int64_t every_s;  /* periodic; 0: queued by features */
    int attempts_max; /* 0: 10 */
    int64_t run_s;    /* how long it may take, or until job_prolong(); 0: 50 */
    problem final;    /* another attempt would end with this as well: it is given up at once */
};

struct job_options {
    int64_t due_ms;  /* from now */
    struct text key; /* what it is about: a later one of the kind takes the place of one that waits, payload and time */
};
/* Queues a job within the transaction or on its own. job_add(on, "kind", &payload, .due_ms = 500, .key = order). */
problem job_queue(struct store_on on, const char *kind, const void *payload, struct job_options o) MUST_USE;
/* clang-format off */
#define job_add(on, kind, payload, ...) job_queue(STORE_ON(on), kind, payload, (struct job_options){ __VA_ARGS__ })
/* clang-format on */
/* Takes back the one that waits; one that runs already goes on. */
problem job_drop(struct store_on on, const char *kind, struct text key) MUST_USE;
/* From within a job: it has its whole time again. CONFLICT: another has taken it, stop. Cheap enough for every step. */
problem job_prolong(struct call *c) MUST_USE;

#endif
