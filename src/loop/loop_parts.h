/* What the files of this folder share. */
#ifndef MADANG_LOOP_PARTS_H
#define MADANG_LOOP_PARTS_H

#include "madang/loop.h"
#include "madang/task.h"

void timers_start(uv_loop_t *uv);
void timers_run(void); /* what is due, after the poll */
bool timers_are_due(void);
void timers_close(void);
/* Runs ready tasks, at most `budget`; true when some are left. */
bool tasks_run_ready(size_t budget);
bool tasks_are_ready(void);
void stacks_start(void);
void stacks_rest(void);
void stacks_free(void);
void loop_keep_going(void); /* something is ready: the next poll must not block, nor the loop end */

#endif
