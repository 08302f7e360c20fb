/* Signing up, logging in, sessions. */
#include "accounts_parts.h"
#include "accounts_rules.h"
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/hub.h"
#include "madang/log.h"
#include "madang/password.h"
#include "madang/random.h"
#include "madang/seal.h"

#define ROTATE_TRIES 3

static void set_cookie(struct call *c, struct text session, struct text secret, int64_t life_s)
{
    c->cookie_out =
        arena_printf(c->arena, "__Host-madang_refresh=%.*s.%.*s; Path=/; Max-Age=%lld; HttpOnly; Secure; SameSite=Strict",
                     TEXT_ARG(session), TEXT_ARG(secret), (long long)life_s);
}

static void clear_cookie(struct call *c)
{
    c->cookie_out = T("__Host-madang_refresh=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict");
}

void session_token(struct call *c, int64_t account, enum role role, struct text session, struct logged_in *out)
{
    struct claims claims = { .account = account, .role = role, .expires_s = clock_wall_seconds() + config->session_access_s };

    CHECK(session.len == SESSION_ID_LEN);
    memcpy(claims.session, session.at, SESSION_ID_LEN);
    *out = (struct logged_in){ .account = account,
                               .role = { (int)role },
                               .access_token = token_make(c->arena, &claims),
                               .expires = { claims.expires_s * 1000000 },
                               .expires_in = config->session_access_s };
}

problem session_begin(struct tx *tx, int64_t account, enum role role, struct logged_in *out, struct family *f)
{
    struct call *c = tx->call;
    struct text secret = random_token(c->arena, 32);
    struct text device = text_until(c->agent, c->agent.len < 300 ? c->agent.len : 300);

    *f = (struct family){ .id = random_token(c->arena, 16),
                          .account = account,
                          .generation = 1,
                          .current = session_secret_hash(c->arena, secret),
                          .role = { (int)role },
                          .left_s = role == ROLE_GUEST ? config->session_guest_s : config->session_refresh_s };
    set_cookie(c, f->id, secret, f->left_s);
    session_token(c, account, role, f->id, out);
    return session_add(tx, f, utf8_is_valid(device) ? device : T("?"), call_address(c));
}

/* The lease; without Redis it is filled from the twin at first use. */
void session_begun(struct call *c, const struct family *f)
{
    problem p = session_fill(c, f);

    if (p)
        log_info("session", "the lease waits for its first use: %s", p->code);
}

problem auth_code_send(struct call *c)
{
    const struct code_request *in = c->in;
    enum code_purpose purpose = (enum code_purpose)in->purpose.value;
    struct text email = account_email_normal(c->arena, in->email), code;
    struct identity who = { 0 };
    bool known;
    problem p;

    if ((p = account_by_email(store_on_call(c), email, &who, &known)) ||
        (p = code_make(c, purpose, email, purpose == CODE_SIGNUP ? T("") : code_mark(c->arena, &who), &code)))
        return p;
    if (purpose == CODE_SIGNUP && known)
        return letter_known(c, email, c->korean); /* the answer is the same: who reads the mail learns it */
    return letter_code(c, store_on_call(c), email, code, c->korean);
}

static problem check_age(struct call *c, struct date birth)
{
    int age = person_age_at(birth, clock_wall());

    if (age < 0)
        return call_field_wrong(c, "/birth_date", "is not a birth date", "생년월일이 올바르지 않습니다");
    return age < AGE_MIN ? PROBLEM(UNDER_AGE) : NULL;
}

static problem signup_account(struct tx *tx, const struct signup *in, struct text email, struct text hash, int64_t *id)
{
    struct call *c = tx->call;
    enum locale locale = in->locale.is == PRESENT ? (enum locale)in->locale.value : c->korean ? LOCALE_KO : LOCALE_EN;
    bool upgraded = false;
    problem p;

    if (c->role == ROLE_GUEST && (p = guest_upgrade(tx, c->account, email, hash, in->birth_date, locale, &upgraded)))
        return p;
    *id = c->account;
    if (!upgraded && (p = account_add(tx, ROLE_NEWCOMER, (struct opt_text){ PRESENT, email }, (struct opt_text){ PRESENT, hash },
                                      (struct opt_date){ PRESENT, in->birth_date }, locale, 0, id)))
        return p;
    return account_consents_add(tx, *id, &in->consents);
}

problem auth_signup(struct call *c)
{
    const struct signup *in = c->in;
    struct text email = account_email_normal(c->arena, in->email), hash;
    struct tx tx TX_SCOPE = { 0 };
    struct family f;
    int64_t id;
    problem p;

    if ((p = check_age(c, in->birth_date)) || (p = code_use(c, CODE_SIGNUP, email, T(""), in->code)) ||
        (p = password_hash(c->task, c->arena, in->password, &hash)))
        return p;
    if ((p = tx_begin(c, &tx)) || (p = signup_account(&tx, in, email, hash, &id)) ||
        (p = session_begin(&tx, id, ROLE_NEWCOMER, c->out, &f)) || (p = tx_commit(&tx)))
        return p;
    session_begun(c, &f);
    return NULL;
}

static struct guest_hook *guest_hooks;

void guest_hook_add(struct guest_hook *h)
{
    h->next = guest_hooks;
    guest_hooks = h;
}

problem guest_take(struct tx *tx, int64_t guest, int64_t account)
{
    bool is_guest; /* a token may be older than the sign-up */
    problem p = guest_lock(tx, guest, &is_guest);

    if (p || !is_guest || guest == account)
        return p;
    for (struct guest_hook *h = guest_hooks; h && !p; h = h->next)
        p = h->take(tx, guest, account);
    return p ? p : sessions_end_all(tx, guest, T(""));
}

/* A session of an account whose password is still the one that was checked. */
static problem begin_alone(struct call *c, const struct identity *who)
{
    struct tx tx TX_SCOPE = { 0 };
    struct family f;
    bool held;
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = account_hold(&tx, who->id, who->password, &held)))
        return p;
    if (!held)
        return PROBLEM(LOGIN_FAILED);
    if ((c->role == ROLE_GUEST && (p = guest_take(&tx, c->account, who->id))) ||
        (p = session_begin(&tx, who->id, (enum role)who->role.value, c->out, &f)) || (p = tx_commit(&tx)))
        return p;
    session_begun(c, &f);
    return NULL;
}

static problem rehash(struct call *c, struct identity *who, struct text password)
{
    struct text hash, was = who->password.value;
    problem p = password_hash(c->task, c->arena, password, &hash);

    who->password.value = hash;
    return p ? p : account_password_rehash(c, who->id, was, hash);
}

/* The extra code that an account under attack asks for: mailed at the first try without it. */
static problem check_extra_code(struct call *c, const struct login *in, struct text email, const struct identity *who)
{
    struct text code;
    problem p;

    if (in->code.is == PRESENT)
        return code_use(c, CODE_LOGIN, email, code_mark(c->arena, who), in->code.value);
    p = code_make(c, CODE_LOGIN, email, code_mark(c->arena, who), &code);
    if (!p)
        p = letter_code(c, store_on_call(c), email, code, who->locale.value == LOCALE_KO);
    return p && p != PROBLEM(RATE_LIMITED) ? p : PROBLEM(LOGIN_CODE_REQUIRED);
}

problem auth_login(struct call *c)
{
    const struct login *in = c->in;
    struct text email = account_email_normal(c->arena, in->email);
    struct identity who = { 0 };
    bool known, ok, old, wants_code;
    problem p;

    if ((p = login_gate(c, email, &wants_code)) || (p = account_by_email(store_on_call(c), email, &who, &known)) ||
        (p = password_check(c->task, in->password, who.password.value, &ok, &old)))
        return p;
    if (!ok) {
        login_failed(c, email);
        return PROBLEM(LOGIN_FAILED);
    }
    if (wants_code && (p = check_extra_code(c, in, email, &who)))
        return p;
    if (who.suspended)
        return PROBLEM(SUSPENDED);
    login_succeeded(c, email);
    if (old && (p = rehash(c, &who, in->password)))
        return p;
    return begin_alone(c, &who);
}

problem auth_guest(struct call *c)
{
    struct tx tx TX_SCOPE = { 0 };
    struct opt_text none = { 0 };
    struct family f;
    int64_t id;
    problem p;

    if ((p = tx_begin(c, &tx)) ||
        (p = account_add(&tx, ROLE_GUEST, none, none, (struct opt_date){ 0 }, c->korean ? LOCALE_KO : LOCALE_EN,
                         config->session_guest_s, &id)) ||
        (p = session_begin(&tx, id, ROLE_GUEST, c->out, &f)) || (p = tx_commit(&tx)))
        return p;
    session_begun(c, &f);
    return NULL;
}

struct rotated {
    enum rotation how;
    struct text fresh;  /* the successor to tell */
    struct family twin; /* as it is now, if it was found */
    bool found, settled;
};

/* A refresh token that was replaced long ago came again: somebody has a copy. The family ends. */
static problem family_stolen(struct call *c, struct text session, int64_t account)
{
    bool found;
    problem p = session_store_end(store_on_call(c), account, session, &found);

    log_warn("session", "a used refresh token came again from %.*s: the session of account %lld ends%s",
             TEXT_ARG(call_address(c)), (long long)account, p ? ", once the database can be reached" : "");
    session_drop(c, session);
    hub_end_session(session, CLOSE_LOGIN);
    clear_cookie(c);
    return PROBLEM(REFRESH_INVALID);
}

/* One try: what Redis makes of the token, and what the durable twin says to that. *settled: they agree, or there is no twin. */
static problem rotate_once(struct call *c, struct family *f, struct text presented, struct rotated *r)
{
    bool known;
    problem p;

    r->fresh = random_token(c->arena, 32);
    if ((p = session_rotate(c, f, presented, &r->fresh, &r->how)))
        return p;
    known = r->how == ROTATED || r->how == SAME_SUCCESSOR;
    p = known ? session_follow(c, f, &r->twin, &r->found) : session_load(c, f->id, &r->twin, &r->found);
    r->settled = !r->found || (known && r->twin.generation == f->generation && text_is(r->twin.current, f->current));
    return p;
}

/* Redis may have forgotten the family, or be older than its twin (a snapshot, a replica that was promoted): then it is put right,
 * and asked again. A token is told only when the twin has it, too. */
static problem rotate(struct call *c, struct family *f, struct text presented, struct rotated *r)
{
    problem p;

    for (int i = 0; i < ROTATE_TRIES; i++) {
        if ((p = rotate_once(c, f, presented, r)) || r->settled || (i && r->how == REUSED))
            return p;
        if ((p = session_fill(c, &r->twin)))
            return p;
    }
    return r->how == FORGOTTEN ? PROBLEM(REFRESH_INVALID) : PROBLEM(LEASES_UNAVAILABLE); /* others rotate it as fast as we look */
}

problem auth_refresh(struct call *c)
{
    struct text presented, session = text_cut(c->cookie_in, '.', &presented);
    struct family f = { .id = session, .left_s = config->session_refresh_s };
    struct rotated r = { .found = false };
    problem p;

    if (!session_id_is_valid(session) || presented.len != 43)
        return PROBLEM(REFRESH_INVALID);
    if ((p = rotate(c, &f, presented, &r))) {
        if (p == PROBLEM(REFRESH_INVALID))
            clear_cookie(c);
        return p;
    }
    if (!r.found || r.twin.suspended) {
        session_drop(c, session);
        clear_cookie(c);
        return r.found ? PROBLEM(SUSPENDED) : PROBLEM(REFRESH_INVALID);
    }
    if (r.how == REUSED)
        return family_stolen(c, session, r.twin.account);
    set_cookie(c, session, r.fresh, config->session_refresh_s);
    session_token(c, r.twin.account, (enum role)r.twin.role.value, session, c->out);
    return NULL;
}

static problem end_one(struct call *c, struct text session)
{
    bool found;
    problem p = session_store_end(store_on_call(c), c->account, session, &found);

    if (p)
        return p;
    if (!found)
        return PROBLEM(SESSION_NOT_FOUND);
    session_drop(c, session);
    hub_end_session(session, CLOSE_LOGIN);
    return NULL;
}

problem auth_logout(struct call *c)
{
    problem p = end_one(c, c->session);

    clear_cookie(c);
    return p == PROBLEM(SESSION_NOT_FOUND) ? NULL : p;
}

problem auth_verify(struct call *c)
{
    exchange_header_add(c->http, "X-Madang-Account", arena_printf(c->arena, "%lld", (long long)c->account));
    exchange_header_add(c->http, "X-Madang-Role", text_of(role_names[c->role]));
    exchange_begin(c->http, 204, -1);
    return NULL;
}

problem sessions_list(struct call *c)
{
    return sessions_of(c, c->out);
}

problem session_end(struct call *c)
{
    return end_one(c, ((const struct session_ref *)c->in)->session);
}

struct end_many {
    struct call *c;
    struct ended_list list;
};

static void after_end_many(void *arg)
{
    struct end_many *e = arg;

    for (size_t i = 0; i < e->list.count; i++) {
        session_drop(e->c, e->list.at[i].id);
        hub_end_session(e->list.at[i].id, CLOSE_LOGIN);
    }
}

problem sessions_end_all(struct tx *tx, int64_t account, struct text keep)
{
    struct end_many *e = arena_new(tx->call->arena, struct end_many);
    problem p = sessions_end(store_on_tx(tx), account, keep, &e->list);

    e->c = tx->call;
    if (!p)
        tx_after(tx, after_end_many, e);
    return p;
}

problem sessions_end_others(struct call *c)
{
    struct tx tx TX_SCOPE = { 0 };
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = sessions_end_all(&tx, c->account, c->session)))
        return p;
    return tx_commit(&tx);
}
