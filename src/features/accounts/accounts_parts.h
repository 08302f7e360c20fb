/* What the files of the accounts feature share. */
#ifndef MADANG_ACCOUNTS_PARTS_H
#define MADANG_ACCOUNTS_PARTS_H

#include "accounts_lease.h"

/* Begins a session within the transaction: refresh cookie and access token into c. Commit, then session_begun(). */
problem session_begin(struct tx *tx, int64_t account, enum role role, struct logged_in *out, struct family *f) MUST_USE;
void session_begun(struct call *c, const struct family *f);
/* What a guest has becomes the account's, and the guest's sessions end; nothing when it is no guest's any more. */
problem guest_take(struct tx *tx, int64_t guest, int64_t account) MUST_USE;
/* An access token of a session. */
void session_token(struct call *c, int64_t account, enum role role, struct text session, struct logged_in *out);
/* Ends a session (all but `keep` when `session` is empty) and closes its sockets everywhere. */
problem sessions_end_all(struct tx *tx, int64_t account, struct text keep) MUST_USE;

problem auth_code_send(struct call *c) MUST_USE;
problem auth_signup(struct call *c) MUST_USE;
problem auth_login(struct call *c) MUST_USE;
problem auth_refresh(struct call *c) MUST_USE;
problem auth_logout(struct call *c) MUST_USE;
problem auth_guest(struct call *c) MUST_USE;
problem auth_verify(struct call *c) MUST_USE;
problem auth_password_forgot(struct call *c) MUST_USE;
problem auth_password_reset(struct call *c) MUST_USE;
problem auth_password_change(struct call *c) MUST_USE;
problem auth_email_change(struct call *c) MUST_USE;
problem sessions_list(struct call *c) MUST_USE;
problem session_end(struct call *c) MUST_USE;
problem sessions_end_others(struct call *c) MUST_USE;

problem oauth_start(struct call *c) MUST_USE;
problem oauth_callback(struct call *c) MUST_USE;
problem oauth_link(struct call *c) MUST_USE;

problem me_get(struct call *c) MUST_USE;
problem me_onboard(struct call *c) MUST_USE;
problem me_update(struct call *c) MUST_USE;
problem me_points(struct call *c) MUST_USE;
problem me_leave(struct call *c) MUST_USE;
problem me_export(struct call *c) MUST_USE;
problem nickname_check(struct call *c) MUST_USE;
problem people_get(struct call *c) MUST_USE;
problem people_search(struct call *c) MUST_USE;
problem account_suspend_call(struct call *c) MUST_USE;
problem account_unsuspend_call(struct call *c) MUST_USE;

problem account_left(struct call *c, const void *payload) MUST_USE;
problem guests_sweep(struct call *c) MUST_USE;

extern const struct event_def me_changed_event;
extern const struct shape account_left_shape;

void accounts_ended_start(void);
void accounts_ended_stop(void);

#define CLOSE_LOGIN 4401
#define CLOSE_SUSPENDED 4403

/* Letters, in the reader's language. */
problem letter_code(struct call *c, struct store_on on, struct text to, struct text code, bool korean) MUST_USE;
problem letter_known(struct call *c, struct text to, bool korean) MUST_USE;
problem letter_password(struct call *c, struct store_on on, int64_t account, struct text to, struct text token,
                        bool korean) MUST_USE;
/* With the links themselves: one that still waits is not sent any more. */
problem letter_password_drop(struct store_on on, int64_t account) MUST_USE;
problem letter_password_changed(struct call *c, struct store_on on, struct text to, bool korean) MUST_USE;

int account_create(int count, char **arguments, struct arena *a); /* what stands behind "create" */
int account_command(int count, char **arguments);
int account_promote_command(int count, char **arguments); /* an older spelling */

#endif
