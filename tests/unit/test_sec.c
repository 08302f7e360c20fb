/* Signatures, tokens, the breaker. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "madang/clock.h"
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/seal.h"
#include "madang/token.h"
#include "net/breaker.h"
#include "providers/sigv4.h"

#define EMPTY T("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")

/* The vectors of the S3 documentation ("Signature Calculations for the Authorization Header"). */
static void test_sigv4(void **state)
{
    struct sigv4_keys k = { T("AKIAIOSFODNN7EXAMPLE"), T("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), T("us-east-1"), T("s3") };
    const struct pair get[] = { { T("host"), T("examplebucket.s3.amazonaws.com") },
                                { T("range"), T("bytes=0-9") },
                                { T("x-amz-content-sha256"), EMPTY },
                                { T("x-amz-date"), T("20130524T000000Z") } };
    const struct pair plain[] = { { T("host"), T("examplebucket.s3.amazonaws.com") },
                                  { T("x-amz-content-sha256"), EMPTY },
                                  { T("x-amz-date"), T("20130524T000000Z") } };
    const struct pair lifecycle[] = { { T("lifecycle"), T("") } },
                      list[] = { { T("prefix"), T("J") }, { T("max-keys"), T("2") } };
    struct sigv4_request r = { T("GET"), T("/test.txt"), NULL, 0, get, 4, EMPTY, T("20130524T000000Z") };
    struct sigv4_request other = { T("GET"), T("/"), lifecycle, 1, plain, 3, EMPTY, T("20130524T000000Z") };
    struct sigv4_request presigned = {
        T("GET"), T("/test.txt"), NULL, 0, plain, 1, T("UNSIGNED-PAYLOAD"), T("20130524T000000Z")
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    assert_true(text_ends(sigv4_authorization(&a, &k, &r),
                          T("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")));
    assert_true(text_ends(sigv4_authorization(&a, &k, &other),
                          T("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")));
    other.query = list;
    other.query_count = 2;
    assert_true(text_ends(sigv4_authorization(&a, &k, &other),
                          T("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")));
    assert_true(text_ends(sigv4_presign(&a, &k, &presigned, 86400),
                          T("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")));
    arena_fini(&a);
}

static void test_access_tokens(void **state)
{
    struct claims made = { .account = 42,
                           .role = ROLE_MEMBER,
                           .session = "AAAAAAAAAAAAAAAAAAAAAA",
                           .expires_s = clock_wall_seconds() + 60 },
                  read;
    static const char *const bad[] = {
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiI0MiJ9.",
        "a.b.c",
        "",
        "....................................",
    };
    struct arena a;
    struct text token;
    char *broken;

    (void)state;
    arena_init(&a, 1 << 20);
    token = token_make(&a, &made);
    assert_null(token_verify(token, TOKEN_OF_REQUEST, &read));
    assert_int_equal(read.account, 42);
    assert_int_equal(read.role, ROLE_MEMBER);
    assert_string_equal(read.session, made.session);
    assert_null(token_verify(token, TOKEN_OF_REQUEST, &read)); /* out of the cache */
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_ptr_equal(token_verify(text_of(bad[i]), TOKEN_OF_REQUEST, &read), PROBLEM(TOKEN_INVALID));
    for (size_t i = 0; i < token.len; i += 7) { /* a changed character anywhere */
        broken = (char *)(uintptr_t)arena_cstr(&a, token);
        broken[i] = broken[i] == 'A' ? 'B' : 'A';
        assert_ptr_equal(token_verify((struct text){ broken, token.len }, TOKEN_OF_REQUEST, &read), PROBLEM(TOKEN_INVALID));
    }
    made.expires_s = clock_wall_seconds() - 1;
    assert_ptr_equal(token_verify(token_make(&a, &made), TOKEN_OF_REQUEST, &read), PROBLEM(TOKEN_INVALID));
    token_revoke_session(text_of(made.session));
    assert_ptr_equal(token_verify(token, TOKEN_OF_REQUEST, &read), PROBLEM(TOKEN_INVALID));
    arena_fini(&a);
}

static void test_seals(void **state)
{
    struct digest key = sha256(T("key")), other = sha256(T("other"));
    struct text sealed, plain;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    sealed = seal(&a, &key, T("bound"), T("secret words"));
    assert_true(seal_open(&a, &key, T("bound"), sealed, &plain) && text_is(plain, T("secret words")));
    assert_false(seal_open(&a, &key, T("elsewhere"), sealed, &plain));
    assert_false(seal_open(&a, &other, T("bound"), sealed, &plain));
    assert_false(seal_open(&a, &key, T("bound"), text_until(sealed, 20), &plain));
    assert_true(signature_ok(&a, "one", T("x"), signature(&a, "one", T("x"))));
    assert_false(signature_ok(&a, "two", T("x"), signature(&a, "one", T("x"))));
    arena_fini(&a);
}

/* Made by another implementation. */
static void test_turn_credentials(void **state)
{
    static const struct {
        struct text user, password;
    } vectors[] = { { TEXT_INIT("1767326645:user42"), TEXT_INIT("MuZaZwqQvYYa2KXPQ1Y94LBqVZw=") },
                    { TEXT_INIT("1767326645"), TEXT_INIT("V+27A4XMdi5jNaBQQzie6CRBVis=") } };
    unsigned char mac[SHA1_SIZE];
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 16);
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        hmac_sha1(T("north-secret"), vectors[i].user, mac);
        assert_true(text_is(base64_encode(&a, mac, sizeof mac), vectors[i].password));
    }
    arena_fini(&a);
}

static void test_breaker(void **state)
{
    struct breaker b = { 0 };

    (void)state;
    for (int i = 0; i < BREAKER_FAILURES; i++) {
        assert_true(breaker_admits(&b, 1000));
        breaker_note(&b, true, 1000);
    }
    assert_false(breaker_admits(&b, 1000 + BREAKER_OPEN_MS - 1));
    assert_true(breaker_admits(&b, 1000 + BREAKER_OPEN_MS));  /* one may try … */
    assert_false(breaker_admits(&b, 1000 + BREAKER_OPEN_MS)); /* … and no other meanwhile */
    breaker_note(&b, true, 20000);
    assert_false(breaker_admits(&b, 20001));
    assert_true(breaker_admits(&b, 20000 + BREAKER_OPEN_MS));
    breaker_note(&b, false, 40000);
    assert_true(breaker_admits(&b, 40001) && breaker_admits(&b, 40001));
}

static int start(void **state)
{
    struct buf mistakes;
    struct text why;

    (void)state;
    setenv("MADANG_SESSION_KEY", "a secret of the unit tests, long enough", 1);
    buf_init(&mistakes, 65536);
    assert_true(config_load(NULL, &mistakes));
    assert_true(secret_load(&why));
    tokens_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tokens_stop();
    config_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sigv4),   cmocka_unit_test(test_access_tokens),    cmocka_unit_test(test_seals),
        cmocka_unit_test(test_breaker), cmocka_unit_test(test_turn_credentials),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
