/* Statements of the accounts feature as typed functions. */
#ifndef MADANG_ACCOUNTS_STORE_H
#define MADANG_ACCOUNTS_STORE_H

#include "accounts_wire.h"
#include "madang/page.h"

extern struct statement_table accounts_statements;
extern struct constraint_table accounts_constraints;

struct identity {
    int64_t id;
    struct word role, locale;
    struct opt_text password;
    bool suspended;
};
problem account_by_email(struct store_on on, struct text email, struct identity *out, bool *found) MUST_USE;
problem account_by_id(struct store_on on, int64_t account, struct identity *out, bool *found) MUST_USE;
problem account_by_provider(struct store_on on, struct text provider, struct text subject, struct identity *out,
                            bool *found) MUST_USE;
problem account_add(struct tx *tx, enum role role, struct opt_text email, struct opt_text password, struct opt_date birth,
                    enum locale locale, int64_t guest_s, int64_t *id) MUST_USE;
problem guest_lock(struct tx *tx, int64_t account, bool *is_guest) MUST_USE; /* until the end of tx */
problem guest_upgrade(struct tx *tx, int64_t account, struct text email, struct text password, struct date birth,
                      enum locale locale, bool *done) MUST_USE;
problem account_identity_add(struct tx *tx, struct text provider, struct text subject, int64_t account) MUST_USE;
/* *done false: the session that asked for it has ended. */
problem account_identity_join(struct tx *tx, struct text provider, struct text subject, int64_t account, struct text session,
                              bool *done) MUST_USE;
problem account_consents_add(struct tx *tx, int64_t account, const struct consent_versions *v) MUST_USE;
/* Both end every link to a new password that was mailed before. *done false: the account is not as it was found (`was`). */
problem account_password_set(struct tx *tx, int64_t account, struct text hash, struct opt_text was, bool *done) MUST_USE;
problem account_email_set(struct tx *tx, int64_t account, struct text email, struct text was, struct text password,
                          bool *done) MUST_USE;
problem account_password_rehash(struct call *c, int64_t account, struct text was,
                                struct text hash) MUST_USE; /* the same password */
/* Holds the account until the end of tx; *held false: it has left, or has another password. */
problem account_hold(struct tx *tx, int64_t account, struct opt_text password, bool *held) MUST_USE;
problem account_email_of(struct store_on on, int64_t account, struct text *email) MUST_USE;
/* *done false: the address is not the account's any more. */
problem account_password_token_add(struct tx *tx, struct text hash, int64_t account, struct text email, bool *done) MUST_USE;
problem account_password_token_use(struct tx *tx, struct text hash, int64_t *account, bool *found) MUST_USE;

struct family {
    struct text id, current, previous, sealed;
    int64_t account, generation, left_s;
    struct word role;
    bool suspended;
};
struct ended_lately {
    struct text id;
    struct instant at;
    bool suspended;
};
struct ended_lately_list {
    struct ended_lately *at;
    size_t count;
};
#define ENDED_LATELY_MAX 200
/* Sessions that ended behind `from`, and not more than `life_s` seconds ago: those whose access tokens have not run out. */
problem sessions_ended_lately(struct call *c, const struct ended_lately *from, int64_t life_s,
                              struct ended_lately_list *out) MUST_USE;
problem session_add(struct tx *tx, const struct family *f, struct text device, struct text address) MUST_USE;
problem session_load(struct call *c, struct text id, struct family *out, bool *found) MUST_USE;
/* The twin follows the lease; *found: the session stands. */
problem session_follow(struct call *c, const struct family *f, struct family *out, bool *found) MUST_USE;
problem session_store_end(struct store_on on, int64_t account, struct text id, bool *found) MUST_USE;
/* All but `keep`; their ids. */
struct ended {
    struct text id;
};
struct ended_list {
    struct ended *at;
    size_t count;
};
problem sessions_end(struct store_on on, int64_t account, struct text keep, struct ended_list *out) MUST_USE;
problem sessions_of(struct call *c, struct session_list *out) MUST_USE;

problem me_read(struct store_on on, struct me *out) MUST_USE;
problem account_onboard(struct tx *tx, const struct onboarding *in, bool *done) MUST_USE;
struct profile_changed {
    struct opt_i64 old_avatar;
    bool renamed;
    int64_t renames; /* of this account, this one counted */
};
problem account_profile_change(struct tx *tx, const struct profile_change *in, struct profile_changed *out) MUST_USE;
problem nickname_free(struct store_on on, struct text nickname, bool *free) MUST_USE; /* for the account that calls */
/* Until the end of tx nobody else takes one that looks the same; NICKNAME_TAKEN. */
problem nickname_take(struct tx *tx, struct text nickname) MUST_USE;
problem person_read(struct call *c, int64_t account, struct person *out, bool *found) MUST_USE;
problem people_find(struct call *c, const struct search *in, const struct cursor *from, struct found_list *out) MUST_USE;
problem points_read(struct call *c, const struct points_page *in, struct points_list *out) MUST_USE;
/* First the account's own row, then (what ended its sessions needed them) what else is its alone. */
problem account_leave(struct tx *tx, int64_t account, struct opt_i64 *avatar) MUST_USE;
problem account_leave_rest(struct tx *tx, int64_t account) MUST_USE;
struct guest_rows {
    int64_t *at;
    size_t count;
};
problem guests_ended(struct call *c, struct guest_rows *out) MUST_USE; /* a week ago and longer; 100 of them */
problem guest_end(struct tx *tx, int64_t account) MUST_USE;            /* harmless when it has come back since */
problem account_export(struct call *c, struct account_export *out) MUST_USE;
problem account_suspend_row(struct tx *tx, int64_t account, const struct standing *becomes, struct standing *was,
                            bool *found) MUST_USE;
problem accounts_sweep(struct call *c) MUST_USE;

problem account_is_avatar(struct call *c, int64_t file, bool *yes) MUST_USE;

/* For the command line, blocking: rows touched; -1, and logged: it failed. */
struct account_line {
    int64_t id;
    struct text role, nickname, email;
    bool suspended;
};
struct account_lines {
    struct account_line *at;
    size_t count;
};
problem account_promote(struct tx *tx, struct text email, struct text role) MUST_USE; /* of a member and above */
int64_t account_promote_now(struct arena *a, struct text email, struct text role);
int64_t account_suspend_now(struct arena *a, struct text email, int64_t days, struct text why);
int64_t accounts_now(struct arena *a, struct text word, struct account_lines *out);

#endif
