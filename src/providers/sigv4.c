#include "sigv4.h"

#include "madang/codec.h"
#include "madang/seal.h"

static int by_name(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = text_compare(x->name, y->name);

    return order ? order : text_compare(x->value, y->value);
}

/* Names and values encoded (a slash too), sorted by the encoded bytes. */
static struct text canonical_query(struct arena *a, const struct pair *query, size_t count)
{
    struct pair *sorted = arena_array(a, struct pair, count + 1);
    struct text out = T("");

    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct pair){ percent_encode(a, query[i].name, T("")), percent_encode(a, query[i].value, T("")) };
    qsort(sorted, count, sizeof *sorted, by_name);
    for (size_t i = 0; i < count; i++)
        out =
            arena_printf(a, "%.*s%s%.*s=%.*s", TEXT_ARG(out), i ? "&" : "", TEXT_ARG(sorted[i].name), TEXT_ARG(sorted[i].value));
    return out;
}

static struct text signed_names(struct arena *a, const struct sigv4_request *r)
{
    struct text out = T("");

    for (size_t i = 0; i < r->header_count; i++)
        out = arena_printf(a, "%.*s%s%.*s", TEXT_ARG(out), i ? ";" : "", TEXT_ARG(r->headers[i].name));
    return out;
}

static struct text scope(struct arena *a, const struct sigv4_keys *k, struct text date)
{
    return arena_printf(a, "%.8s/%.*s/%.*s/aws4_request", date.at, TEXT_ARG(k->region), TEXT_ARG(k->service));
}

static struct text sign(struct arena *a, const struct sigv4_keys *k, const struct sigv4_request *r, const struct pair *query,
                        size_t count)
{
    struct text headers = T(""), canonical, to_sign;
    struct digest d;

    for (size_t i = 0; i < r->header_count; i++)
        headers =
            arena_printf(a, "%.*s%.*s:%.*s\n", TEXT_ARG(headers), TEXT_ARG(r->headers[i].name), TEXT_ARG(r->headers[i].value));
    canonical = arena_printf(a, "%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s", TEXT_ARG(r->method), TEXT_ARG(r->path),
                             TEXT_ARG(canonical_query(a, query, count)), TEXT_ARG(headers), TEXT_ARG(signed_names(a, r)),
                             TEXT_ARG(r->payload_hash));
    d = sha256(canonical);
    to_sign = arena_printf(a, "AWS4-HMAC-SHA256\n%.*s\n%s\n%s", TEXT_ARG(r->date), scope(a, k, r->date).at, digest_hex(a, &d).at);
    d = hmac_sha256(arena_printf(a, "AWS4%.*s", TEXT_ARG(k->secret)), (struct text){ r->date.at, 8 });
    d = hmac_sha256(digest_text(&d), k->region);
    d = hmac_sha256(digest_text(&d), k->service);
    d = hmac_sha256(digest_text(&d), T("aws4_request"));
    d = hmac_sha256(digest_text(&d), to_sign);
    return digest_hex(a, &d);
}

struct text sigv4_authorization(struct arena *a, const struct sigv4_keys *k, const struct sigv4_request *r)
{
    return arena_printf(a, "AWS4-HMAC-SHA256 Credential=%.*s/%s, SignedHeaders=%s, Signature=%s", TEXT_ARG(k->key_id),
                        scope(a, k, r->date).at, signed_names(a, r).at, sign(a, k, r, r->query, r->query_count).at);
}

struct text sigv4_presign(struct arena *a, const struct sigv4_keys *k, const struct sigv4_request *r, int64_t expires_s)
{
    struct pair *query = arena_array(a, struct pair, r->query_count + 5);
    size_t n = r->query_count;

    for (size_t i = 0; i < n; i++)
        query[i] = r->query[i];
    query[n++] = (struct pair){ T("X-Amz-Algorithm"), T("AWS4-HMAC-SHA256") };
    query[n++] = (struct pair){ T("X-Amz-Credential"), arena_printf(a, "%.*s/%s", TEXT_ARG(k->key_id), scope(a, k, r->date).at) };
    query[n++] = (struct pair){ T("X-Amz-Date"), r->date };
    query[n++] = (struct pair){ T("X-Amz-Expires"), arena_printf(a, "%lld", (long long)expires_s) };
    query[n++] = (struct pair){ T("X-Amz-SignedHeaders"), signed_names(a, r) };
    return arena_printf(a, "%s&X-Amz-Signature=%s", canonical_query(a, query, n).at, sign(a, k, r, query, n).at);
}

struct text sigv4_date(struct arena *a, int64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;

    CHECK(gmtime_r(&t, &tm) != NULL);
    return arena_printf(a, "%04d%02d%02dT%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                        tm.tm_sec);
}
