#include "connection.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "listener.h"
#include "madang/config.h"
#include "madang/metric.h"
#include "madang/pool.h"

#define IOV_MAX_OURS 64
#define LINGER_MS 1000
#define QUEUE_ROOM_FIRST 8
#define JOIN_MAX 64           /* chunks, and … */
#define JOIN_BYTES_MAX 262144 /* … bytes of a list that is joined */
#define PROGRESS_MS 5000
#define LARGE 65536          /* unsent bytes of one connection … */
#define LARGE_A_TURN 4194304 /* … and of all that have so many, sent in one turn */
#define CHUNK_POOLED 1024    /* the size of most answers by HTTP */
#define CHUNK_POOLED_MIN 384

static char read_buffer[65536]; /* one for the loop: what is kept is copied */
static struct pool chunks = { .size = CHUNK_POOLED, .max = 256 };
static struct turn_hook flush_hook;
static struct list dirty = { &dirty, &dirty };

struct chunk *chunk_new(size_t len)
{
    bool pooled = len >= CHUNK_POOLED_MIN && sizeof(struct chunk) + len <= CHUNK_POOLED;
    struct chunk *k = pooled ? pool_take(&chunks) : must_alloc(sizeof *k + len);

    k->refs = 1;
    k->pooled = pooled;
    k->len = len;
    return k;
}

struct chunk *chunk_of(struct text t)
{
    struct chunk *k = chunk_new(t.len);

    if (t.len)
        memcpy(k->bytes, t.at, t.len);
    return k;
}

struct chunk *chunk_keep(struct chunk *k)
{
    k->refs++;
    return k;
}

void chunk_drop(struct chunk *k)
{
    CHECK(k->refs > 0);
    if (--k->refs)
        return;
    if (k->pooled)
        pool_give(&chunks, k);
    else
        free(k);
}

bool connection_is_open(const struct connection *c)
{
    return !c->finishing && !c->closing;
}

static void queue_free(struct connection *c)
{
    if (c->queue != c->few)
        free(c->queue);
    c->queue = c->few;
    c->room = COUNT_OF(c->few);
}

static void queue_grow(struct connection *c)
{
    uint32_t room = c->room < QUEUE_ROOM_FIRST ? QUEUE_ROOM_FIRST : c->room * 2;
    struct chunk **queue = must_realloc(c->queue == c->few ? NULL : c->queue, room * sizeof *queue);

    if (c->queue == c->few)
        memcpy(queue, c->few, sizeof c->few);
    c->queue = queue;
    c->room = room;
}

static void on_timer(struct timer *t);

void connection_init(struct connection *c)
{
    list_init(&c->dirty);
    timer_init(&c->timer, on_timer);
    c->queue = c->few;
    queue_free(c);
}

void connection_serve(struct connection *c, const struct connection_ops *ops, void *owner)
{
    c->ops = ops;
    c->owner = owner;
    c->hears_drained = ops->on_drained != NULL;
}

void connection_drop_queue(struct connection *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        chunk_drop(c->queue[i]);
    c->count = 0;
    queue_free(c);
}

/* Forgets `bytes` off the front of the queue. */
static void queue_advance(struct connection *c, size_t bytes)
{
    uint32_t done = 0;

    c->queued -= (uint32_t)bytes;
    c->sent += (uint32_t)bytes;
    metric_add(METRIC_BYTES_OUT, (int64_t)bytes);
    while (done < c->count && bytes >= c->queue[done]->len - c->offset) {
        bytes -= c->queue[done]->len - c->offset;
        c->offset = 0;
        chunk_drop(c->queue[done++]);
    }
    c->offset += (uint32_t)bytes;
    c->count -= done;
    if (done && c->count)
        memmove(c->queue, c->queue + done, c->count * sizeof *c->queue);
    if (c->count == 0)
        queue_free(c);
}

static unsigned queue_iov(const struct connection *c, uv_buf_t iov[static IOV_MAX_OURS])
{
    unsigned n = 0;

    for (; n < c->count && n < IOV_MAX_OURS; n++) {
        size_t from = n == 0 ? c->offset : 0;

        iov[n] = uv_buf_init(c->queue[n]->bytes + from, (unsigned)(c->queue[n]->len - from));
    }
    return n;
}

static void flush(struct connection *c);

struct pending_write {
    uv_write_t uv;
    size_t bytes;
};

static void on_written(uv_write_t *w, int status)
{
    struct connection *c = w->data;
    size_t bytes = CONTAINER_OF(w, struct pending_write, uv)->bytes;

    free(CONTAINER_OF(w, struct pending_write, uv));
    c->writing = false;
    if (c->closing)
        return;
    if (status < 0) {
        connection_abort(c);
        return;
    }
    queue_advance(c, bytes);
    flush(c);
}

/* The kernel's buffer is full: libuv writes when there is room. It copies the vector; the chunks stay queued. */
static void write_later(struct connection *c, uv_buf_t *iov, unsigned n)
{
    struct pending_write *p = must_zalloc(sizeof *p);

    for (unsigned i = 0; i < n; i++)
        p->bytes += iov[i].len;
    p->uv.data = c;
    c->writing = true;
    if (uv_write(&p->uv, &c->uv.stream, iov, n, on_written) != 0) {
        free(p);
        c->writing = false;
        connection_abort(c);
    }
}

static void on_shut(uv_shutdown_t *s, int status)
{
    struct connection *c = s->data;

    free(s);
    if (c->closing)
        return;
    if (status < 0)
        connection_abort(c);
    else
        timer_set_after(&c->timer, LINGER_MS);
}

static void shut(struct connection *c)
{
    uv_shutdown_t *s;

    if (c->shut || c->closing)
        return;
    c->shut = true;
    s = must_zalloc(sizeof *s);
    s->data = c;
    if (uv_shutdown(s, &c->uv.stream, on_shut) != 0) {
        free(s);
        connection_abort(c);
        return;
    }
    connection_read(c, true); /* what still comes is read and thrown away, so that no reset eats our answer */
}

static void drained(struct connection *c)
{
    if (c->finishing)
        shut(c);
    else if (c->hears_drained)
        c->ops->on_drained(c);
}

/* The list that was joined last in this pass over the dirty connections, and what it became. */
static struct {
    struct chunk *parts[JOIN_MAX], *whole;
    uint32_t count;
} joined;

static void joined_forget(void)
{
    for (uint32_t i = 0; i < joined.count; i++)
        chunk_drop(joined.parts[i]);
    if (joined.whole)
        chunk_drop(joined.whole);
    joined.whole = NULL;
    joined.count = 0;
}

static void join(struct chunk *const *parts, uint32_t count, size_t bytes)
{
    char *to;

    joined_forget();
    joined.whole = chunk_new(bytes);
    joined.count = count;
    to = joined.whole->bytes;
    for (uint32_t i = 0; i < count; i++) {
        joined.parts[i] = chunk_keep(parts[i]);
        memcpy(to, parts[i]->bytes, parts[i]->len);
        to += parts[i]->len;
    }
}

static bool all_are_shared(const struct connection *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->queue[i]->refs == 1)
            return false;
    return true;
}

/* Members of a room have the same events to get: one chunk instead of many, made for the first and found by the others. */
static void queue_join(struct connection *c)
{
    if (c->count < 2 || c->count > JOIN_MAX || c->offset || c->queued > JOIN_BYTES_MAX || !all_are_shared(c))
        return;
    if (joined.count != c->count || memcmp(joined.parts, c->queue, c->count * sizeof *c->queue) != 0)
        join(c->queue, c->count, c->queued);
    connection_drop_queue(c);
    c->queue[c->count++] = chunk_keep(joined.whole);
}

/* What uv_try_write() does, without a look at the rest of libuv's handle, which with many receivers is a cache line or three
 * for each of them, and as a socket call, which is shorter in the kernel than write(2). uv_buf_t is a struct iovec on Unix. */
static ssize_t send_now(const struct connection *c, uv_buf_t *iov, unsigned n)
{
    struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
    ssize_t sent;

    do
        sent = n == 1 ? send(c->fd, iov->base, iov->len, MSG_NOSIGNAL) : sendmsg(c->fd, &m, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

/* The common case, one chunk that the kernel takes whole; false: the rest of flush() goes on with what is left. */
static bool send_only(struct connection *c)
{
    struct chunk *k = c->few[0];
    ssize_t sent;

    if (c->count != 1 || c->queue != c->few || c->offset || c->writing)
        return false;
    sent = send(c->fd, k->bytes, k->len, MSG_NOSIGNAL);
    if (sent != (ssize_t)k->len) {
        if (sent > 0)
            queue_advance(c, (size_t)sent);
        return false;
    }
    metric_add(METRIC_WRITES, 1);
    metric_add(METRIC_BYTES_OUT, sent);
    c->count = 0;
    c->queued = 0;
    c->sent += (uint32_t)sent;
    chunk_drop(k);
    return true;
}

static void send_queue(struct connection *c)
{
    uv_buf_t iov[IOV_MAX_OURS] __attribute__((uninitialized)); /* a kilobyte, of which mostly one is used */
    ssize_t written;
    unsigned n;

    while (c->count && !c->writing && !c->closing) {
        n = queue_iov(c, iov);
        written = send_now(c, iov, n);
        metric_add(METRIC_WRITES, 1);
        if (written < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
            write_later(c, iov, n);
            return;
        }
        if (written < 0) {
            connection_abort(c);
            return;
        }
        queue_advance(c, (size_t)written);
    }
}

static void flush(struct connection *c)
{
    list_remove(&c->dirty);
    if (!c->writing)
        queue_join(c);
    if (!send_only(c))
        send_queue(c);
    if (!c->count && !c->closing)
        drained(c);
}

/* What is large is copied by the kernel for long: so much of it a turn, and what is small does not wait for it. */
static void flush_all(struct turn_hook *h)
{
    struct list later, *node;
    size_t large = 0;

    list_init(&later);
    while ((node = list_take_first(&dirty)) != NULL) {
        struct connection *c = CONTAINER_OF(node, struct connection, dirty);

        if (c->queued > LARGE && large >= LARGE_A_TURN) {
            list_append(&later, node);
            continue;
        }
        large += c->queued > LARGE ? c->queued : 0;
        flush(c);
    }
    joined_forget();
    list_splice(&dirty, &later);
    if (!list_is_empty(&dirty))
        turn_hook_arm(h);
}

static void mark_dirty(struct connection *c)
{
    if (!flush_hook.run)
        turn_hook_init(&flush_hook, flush_all);
    if (list_is_empty(&c->dirty) && !c->writing)
        list_append(&dirty, &c->dirty);
    turn_hook_arm(&flush_hook);
}

void connection_send(struct connection *c, struct chunk *k)
{
    if (c->finishing || c->closing || k->len == 0) {
        chunk_drop(k);
        return;
    }
    if (c->count == c->room)
        queue_grow(c);
    CHECK(k->len <= UINT32_MAX - c->queued); /* far beyond what is kept for any peer */
    c->queue[c->count++] = k;
    c->queued += (uint32_t)k->len;
    mark_dirty(c);
}

void connection_send_text(struct connection *c, struct text t)
{
    connection_send(c, chunk_of(t));
}

static void on_alloc(uv_handle_t *h, size_t wanted, uv_buf_t *b)
{
    (void)h;
    (void)wanted;
    loop_event();
    *b = uv_buf_init(read_buffer, sizeof read_buffer);
}

static void on_read(uv_stream_t *s, ssize_t got, const uv_buf_t *b)
{
    struct connection *c = s->data;

    if (got < 0) {
        connection_abort(c);
        return;
    }
    metric_add(METRIC_BYTES_IN, got);
    if (got > 0 && !c->finishing)
        c->ops->on_data(c, (struct text){ b->base, (size_t)got });
}

void connection_read(struct connection *c, bool on)
{
    if (on == c->reading || c->closing)
        return;
    c->reading = on;
    if (!on)
        uv_read_stop(&c->uv.stream);
    else if (uv_read_start(&c->uv.stream, on_alloc, on_read) != 0)
        connection_abort(c);
}

void connection_finish(struct connection *c)
{
    if (c->finishing || c->closing)
        return;
    c->finishing = true;
    c->seen = c->sent;
    timer_set_after(&c->timer, PROGRESS_MS); /* a peer that does not take its answer is not waited for */
    mark_dirty(c);
}

static void on_closed(uv_handle_t *h)
{
    listener_forget(CONTAINER_OF(h, struct connection, uv.handle));
}

void connection_abort(struct connection *c)
{
    if (c->closing)
        return;
    c->closing = true;
    c->reading = false;
    list_remove(&c->dirty);
    timer_clear(&c->timer);
    if (c->ops)
        c->ops->on_gone(c);
    uv_close(&c->uv.handle, on_closed);
}

static void on_timer(struct timer *t)
{
    struct connection *c = CONTAINER_OF(t, struct connection, timer);

    if (!c->finishing) {
        c->ops->on_timer(c);
    } else if (!c->shut && c->sent != c->seen) {
        c->seen = c->sent;
        timer_set_after(t, PROGRESS_MS);
    } else {
        connection_abort(c);
    }
}
