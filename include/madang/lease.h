/* data: lease — what a node keeps alive in Redis, so that others see when the node is gone: a turn that is spoken, a place that
 * is held. A thing is a number or a name; its lease is renewed by whoever keeps it, and lapses when nobody does.
 *
 * After a time in which no node reached Redis nothing lapses until each node has had the time to keep its own. Scripts that do
 * more in one step have the same rules from src/data/lease.lua.
 */
#ifndef MADANG_LEASE_H
#define MADANG_LEASE_H

#include "madang/redis.h"

#define LAPSED_MAX 50

struct lease {
    const char *things, *rounds; /* keys, without the prefix: things by when their leases lapse; when they were last looked at */
    int64_t ms;
};
struct lapsed {
    LIST_OF(struct text) things;
};

/* Renews the leases of `mine` (one thing, or ALL_OF() several), or takes them. `lapsed`: at most LAPSED_MAX that nobody keeps,
 * each told to one asker only; NULL: they are not wanted now. Problems as those of redis_run(). */
problem lease_keep(struct call *c, const struct lease *l, struct value mine, struct lapsed *lapsed) MUST_USE;
/* Gives a last lease to those that have none: they lapse unless somebody keeps them. */
problem lease_doubt(struct call *c, const struct lease *l, struct value things) MUST_USE;
void lease_drop(struct arena *a, const struct lease *l, struct value thing); /* best effort: it lapses anyway */

#endif
