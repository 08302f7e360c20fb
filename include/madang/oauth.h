/* providers: oauth — outside logins by authorization code: where to send the browser, and who came back. */
#ifndef MADANG_OAUTH_H
#define MADANG_OAUTH_H

#include "madang/call.h"

/* One attempt, kept from start to callback; one use, ten minutes. */
struct oauth_attempt {
    struct text provider, state, nonce, verifier, return_to, browser, redirect_uri;
    int64_t link_account;    /* whose account the provider is to be joined to; 0: a login */
    struct opt_text session; /* … asked for by this session, which must stand until then */
    struct opt_i64 guest;    /* … or the guest who logs in */
};

struct oauth_identity {
    struct text subject, email;
    bool email_verified;
};

struct oauth_provider {
    const char *name;
    bool (*enabled)(void);
    struct text (*authorize)(struct call *c, const struct oauth_attempt *a);
    /* OAUTH_REFUSED (code unknown, used, expired; token not valid), UPSTREAM_FAILED, UPSTREAM_UNAVAILABLE, DEADLINE. */
    problem (*identify)(struct call *c, const struct oauth_attempt *a, struct text code, struct oauth_identity *out);
};

const struct oauth_provider *oauth_provider_find(struct text name); /* NULL: none of that name */

#endif
