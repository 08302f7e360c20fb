#include "accounts_lease.h"

#include "accounts_rules.h"
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/random.h"
#include "madang/redis.h"
#include "madang/seal.h"

#define PREDECESSOR_MS 10000
#define CODE_S 600
#define CODE_TRIES 5
#define FAILURE_S 900
#define OAUTH_S 600

static struct script rotate_script = SCRIPT("session_rotate.lua"), fill_script = SCRIPT("session_fill.lua"),
                     code_script = SCRIPT("code_try.lua"), fail_script = SCRIPT("login_fail.lua");

struct text session_secret_hash(struct arena *a, struct text secret)
{
    struct digest d = sha256(secret);

    return digest_hex(a, &d);
}

/* The successor is readable only with its predecessor. */
static struct digest seal_key(struct arena *a, struct text secret)
{
    struct digest purpose = key_for("refresh-seal", false);

    (void)a;
    return hmac_sha256(digest_text(&purpose), secret);
}

static struct text family_key(struct call *c, struct text id)
{
    return redis_key(c->arena, "session:%.*s", TEXT_ARG(id));
}

static problem unseal(struct call *c, const struct family *f, struct text presented, struct text sealed, struct text *fresh)
{
    struct digest key = seal_key(c->arena, presented);
    struct text bytes;

    if (!base64url_decode(c->arena, sealed, &bytes) || !seal_open(c->arena, &key, f->id, bytes, fresh))
        return PROBLEM(REFRESH_INVALID); /* sealed before the secret was rotated */
    return NULL;
}

static const char *const rotation_names[] = {
    [ROTATED] = "rotated", [SAME_SUCCESSOR] = "same", [REUSED] = "reused", [FORGOTTEN] = "missing"
};
static const struct words rotations = WORDS(rotation_names);
struct rotated {
    struct word what;
    int64_t generation;
    struct text current, previous, mine, sealed;
};
static const struct field rotated_fields[] = {
    FIELD(struct rotated, what, .words = &rotations),
    FIELD(struct rotated, generation, .optional = true),
    FIELD(struct rotated, current, .optional = true),
    FIELD(struct rotated, previous, .optional = true),
    FIELD(struct rotated, mine, .optional = true, .len_max = 1000),
    FIELD(struct rotated, sealed, .optional = true, .len_max = 1000),
};
static const struct shape rotated_shape = SHAPE("SessionRotated", struct rotated, rotated_fields);

problem session_rotate(struct call *c, struct family *f, struct text presented, struct text *fresh, enum rotation *how)
{
    struct digest key = seal_key(c->arena, presented);
    struct text sealed = seal(c->arena, &key, f->id, *fresh);
    struct redis_value out = { 0 };
    struct rotated r;
    problem p = script_run(c, &rotate_script, VALUES(family_key(c, f->id)),
                           VALUES(session_secret_hash(c->arena, presented), session_secret_hash(c->arena, *fresh),
                                  base64url_encode(c->arena, sealed.at, sealed.len), f->left_s, (int64_t)PREDECESSOR_MS),
                           &out);

    if (p || (p = redis_decode(&rotated_shape, c->arena, &out, &r)))
        return p;
    *how = (enum rotation)r.what.value;
    if (*how != ROTATED && *how != SAME_SUCCESSOR)
        return NULL;
    f->generation = r.generation;
    f->current = r.current;
    f->previous = r.previous;
    f->sealed = r.sealed;
    return *how == SAME_SUCCESSOR ? unseal(c, f, presented, r.mine, fresh) : NULL;
}

problem session_fill(struct call *c, const struct family *f)
{
    struct redis_value out;

    return script_run(c, &fill_script, VALUES(family_key(c, f->id)),
                      VALUES(f->current, f->previous, f->sealed, f->generation, f->left_s > 0 ? f->left_s : (int64_t)1), &out);
}

void session_drop(struct call *c, struct text session)
{
    redis_send(VALUES(T("DEL"), family_key(c, session)));
}

static struct text code_key(struct call *c, enum code_purpose purpose, struct text email)
{
    return redis_key(c->arena, "code:%s:%s", code_purposes.names[purpose], session_secret_hash(c->arena, email).at);
}

/* With a password or an address that is changed the mark is another, and the code good for nothing. */
struct text code_mark(struct arena *a, const struct identity *who)
{
    return who->id ? arena_printf(a, "%lld %.*s", (long long)who->id, TEXT_ARG(who->password.value)) : T("");
}

static struct text code_hash(struct call *c, struct text email, struct text mark, struct text code)
{
    struct digest key = key_for("mailed-code", false);
    struct digest d =
        hmac_sha256(digest_text(&key), arena_printf(c->arena, "%.*s %.*s %.*s", TEXT_ARG(email), TEXT_ARG(code), TEXT_ARG(mark)));

    return digest_hex(c->arena, &d);
}

problem code_make(struct call *c, enum code_purpose purpose, struct text email, struct text mark, struct text *code)
{
    struct text key = code_key(c, purpose, email);
    struct redis_value out = { 0 };
    problem p;

    if (config->login_code_resend_s > 0) {
        p = redis_do(c, &out, T("SET"), arena_printf(c->arena, "%.*s:wait", TEXT_ARG(key)), T("1"), T("NX"), T("EX"),
                     config->login_code_resend_s);
        if (p)
            return p;
        if (out.kind == REDIS_NIL)
            return call_retry_after(c, PROBLEM(RATE_LIMITED), config->login_code_resend_s);
    }
    *code = arena_printf(c->arena, "%06u", random_below(1000000));
    if ((p = redis_do(c, &out, T("DEL"), key)) ||
        (p = redis_do(c, &out, T("HSET"), key, T("hash"), code_hash(c, email, mark, *code), T("tries"), T("0"))))
        return p;
    return redis_do(c, &out, T("EXPIRE"), key, (int64_t)CODE_S);
}

problem code_use(struct call *c, enum code_purpose purpose, struct text email, struct text mark, struct text code)
{
    struct text key = code_key(c, purpose, email);
    struct redis_value out = { 0 };
    problem p = script_run(c, &code_script, VALUES(key), VALUES((int64_t)CODE_TRIES), &out);

    if (p)
        return p;
    if (out.kind != REDIS_TEXT || !equal_in_constant_time(out.text, code_hash(c, email, mark, code)))
        return PROBLEM(CODE_WRONG);
    return redis_do(c, &out, T("DEL"), key);
}

struct fail_keys {
    struct text pair, address, account;
};

static struct fail_keys fail_keys_of(struct call *c, struct text email)
{
    const char *who = session_secret_hash(c->arena, email).at;
    struct text from = call_network(c);

    return (struct fail_keys){ redis_key(c->arena, "fail:%s:%.*s", who, TEXT_ARG(from)),
                               redis_key(c->arena, "fail:%.*s", TEXT_ARG(from)), redis_key(c->arena, "fail:%s", who) };
}

static int64_t count_of(const struct redis_value *v)
{
    int64_t n = 0;

    return v->kind == REDIS_TEXT && text_to_i64(v->text, &n) ? n : 0;
}

problem login_gate(struct call *c, struct text email, bool *wants_code)
{
    struct fail_keys k = fail_keys_of(c, email);
    struct redis_value out = { 0 };
    int64_t wait, wait_address;
    problem p = redis_do(c, &out, T("MGET"), k.pair, k.address, k.account);

    *wants_code = false;
    if (p || out.count < 3)
        return p == PROBLEM(LEASES_UNAVAILABLE) ? NULL : p; /* Redis gone: the row's own limit stands */
    wait = login_failure_wait_s(count_of(&out.at[0]), config->login_failures_pair);
    wait_address = login_failure_wait_s(count_of(&out.at[1]), config->login_failures_address);
    *wants_code = count_of(&out.at[2]) >= config->login_failures_account;
    if (wait || wait_address)
        return call_retry_after(c, PROBLEM(RATE_LIMITED), wait > wait_address ? wait : wait_address);
    return NULL;
}

void login_failed(struct call *c, struct text email)
{
    struct fail_keys k = fail_keys_of(c, email);
    struct redis_value out;
    problem p = script_run(c, &fail_script, VALUES(k.pair, k.address, k.account), VALUES((int64_t)FAILURE_S), &out);

    if (p) /* without Redis only the row's own limit counts */
        c->retry_after_s = 0;
}

void login_succeeded(struct call *c, struct text email)
{
    struct fail_keys k = fail_keys_of(c, email);

    redis_send(VALUES(T("DEL"), k.pair, k.account));
}

problem oauth_keep(struct call *c, struct text state, struct text json)
{
    struct redis_value out;

    return redis_do(c, &out, T("SET"), redis_key(c->arena, "oauth:%.*s", TEXT_ARG(state)), json, T("EX"), (int64_t)OAUTH_S);
}

problem oauth_take(struct call *c, struct text state, struct text *json)
{
    struct redis_value out = { 0 };
    problem p = redis_do(c, &out, T("GETDEL"), redis_key(c->arena, "oauth:%.*s", TEXT_ARG(state)));

    *json = out.text;
    return p ? p : out.kind == REDIS_TEXT ? NULL : PROBLEM(OAUTH_STATE);
}
