#include "madang/problem.h"

const struct problem_def problem_table[PROBLEM_COUNT] = {
#define X_PROBLEM(id, code, status, retry, en, ko) [PROBLEM_##id] = { code, status, retry, en, ko },
#include "madang/rows.h"
};
