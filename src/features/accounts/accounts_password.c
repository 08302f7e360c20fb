/* Passwords and addresses: forgotten, changed. */
#include "accounts_parts.h"
#include "accounts_rules.h"
#include "madang/password.h"
#include "madang/random.h"

problem auth_password_forgot(struct call *c)
{
    const struct password_forgot *in = c->in;
    struct text email = email_normal(c->arena, in->email), token = random_token(c->arena, 32);
    struct tx tx TX_SCOPE = { 0 };
    struct identity who;
    bool known;
    problem p;

    if ((p = store_identity_by_email(store_on_call(c), email, &who, &known)) || !known)
        return p; /* the same answer, whether known or not */
    if ((p = tx_begin(c, &tx)) || (p = store_password_token_add(&tx, secret_hash(c->arena, token), who.id)) ||
        (p = letter_password(c, store_on_tx(&tx), email, token, who.locale.value == LOCALE_KO)))
        return p;
    return tx_commit(&tx);
}

/* The new hash, every session but this one ended, and a letter to the owner. */
static problem set_password(struct tx *tx, int64_t account, struct text hash, struct text keep)
{
    struct call *c = tx->call;
    struct text email;
    problem p;

    if ((p = store_email_of(c, account, &email)) || (p = store_password_set(store_on_tx(tx), account, hash)) ||
        (p = sessions_end_all(tx, account, keep)))
        return p;
    return email.len ? letter_password_changed(c, store_on_tx(tx), email, c->korean) : NULL;
}

problem auth_password_reset(struct call *c)
{
    const struct password_reset *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    struct text hash;
    int64_t account;
    bool found;
    problem p;

    if ((p = password_hash(c->task, c->arena, in->password, &hash)) || (p = tx_begin(c, &tx)) ||
        (p = store_password_token_use(&tx, secret_hash(c->arena, in->token), &account, &found)))
        return p;
    if (!found)
        return PROBLEM(PASSWORD_TOKEN_INVALID);
    if ((p = set_password(&tx, account, hash, T(""))))
        return p;
    return tx_commit(&tx);
}

static problem check_password(struct call *c, struct text password, struct identity *who)
{
    bool found, ok, old;
    problem p = store_identity_by_id(store_on_call(c), c->account, who, &found);

    if (p)
        return p;
    if ((p = password_check(c->task, password, found ? who->password.value : T(""), &ok, &old)))
        return p;
    return ok ? NULL : PROBLEM(PASSWORD_WRONG);
}

problem auth_password_change(struct call *c)
{
    const struct password_change *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    struct identity who;
    struct text hash;
    problem p;

    if ((p = check_password(c, in->old_password, &who)) || (p = password_hash(c->task, c->arena, in->new_password, &hash)) ||
        (p = tx_begin(c, &tx)) || (p = set_password(&tx, c->account, hash, c->session)))
        return p;
    return tx_commit(&tx);
}

problem auth_email_change(struct call *c)
{
    const struct email_change *in = c->in;
    struct text fresh = email_normal(c->arena, in->email), old;
    struct tx tx TX_SCOPE = { 0 };
    struct identity who;
    problem p;

    if ((p = check_password(c, in->password, &who)) || (p = store_email_of(c, c->account, &old)) ||
        (p = lease_code_use(c, CODE_EMAIL, old, in->code_old)) || (p = lease_code_use(c, CODE_EMAIL, fresh, in->code_new)) ||
        (p = tx_begin(c, &tx)) || (p = store_email_set(&tx, c->account, fresh)))
        return p;
    return tx_commit(&tx);
}
