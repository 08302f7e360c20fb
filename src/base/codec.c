#include "madang/codec.h"

static const char digits[] = "0123456789abcdef", upper_digits[] = "0123456789ABCDEF";

struct text hex_encode(struct arena *a, const void *bytes, size_t len)
{
    const unsigned char *in = bytes;
    char *out = arena_alloc(a, len * 2 + 1);

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    return (struct text){ out, len * 2 };
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(struct text t, unsigned char *out, size_t len)
{
    if (t.len != len * 2)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(t.at[2 * i]), low = hex_value(t.at[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static struct text encode64(struct arena *a, const char *alphabet, bool pad, const unsigned char *in, size_t len)
{
    char *out = arena_alloc(a, (len + 2) / 3 * 4 + 1);
    size_t n = 0, i = 0;
    uint32_t word;

    for (; i + 3 <= len; i += 3) {
        word = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        out[n++] = alphabet[word >> 18];
        out[n++] = alphabet[word >> 12 & 63];
        out[n++] = alphabet[word >> 6 & 63];
        out[n++] = alphabet[word & 63];
    }
    if (i < len) {
        word = (uint32_t)in[i] << 16 | (i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0);
        for (size_t k = 0; k <= len - i; k++)
            out[n++] = alphabet[word >> (18 - 6 * k) & 63];
        while (pad && n % 4)
            out[n++] = '=';
    }
    return (struct text){ out, n };
}

static const char alphabet_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char alphabet_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct text base64url_encode(struct arena *a, const void *bytes, size_t len)
{
    return encode64(a, alphabet_url, false, bytes, len);
}

struct text base64_encode(struct arena *a, const void *bytes, size_t len)
{
    return encode64(a, alphabet_std, true, bytes, len);
}

/* What each character of an alphabet stands for; -1: nothing. */
struct digits64 {
    const char *alphabet;
    signed char values[256];
};

static const signed char *digits64(struct digits64 *d)
{
    if (d->values[(unsigned char)'B'] == 0) {
        memset(d->values, -1, sizeof d->values);
        for (signed char i = 0; i < 64; i++)
            d->values[(unsigned char)d->alphabet[i]] = i;
    }
    return d->values;
}

bool base64_is_plain(struct text t)
{
    static struct digits64 std = { .alphabet = alphabet_std };
    const signed char *values = digits64(&std);
    int all = 0;

    for (size_t i = 0; i < t.len; i++)
        all |= values[(unsigned char)t.at[i]];
    return all >= 0;
}

bool base64url_decode(struct arena *a, struct text t, struct text *out)
{
    unsigned char *bytes = arena_alloc(a, t.len * 3 / 4 + 1);
    static struct digits64 url = { .alphabet = alphabet_url };
    const signed char *values = digits64(&url);
    uint32_t word = 0;
    int all = 0; /* negative once a character stood for nothing */
    size_t n = 0, i = 0, rest = t.len % 4;

    if (rest == 1)
        return false;
    for (; i + 4 <= t.len; i += 4) {
        int d0 = values[(unsigned char)t.at[i]], d1 = values[(unsigned char)t.at[i + 1]], d2 = values[(unsigned char)t.at[i + 2]],
            d3 = values[(unsigned char)t.at[i + 3]];

        all |= d0 | d1 | d2 | d3;
        word = (uint32_t)d0 << 18 | (uint32_t)d1 << 12 | (uint32_t)d2 << 6 | (uint32_t)d3;
        bytes[n++] = (unsigned char)(word >> 16);
        bytes[n++] = (unsigned char)(word >> 8);
        bytes[n++] = (unsigned char)word;
    }
    for (word = 0; i < t.len; i++) {
        all |= values[(unsigned char)t.at[i]];
        word = word << 6 | (uint32_t)(values[(unsigned char)t.at[i]] & 63);
    }
    if (rest) {
        bytes[n++] = (unsigned char)(word >> (rest == 3 ? 10 : 4));
        if (rest == 3)
            bytes[n++] = (unsigned char)(word >> 2);
        if (word & (rest == 3 ? 3u : 15u))
            return false;
    }
    *out = (struct text){ (const char *)bytes, n };
    return all >= 0;
}

bool percent_decode(struct arena *a, struct text t, bool plus_is_space, struct text *out)
{
    char *to = arena_alloc(a, t.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < t.len; i++) {
        char c = t.at[i];

        if (c == '%') {
            unsigned char byte;

            if (t.len - i < 3 || !hex_decode((struct text){ t.at + i + 1, 2 }, &byte, 1) || byte == 0)
                return false;
            c = (char)byte;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        to[n++] = c;
    }
    *out = (struct text){ to, n };
    return utf8_is_valid(*out);
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

struct text percent_encode(struct arena *a, struct text t, struct text keep)
{
    char *to = arena_alloc(a, t.len * 3 + 1);
    size_t n = 0;

    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.at[i];

        if (is_unreserved((char)c) || text_find(keep, (char)c) >= 0) {
            to[n++] = (char)c;
            continue;
        }
        to[n++] = '%';
        to[n++] = upper_digits[c >> 4];
        to[n++] = upper_digits[c & 15];
    }
    return (struct text){ to, n };
}
