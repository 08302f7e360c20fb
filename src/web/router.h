/* web: router — from method and path to a row of the table of calls. */
#ifndef MADANG_ROUTER_H
#define MADANG_ROUTER_H

#include "madang/calls.h"

struct route_found {
    const struct call_def *calls[METHOD_COUNT]; /* at this path; all NULL: nothing is here */
    struct pair params[8];
    size_t param_count;
};

void router_add(const struct call_def *d);
void router_free(void);
/* False: a segment is not decodable, is . or .., or hides a slash. */
bool router_find(struct arena *a, struct text path, struct route_found *out) MUST_USE;

#endif
