/* What the accounts feature keeps in Redis: session families, mailed codes, failed logins. */
#ifndef MADANG_ACCOUNTS_LEASE_H
#define MADANG_ACCOUNTS_LEASE_H

#include "accounts_store.h"

enum rotation { ROTATED, SAME_SUCCESSOR, REUSED, FORGOTTEN };

/* Uses the presented refresh secret of a family. ROTATED: `fresh` is its successor; SAME_SUCCESSOR: *fresh becomes the one that
 * was made before. `family` gets generation, hashes and sealed successor, for the twin. */
problem session_rotate(struct call *c, struct family *family, struct text presented, struct text *fresh,
                       enum rotation *how) MUST_USE;
problem session_fill(struct call *c, const struct family *family) MUST_USE;
void session_drop(struct call *c, struct text session); /* best effort: the twin has ended */

/* A code of six digits for a purpose and an address; RATE_LIMITED when one was sent within [login] code_resend_s. `mark` says
 * what it was given for: with another mark the code is wrong. */
problem code_make(struct call *c, enum code_purpose purpose, struct text email, struct text mark, struct text *code) MUST_USE;
problem code_use(struct call *c, enum code_purpose purpose, struct text email, struct text mark,
                 struct text code) MUST_USE;                        /* CODE_WRONG */
struct text code_mark(struct arena *a, const struct identity *who); /* of an account as it is now; of nobody: empty */

/* Before a login: RATE_LIMITED; *wants_code when the account has failed too often. Afterwards: count a failure, or forget. */
problem login_gate(struct call *c, struct text email, bool *wants_code) MUST_USE;
void login_failed(struct call *c, struct text email);
void login_succeeded(struct call *c, struct text email);

/* What a browser that went to a provider brings back: one-time, ten minutes. */
problem oauth_keep(struct call *c, struct text state, struct text json) MUST_USE;
problem oauth_take(struct call *c, struct text state, struct text *json) MUST_USE; /* OAUTH_STATE */

struct text session_secret_hash(struct arena *a, struct text secret); /* hex */

#endif
