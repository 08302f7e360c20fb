/* Bodies that are the same for everybody. */
#include <zlib.h>

#include "exchange.h"
#include "madang/codec.h"
#include "madang/seal.h"

#define PACK_MIN 256 /* smaller ones are not worth it */

struct constant {
    const char *type;
    struct chunk *plain, *packed; /* packed: by gzip; NULL when that is not smaller */
    char etag[2][24];             /* of a representation each */
};

/* NULL when it does not shrink. */
static struct chunk *pack(struct text bytes)
{
    z_stream z = { .next_in = (unsigned char *)(uintptr_t)bytes.at, .avail_in = (unsigned)bytes.len };
    struct chunk *k;
    int got;

    if (bytes.len < PACK_MIN || deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    k = chunk_new(bytes.len);
    z.next_out = (unsigned char *)k->bytes;
    z.avail_out = (unsigned)bytes.len;
    got = deflate(&z, Z_FINISH);
    k->len = bytes.len - z.avail_out;
    deflateEnd(&z);
    if (got == Z_STREAM_END)
        return k;
    chunk_drop(k);
    return NULL;
}

static bool is_packed_already(const char *type)
{
    return strncmp(type, "image/p", 7) == 0 || strcmp(type, "font/woff2") == 0;
}

struct constant *constant_new(const char *type, struct text bytes)
{
    struct constant *k = must_zalloc(sizeof *k);
    struct digest d = sha256(bytes);
    struct arena a;

    arena_init(&a, 4096);
    k->type = type;
    k->plain = chunk_of(bytes);
    k->packed = is_packed_already(type) ? NULL : pack(bytes);
    snprintf(k->etag[0], sizeof k->etag[0], "\"%.16s\"", digest_hex(&a, &d).at);
    snprintf(k->etag[1], sizeof k->etag[1], "\"%.16s-gz\"", digest_hex(&a, &d).at);
    arena_fini(&a);
    return k;
}

void constant_free(struct constant **constant)
{
    struct constant *k = *constant;

    *constant = NULL;
    if (!k)
        return;
    chunk_drop(k->plain);
    if (k->packed)
        chunk_drop(k->packed);
    free(k);
}

/* RFC 9110 §12.5.3: what is named itself goes before "*"; a weight of 0 forbids. */
bool accepts_gzip(struct text list)
{
    double named = -1, any = -1;

    while (list.len) {
        struct text weight, coding = text_trim(text_cut(text_cut(list, ',', &list), ';', &weight));
        double q = 1;

        weight = text_trim(weight);
        if (text_skip(&weight, T("q=")) && !text_to_f64(weight, &q))
            q = 0;
        if (text_is_nocase(coding, T("gzip")) || text_is_nocase(coding, T("x-gzip")))
            named = q;
        else if (text_is(coding, T("*")))
            any = q;
    }
    return (named < 0 ? any : named) > 0;
}

void exchange_reply_constant(struct exchange *x, const struct constant *k)
{
    bool packed = k->packed && accepts_gzip(exchange_header(x, T("accept-encoding")));
    struct text etag = text_of(k->etag[packed]);

    exchange_header_add(x, "ETag", etag);
    exchange_headers_put(x, T("Vary: Accept-Encoding\r\nCache-Control: no-cache\r\n"));
    if (etag_matches(exchange_header(x, T("if-none-match")), etag)) {
        exchange_begin(x, 304, -1);
        return;
    }
    exchange_header_add(x, "Content-Type", text_of(k->type));
    if (packed)
        exchange_headers_put(x, T("Content-Encoding: gzip\r\n"));
    exchange_send_chunk(x, 200, packed ? k->packed : k->plain);
}
