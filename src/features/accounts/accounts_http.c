/* The raw exchanges of the accounts feature: logins by outside providers. */
#include "accounts_parts.h"
#include "accounts_rules.h"
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/oauth.h"
#include "madang/random.h"
#include "madang/seal.h"

#define COOKIE "__Host-madang_oauth"

static const struct field attempt_fields[] = {
    FIELD(struct oauth_attempt, provider),
    FIELD(struct oauth_attempt, state),
    FIELD(struct oauth_attempt, nonce),
    FIELD(struct oauth_attempt, verifier),
    FIELD(struct oauth_attempt, return_to, .len_max = 500),
    FIELD(struct oauth_attempt, browser),
    FIELD(struct oauth_attempt, redirect_uri, .len_max = 500),
    FIELD(struct oauth_attempt, link_account),
    FIELD(struct oauth_attempt, session),
    FIELD(struct oauth_attempt, guest),
};
static const struct shape attempt_shape = SHAPE("OauthAttempt", struct oauth_attempt, attempt_fields);

static problem find_provider(struct call *c, const struct oauth_provider **out)
{
    *out = oauth_provider_find(exchange_param(c->http, T("provider")));
    if (!*out)
        return PROBLEM(NOT_FOUND);
    return (*out)->enabled() ? NULL : PROBLEM(OAUTH_DISABLED);
}

static problem return_path(struct call *c, struct text *out)
{
    *out = exchange_param(c->http, T("return_to"));
    if (out->len == 0)
        *out = T("/");
    return oauth_return_path_is_ours(*out)
               ? NULL
               : call_field_wrong(c, "/return_to", "is no path of ours", "우리 서비스의 경로가 아닙니다");
}

/* Keeps the attempt, binds it to this browser, and tells where to go. */
static problem begin_attempt(struct call *c, int64_t link_account, struct opt_i64 guest, struct text *url)
{
    const struct oauth_provider *provider;
    struct oauth_attempt a = { .link_account = link_account,
                               .session = { PRESENT, c->session },
                               .guest = guest,
                               .state = random_token(c->arena, 24),
                               .nonce = random_token(c->arena, 24),
                               .verifier = random_token(c->arena, 32) };
    struct text cookie = random_token(c->arena, 24);
    problem p;

    if ((p = find_provider(c, &provider)) || (p = return_path(c, &a.return_to)))
        return p;
    a.provider = text_of(provider->name);
    a.browser = session_secret_hash(c->arena, cookie);
    a.redirect_uri = arena_printf(c->arena, "%.*s/api/v1/auth/%s/callback", TEXT_ARG(config->http_public_url), provider->name);
    if ((p = oauth_keep(c, a.state, shape_text(&attempt_shape, &a, c->arena))))
        return p;
    exchange_header_add(c->http, "Set-Cookie",
                        arena_printf(c->arena, COOKIE "=%s; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax", cookie.at));
    *url = provider->authorize(c, &a);
    return NULL;
}

static void redirect(struct call *c, struct text to)
{
    exchange_header_add(c->http, "Location", to);
    exchange_header_add(c->http, "Referrer-Policy", T("no-referrer"));
    exchange_begin(c->http, 303, 0);
}

problem oauth_start(struct call *c)
{
    struct text url;
    problem p = begin_attempt(c, 0, (struct opt_i64){ ABSENT, 0 }, &url);

    if (!p)
        redirect(c, url);
    return p;
}

struct link_address {
    struct text url;
};
static const struct field link_fields[] = { FIELD(struct link_address, url, .len_max = 2000) };
static const struct shape link_shape = SHAPE("OauthLinkAddress", struct link_address, link_fields);

problem oauth_link(struct call *c)
{
    struct link_address out;
    bool guest = c->role == ROLE_GUEST;
    problem p = begin_attempt(c, guest ? 0 : c->account, (struct opt_i64){ guest ? PRESENT : ABSENT, c->account }, &out.url);

    if (p)
        return p;
    return exchange_reply_shape(c, 200, &link_shape, &out);
}

/* One use; begun in this browser; by this provider. */
static problem take_attempt(struct call *c, const struct oauth_provider *provider, struct oauth_attempt *a)
{
    struct text state = exchange_param(c->http, T("state")), cookie = exchange_cookie(c->http, T(COOKIE));
    struct shape_input in = { 0 };
    struct field_faults faults;
    problem p;

    if (state.len < 20 || state.len > 64 || cookie.len == 0)
        return PROBLEM(OAUTH_STATE);
    if ((p = oauth_take(c, state, &in.json)))
        return p;
    if (shape_decode(&attempt_shape, c->arena, &in, a, &faults) || !text_is(a->provider, text_of(provider->name)) ||
        !equal_in_constant_time(a->browser, session_secret_hash(c->arena, cookie)))
        return PROBLEM(OAUTH_STATE);
    return NULL;
}

static problem add_account(struct tx *tx, const struct oauth_attempt *a, const struct oauth_identity *id, int64_t *account)
{
    struct call *c = tx->call;
    struct opt_text email = { ABSENT, T("") }, none = { ABSENT, T("") };
    struct identity who;
    bool taken = false;
    problem p;

    if (id->email_verified && account_email_is_valid(id->email))
        email = (struct opt_text){ PRESENT, account_email_normal(c->arena, id->email) };
    if (email.is == PRESENT && (p = account_by_email(store_on_tx(tx), email.value, &who, &taken)))
        return p;
    if (taken) /* joined only after a login to that account */
        return PROBLEM(OAUTH_EMAIL_TAKEN);
    if ((p = account_add(tx, ROLE_NEWCOMER, email, none, (struct opt_date){ 0 }, c->korean ? LOCALE_KO : LOCALE_EN, 0, account)))
        return p;
    return account_identity_add(tx, a->provider, id->subject, *account);
}

static problem log_in(struct call *c, const struct oauth_attempt *a, const struct oauth_identity *id)
{
    struct tx tx TX_SCOPE = { 0 };
    struct identity who = { 0 };
    struct logged_in ignored;
    struct family f;
    bool known, held = true;
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = account_by_provider(store_on_tx(&tx), a->provider, id->subject, &who, &known)) ||
        (known && (p = account_hold(&tx, who.id, (struct opt_text){ ABSENT, T("") }, &held))))
        return p;
    if (!held)
        return PROBLEM(OAUTH_REFUSED); /* it has just left */
    if (known && who.suspended)
        return PROBLEM(SUSPENDED);
    if (!known) {
        who.role.value = ROLE_NEWCOMER;
        if ((p = add_account(&tx, a, id, &who.id)))
            return p;
    }
    if ((a->guest.is == PRESENT && (p = guest_take(&tx, a->guest.value, who.id))) ||
        (p = session_begin(&tx, who.id, (enum role)who.role.value, &ignored, &f)) || (p = tx_commit(&tx)))
        return p;
    session_begun(c, &f);
    return NULL;
}

static problem join(struct call *c, const struct oauth_attempt *a, const struct oauth_identity *id)
{
    struct tx tx TX_SCOPE = { 0 };
    bool done;
    problem p;

    if ((p = tx_begin(c, &tx)) ||
        (p = account_identity_join(&tx, a->provider, id->subject, a->link_account, a->session.value, &done)))
        return p;
    return done ? tx_commit(&tx) : PROBLEM(OAUTH_STATE);
}

/* What a person should read on the login page, not as JSON. */
static bool is_for_the_page(problem p)
{
    return p == PROBLEM(OAUTH_REFUSED) || p == PROBLEM(OAUTH_EMAIL_TAKEN) || p == PROBLEM(OAUTH_LINKED) ||
           p == PROBLEM(SUSPENDED) || p == PROBLEM(UPSTREAM_FAILED) || p == PROBLEM(UPSTREAM_UNAVAILABLE) ||
           p == PROBLEM(DEADLINE);
}

static problem finish(struct call *c, const struct oauth_provider *provider, const struct oauth_attempt *a)
{
    struct oauth_identity id = { 0 };
    struct text code = exchange_param(c->http, T("code"));
    problem p;

    if (exchange_param(c->http, T("error")).len || code.len == 0 || code.len > 2000)
        return PROBLEM(OAUTH_REFUSED);
    if ((p = provider->identify(c, a, code, &id)))
        return p;
    return a->link_account ? join(c, a, &id) : log_in(c, a, &id);
}

problem oauth_callback(struct call *c)
{
    const struct oauth_provider *provider;
    struct oauth_attempt a;
    problem p;

    if ((p = find_provider(c, &provider)) || (p = take_attempt(c, provider, &a)))
        return p;
    p = finish(c, provider, &a);
    if (p && !is_for_the_page(p))
        return p;
    exchange_header_add(c->http, "Set-Cookie", T(COOKIE "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"));
    if (!p && c->cookie_out.len)
        exchange_header_add(c->http, "Set-Cookie", c->cookie_out);
    redirect(c, p ? arena_printf(c->arena, "/login?problem=%s", p->code) : a.return_to);
    return NULL;
}
