/* web: limits — token buckets for calls, by account or address; in this process, or in Redis for the whole cluster. */
#ifndef MADANG_LIMITS_H
#define MADANG_LIMITS_H

#include "madang/calls.h"

/* RATE_LIMITED with c->retry_after_s, or NULL. */
problem limits_check(struct call *c) MUST_USE;
/* Those by account, for a call that has found out only now whose it is. */
problem limits_check_account(struct call *c) MUST_USE;
void limits_stop(void);

#endif
