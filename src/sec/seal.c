#include "madang/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/core_names.h>
#include <sys/stat.h>
#include <unistd.h>

#include "madang/codec.h"
#include "madang/config.h"
#include "madang/random.h"

#define NONCE_SIZE 12
#define TAG_SIZE 16
#define SECRET_MIN 32
#define MAC_KEY_MAX 256

static char secret_now[256], secret_before[256];

/* Contexts are kept: to make one, OpenSSL looks its algorithm up under locks and allocates a dozen times. */
struct kept_hash {
    const char *name;
    EVP_MD *algorithm;
    EVP_MD_CTX *context;
};

static void hash(struct kept_hash *k, struct text t, unsigned char *out)
{
    if (!k->context) {
        k->algorithm = EVP_MD_fetch(NULL, k->name, NULL);
        k->context = EVP_MD_CTX_new();
        CHECK(k->algorithm && k->context);
    }
    CHECK(EVP_DigestInit_ex2(k->context, k->algorithm, NULL) == 1 && EVP_DigestUpdate(k->context, t.at, t.len) == 1 &&
          EVP_DigestFinal_ex(k->context, out, NULL) == 1);
}

struct digest sha256(struct text t)
{
    static struct kept_hash kept = { .name = "SHA256" };
    struct digest d;

    hash(&kept, t, d.bytes);
    return d;
}

void sha1(struct text t, unsigned char out[static SHA1_SIZE])
{
    static struct kept_hash kept = { .name = "SHA1" };

    hash(&kept, t, out);
}

/* The context whose key it has, or the one that was made first, with this key. */
static EVP_MAC_CTX *mac_for(struct text key)
{
    static struct {
        EVP_MAC_CTX *context;
        char key[MAC_KEY_MAX];
        size_t len;
    } kept[4];
    static size_t next;
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t) "SHA256", 0),
                            OSSL_PARAM_construct_end() };
    size_t i = 0;

    while (i < COUNT_OF(kept) && !(kept[i].len == key.len && memcmp(kept[i].key, key.at, key.len) == 0))
        i++;
    if (i < COUNT_OF(kept))
        return kept[i].context;
    i = next++ % COUNT_OF(kept);
    if (!kept[i].context) {
        EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);

        kept[i].context = EVP_MAC_CTX_new(algorithm);
        EVP_MAC_free(algorithm);
    }
    CHECK(EVP_MAC_init(kept[i].context, (const unsigned char *)key.at, key.len, params) == 1);
    memcpy(kept[i].key, key.at, key.len);
    kept[i].len = key.len;
    return kept[i].context;
}

struct digest hmac_sha256(struct text key, struct text t)
{
    struct digest d;
    EVP_MAC_CTX *c;
    size_t size;

    CHECK(key.len > 0 && key.len <= MAC_KEY_MAX);
    c = mac_for(key);
    CHECK(EVP_MAC_init(c, NULL, 0, NULL) == 1 && EVP_MAC_update(c, (const unsigned char *)t.at, t.len) == 1 &&
          EVP_MAC_final(c, d.bytes, &size, sizeof d.bytes) == 1);
    return d;
}

void hmac_sha1(struct text key, struct text t, unsigned char out[static SHA1_SIZE])
{
    size_t size;

    CHECK(
        EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, key.at, key.len, (const unsigned char *)t.at, t.len, out, SHA1_SIZE, &size));
}

bool equal_in_constant_time(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.at, b.at, a.len) == 0);
}

struct text digest_text(const struct digest *d)
{
    return (struct text){ (const char *)d->bytes, sizeof d->bytes };
}

struct text digest_hex(struct arena *a, const struct digest *d)
{
    return hex_encode(a, d->bytes, sizeof d->bytes);
}

static struct digest derive(const char *secret, const char *purpose)
{
    struct digest out;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t) "SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret, strlen(secret)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)purpose, strlen(purpose)),
        OSSL_PARAM_construct_end(),
    };

    CHECK(EVP_KDF_derive(context, out.bytes, sizeof out.bytes, params) == 1);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return out;
}

/* Derived keys of the few purposes, kept: deriving costs microseconds on a path that signs each file's address. */
struct derived {
    const char *purpose;
    struct digest now, before;
};
static struct derived derived[16];

static const struct derived *derived_for(const char *purpose)
{
    size_t i = 0;

    CHECK(secret_now[0] != '\0');
    while (i < COUNT_OF(derived) && derived[i].purpose && strcmp(derived[i].purpose, purpose) != 0)
        i++;
    CHECK(i < COUNT_OF(derived));
    if (!derived[i].purpose)
        derived[i] = (struct derived){ purpose, derive(secret_now, purpose),
                                       derive(secret_before[0] ? secret_before : secret_now, purpose) };
    return &derived[i];
}

struct digest key_for(const char *purpose, bool before_rotation)
{
    const struct derived *d = derived_for(purpose);

    return before_rotation ? d->before : d->now;
}

bool secret_has_before(void)
{
    return secret_before[0] != '\0';
}

static struct text sign_with(struct arena *a, struct digest key, struct text t)
{
    struct digest code = hmac_sha256(digest_text(&key), t);

    return base64url_encode(a, code.bytes, 16);
}

struct text signature(struct arena *a, const char *purpose, struct text t)
{
    return sign_with(a, key_for(purpose, false), t);
}

bool signature_ok(struct arena *a, const char *purpose, struct text t, struct text given)
{
    return equal_in_constant_time(signature(a, purpose, t), given) ||
           equal_in_constant_time(sign_with(a, key_for(purpose, true), t), given);
}

struct text seal(struct arena *a, const struct digest *key, struct text bound, struct text plain)
{
    unsigned char *out = arena_alloc(a, NONCE_SIZE + plain.len + TAG_SIZE);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int got = 0, last = 0, ignored;

    random_bytes(out, NONCE_SIZE);
    CHECK(EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key->bytes, out) == 1);
    CHECK(EVP_EncryptUpdate(c, NULL, &ignored, (const unsigned char *)bound.at, (int)bound.len) == 1);
    CHECK(EVP_EncryptUpdate(c, out + NONCE_SIZE, &got, (const unsigned char *)plain.at, (int)plain.len) == 1);
    CHECK(EVP_EncryptFinal_ex(c, out + NONCE_SIZE + got, &last) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, out + NONCE_SIZE + plain.len) == 1);
    EVP_CIPHER_CTX_free(c);
    return (struct text){ (const char *)out, NONCE_SIZE + plain.len + TAG_SIZE };
}

bool seal_open(struct arena *a, const struct digest *key, struct text bound, struct text sealed, struct text *plain)
{
    size_t length = sealed.len - NONCE_SIZE - TAG_SIZE;
    const unsigned char *in = (const unsigned char *)sealed.at;
    unsigned char *out;
    EVP_CIPHER_CTX *c;
    int got = 0, last = 0, ignored;
    bool ok;

    if (sealed.len < NONCE_SIZE + TAG_SIZE)
        return false;
    out = arena_alloc(a, length + 1);
    c = EVP_CIPHER_CTX_new();
    ok = EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key->bytes, in) == 1 &&
         EVP_DecryptUpdate(c, NULL, &ignored, (const unsigned char *)bound.at, (int)bound.len) == 1 &&
         EVP_DecryptUpdate(c, out, &got, in + NONCE_SIZE, (int)length) == 1 &&
         EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, (void *)(uintptr_t)(in + NONCE_SIZE + length)) == 1 &&
         EVP_DecryptFinal_ex(c, out + got, &last) == 1;
    EVP_CIPHER_CTX_free(c);
    *plain = (struct text){ (const char *)out, ok ? length : 0 };
    return ok;
}

static bool secret_copy(char to[static 256], struct text from)
{
    if (from.len >= 256)
        return false;
    memcpy(to, from.at ? from.at : "", from.len);
    to[from.len] = '\0';
    return from.len == 0 || from.len >= SECRET_MIN;
}

static bool secret_write(const char *path)
{
    struct arena a;
    struct text made;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok;

    if (fd < 0)
        return errno == EEXIST; /* a twin starting beside us made it */
    arena_init(&a, 4096);
    made = random_token(&a, 48);
    ok = write(fd, made.at, made.len) == (ssize_t)made.len;
    ok = close(fd) == 0 && ok;
    arena_fini(&a);
    return ok;
}

static bool secret_from_file(void)
{
    char path[512];
    ssize_t got;
    int fd;

    CHECK(config->session_key_file.len < sizeof path);
    memcpy(path, config->session_key_file.at, config->session_key_file.len + 1);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (!secret_write(path))
            return false;
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0)
        return false;
    got = read(fd, secret_now, sizeof secret_now - 1);
    close(fd);
    secret_now[got > 0 ? got : 0] = '\0';
    return got >= SECRET_MIN;
}

bool secret_load(struct text *why)
{
    memset(derived, 0, sizeof derived);
    if (!secret_copy(secret_now, config->session_key) || !secret_copy(secret_before, config->session_key_before)) {
        *why = T("[session] key and key_before must have at least 32 characters");
        return false;
    }
    if (secret_now[0] == '\0' && !secret_from_file()) {
        *why = T("[session] key is empty and key_file cannot be read or made");
        return false;
    }
    return true;
}

struct hasher *hasher_new(void)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();

    CHECK(c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1);
    return (struct hasher *)c;
}

void hasher_feed(struct hasher *h, struct text t)
{
    CHECK(EVP_DigestUpdate((EVP_MD_CTX *)h, t.at, t.len) == 1);
}

struct digest hasher_end(struct hasher **h)
{
    struct digest d;
    unsigned size = sizeof d.bytes;

    CHECK(EVP_DigestFinal_ex((EVP_MD_CTX *)*h, d.bytes, &size) == 1);
    hasher_free(h);
    return d;
}

void hasher_free(struct hasher **h)
{
    EVP_MD_CTX_free((EVP_MD_CTX *)*h);
    *h = NULL;
}
