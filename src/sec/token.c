#include "madang/token.h"

#include "madang/buf.h"
#include "madang/clock.h"
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/map.h"
#include "madang/seal.h"

const char *const role_names[ROLE_COUNT] = { "nobody", "guest", "newcomer", "member", "manager", "admin" };

#define CACHE_SLOTS 65536
#define REVOKED_MAX 65536
#define HEADER_LEN 70
#define SIGNATURE_LEN 43 /* of HS256, in base64url: as good as random, so it alone is hashed */

/* A token that was verified, whole. Who does not know it cannot meet its keyed hash, so comparing may stop at a difference. */
struct cached {
    struct claims claims;
    size_t len;
    char text[];
};
struct slot {
    uint64_t hash;
    struct cached *of; /* NULL: none */
};

struct revoked {
    struct map_node node;
    int64_t until_s;
    char session[SESSION_ID_LEN + 1];
};

static struct slot *cache;
static struct map revoked;
static struct buf issuer; /* [session] issuer, as it stands in JSON */

void tokens_start(void)
{
    cache = must_zalloc(CACHE_SLOTS * sizeof *cache);
    buf_init(&issuer, 4096);
    buf_put_json_string(&issuer, config->session_issuer);
    CHECK(!issuer.over);
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
        free(cache[i].of);
    free(cache);
    cache = NULL;
    buf_fini(&issuer);
}

/* The header of every token signed with this key, encoded: nothing else is taken, so there is nothing in it to be read. `kid` is
 * a hash of the key, so that both sides of a rotation agree without another setting. */
static struct text header_of(struct arena *a, const struct digest *key)
{
    static struct digest last;
    static char encoded[HEADER_LEN];
    struct digest d;
    struct text json, header;

    if (memcmp(&last, key, sizeof last) == 0)
        return (struct text){ encoded, HEADER_LEN };
    d = sha256(digest_text(key));
    json = arena_join(a, T("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\""), hex_encode(a, d.bytes, 8), T("\"}"));
    header = base64url_encode(a, json.at, json.len);
    CHECK(header.len == HEADER_LEN);
    memcpy(encoded, header.at, HEADER_LEN);
    last = *key;
    return header;
}

static struct text signature_of(struct arena *a, const struct digest *key, struct text signed_part)
{
    struct digest code = hmac_sha256(digest_text(key), signed_part);

    return base64url_encode(a, code.bytes, sizeof code.bytes);
}

struct text token_make(struct arena *a, const struct claims *c)
{
    struct digest key = key_for("access-token", false);
    char account[24], now[24], expires[24];
    struct text json =
        arena_join(a, T("{\"sub\":\""), text_i64(c->account, account), T("\",\"sid\":\""), text_of(c->session), T("\",\"iss\":"),
                   buf_text(&issuer), T(",\"aud\":\"madang\",\"role\":\""), text_of(role_names[c->role]), T("\",\"iat\":"),
                   text_i64(clock_wall_seconds(), now), T(",\"exp\":"), text_i64(c->expires_s, expires), T("}"));
    struct text signed_part = arena_join(a, header_of(a, &key), T("."), base64url_encode(a, json.at, json.len));

    return arena_join(a, signed_part, T("."), signature_of(a, &key, signed_part));
}

/* The key whose header this is. */
static bool key_named(struct arena *a, struct text header, struct digest *key)
{
    *key = key_for("access-token", false);
    if (text_is(header, header_of(a, key)))
        return true;
    *key = key_for("access-token", true);
    return secret_has_before() && text_is(header, header_of(a, key));
}

static bool role_find(struct text name, enum role *out)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (text_is(text_of(role_names[i]), name)) {
            *out = (enum role)i;
            return true;
        }
    return false;
}

static bool take(struct text *json, struct text before, char end, struct text *value)
{
    if (!text_skip(json, before))
        return false;
    *value = text_cut(*json, end, json);
    return true;
}

/* What token_make() writes, to the letter: it is read only behind a signature of ours, so nothing else can stand there. */
static bool read_payload(struct text json, struct claims *out)
{
    struct text account, session, role, made, expires;

    *out = (struct claims){ .account = 0 };
    if (!take(&json, T("{\"sub\":\""), '"', &account) || !take(&json, T(",\"sid\":\""), '"', &session) ||
        !text_skip(&json, T(",\"iss\":")) || !text_skip(&json, buf_text(&issuer)) ||
        !take(&json, T(",\"aud\":\"madang\",\"role\":\""), '"', &role) || !take(&json, T(",\"iat\":"), ',', &made) ||
        !take(&json, T("\"exp\":"), '}', &expires) || json.len)
        return false;
    if (session.len != SESSION_ID_LEN)
        return false;
    memcpy(out->session, session.at, SESSION_ID_LEN);
    return text_to_i64(account, &out->account) && role_find(role, &out->role) && text_to_i64(expires, &out->expires_s);
}

/* RFC 7519 by RFC 7515's compact form, with exactly our header. */
static problem verify(struct arena *a, struct text token, struct claims *out)
{
    struct text signature, json, signed_part = text_cut_last(token, '.', &signature), encoded,
                                 header = text_cut(signed_part, '.', &encoded);
    struct digest key;

    if (!key_named(a, header, &key) || !equal_in_constant_time(signature, signature_of(a, &key, signed_part)))
        return PROBLEM(TOKEN_INVALID);
    return base64url_decode(a, encoded, &json) && read_payload(json, out) ? NULL : PROBLEM(TOKEN_INVALID);
}

bool token_session_is_revoked(struct text session)
{
    struct map_node *n = map_find(&revoked, session);

    return n && CONTAINER_OF(n, struct revoked, node)->until_s > clock_wall_seconds();
}

static problem check_now(const struct claims *c)
{
    return c->expires_s <= clock_wall_seconds() || token_session_is_revoked(text_of(c->session)) ? PROBLEM(TOKEN_INVALID) : NULL;
}

static void remember(struct slot *slot, uint64_t hash, struct text token, const struct claims *claims)
{
    struct cached *c = must_realloc(slot->of, sizeof *c + token.len);

    c->claims = *claims;
    c->len = token.len;
    memcpy(c->text, token.at, token.len);
    *slot = (struct slot){ hash, c };
}

static problem verify_cached(struct text token, bool keep, struct claims *out)
{
    uint64_t hash = text_hash(text_from(token, token.len - SIGNATURE_LEN));
    struct slot *slot = &cache[hash % CACHE_SLOTS];
    struct arena a;
    problem p;

    if (slot->hash == hash && slot->of && text_is((struct text){ slot->of->text, slot->of->len }, token)) {
        *out = slot->of->claims;
        return NULL;
    }
    arena_init(&a, 65536);
    p = verify(&a, token, out);
    arena_fini(&a);
    if (!p && keep)
        remember(slot, hash, token, out);
    return p;
}

problem token_verify(struct text token, enum token_use use, struct claims *out)
{
    problem p;

    if (token.len < 64 || token.len > 1024)
        return PROBLEM(TOKEN_INVALID);
    p = verify_cached(token, use == TOKEN_OF_REQUEST, out);
    return p ? p : check_now(out);
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
