/* providers: sigv4 — AWS Signature Version 4 as S3 wants it (path encoded once, never normalised). Pure. */
#ifndef MADANG_SIGV4_H
#define MADANG_SIGV4_H

#include "madang/arena.h"
#include "madang/shape.h"

struct sigv4_keys {
    struct text key_id, secret, region, service;
};
struct sigv4_request {
    struct text method, path; /* the path already percent-encoded */
    const struct pair *query; /* decoded; sorted by us */
    size_t query_count;
    const struct pair *headers; /* lower-case names, sorted, host and all x-amz-* among them */
    size_t header_count;
    struct text payload_hash; /* hex, or UNSIGNED-PAYLOAD */
    struct text date;         /* "20130524T000000Z" */
};

/* The value of the Authorization header. */
struct text sigv4_authorization(struct arena *a, const struct sigv4_keys *k, const struct sigv4_request *r);
/* The query string of a presigned request ("X-Amz-Algorithm=…&X-Amz-Signature=…"); r->query holds what else is asked for. */
struct text sigv4_presign(struct arena *a, const struct sigv4_keys *k, const struct sigv4_request *r, int64_t expires_s);
struct text sigv4_date(struct arena *a, int64_t seconds);

#endif
