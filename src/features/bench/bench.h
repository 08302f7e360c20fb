/* The calls of the benchmarks. */
#ifndef MADANG_BENCH_H
#define MADANG_BENCH_H

#include "madang/calls.h"

extern const struct feature bench_feature;

#endif
