/* features: accounts — what other features may ask of it. */
#ifndef MADANG_ACCOUNTS_H
#define MADANG_ACCOUNTS_H

#include "madang/calls.h"

extern const struct feature accounts_feature;

/* Suspends until the time, ends the sessions, closes the sockets with 4403. */
problem account_suspend(struct tx *tx, int64_t account, struct instant until, struct text reason) MUST_USE;

/* An account leaves: a feature takes away what is personal in its own tables, or says what still holds the account (unused
 * tickets). First within the transaction that ends it, when the account's own row is empty already. A hook does a bounded amount;
 * while it says *more it is called again, by a job, in transactions of their own. */
struct leave_hook {
    problem (*leave)(struct tx *tx, int64_t account, bool *more);
    struct leave_hook *next;
};
void account_leave_hook_add(struct leave_hook *h);

/* A guest has logged in to an account: what is theirs in a feature's own tables goes along. Within the transaction of the
 * login. */
struct guest_hook {
    problem (*take)(struct tx *tx, int64_t guest, int64_t account);
    struct guest_hook *next;
};
void guest_hook_add(struct guest_hook *h);

#endif
