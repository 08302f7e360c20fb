/* Who is online, as Redis has it: account:node in a sorted set by expiry, and each account's latest expiry beside it. */
#ifndef MADANG_PRESENCE_LEASE_H
#define MADANG_PRESENCE_LEASE_H

#include "social_store.h"

problem presence_lease_up(struct call *c, int64_t account, bool *was_offline) MUST_USE;
problem presence_lease_down(struct call *c, int64_t account, bool *is_offline) MUST_USE;
problem presence_lease_renew(struct call *c, const int64_t *accounts, size_t count) MUST_USE;
/* Accounts whose friends have to be told how they are now: mine to tell until the claim is over. */
struct presence_claim {
    int64_t claim;
    LIST_OF(struct presence_change) changes;
};
problem presence_lease_sweep(struct call *c, struct presence_claim *out) MUST_USE;
problem presence_lease_told(struct call *c, int64_t claim, const int64_t *accounts, size_t count) MUST_USE;
problem presence_lease_untold(struct call *c, const int64_t *accounts, size_t count) MUST_USE; /* they are still to be told */
problem presence_lease_of(struct call *c, const int64_t *accounts, size_t count, bool *online) MUST_USE;

#endif
