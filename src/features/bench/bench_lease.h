/* The bench feature's key in Redis. */
#ifndef MADANG_BENCH_LEASE_H
#define MADANG_BENCH_LEASE_H

#include "madang/call.h"

/* Holds the seat for the account for a second; *held is false when somebody has it. */
problem lease_bench_hold(struct call *c, int64_t seat, bool *held) MUST_USE;

#endif
