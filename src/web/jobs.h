/* web: jobs — the runner: rows taken, run, finished; periodic work without a leader; what the operator sees of it. */
#ifndef MADANG_JOBS_RUNNER_H
#define MADANG_JOBS_RUNNER_H

#include "madang/calls.h"

void jobs_start(void);
void jobs_stop(void); /* takes no more; what runs is cancelled with the tasks */

struct kind_line {
    struct text kind;
    int64_t waiting, running, dead, late_s;
};
struct dead_line {
    int64_t id, attempts;
    struct text kind, error;
    struct instant at;
};
extern const struct statement jobs_kinds, jobs_dead; /* rows of these */
problem jobs_look(struct call *c);                   /* what there is, for /lists/jobs, /lists/jobs-dead and the metrics */
void jobs_list_start(void);
void jobs_list_stop(void);
extern struct statement_table jobs_list_statements, jobs_command_statements;
int jobs_command(int count, char **arguments);

extern const struct feature jobs_feature; /* its periodic sweeping */

#endif
