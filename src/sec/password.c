#include "madang/password.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "madang/codec.h"
#include "madang/random.h"
#include "madang/seal.h"

/* N = 2^15, r = 8, p = 1: 32 MiB and about 60 ms a hash. */
#define LOG_N 15
#define BLOCK_R 8
#define PARALLEL_P 1
#define SALT_SIZE 16
#define KEY_SIZE 32

struct scrypt {
    struct text password;
    uint64_t log_n, r, p;
    unsigned char salt[SALT_SIZE], key[KEY_SIZE];
    bool ok;
};

/* On a pool thread. */
static void scrypt_run(void *arg)
{
    struct scrypt *s = arg;
    uint64_t n = UINT64_C(1) << s->log_n, memory = 256u << 20;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)s->password.at, s->password.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, s->salt, sizeof s->salt),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_R, &s->r),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_P, &s->p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
        OSSL_PARAM_construct_end(),
    };

    s->ok = EVP_KDF_derive(context, s->key, sizeof s->key, params) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

problem password_hash(struct task *t, struct arena *a, struct text password, struct text *hash)
{
    struct scrypt s = { .password = password, .log_n = LOG_N, .r = BLOCK_R, .p = PARALLEL_P };
    problem p;

    random_bytes(s.salt, sizeof s.salt);
    if ((p = worker_run(t, WORKER_PASSWORD, scrypt_run, &s)))
        return p;
    CHECK(s.ok);
    *hash = arena_printf(a, "scrypt$%d$%d$%d$%s$%s", LOG_N, BLOCK_R, PARALLEL_P, base64url_encode(a, s.salt, sizeof s.salt).at,
                         base64url_encode(a, s.key, sizeof s.key).at);
    return NULL;
}

/* Reads a stored hash; its key goes to `key`. */
static bool hash_parse(struct arena *a, struct text hash, struct scrypt *s, struct text *key)
{
    struct text name = text_cut(hash, '$', &hash), log_n = text_cut(hash, '$', &hash), r = text_cut(hash, '$', &hash),
                p = text_cut(hash, '$', &hash), salt = text_cut(hash, '$', &hash), bytes;
    int64_t n_value, r_value, p_value;

    if (!text_is(name, T("scrypt")) || !text_to_i64(log_n, &n_value) || !text_to_i64(r, &r_value) || !text_to_i64(p, &p_value) ||
        n_value < 1 || n_value > 20 || r_value < 1 || r_value > 16 || p_value < 1 || p_value > 4 ||
        !base64url_decode(a, salt, &bytes) || bytes.len != SALT_SIZE || !base64url_decode(a, hash, key))
        return false;
    s->log_n = (uint64_t)n_value;
    s->r = (uint64_t)r_value;
    s->p = (uint64_t)p_value;
    memcpy(s->salt, bytes.at, SALT_SIZE);
    return key->len == KEY_SIZE;
}

problem password_check(struct task *t, struct text password, struct text hash, bool *ok, bool *old)
{
    struct scrypt s = { .password = password, .log_n = LOG_N, .r = BLOCK_R, .p = PARALLEL_P };
    struct text key = T("");
    struct arena a;
    bool known;
    problem p;

    arena_init(&a, 4096);
    known = hash_parse(&a, hash, &s, &key);
    p = worker_run(t, WORKER_PASSWORD, scrypt_run, &s);
    *ok = !p && s.ok && known && equal_in_constant_time(key, (struct text){ (const char *)s.key, KEY_SIZE });
    *old = known && (s.log_n < LOG_N || s.r < BLOCK_R || s.p < PARALLEL_P);
    arena_fini(&a);
    return p;
}
