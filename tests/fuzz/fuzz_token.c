/* Access tokens and id_tokens of anybody's making are refused, whatever they are. */
#include "madang/config.h"
#include "madang/seal.h"
#include "madang/token.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct buf mistakes;
    struct text why;

    (void)argc;
    (void)argv;
    setenv("MADANG_SESSION_KEY", "a secret of the fuzzers, of no use to anybody", 1);
    buf_init(&mistakes, 65536);
    CHECK(config_load(NULL, &mistakes) && secret_load(&why));
    tokens_start();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = { (const char *)data, size };
    struct id_token_rules rules = { .issuer = T("i"), .client_id = T("c"), .nonce = T("n"), .jwks = T("{\"keys\":[]}") };
    struct claims claims;
    struct id_token id;
    struct arena a;

    arena_init(&a, 1 << 24);
    CHECK(token_verify(t, TOKEN_OF_REQUEST, &claims));
    if (size < 2048) {
        CHECK(id_token_verify(&a, t, &rules, &id));
        rules.jwks = t;
        CHECK(id_token_verify(&a, T("eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.e30.AA"), &rules, &id));
    }
    arena_fini(&a);
    return 0;
}
