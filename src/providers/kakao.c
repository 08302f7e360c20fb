/* Kakao Login: secret in the form alone, a 64-bit id, every profile field optional. */
#include "madang/config.h"
#include "oauth_providers.h"

static bool enabled(void)
{
    return config->kakao_client_id.len > 0;
}

static struct text authorize(struct call *c, const struct oauth_attempt *a)
{
    struct text none = T("");
    const struct pair params[] = {
        { T("client_id"), config->kakao_client_id },
        { T("redirect_uri"), a->redirect_uri },
        { T("response_type"), T("code") },
        { T("state"), a->state },
        { T("code_challenge"), config->kakao_pkce ? pkce_challenge(c->arena, a->verifier) : none },
        { T("code_challenge_method"), config->kakao_pkce ? T("S256") : none },
    };

    return url_with(c->arena, config->kakao_authorize_url, params, COUNT_OF(params));
}

struct kakao_account {
    struct opt_text email;
    struct opt_bool is_email_valid, is_email_verified;
};
static const struct field account_fields[] = {
    FIELD(struct kakao_account, email, .len_max = 254),
    FIELD(struct kakao_account, is_email_valid),
    FIELD(struct kakao_account, is_email_verified),
};
static const struct shape account_shape = SHAPE("KakaoAccount", struct kakao_account, account_fields);
struct kakao_user {
    int64_t id;
    struct kakao_account *kakao_account;
};
static const struct field user_fields[] = {
    FIELD(struct kakao_user, id, .min = 1, .max = INT64_MAX), /* their ids may pass 2^53 */
    FIELD_MAYBE(struct kakao_user, kakao_account, .shape = &account_shape),
};
static const struct shape user_shape = SHAPE("KakaoUser", struct kakao_user, user_fields);

static problem read_user(struct call *c, struct text access_token, struct oauth_identity *out)
{
    const struct pair headers[] = { { T("Authorization"), arena_printf(c->arena, "Bearer %.*s", TEXT_ARG(access_token)) } };
    struct outbound o = { .upstream = "kakao",
                          .method = "GET",
                          .url = config->kakao_user_url,
                          .headers = headers,
                          .header_count = 1,
                          .repeatable = true };
    struct outbound_answer answer;
    struct field_faults faults;
    struct shape_input in = { .open = true };
    struct kakao_user user;
    problem p;

    if ((p = outbound_run(c, &o, &answer)))
        return p;
    in.json = answer.body;
    if (answer.status != 200)
        return answer.status >= 500 ? PROBLEM(UPSTREAM_UNAVAILABLE) : PROBLEM(OAUTH_REFUSED);
    if (answer.body.len == 0 || shape_decode(&user_shape, c->arena, &in, &user, &faults))
        return PROBLEM(UPSTREAM_FAILED);
    out->subject = arena_printf(c->arena, "%lld", (long long)user.id);
    if (user.kakao_account && user.kakao_account->email.is == PRESENT) {
        out->email = user.kakao_account->email.value;
        out->email_verified = user.kakao_account->is_email_valid.value && user.kakao_account->is_email_verified.value;
    }
    return NULL;
}

static problem identify(struct call *c, const struct oauth_attempt *a, struct text code, struct oauth_identity *out)
{
    const struct pair form[] = {
        { T("grant_type"), T("authorization_code") },
        { T("client_id"), config->kakao_client_id },
        { T("redirect_uri"), a->redirect_uri },
        { T("code"), code },
        { T("client_secret"), config->kakao_client_secret },
        { T("code_verifier"), config->kakao_pkce ? a->verifier : T("") },
    };
    struct oauth_tokens tokens;
    problem p = oauth_exchange(c, "kakao", config->kakao_token_url, form, COUNT_OF(form), &tokens);

    return p ? p : read_user(c, tokens.access_token.value, out);
}

const struct oauth_provider kakao_provider = { "kakao", enabled, authorize, identify };
