/* base: problem — an error as a value from one table.
 *
 * A function that can fail returns a `problem`: NULL is success, anything else points into problem_table and
 * lives for ever. The idiom is `if ((p = f(c))) return p;`. What the table says is what clients see (RFC 9457);
 * a detail for them travels in the call, a cause for the operator in the log.
 */
#ifndef MADANG_PROBLEM_H
#define MADANG_PROBLEM_H

#include "madang/text.h"

struct problem_def {
    const char *code;    /* stable, "noun.what" */
    int status;          /* of HTTP */
    bool retry;          /* the same request may succeed later, unchanged */
    const char *en, *ko; /* one sentence for a person */
};

typedef const struct problem_def *problem;

enum problem_id {
#define X_PROBLEM(id, code, status, retry, en, ko) PROBLEM_##id,
#include "madang/rows.h"
    PROBLEM_COUNT
};

extern const struct problem_def problem_table[PROBLEM_COUNT];

#define PROBLEM(id) (&problem_table[PROBLEM_##id])

#endif
