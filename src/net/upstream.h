/* net: upstream — the outside services by name: how many requests are on their way, how they went, and each one's breaker. */
#ifndef MADANG_UPSTREAM_H
#define MADANG_UPSTREAM_H

#include "breaker.h"
#include "madang/call.h"

struct upstream {
    const char *name;
    struct breaker breaker;
    size_t running;
    uint64_t ok, failed;
};

/* Counted as running from here on; OVERLOADED past `at_once` (0: 64), UPSTREAM_UNAVAILABLE while the breaker is open. */
problem upstream_enter(struct call *c, const char *name, size_t at_once, struct upstream **out) MUST_USE;
/* What an end says of the service: nothing is said when we ended it ourselves. */
enum upstream_verdict { UPSTREAM_WELL, UPSTREAM_ILL, UPSTREAM_UNTOLD };
void upstream_leave(struct upstream *u, bool failed, enum upstream_verdict verdict);
void upstreams_start(void); /* the operator's list */

#endif
