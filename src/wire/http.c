/* The reading side of HTTP/1.1: heads by http_head.c, bodies by llhttp, one exchange at a time. */
#include <llhttp.h>

#include "exchange.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/metric.h"
#include "madang/pool.h"

#define BODY_PIECES_MAX 262144 /* bytes of a streaming body that wait for their handler before the socket is not read */
#define PIPELINED_MAX 65536    /* bytes of following requests kept meanwhile */
#define UNREAD_MAX 65536       /* unsent bytes of answers beyond which the next request waits */
#define PROGRESS_MS 5000
#define DRAIN_IDLE_MS 5000
#define OVERHEAD_MAX 65536 /* chunk framing and trailers, beyond eight times the payload */

enum http_state { IDLE, READING_HEAD, READING_BODY, ANSWERING };

struct http {
    struct list node;
    struct connection *c;
    const struct http_service *service;
    enum http_state state;
    struct buf in;    /* a head that is not complete, or what was pipelined behind the present request */
    size_t looked;    /* bytes of `in` that hold no end of head */
    llhttp_t *parser; /* of a request with a body */
    struct exchange *x;
    size_t body_bytes_then, framing;
    bool failed, parsing;
    unsigned char blanks; /* empty lines passed over before the present request */
    struct text peer;
    char peer_text[ADDRESS_TEXT];
};

static struct pool exchanges = POOL_OF(struct exchange, 256), https = POOL_OF(struct http, 256);
static struct list all_http = { &all_http, &all_http };
static bool draining;

struct connection *http_connection(struct http *h)
{
    return h->c;
}

struct text http_peer(struct http *h)
{
    if (!h->peer.len)
        h->peer = peer_print(&h->c->peer, h->peer_text);
    return h->peer;
}

static void parse_some(struct http *h);

static void set_idle(struct http *h)
{
    h->state = h->in.len ? READING_HEAD : IDLE;
    timer_set(&h->c->timer, loop_ms() + (uint64_t)(h->in.len  ? config->http_head_ms
                                                   : draining ? DRAIN_IDLE_MS
                                                              : config->http_keep_alive_ms));
}

static struct exchange *exchange_new(struct http *h)
{
    struct exchange *x = pool_take(&exchanges);

    memset(x, 0, offsetof(struct exchange, head_first));
    x->http = h;
    x->peer = h->c->peer;
    x->late = h->c->late;
    x->began_us = loop_us();
    arena_init(&x->arena, 64u << 20);
    buf_begin(&x->head_out, x->head_first, sizeof x->head_first, 65536);
    h->x = x;
    return x;
}

static struct exchange *exchange_of(llhttp_t *p)
{
    return ((struct http *)p->data)->x;
}

static int on_body(llhttp_t *p, const char *at, size_t length)
{
    struct exchange *x = exchange_of(p);

    x->body_seen += length;
    if (x->body_seen > x->body_max)
        return HPE_USER;
    buf_put(&x->body, (struct text){ at, length });
    return x->body.over ? HPE_USER : 0;
}

/* A chunk that is too long is refused by its size, before its bytes come. */
static int on_chunk(llhttp_t *p)
{
    const struct exchange *x = exchange_of(p);

    return p->content_length > x->body_max - x->body_seen ? -1 : 0;
}

static int on_message_complete(llhttp_t *p)
{
    exchange_of(p)->body_ended = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t *parser_settings(void)
{
    static llhttp_settings_t s;

    if (!s.on_body) {
        llhttp_settings_init(&s);
        s.on_body = on_body;
        s.on_chunk_header = on_chunk;
        s.on_message_complete = on_message_complete;
    }
    return &s;
}

static void wake_body(struct exchange *x)
{
    struct wait *w = x->body_wait;

    x->body_wait = NULL;
    if (w)
        wait_done(w, NULL);
}

/* Answers p and gives the connection up: nothing behind a doubtful request is read. */
static void refuse(struct http *h, problem p)
{
    struct exchange *x = h->x ? h->x : exchange_new(h);

    metric_add(METRIC_REQUESTS_BAD, 1);
    h->failed = true;
    h->state = ANSWERING;
    x->keep_alive = false;
    buf_clear(&h->in);
    if (x->begun) {
        connection_abort(h->c);
        return;
    }
    if (x->door) { /* a handler is reading the body: it learns it there and answers */
        x->body_problem = p;
        wake_body(x);
        return;
    }
    if (!x->request_id.len)
        exchange_identify(x);
    h->service->refuse(x, p);
}

static void body_complete(struct http *h)
{
    h->state = ANSWERING;
    timer_set(&h->c->timer, loop_ms() + PROGRESS_MS);
    if (h->x->streams)
        wake_body(h->x);
    else
        h->service->begin(h->x);
}

/* Feeds body bytes; returns how many belonged to this request. */
static size_t feed_body(struct http *h, struct text data)
{
    struct exchange *x = h->x;
    size_t seen = x->body_seen;
    enum llhttp_errno e = llhttp_execute(h->parser, data.at, data.len);
    size_t used = e == HPE_OK ? data.len : (size_t)(llhttp_get_error_pos(h->parser) - data.at);

    if (e != HPE_OK && e != HPE_PAUSED) {
        refuse(h, x->body.over                                ? PROBLEM(OVERLOADED)
                  : e == HPE_USER || e == HPE_CB_CHUNK_HEADER ? PROBLEM(BODY_TOO_LARGE)
                                                              : PROBLEM(REQUEST_MALFORMED));
        return data.len;
    }
    h->framing += used - (x->body_seen - seen);
    if (h->framing > OVERHEAD_MAX + 8 * x->body_seen) {
        refuse(h, PROBLEM(REQUEST_MALFORMED));
        return data.len;
    }
    if (x->streams && x->body.len)
        wake_body(x);
    if (x->streams && x->body.len > BODY_PIECES_MAX && !x->body_ended)
        connection_read(h->c, false);
    if (x->body_ended)
        body_complete(h);
    return used;
}

void http_body_wanted(struct http *h)
{
    connection_read(h->c, true);
}

static void expect_body(struct http *h)
{
    struct exchange *x = h->x;

    h->state = READING_BODY;
    h->body_bytes_then = 0;
    timer_set(&h->c->timer, loop_ms() + PROGRESS_MS);
    if (x->facts.expects_continue)
        connection_send_text(h->c, T("HTTP/1.1 100 Continue\r\n\r\n"));
    if (x->streams)
        h->service->begin(x);
}

/* llhttp reads the head again, to know what of the body follows; trailers are bounded as overhead and never merged. */
static bool parse_head(struct http *h, struct text head)
{
    enum llhttp_errno e;

    h->framing = 0;
    if (!h->parser)
        h->parser = must_alloc(sizeof *h->parser);
    llhttp_init(h->parser, HTTP_REQUEST, parser_settings());
    h->parser->data = h;
    e = llhttp_execute(h->parser, head.at, head.len);
    return e == HPE_OK || e == HPE_PAUSED;
}

static bool has_body(const struct head_facts *f)
{
    return f->chunked || (f->has_length && f->length > 0);
}

static problem begin_exchange(struct http *h, struct text bytes)
{
    struct exchange *x = exchange_new(h);
    struct text head = arena_text(&x->arena, bytes); /* what is known of the request points into this copy */
    problem p;

    if ((p = exchange_read(x, (char *)(uintptr_t)head.at, head.len)))
        return p;
    x->body_ended = !has_body(&x->facts);
    if (!x->body_ended && !parse_head(h, head))
        return PROBLEM(REQUEST_MALFORMED);
    x->keep_alive = x->facts.keep_alive && !draining && !h->c->late;
    return NULL;
}

static void dispatch(struct http *h)
{
    struct exchange *x = h->x;
    problem p = h->service->route(x);

    if (!p && x->facts.has_length && (uint64_t)x->facts.length > x->body_max)
        p = PROBLEM(BODY_TOO_LARGE);
    if (p) {
        if (!x->body_ended) {
            refuse(h, p); /* its body is not read, so the connection cannot go on */
        } else {
            h->state = ANSWERING;
            h->service->refuse(x, p);
        }
        return;
    }
    buf_init(&x->body, x->streams ? BODY_PIECES_MAX + 2 * 65536 : x->body_max + 1);
    if (!x->body_ended) {
        expect_body(h);
        return;
    }
    if (x->streams) {
        h->state = ANSWERING;
        timer_set(&h->c->timer, loop_ms() + PROGRESS_MS);
        h->service->begin(x);
        return;
    }
    body_complete(h);
}

static void http_free(struct http *h)
{
    list_remove(&h->node);
    buf_fini(&h->in);
    free(h->parser);
    pool_give(&https, h);
}

/* True when the connection became something else. */
static bool try_upgrade(struct http *h, size_t end)
{
    struct connection *c = h->c;
    struct exchange *x = h->x;
    struct text behind = text_from(buf_text(&h->in), end);

    if (!h->service->upgrade || !h->service->upgrade(x, c, behind))
        return false;
    x->http = NULL;
    h->x = NULL;
    http_free(h);
    exchange_end(x);
    return true;
}

/* Takes a complete head off `in`; false while there is none. */
static bool take_head(struct http *h)
{
    struct text bytes = buf_text(&h->in);
    size_t end = head_end(bytes, h->looked);
    problem p;

    if (!end) {
        bool in_line = text_find(bytes, '\n') < 0;

        h->looked = bytes.len;
        if (bytes.len > (size_t)config->http_head_bytes || (in_line && bytes.len > (size_t)config->http_target_bytes + 64))
            refuse(h, in_line ? PROBLEM(TARGET_TOO_LONG) : PROBLEM(HEADERS_TOO_LARGE));
        return false;
    }
    h->looked = 0;
    h->blanks = 0;
    if (end > (size_t)config->http_head_bytes) {
        refuse(h, PROBLEM(HEADERS_TOO_LARGE));
        return false;
    }
    if ((p = begin_exchange(h, text_until(bytes, end)))) {
        refuse(h, p);
        return false;
    }
    if (exchange_header(h->x, T("upgrade")).len && try_upgrade(h, end))
        return false;
    buf_drop(&h->in, end);
    dispatch(h);
    return true;
}

/* Empty lines before a request line are passed over (RFC 9112 §2.2), two at the most. */
static void skip_blank(struct http *h)
{
    for (; h->blanks < 2 && h->in.len >= 2 && memcmp(h->in.at, "\r\n", 2) == 0; h->blanks++)
        buf_drop(&h->in, 2);
}

/* One step: a head, or what has come of a body. False: that is all for now. */
static bool parse_one(struct http *h)
{
    struct connection *c = h->c;

    if (h->state == READING_BODY && h->in.len) {
        size_t used = feed_body(h, buf_text(&h->in));

        if (c->owner != h || h->failed)
            return false;
        buf_drop(&h->in, used);
        return true;
    }
    if (h->in.len && (h->state == IDLE || (h->state == READING_HEAD && h->looked == 0))) {
        skip_blank(h);
        if (h->state == IDLE || h->in.len == 0)
            set_idle(h);
    }
    if (c->queued > UNREAD_MAX || (c->queued && c->writing))
        return false; /* who does not read its answers gets no more of them: on_drained() goes on */
    return h->state == READING_HEAD && take_head(h);
}

/* An exchange that ends within a step comes back here: the step's bytes are still in the buffer, and the loop goes on. */
static void parse_some(struct http *h)
{
    struct connection *c = h->c;

    if (h->parsing)
        return;
    h->parsing = true;
    while (connection_is_open(c) && c->owner == h && parse_one(h))
        ;
    if (c->owner == h)
        h->parsing = false;
}

static void on_data(struct connection *c, struct text data)
{
    struct http *h = c->owner;
    size_t used = 0;

    if (h->failed)
        return;
    if (h->state == READING_BODY && h->in.len == 0)
        used = feed_body(h, data); /* the common case: no copy */
    if (c->owner != h || !connection_is_open(c) || h->failed)
        return;
    buf_put(&h->in, text_from(data, used));
    if (h->in.over) {
        connection_abort(c);
        return;
    }
    if (h->state == ANSWERING && h->in.len > PIPELINED_MAX)
        connection_read(c, false);
    parse_some(h);
}

static void on_gone(struct connection *c)
{
    struct http *h = c->owner;

    c->owner = NULL; /* whoever is further up the stack sees by it that h is gone */
    if (h->x)
        exchange_gone(h->x);
    http_free(h);
}

static void on_drained(struct connection *c)
{
    struct http *h = c->owner;
    struct wait *w = h->x ? h->x->send_wait : NULL;

    if (w) {
        h->x->send_wait = NULL;
        wait_done(w, NULL);
    } else if (h->state == READING_HEAD) {
        parse_some(h);
    }
}

/* Progress, not patience: so many bytes a second, judged every five. */
static void check_progress(struct http *h)
{
    size_t needed = (size_t)config->http_body_bytes_per_s * PROGRESS_MS / 1000, seen = h->x->body_seen;
    bool handler_is_behind = h->x->streams && !h->c->reading;

    if (seen - h->body_bytes_then < needed && !handler_is_behind) {
        refuse(h, PROBLEM(REQUEST_TIMEOUT));
        return;
    }
    h->body_bytes_then = seen;
    timer_set(&h->c->timer, loop_ms() + PROGRESS_MS);
}

static void check_sending(struct http *h)
{
    struct connection *c = h->c;

    if (c->queued && c->sent - c->seen < (uint64_t)config->http_body_bytes_per_s * PROGRESS_MS / 1000) {
        connection_abort(c);
        return;
    }
    c->seen = c->sent;
    timer_set(&c->timer, loop_ms() + PROGRESS_MS);
}

static void on_timer(struct connection *c)
{
    struct http *h = c->owner;

    switch (h->state) {
    case IDLE:
        connection_finish(c);
        return;
    case READING_HEAD:
        if (c->queued) /* it is for the reader of the answers before it that it waits */
            check_sending(h);
        else
            refuse(h, PROBLEM(REQUEST_TIMEOUT));
        return;
    case READING_BODY:
        check_progress(h);
        return;
    case ANSWERING:
        check_sending(h);
        return;
    }
}

void http_accept(struct connection *c, const struct http_service *service)
{
    static const struct connection_ops ops = { on_data, on_gone, on_drained, on_timer };
    struct http *h = pool_take(&https);

    *h = (struct http){ .c = c, .service = service };
    buf_init(&h->in, (size_t)config->http_head_bytes + PIPELINED_MAX + 2 * 65536);
    list_append(&all_http, &h->node);
    connection_serve(c, &ops, h);
    set_idle(h);
    timer_set(&c->timer, loop_ms() + (uint64_t)config->http_head_ms);
}

static void exchange_free(struct exchange *x)
{
    CHECK(!x->body_wait && !x->send_wait);
    buf_fini(&x->body);
    buf_fini(&x->piece);
    buf_fini(&x->head_out);
    arena_fini(&x->arena);
    pool_give(&exchanges, x);
}

void exchange_end(struct exchange *x)
{
    struct http *h = x->http;
    struct connection *c = h ? h->c : NULL;
    bool goes_on = h && !h->failed && x->keep_alive && x->body_ended && x->length_left == 0 && x->begun;

    if (h)
        h->x = NULL;
    exchange_free(x);
    if (!goes_on) {
        if (c)
            connection_finish(c);
        return;
    }
    set_idle(h);
    connection_read(c, true);
    if (c->owner == h)
        parse_some(h);
}

void http_drain(void)
{
    draining = true;
    list_each_safe (node, &all_http) {
        struct http *h = CONTAINER_OF(node, struct http, node);

        if (h->x)
            h->x->keep_alive = h->x->keep_alive && h->x->begun;
        else if (h->state == IDLE)
            set_idle(h);
    }
}
