#include "oauth_providers.h"

#include "madang/codec.h"
#include "madang/log.h"
#include "madang/seal.h"

static const struct oauth_provider *const providers[] = { &kakao_provider, &google_provider };

const struct oauth_provider *oauth_provider_find(struct text name)
{
    for (size_t i = 0; i < COUNT_OF(providers); i++)
        if (text_is(text_of(providers[i]->name), name))
            return providers[i];
    return NULL;
}

static struct text encode_params(struct arena *a, const struct pair *params, size_t count)
{
    struct text out = T("");

    for (size_t i = 0; i < count; i++)
        if (params[i].value.len)
            out = arena_printf(a, "%.*s%s%.*s=%s", TEXT_ARG(out), out.len ? "&" : "", TEXT_ARG(params[i].name),
                               percent_encode(a, params[i].value, T("")).at);
    return out;
}

struct text url_with(struct arena *a, struct text base, const struct pair *params, size_t count)
{
    return arena_printf(a, "%.*s%s%s", TEXT_ARG(base), text_find(base, '?') < 0 ? "?" : "&", encode_params(a, params, count).at);
}

struct text pkce_challenge(struct arena *a, struct text verifier)
{
    struct digest d = sha256(verifier);

    return base64url_encode(a, d.bytes, sizeof d.bytes);
}

static const struct field token_fields[] = {
    FIELD(struct oauth_tokens, access_token, .len_max = 8192),
    FIELD(struct oauth_tokens, id_token, .len_max = 16384),
    FIELD(struct oauth_tokens, error),
    FIELD(struct oauth_tokens, error_code),
};
static const struct shape token_shape = SHAPE("OauthTokens", struct oauth_tokens, token_fields);

problem oauth_exchange(struct call *c, const char *upstream, struct text url, const struct pair *form, size_t count,
                       struct oauth_tokens *out)
{
    const struct pair headers[] = { { T("Content-Type"), T("application/x-www-form-urlencoded") },
                                    { T("Accept"), T("application/json") } };
    struct outbound o = { .upstream = upstream,
                          .method = "POST",
                          .url = url,
                          .headers = headers,
                          .header_count = COUNT_OF(headers),
                          .body = encode_params(c->arena, form, count) };
    struct outbound_answer answer;
    struct field_faults faults;
    struct shape_input in = { .open = true };
    problem p;

    if ((p = outbound_run(c, &o, &answer))) /* never repeated: the code may be burnt */
        return p;
    in.json = answer.body;
    if (answer.body.len == 0 || shape_decode(&token_shape, c->arena, &in, out, &faults))
        return PROBLEM(UPSTREAM_FAILED);
    if (answer.status == 200 && out->access_token.is == PRESENT)
        return NULL;
    log_warn("oauth", "%s: status %d, %.*s %.*s", upstream, answer.status, TEXT_ARG(out->error.value),
             TEXT_ARG(out->error_code.value));
    return answer.status >= 500 ? PROBLEM(UPSTREAM_UNAVAILABLE) : PROBLEM(OAUTH_REFUSED);
}
