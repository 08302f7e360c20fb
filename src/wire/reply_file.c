/* A file of the disk as an answer: from the page cache to the socket, by sendfile(2) on a pool thread, since disks may be slow.
 *
 * When the socket is full, a few of the next bytes are queued as any other answer would be: once they have left, there is room
 * again, and until then the connection judges how fast the client reads. */
#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exchange.h"
#include "madang/codec.h"
#include "madang/log.h"
#include "madang/metric.h"
#include "madang/worker.h"

#define AT_ONCE 1048576 /* bytes of one errand to the pool: others wait for its threads, too */
#define QUEUED 4096     /* bytes that are queued when the socket is full */

struct sending {
    const char *path;
    int fd, socket; /* socket: a duplicate, which stays ours when the connection closes its own meanwhile */
    int error;
    bool is_shorter, is_gone;
    int64_t offset, end, size;
    size_t sent, held;
    char *next; /* QUEUED bytes */
};

static void open_file(void *arg)
{
    struct sending *s = arg;
    struct stat st;

    s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st) != 0)
        s->error = errno;
    else if (!S_ISREG(st.st_mode))
        s->error = EISDIR;
    else
        s->size = st.st_size;
}

static void close_file(void *arg)
{
    struct sending *s = arg;

    if (s->fd >= 0)
        close(s->fd); /* only ever read: nothing is left to be written that could hold us */
    if (s->socket >= 0)
        close(s->socket);
}

static void socket_failed(struct sending *s)
{
    int64_t left = s->end - s->offset;
    ssize_t got;

    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) {
        s->is_gone = true;
        return;
    }
    got = errno == EAGAIN ? pread(s->fd, s->next, left < QUEUED ? (size_t)left : QUEUED, s->offset) : -1;
    if (got < 0)
        s->error = errno;
    else if (got == 0)
        s->is_shorter = true;
    else
        s->held = (size_t)got;
}

/* On a pool thread: as much as the socket takes. */
static void send_some(void *arg)
{
    struct sending *s = arg;

    s->sent = s->held = 0;
    while (s->offset < s->end && s->sent < AT_ONCE) {
        int64_t left = s->end - s->offset, room = AT_ONCE - (int64_t)s->sent;
        off_t at = s->offset;
        ssize_t n = sendfile(s->socket, s->fd, &at, (size_t)(left < room ? left : room));

        if (n > 0) {
            s->offset += n;
            s->sent += (size_t)n;
        } else if (n == 0) {
            s->is_shorter = true;
            return;
        } else if (errno != EINTR) {
            socket_failed(s);
            return;
        }
    }
}

static problem failure(const struct sending *s)
{
    if (s->error || s->is_shorter)
        log_error("file", "%s: %s", s->path, s->error ? strerror(s->error) : "it became shorter while it was sent");
    return s->error || s->is_shorter ? PROBLEM(UPSTREAM_FAILED) : s->is_gone ? PROBLEM(CANCELLED) : NULL;
}

static problem send_all(struct call *c, struct sending *s)
{
    problem p;

    while (s->offset < s->end) {
        if ((p = exchange_wait_sent(c)) || (p = worker_run(c->task, WORKER_FILE, send_some, s)))
            return p;
        exchange_sent_aside(c, s->sent);
        if ((p = failure(s)))
            return p;
        if (s->held && (p = exchange_write(c, (struct text){ s->next, s->held })))
            return p;
        s->offset += (int64_t)s->held;
    }
    return NULL;
}

static problem open_both(struct call *c, struct sending *s)
{
    struct exchange *x = c->http;
    problem p = worker_run(c->task, WORKER_FILE, open_file, s);

    if (p || (p = failure(s)))
        return p;
    if (!x->http)
        return PROBLEM(CANCELLED);
    s->socket = x->is_head ? -1 : fcntl(http_connection(x->http)->fd, F_DUPFD_CLOEXEC, 0);
    return x->is_head || s->socket >= 0 ? NULL : PROBLEM(OVERLOADED);
}

/* A part only of a GET (RFC 9110 §14.2), and not of another version than the client has the rest of: a date never says that. */
static enum range_kind choose_range(const struct exchange *x, const struct reply_file *f, struct sending *s)
{
    struct text range = exchange_header(x, T("range")), if_range = exchange_header(x, T("if-range"));
    bool applies = x->method == METHOD_GET && (!if_range.len || text_is(if_range, f->etag));
    enum range_kind kind = range_parse(applies ? range : T(""), s->size, &s->offset, &s->end);

    s->end++; /* behind the last */
    return kind;
}

static void put_headers(struct call *c, const struct reply_file *f)
{
    struct exchange *x = c->http;

    exchange_header_add(x, "Content-Type", f->type);
    exchange_headers_put(x, T("Accept-Ranges: bytes\r\n"));
    if (f->download.len)
        exchange_header_add(x, "Content-Disposition", content_disposition(c->arena, f->download));
}

problem exchange_reply_file(struct call *c, const struct reply_file *f)
{
    struct exchange *x = c->http;
    struct sending *s;
    enum range_kind kind;
    problem p;

    if (f->cache)
        exchange_cache(x, f->cache);
    if (etag_matches(exchange_header(x, T("if-none-match")), f->etag)) {
        exchange_header_add(x, "ETag", f->etag);
        exchange_begin(x, 304, -1);
        return NULL;
    }
    s = arena_new(c->arena, struct sending);
    *s = (struct sending){ .path = f->path, .fd = -1, .socket = -1, .next = arena_alloc(c->arena, QUEUED) };
    arena_defer(c->arena, close_file, s);
    if ((p = open_both(c, s)))
        return p;
    kind = choose_range(x, f, s);
    if (kind == RANGE_UNSATISFIABLE) {
        exchange_header_add(x, "Content-Range", arena_printf(c->arena, "bytes */%lld", (long long)s->size));
        return PROBLEM(RANGE_NOT_SATISFIABLE);
    }
    put_headers(c, f);
    exchange_header_add(x, "ETag", f->etag);
    if (kind == RANGE_PART)
        exchange_header_add(
            x, "Content-Range",
            arena_printf(c->arena, "bytes %lld-%lld/%lld", (long long)s->offset, (long long)(s->end - 1), (long long)s->size));
    exchange_begin(x, kind == RANGE_PART ? 206 : 200, s->end - s->offset);
    return x->is_head ? NULL : send_all(c, s);
}

/* What no file should be called: a name of ours may come from a person. */
static bool is_unfit(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7F || byte == '/' || byte == '\\';
}

/* RFC 6266 §4.3 and appendix D: a name in ASCII for those who know no other, its quotes and percent signs taken out. */
struct text content_disposition(struct arena *a, struct text name)
{
    char *plain = arena_alloc(a, name.len + 1), *fit = arena_alloc(a, name.len + 1);
    bool same = true;
    size_t n = 0;

    for (size_t i = 0; i < name.len; i++) {
        unsigned char byte = (unsigned char)name.at[i];

        fit[i] = is_unfit(byte) ? '_' : (char)byte;
        same = same && byte < 0x80 && byte != '"' && byte != '%';
        if ((byte & 0xC0) != 0x80)
            plain[n++] = byte >= 0x80 || byte == '"' || byte == '%' ? '_' : fit[i];
    }
    if (name.len == 0)
        return T("attachment");
    if (same || !utf8_is_valid(name))
        return arena_join(a, T("attachment; filename=\""), (struct text){ plain, n }, T("\""));
    return arena_join(a, T("attachment; filename=\""), (struct text){ plain, n }, T("\"; filename*=UTF-8''"),
                      percent_encode(a, (struct text){ fit, name.len }, T("")));
}
