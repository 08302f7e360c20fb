/* sec: seal — hashes, authentication codes and sealed texts over one secret.
 *
 * Keys for different purposes are derived from the configured secret by HKDF-SHA-256 with the purpose as info, so that a
 * value made for one use means nothing in another.
 */
#ifndef MADANG_SEAL_H
#define MADANG_SEAL_H

#include "madang/arena.h"

#define DIGEST_SIZE 32

struct digest {
    unsigned char bytes[DIGEST_SIZE];
};

struct digest sha256(struct text t);
struct digest hmac_sha256(struct text key, struct text t);
/* SHA-1 only where a protocol of others asks for it: the WebSocket handshake, names of Redis scripts, TURN credentials. */
#define SHA1_SIZE 20
void sha1(struct text t, unsigned char out[static SHA1_SIZE]);
void hmac_sha1(struct text key, struct text t, unsigned char out[static SHA1_SIZE]);
bool equal_in_constant_time(struct text a, struct text b);
struct text digest_text(const struct digest *d); /* borrows */
struct text digest_hex(struct arena *a, const struct digest *d);

/* HMAC-SHA-256 under the key of a purpose, base64url of its first 16 bytes: for signed addresses and the like.
 * signature_ok also accepts the secret before the rotation. */
struct text signature(struct arena *a, const char *purpose, struct text t);
bool signature_ok(struct arena *a, const char *purpose, struct text t, struct text given);

/* AES-256-GCM: nonce, ciphertext and tag together; `bound` is authenticated with it. */
struct text seal(struct arena *a, const struct digest *key, struct text bound, struct text plain);
bool seal_open(struct arena *a, const struct digest *key, struct text bound, struct text sealed, struct text *plain) MUST_USE;
struct digest key_for(const char *purpose, bool before_rotation);

/* Reads or makes the secret; false with a sentence in `why` when it cannot be had or is too weak. */
bool secret_load(struct text *why) MUST_USE;
bool secret_has_before(void);

/* Streaming SHA-256, for files. */
struct hasher;
struct hasher *hasher_new(void);
void hasher_feed(struct hasher *h, struct text t);
struct digest hasher_end(struct hasher **h); /* frees */
void hasher_free(struct hasher **h);

#endif
