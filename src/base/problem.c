#include "madang/problem.h"

const struct problem_def problem_table[PROBLEM_COUNT] = {
#define X(id, code, status, retry, en, ko) [PROBLEM_##id] = { code, status, retry, en, ko },
#include "problems.def"
#undef X
};

problem problem_by_code(struct text code)
{
    for (size_t i = 0; i < PROBLEM_COUNT; i++)
        if (text_is(text_of(problem_table[i].code), code))
            return &problem_table[i];
    return NULL;
}
