/* providers: what the OAuth providers share. */
#ifndef MADANG_OAUTH_PROVIDERS_H
#define MADANG_OAUTH_PROVIDERS_H

#include "madang/oauth.h"
#include "madang/outbound.h"

extern const struct oauth_provider kakao_provider, google_provider;

/* base ? name=value & … with values percent-encoded; empty values are left out. */
struct text url_with(struct arena *a, struct text base, const struct pair *params, size_t count);
struct text pkce_challenge(struct arena *a, struct text verifier); /* S256, RFC 7636 */

struct oauth_tokens {
    struct opt_text access_token, id_token, error, error_code;
};
/* Exchanges the code; the form's parameters are the provider's. */
problem oauth_exchange(struct call *c, const char *upstream, struct text url, const struct pair *form, size_t count,
                       struct oauth_tokens *out) MUST_USE;

#endif
