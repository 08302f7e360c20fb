/* sec: token — access tokens: JWT (RFC 7519, BCP RFC 8725), HS256 and nothing else, key chosen by kid.
 *
 * Verified tokens are cached by their hash until they expire or their session ends; the cache holds 65,536.
 */
#ifndef MADANG_TOKEN_H
#define MADANG_TOKEN_H

#include "madang/arena.h"
#include "madang/problem.h"

enum role { ROLE_NOBODY, ROLE_GUEST, ROLE_NEWCOMER, ROLE_MEMBER, ROLE_MANAGER, ROLE_ADMIN, ROLE_COUNT };
extern const char *const role_names[ROLE_COUNT]; /* newcomer: signed up, profile not complete */

#define SESSION_ID_LEN 22
struct claims {
    int64_t account;
    enum role role;
    char session[SESSION_ID_LEN + 1];
    int64_t expires_s; /* seconds since 1970 */
};

void tokens_start(void);
void tokens_stop(void);
struct text token_make(struct arena *a, const struct claims *c);
/* TOKEN_INVALID, or NULL and the claims. A request's token will come again and is remembered; a socket's comes once. */
enum token_use { TOKEN_OF_REQUEST, TOKEN_OF_SOCKET };
problem token_verify(struct text token, enum token_use use, struct claims *out) MUST_USE;
/* Its tokens are refused from now on by this process, for one token life. */
bool token_session_is_revoked(struct text session);
void token_revoke_session(struct text session);

/* An id_token of an outside OpenID provider (OIDC Core 3.1.3.7): RS256 by the key of its kid in the JWKS. */
struct id_token_rules {
    struct text issuer, issuer_too, client_id, nonce, access_token, jwks;
};
struct id_token {
    struct text subject, email;
    bool email_verified;
};
/* NULL; NOT_FOUND when the kid is not in the key set (fetch it anew once); OAUTH_REFUSED. */
problem id_token_verify(struct arena *a, struct text token, const struct id_token_rules *rules, struct id_token *out) MUST_USE;

#endif
