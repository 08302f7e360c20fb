/* Passwords and addresses: forgotten, changed. */
#include "accounts_parts.h"
#include "accounts_rules.h"
#include "madang/password.h"
#include "madang/random.h"

problem auth_password_forgot(struct call *c)
{
    const struct password_forgot *in = c->in;
    struct text email = account_email_normal(c->arena, in->email), token = random_token(c->arena, 32);
    struct tx tx TX_SCOPE = { 0 };
    struct identity who;
    bool known, added;
    problem p;

    if ((p = account_by_email(store_on_call(c), email, &who, &known)) || !known)
        return p; /* the same answer, whether known or not */
    if ((p = tx_begin(c, &tx)) ||
        (p = account_password_token_add(&tx, session_secret_hash(c->arena, token), who.id, email, &added)) || !added ||
        (p = letter_password(c, store_on_tx(&tx), who.id, email, token, who.locale.value == LOCALE_KO)))
        return p;
    return tx_commit(&tx);
}

/* The new hash, every link and every session but this one ended, and a letter to the owner. */
static problem set_password(struct tx *tx, int64_t account, struct text hash, struct opt_text was, struct text keep)
{
    struct call *c = tx->call;
    struct text email;
    bool done;
    problem p;

    if ((p = account_password_set(tx, account, hash, was, &done)))
        return p;
    if (!done)
        return PROBLEM(PASSWORD_WRONG); /* it was changed since it was looked at */
    if ((p = account_email_of(store_on_tx(tx), account, &email)) || (p = sessions_end_all(tx, account, keep)) ||
        (p = letter_password_drop(store_on_tx(tx), account)))
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
        (p = account_password_token_use(&tx, session_secret_hash(c->arena, in->token), &account, &found)))
        return p;
    if (!found)
        return PROBLEM(PASSWORD_TOKEN_INVALID);
    if ((p = set_password(&tx, account, hash, (struct opt_text){ ABSENT, T("") }, T(""))))
        return p;
    return tx_commit(&tx);
}

static problem check_password(struct call *c, struct text password, struct identity *who)
{
    bool found, ok, old;
    problem p = account_by_id(store_on_call(c), c->account, who, &found);

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
        (p = tx_begin(c, &tx)) || (p = set_password(&tx, c->account, hash, who.password, c->session)))
        return p;
    return tx_commit(&tx);
}

/* A code of the account that has the address, or of the address alone. */
static problem use_code(struct call *c, struct text email, struct text code)
{
    struct identity who = { 0 };
    bool known;
    problem p = account_by_email(store_on_call(c), email, &who, &known);

    return p ? p : code_use(c, CODE_EMAIL, email, code_mark(c->arena, &who), code);
}

problem auth_email_change(struct call *c)
{
    const struct email_change *in = c->in;
    struct text fresh = account_email_normal(c->arena, in->email), old;
    struct tx tx TX_SCOPE = { 0 };
    struct identity who;
    bool done;
    problem p;

    if ((p = check_password(c, in->password, &who)) || (p = account_email_of(store_on_call(c), c->account, &old)) ||
        (p = use_code(c, old, in->code_old)) || (p = use_code(c, fresh, in->code_new)) || (p = tx_begin(c, &tx)) ||
        (p = account_email_set(&tx, c->account, fresh, old, who.password.value, &done)))
        return p;
    if (!done)
        return PROBLEM(CODE_WRONG); /* the code was of what the account was a moment ago */
    if ((p = sessions_end_all(&tx, c->account, c->session)) || (p = letter_password_drop(store_on_tx(&tx), c->account)))
        return p;
    return tx_commit(&tx);
}
