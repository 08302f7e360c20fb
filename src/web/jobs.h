/* web: jobs — the runner: rows taken, run, finished; periodic work without a leader; what the operator sees of it. */
#ifndef MADANG_JOBS_RUNNER_H
#define MADANG_JOBS_RUNNER_H

#include "madang/calls.h"

void jobs_start(void);
void jobs_stop(void); /* takes no more; what runs is cancelled with the tasks */

problem jobs_look(struct call *c); /* what there is, for /lists/jobs, /lists/jobs-dead and the metrics */
void jobs_list_start(void);
void jobs_list_stop(void);
extern struct statement_table jobs_list_statements;

extern const struct feature jobs_feature; /* its periodic sweeping */

#endif
