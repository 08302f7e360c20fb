/* Objects in an S3 bucket. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "madang/codec.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/outbound.h"
#include "madang/seal.h"
#include "madang/worker.h"
#include "object_providers.h"
#include "sigv4.h"

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define PIECE 65536
#define PRESIGNED_S 300
#define AGAIN_MS 1000     /* what failed later than that is not tried again: somebody waits */
#define LONGEST_MS 110000 /* of one upload that goes on: below the call's own */

struct place {
    struct text scheme, host, path;
};

/* http(s)://host/bucket/key, or bucket.host/key. */
static struct place place_of(struct call *c, struct text key)
{
    struct text endpoint = config->s3_endpoint, host, bucket = config->s3_bucket;
    bool tls = text_starts(endpoint, T("https://"));
    struct place p = { .scheme = tls ? T("https") : T("http") };

    host = text_from(endpoint, endpoint.len < (tls ? 8u : 7u) ? endpoint.len : tls ? 8 : 7);
    key = percent_encode(c->arena, key, T("/"));
    if (config->s3_path_style) {
        p.host = host;
        p.path = arena_printf(c->arena, "/%.*s/%.*s", TEXT_ARG(bucket), TEXT_ARG(key));
    } else {
        p.host = arena_printf(c->arena, "%.*s.%.*s", TEXT_ARG(bucket), TEXT_ARG(host));
        p.path = arena_printf(c->arena, "/%.*s", TEXT_ARG(key));
    }
    return p;
}

static struct sigv4_keys keys(void)
{
    return (struct sigv4_keys){ config->s3_key_id, config->s3_secret, config->s3_region, T("s3") };
}

static problem judge(const char *what, const struct outbound_answer *answer)
{
    if (answer->status >= 200 && answer->status < 300)
        return NULL;
    log_warn("s3", "%s: status %d: %.*s", what, answer->status, (int)(answer->body.len < 300 ? answer->body.len : 300),
             answer->body.at);
    return answer->status >= 500 ? PROBLEM(UPSTREAM_UNAVAILABLE) : PROBLEM(UPSTREAM_FAILED);
}

/* The file to be sent, hashed and read on pool threads. */
struct source {
    const char *path;
    int fd;
    int64_t size, offset;
    char *buffer;
    ssize_t got;
    struct digest hash;
    int error;
};

static void source_open(void *arg)
{
    struct source *s = arg;
    struct hasher *h = hasher_new();
    ssize_t n = 0;

    s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
    while (s->fd >= 0 && (n = read(s->fd, s->buffer, PIECE)) > 0) {
        hasher_feed(h, (struct text){ s->buffer, (size_t)n });
        s->size += n;
    }
    if (s->fd < 0 || n < 0)
        s->error = errno;
    s->hash = hasher_end(&h);
}

static void source_read(void *arg)
{
    struct source *s = arg;

    s->got = pread(s->fd, s->buffer, PIECE, s->offset);
    if (s->got < 0)
        s->error = errno;
}

static problem next_piece(struct call *c, void *arg, struct text *piece)
{
    struct source *s = arg;
    problem p = worker_run(c->task, WORKER_FILE, source_read, s);

    if (p || s->error)
        return p ? p : PROBLEM(UPSTREAM_FAILED);
    s->offset += s->got;
    *piece = (struct text){ s->buffer, (size_t)s->got };
    return NULL;
}

static void source_close(void *arg)
{
    struct source *s = arg;

    if (!s->path)
        return;
    if (s->fd >= 0)
        close(s->fd);
    unlink(s->path);
    s->path = NULL;
}

static problem put_once(struct call *c, struct text key, struct source *s, struct text type)
{
    struct place at = place_of(c, key);
    struct text hash = digest_hex(c->arena, &s->hash), date = sigv4_date(c->arena, clock_wall_seconds());
    struct pair headers[5] = {
        { T("content-type"), type }, { T("host"), at.host }, { T("x-amz-content-sha256"), hash }, { T("x-amz-date"), date }
    };
    struct sigv4_request r = {
        .method = T("PUT"), .path = at.path, .headers = headers, .header_count = 4, .payload_hash = hash, .date = date
    };
    struct sigv4_keys k = keys();
    struct outbound o = { .upstream = "s3",
                          .method = "PUT",
                          .headers = headers,
                          .header_count = 5,
                          .next_piece = next_piece,
                          .next_arg = s,
                          .body_length = s->size,
                          .total_ms = LONGEST_MS,
                          .silence_ms = config->s3_silence_ms };
    struct outbound_answer answer;
    problem p;

    s->offset = 0;
    headers[4] = (struct pair){ T("authorization"), sigv4_authorization(c->arena, &k, &r) };
    o.url = arena_printf(c->arena, "%s://%.*s%s", at.scheme.at, TEXT_ARG(at.host), at.path.at);
    return (p = outbound_run(c, &o, &answer)) ? p : judge("put", &answer);
}

/* Signed anew each time; a refusal stays one, and who was silent has had the time there is. */
static problem put_source(struct call *c, struct text key, struct source *s, struct text type)
{
    uint64_t until = clock_ms() + AGAIN_MS;
    problem p = put_once(c, key, s, type);

    for (int i = 0; i < 2 && p == PROBLEM(UPSTREAM_UNAVAILABLE) && clock_ms() < until; i++) {
        if (task_sleep(c->task, 200u << i))
            return p;
        p = put_once(c, key, s, type);
    }
    return p;
}

problem s3_put(struct call *c, struct text key, const char *path, struct text type)
{
    struct source *s = arena_new(c->arena, struct source);
    problem p, closed;

    *s = (struct source){ .path = path, .fd = -1, .buffer = arena_alloc(c->arena, PIECE) };
    arena_defer(c->arena, source_close, s); /* when the pool no longer takes it */
    if (!(p = worker_run(c->task, WORKER_FILE, source_open, s)))
        p = s->error ? PROBLEM(UPSTREAM_FAILED) : put_source(c, key, s, type);
    closed = worker_run(c->task, WORKER_FILE, source_close, s);
    return p ? p : closed == PROBLEM(CANCELLED) ? closed : NULL;
}

problem s3_delete(struct call *c, struct text key)
{
    struct place at = place_of(c, key);
    struct text date = sigv4_date(c->arena, clock_wall_seconds());
    struct pair headers[4] = { { T("host"), at.host }, { T("x-amz-content-sha256"), T(EMPTY_HASH) }, { T("x-amz-date"), date } };
    struct sigv4_request r = {
        .method = T("DELETE"), .path = at.path, .headers = headers, .header_count = 3, .payload_hash = T(EMPTY_HASH), .date = date
    };
    struct sigv4_keys k = keys();
    struct outbound o = { .upstream = "s3", .method = "DELETE", .headers = headers, .header_count = 4, .repeatable = true };
    struct outbound_answer answer;
    problem p;

    headers[3] = (struct pair){ T("authorization"), sigv4_authorization(c->arena, &k, &r) };
    o.url = arena_printf(c->arena, "%s://%.*s%s", at.scheme.at, TEXT_ARG(at.host), at.path.at);
    return (p = outbound_run(c, &o, &answer)) ? p : answer.status == 404 ? NULL : judge("delete", &answer);
}

problem s3_place(struct call *c, struct text key, struct text type, struct object_place *out)
{
    struct place at = place_of(c, key);
    struct pair header = { T("host"), at.host }, query = { T("response-content-type"), type };
    struct sigv4_request r = { .method = T("GET"),
                               .path = at.path,
                               .headers = &header,
                               .header_count = 1,
                               .query = &query,
                               .query_count = 1,
                               .payload_hash = T("UNSIGNED-PAYLOAD"),
                               .date = sigv4_date(c->arena, clock_wall_seconds()) };
    struct sigv4_keys k = keys();

    out->url = arena_printf(c->arena, "%s://%.*s%s?%s", at.scheme.at, TEXT_ARG(at.host), at.path.at,
                            sigv4_presign(c->arena, &k, &r, PRESIGNED_S).at);
    return NULL;
}

#define READ_MS 600000

problem s3_read(struct call *c, struct text key, object_take *take, void *arg, bool *found)
{
    struct object_place at;
    struct outbound o = { .upstream = "s3", .method = "GET", .total_ms = READ_MS, .silence_ms = config->s3_silence_ms };
    struct transfer *t;
    struct text piece;
    int status;
    problem p = s3_place(c, key, T("application/octet-stream"), &at);

    o.url = at.url;
    if (p || (p = outbound_open(c, &o, &t)) || (p = outbound_status(c, t, &status)))
        return p;
    *found = status == 200;
    if (status != 200 && status != 404) {
        log_warn("s3", "get: status %d", status);
        p = status >= 500 ? PROBLEM(UPSTREAM_UNAVAILABLE) : PROBLEM(UPSTREAM_FAILED);
    }
    while (*found && !(p = outbound_next(c, t, &piece)) && piece.len && !(p = take(piece, arg)))
        ;
    outbound_close(t);
    return p;
}
