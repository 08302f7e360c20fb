/* web: jobs — work that outlives the call that caused it: rows taken, run, finished; periodic work without a leader. */
#ifndef MADANG_JOBS_H
#define MADANG_JOBS_H

#include "madang/calls.h"

void jobs_start(void);
void jobs_stop(void); /* takes no more; what runs is cancelled with the tasks */

extern const struct feature jobs_feature; /* its periodic sweeping */

#endif
