#include <jwt.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "madang/clock.h"
#include "madang/codec.h"
#include "madang/seal.h"
#include "madang/shape.h"
#include "madang/token.h"

#define SKEW_S 60
#define RSA_BITS_MIN 2048

struct head {
    struct text alg;
    struct opt_text kid;
};
static const struct field head_fields[] = { FIELD(struct head, alg), FIELD(struct head, kid) };
static const struct shape head_shape = SHAPE("IdTokenHeader", struct head, head_fields);

struct jwk {
    struct text kty;
    struct opt_text kid, use, n, e;
};
static const struct field jwk_fields[] = {
    FIELD(struct jwk, kty), FIELD(struct jwk, kid), FIELD(struct jwk, use), FIELD(struct jwk, n, .len_max = 2000),
    FIELD(struct jwk, e),
};
static const struct shape jwk_shape = SHAPE("Jwk", struct jwk, jwk_fields);
struct jwks {
    LIST_OF(struct jwk) keys;
};
static const struct field jwks_fields[] = { FIELD_LIST(struct jwks, keys, .shape = &jwk_shape) };
static const struct shape jwks_shape = SHAPE("Jwks", struct jwks, jwks_fields);

static const struct jwk *jwk_find(const struct jwks *set, const struct head *h)
{
    for (size_t i = 0; i < set->keys.count; i++) {
        const struct jwk *k = &set->keys.at[i];

        if (text_is(k->kty, T("RSA")) && k->n.is == PRESENT && k->e.is == PRESENT &&
            (k->use.is != PRESENT || text_is(k->use.value, T("sig"))) && h->kid.is == PRESENT && k->kid.is == PRESENT &&
            text_is(k->kid.value, h->kid.value))
            return k;
    }
    return NULL;
}

static EVP_PKEY *rsa_key(struct text n, struct text e)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.at, (int)n.len, NULL);
    BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.at, (int)e.len, NULL);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params;

    CHECK(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
          OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1);
    params = OSSL_PARAM_BLD_to_param(build);
    if (EVP_PKEY_fromdata_init(context) != 1 || EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    EVP_PKEY_CTX_free(context);
    return key;
}

/* libjwt takes keys as PEM. */
static bool jwk_pem(struct arena *a, const struct jwk *k, struct text *pem)
{
    struct text n, e;
    EVP_PKEY *key;
    BIO *out;
    char *at;
    long length;
    bool ok;

    if (!base64url_decode(a, k->n.value, &n) || !base64url_decode(a, k->e.value, &e))
        return false;
    key = rsa_key(n, e);
    out = BIO_new(BIO_s_mem());
    ok = key && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN && PEM_write_bio_PUBKEY(out, key) == 1;
    length = BIO_get_mem_data(out, &at);
    *pem = arena_text(a, (struct text){ at, ok ? (size_t)length : 0 });
    BIO_free(out);
    EVP_PKEY_free(key);
    return ok;
}

static struct text grant(struct arena *a, jwt_t *jwt, const char *name)
{
    return arena_text(a, text_of(jwt_get_grant(jwt, name)));
}

struct audience {
    LIST_OF(struct text) aud;
};
static const struct field audience_fields[] = { FIELD_LIST(struct audience, aud) };
static const struct shape audience_shape = SHAPE("Audience", struct audience, audience_fields);

/* aud is a text, or a list; a list must hold us, and then azp must be us. */
static bool audience_ok(struct arena *a, jwt_t *jwt, struct text client_id)
{
    char *json = jwt_get_grants_json(jwt, "aud");
    struct shape_input in = { .json = arena_printf(a, "{\"aud\":%s}", json ? json : "null") };
    struct text azp = grant(a, jwt, "azp");
    struct audience list;
    struct field_faults faults;

    free(json);
    if (text_is(grant(a, jwt, "aud"), client_id))
        return true;
    if (shape_decode(&audience_shape, a, &in, &list, &faults) || !text_is(azp, client_id))
        return false;
    for (size_t i = 0; i < list.aud.count; i++)
        if (text_is(list.aud.at[i], client_id))
            return true;
    return false;
}

static bool at_hash_ok(struct arena *a, struct text at_hash, struct text access_token)
{
    struct digest d = sha256(access_token);

    return at_hash.len == 0 || text_is(at_hash, base64url_encode(a, d.bytes, DIGEST_SIZE / 2));
}

static bool claims_ok(struct arena *a, jwt_t *jwt, const struct id_token_rules *r)
{
    struct text issuer = grant(a, jwt, "iss");
    int64_t now = clock_wall_seconds();

    return (text_is(issuer, r->issuer) || (r->issuer_too.len && text_is(issuer, r->issuer_too))) &&
           audience_ok(a, jwt, r->client_id) && jwt_get_grant_int(jwt, "exp") > now - SKEW_S &&
           jwt_get_grant_int(jwt, "iat") <= now + SKEW_S && jwt_get_grant_int(jwt, "nbf") <= now + SKEW_S &&
           text_is(grant(a, jwt, "nonce"), r->nonce) && at_hash_ok(a, grant(a, jwt, "at_hash"), r->access_token);
}

static void read_identity(struct arena *a, jwt_t *jwt, struct id_token *out)
{
    out->subject = grant(a, jwt, "sub");
    out->email = grant(a, jwt, "email");
    out->email_verified = jwt_get_grant_bool(jwt, "email_verified") == 1 || text_is(grant(a, jwt, "email_verified"), T("true"));
}

problem id_token_verify(struct arena *a, struct text token, const struct id_token_rules *rules, struct id_token *out)
{
    struct text rest, first = text_cut(token, '.', &rest), pem;
    struct shape_input header = { .open = true }, keys = { .json = rules->jwks, .open = true };
    struct field_faults faults;
    struct head h;
    struct jwks set;
    const struct jwk *k;
    jwt_t *jwt = NULL;
    bool ok;

    if (!base64url_decode(a, first, &header.json) || header.json.len == 0 || shape_decode(&head_shape, a, &header, &h, &faults) ||
        !text_is(h.alg, T("RS256")))
        return PROBLEM(OAUTH_REFUSED);
    if (keys.json.len == 0 || shape_decode(&jwks_shape, a, &keys, &set, &faults) || !(k = jwk_find(&set, &h)))
        return PROBLEM(NOT_FOUND);
    if (!jwk_pem(a, k, &pem) || jwt_decode(&jwt, arena_cstr(a, token), (const unsigned char *)pem.at, (int)pem.len) != 0)
        return PROBLEM(OAUTH_REFUSED);
    ok = jwt_get_alg(jwt) == JWT_ALG_RS256 && claims_ok(a, jwt, rules);
    read_identity(a, jwt, out);
    jwt_free(jwt);
    return ok && out->subject.len && out->subject.len <= 255 ? NULL : PROBLEM(OAUTH_REFUSED);
}
