#include "madang/token.h"

#include <jwt.h>

#include "madang/clock.h"
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/map.h"
#include "madang/seal.h"
#include "madang/shape.h"

const char *const role_names[ROLE_COUNT] = { "nobody", "guest", "newcomer", "member", "manager", "admin" };
static const struct words roles = WORDS(role_names);

#define CACHE_SLOTS 65536
#define SIGNATURE_LEN 43 /* of HS256, in base64url: as good as random, so it alone is hashed */
#define REVOKED_MAX 65536

/* A token that was verified, whole. Who does not know it cannot meet its keyed hash, so comparing may stop at a difference. */
struct cached {
    uint64_t hash;
    struct text token; /* owned; len 0: none */
    struct claims claims;
};

struct revoked {
    struct map_node node;
    int64_t until_s;
    char session[SESSION_ID_LEN + 1];
};

static struct cached *cache;
static struct map revoked;

struct header {
    struct text alg, typ, kid;
};
static const struct field header_fields[] = {
    FIELD(struct header, alg),
    FIELD(struct header, typ),
    FIELD(struct header, kid),
};
static const struct shape header_shape = SHAPE("JwtHeader", struct header, header_fields);

struct payload {
    struct text sub, sid, iss, aud;
    struct word role;
    int64_t iat, exp;
};
static const struct field payload_fields[] = {
    FIELD(struct payload, sub),
    FIELD(struct payload, sid, .len_min = SESSION_ID_LEN, .len_max = SESSION_ID_LEN),
    FIELD(struct payload, iss),
    FIELD(struct payload, aud),
    FIELD(struct payload, role, .words = &roles),
    FIELD(struct payload, iat),
    FIELD(struct payload, exp),
};
static const struct shape payload_shape = SHAPE("JwtPayload", struct payload, payload_fields);

void tokens_start(void)
{
    cache = must_zalloc(CACHE_SLOTS * sizeof *cache);
}

static void revoked_free(struct revoked *r)
{
    map_remove(&revoked, &r->node);
    free(r);
}

void tokens_stop(void)
{
    struct map_node *n;

    while ((n = map_next(&revoked, NULL)) != NULL)
        revoked_free(CONTAINER_OF(n, struct revoked, node));
    map_fini(&revoked);
    for (size_t i = 0; i < CACHE_SLOTS; i++)
        free((char *)(uintptr_t)cache[i].token.at);
    free(cache);
    cache = NULL;
}

/* The key's name: a hash of it, so that both sides of a rotation agree without another setting. */
static struct text key_id(struct arena *a, const struct digest *key)
{
    struct digest d = sha256(digest_text(key));

    return hex_encode(a, d.bytes, 8);
}

struct text token_make(struct arena *a, const struct claims *c)
{
    struct digest key = key_for("access-token", false);
    jwt_t *jwt = NULL;
    char *encoded;
    struct text out;

    CHECK(jwt_new(&jwt) == 0 && jwt_set_alg(jwt, JWT_ALG_HS256, key.bytes, sizeof key.bytes) == 0);
    CHECK(jwt_add_header(jwt, "kid", key_id(a, &key).at) == 0);
    CHECK(jwt_add_grant(jwt, "sub", arena_printf(a, "%lld", (long long)c->account).at) == 0);
    CHECK(jwt_add_grant(jwt, "role", role_names[c->role]) == 0);
    CHECK(jwt_add_grant(jwt, "sid", c->session) == 0);
    CHECK(jwt_add_grant(jwt, "iss", config->session_issuer.at) == 0);
    CHECK(jwt_add_grant(jwt, "aud", "madang") == 0);
    CHECK(jwt_add_grant_int(jwt, "iat", (long)clock_wall_seconds()) == 0);
    CHECK(jwt_add_grant_int(jwt, "exp", (long)c->expires_s) == 0);
    encoded = jwt_encode_str(jwt);
    CHECK(encoded != NULL);
    out = arena_text(a, text_of(encoded));
    free(encoded);
    jwt_free(jwt);
    return out;
}

static problem decode_part(struct arena *a, struct text part, const struct shape *s, void *out)
{
    struct field_faults faults;
    struct shape_input in = { 0 };

    if (!base64url_decode(a, part, &in.json))
        return PROBLEM(TOKEN_INVALID);
    return in.json.len && !shape_decode(s, a, &in, out, &faults) ? NULL : PROBLEM(TOKEN_INVALID);
}

/* The key that the header names, if the header is exactly ours. */
static bool key_named(struct arena *a, const struct header *h, struct digest *key)
{
    if (!text_is(h->alg, T("HS256")) || !text_is(h->typ, T("JWT")))
        return false;
    *key = key_for("access-token", false);
    if (text_is(h->kid, key_id(a, key)))
        return true;
    *key = key_for("access-token", true);
    return secret_has_before() && text_is(h->kid, key_id(a, key));
}

static problem check_payload(const struct payload *p, struct claims *out)
{
    *out = (struct claims){ .role = (enum role)p->role.value, .expires_s = p->exp };
    if (!text_to_i64(p->sub, &out->account) || !text_is(p->iss, config->session_issuer) || !text_is(p->aud, T("madang")))
        return PROBLEM(TOKEN_INVALID);
    memcpy(out->session, p->sid.at, SESSION_ID_LEN);
    return NULL;
}

static problem verify(struct arena *a, struct text token, struct claims *out)
{
    struct text rest, first = text_cut(token, '.', &rest), second = text_cut(rest, '.', &rest);
    struct header h;
    struct payload payload;
    struct digest key;
    jwt_t *jwt = NULL;
    problem p;
    int failed;

    if ((p = decode_part(a, first, &header_shape, &h)))
        return p;
    if (!key_named(a, &h, &key))
        return PROBLEM(TOKEN_INVALID);
    failed = jwt_decode(&jwt, arena_cstr(a, token), key.bytes, sizeof key.bytes);
    failed = failed || jwt_get_alg(jwt) != JWT_ALG_HS256;
    jwt_free(jwt);
    if (failed)
        return PROBLEM(TOKEN_INVALID);
    if ((p = decode_part(a, second, &payload_shape, &payload)))
        return p;
    return check_payload(&payload, out);
}

static bool is_revoked(const struct claims *c)
{
    struct map_node *n = map_find(&revoked, text_of(c->session));

    return n && CONTAINER_OF(n, struct revoked, node)->until_s > clock_wall_seconds();
}

static problem check_now(const struct claims *c)
{
    return c->expires_s <= clock_wall_seconds() || is_revoked(c) ? PROBLEM(TOKEN_INVALID) : NULL;
}

static void remember(struct cached *slot, uint64_t hash, struct text token, const struct claims *claims)
{
    char *copy = must_realloc((char *)(uintptr_t)slot->token.at, token.len);

    memcpy(copy, token.at, token.len);
    *slot = (struct cached){ hash, { copy, token.len }, *claims };
}

problem token_verify(struct text token, struct claims *out)
{
    struct cached *slot;
    struct arena a;
    uint64_t hash;
    problem p;

    if (token.len < 64 || token.len > 1024)
        return PROBLEM(TOKEN_INVALID);
    hash = text_hash(text_from(token, token.len - SIGNATURE_LEN));
    slot = &cache[hash % CACHE_SLOTS];
    if (slot->hash != hash || !text_is(slot->token, token)) {
        arena_init(&a, 65536);
        p = verify(&a, token, out);
        arena_fini(&a);
        if (p)
            return p;
        remember(slot, hash, token, out);
    }
    *out = slot->claims;
    return check_now(out);
}

static void forget_lapsed(void)
{
    struct map_node *n = map_next(&revoked, NULL), *next;

    for (; n; n = next) {
        next = map_next(&revoked, n);
        if (CONTAINER_OF(n, struct revoked, node)->until_s <= clock_wall_seconds())
            revoked_free(CONTAINER_OF(n, struct revoked, node));
    }
}

void token_revoke_session(struct text session)
{
    struct revoked *r;

    if (session.len != SESSION_ID_LEN || map_find(&revoked, session))
        return;
    if (revoked.count >= REVOKED_MAX)
        forget_lapsed();
    if (revoked.count >= REVOKED_MAX)
        return; /* their sockets are closed and refresh is refused; access ends with the token's 15 minutes */
    r = must_zalloc(sizeof *r);
    memcpy(r->session, session.at, session.len);
    r->until_s = clock_wall_seconds() + config->session_access_s;
    map_add(&revoked, &r->node, text_of(r->session));
}
