/* base: codec — hexadecimal, base64url (RFC 4648 §5, no padding) and percent encoding. */
#ifndef MADANG_CODEC_H
#define MADANG_CODEC_H

#include "madang/arena.h"

struct text hex_encode(struct arena *a, const void *bytes, size_t len);
bool hex_decode(struct text t, unsigned char *out, size_t len) MUST_USE; /* exactly len bytes */

struct text base64url_encode(struct arena *a, const void *bytes, size_t len);
/* Strict: no padding, no other characters, unused bits zero. The result's bytes lie in the arena. */
bool base64url_decode(struct arena *a, struct text t, struct text *out) MUST_USE;
bool base64_is_plain(struct text t); /* all of it from base64's own alphabet, "+" and "/" in it; no padding */
struct text base64_encode(struct arena *a, const void *bytes, size_t len); /* with padding */

/* Decodes %XX once ('+' too when `plus_is_space`); false on a broken escape, a NUL or bytes that are not UTF-8. */
bool percent_decode(struct arena *a, struct text t, bool plus_is_space, struct text *out) MUST_USE;
/* Everything but A-Z a-z 0-9 - . _ ~ and the characters of `keep` becomes %XX. */
struct text percent_encode(struct arena *a, struct text t, struct text keep);

#endif
