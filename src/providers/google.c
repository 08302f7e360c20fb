/* Google by OpenID Connect: who it is stands in the id_token, checked against the provider's keys. */
#include "madang/clock.h"
#include "madang/config.h"
#include "madang/token.h"
#include "oauth_providers.h"

#define KEYS_MS (3600 * 1000)
#define KEYS_MAX 65536

/* The key set, kept for an hour: fetched anew once when a token names a key that is not in it. */
static struct {
    char json[KEYS_MAX];
    size_t len;
    uint64_t at_ms;
} keys;

static bool enabled(void)
{
    return config->google_client_id.len > 0;
}

static struct text authorize(struct call *c, const struct oauth_attempt *a)
{
    const struct pair params[] = {
        { T("client_id"), config->google_client_id },
        { T("redirect_uri"), a->redirect_uri },
        { T("response_type"), T("code") },
        { T("scope"), T("openid email") },
        { T("state"), a->state },
        { T("nonce"), a->nonce },
        { T("code_challenge"), pkce_challenge(c->arena, a->verifier) },
        { T("code_challenge_method"), T("S256") },
    };

    return url_with(c->arena, config->google_authorize_url, params, COUNT_OF(params));
}

static problem keys_fetch(struct call *c)
{
    struct outbound o = {
        .upstream = "google", .method = "GET", .url = config->google_keys_url, .repeatable = true, .answer_max = KEYS_MAX - 1
    };
    struct outbound_answer answer;
    problem p = outbound_run(c, &o, &answer);

    if (p)
        return p;
    if (answer.status != 200)
        return PROBLEM(UPSTREAM_FAILED);
    memcpy(keys.json, answer.body.at, answer.body.len);
    keys.len = answer.body.len;
    keys.at_ms = clock_ms();
    return NULL;
}

static problem verify(struct call *c, const struct oauth_attempt *a, const struct oauth_tokens *tokens, struct id_token *out)
{
    struct id_token_rules rules = { .issuer = config->google_issuer,
                                    .client_id = config->google_client_id,
                                    .nonce = a->nonce,
                                    .access_token = tokens->access_token.value };
    problem p;

    if (text_starts(rules.issuer, T("https://"))) /* Google writes its issuer both ways */
        rules.issuer_too = text_from(rules.issuer, 8);
    if ((keys.len == 0 || clock_ms() - keys.at_ms > KEYS_MS) && (p = keys_fetch(c)))
        return p;
    rules.jwks = (struct text){ keys.json, keys.len };
    p = id_token_verify(c->arena, tokens->id_token.value, &rules, out);
    if (p != PROBLEM(NOT_FOUND))
        return p;
    if ((p = keys_fetch(c)))
        return p;
    rules.jwks = (struct text){ keys.json, keys.len };
    p = id_token_verify(c->arena, tokens->id_token.value, &rules, out);
    return p == PROBLEM(NOT_FOUND) ? PROBLEM(OAUTH_REFUSED) : p;
}

static problem identify(struct call *c, const struct oauth_attempt *a, struct text code, struct oauth_identity *out)
{
    const struct pair form[] = {
        { T("grant_type"), T("authorization_code") },
        { T("code"), code },
        { T("redirect_uri"), a->redirect_uri },
        { T("client_id"), config->google_client_id },
        { T("client_secret"), config->google_client_secret },
        { T("code_verifier"), a->verifier },
    };
    struct oauth_tokens tokens;
    struct id_token id;
    problem p = oauth_exchange(c, "google", config->google_token_url, form, COUNT_OF(form), &tokens);

    if (p)
        return p;
    if (tokens.id_token.is != PRESENT)
        return PROBLEM(OAUTH_REFUSED);
    if ((p = verify(c, a, &tokens, &id)))
        return p;
    *out = (struct oauth_identity){ id.subject, id.email, id.email_verified };
    return NULL;
}

const struct oauth_provider google_provider = { "google", enabled, authorize, identify };
