#include "madang/outbound.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include "curl_loop.h"
#include "madang/log.h"
#include "madang/random.h"
#include "resolve.h"
#include "upstream.h"

#define ATTEMPTS 3
#define CONNECT_MS 5000
#define TOTAL_MS 10000
#define ANSWER_MAX 65536
#define PIECES_MAX 262144 /* received bytes that wait for their reader before the sender is held back */
#define UNSENT_MAX 131072 /* in the kernel: so that what curl could hand over tells how far the peer is */

struct transfer {
    struct call *call;
    const struct outbound *o;
    struct upstream *upstream;
    CURL *easy;
    struct curl_slist *headers, *addresses;
    struct wait *wait; /* of the task, while it waits for anything to happen */
    struct text out;   /* what is left of the piece being sent */
    bool begun, wants_piece, out_ended, paused, done, silent, blamed;
    uint64_t moved_ms;    /* when a byte went either way */
    struct buf in, given; /* what arrived; what the reader has in hand */
    size_t in_max, total;
    int status;
    CURLcode result;
};

static void wake(struct transfer *t)
{
    struct wait *w = t->wait;

    t->wait = NULL;
    if (w)
        wait_done(w, NULL);
}

static size_t on_send(char *to, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t n = size * count < t->out.len ? size * count : t->out.len;

    if (n == 0 && !t->out_ended) {
        t->wants_piece = true;
        wake(t);
        return CURL_READFUNC_PAUSE;
    }
    t->moved_ms = clock_ms();
    memcpy(to, t->out.at ? t->out.at : "", n);
    t->out = text_from(t->out, n);
    return n;
}

static size_t on_receive(char *from, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t n = size * count;

    t->moved_ms = clock_ms();
    if (t->in.len + n > PIECES_MAX) {
        t->paused = true;
        wake(t);
        return CURL_WRITEFUNC_PAUSE;
    }
    t->total += n;
    if (t->in_max && t->total > t->in_max)
        return 0; /* an answer without end: CURLE_WRITE_ERROR */
    buf_put(&t->in, (struct text){ from, n });
    wake(t);
    return t->in.over ? 0 : n;
}

static int on_socket(void *unused, curl_socket_t fd, curlsocktype purpose)
{
    int unsent = UNSENT_MAX;

    (void)unused;
    (void)purpose;
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    return CURL_SOCKOPT_OK;
}

static void on_done(CURL *easy, CURLcode result)
{
    struct transfer *t = NULL;
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    t->result = result;
    t->status = (int)status;
    t->done = true;
    wake(t);
}

static void transfer_close(void *arg)
{
    struct transfer *t = arg;
    bool failed = !t->done || t->result != CURLE_OK || t->status >= 500 || t->blamed;

    if (!t->easy)
        return;
    curl_loop_remove(t->easy);
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
    curl_slist_free_all(t->headers);
    curl_slist_free_all(t->addresses);
    buf_fini(&t->in);
    buf_fini(&t->given);
    upstream_leave(t->upstream, failed, !t->done && !t->blamed ? UPSTREAM_UNTOLD : failed ? UPSTREAM_ILL : UPSTREAM_WELL);
}

static void set_request(struct transfer *t)
{
    const struct outbound *o = t->o;
    int64_t length = o->next_piece ? o->body_length : (int64_t)o->body.len;

    for (size_t i = 0; i < o->header_count; i++)
        t->headers = curl_slist_append(
            t->headers,
            arena_printf(t->call->arena, "%.*s: %.*s", TEXT_ARG(o->headers[i].name), TEXT_ARG(o->headers[i].value)).at);
    t->headers = curl_slist_append(t->headers, "Expect:");
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    if (strcmp(o->method, "HEAD") == 0)
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    else if (length || o->next_piece || strcmp(o->method, "PUT") == 0 || strcmp(o->method, "POST") == 0) {
        curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)length);
    }
    curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, o->method);
}

static void set_options(struct transfer *t)
{
    const struct outbound *o = t->o;

    curl_easy_setopt(t->easy, CURLOPT_URL, arena_cstr(t->call->arena, o->url));
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L); /* where one would lead to nobody has looked up */
    curl_easy_setopt(t->easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, on_send);
    curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_receive);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    set_request(t);
}

problem outbound_open(struct call *c, const struct outbound *o, struct transfer **out)
{
    struct upstream *u;
    struct transfer *t;
    problem p = upstream_enter(c, o->upstream, o->at_once, &u);

    if (p)
        return p;
    t = arena_new(c->arena, struct transfer);
    t->call = c;
    t->o = o;
    t->upstream = u;
    t->out = o->body;
    t->out_ended = o->next_piece == NULL;
    buf_init(&t->in, PIECES_MAX);
    buf_init(&t->given, PIECES_MAX);
    t->easy = curl_easy_init();
    CHECK(t->easy != NULL);
    set_options(t);
    arena_defer(c->arena, transfer_close, t);
    *out = t;
    return NULL;
}

/* Looking the name up counts as connecting, and against the whole. */
static problem begin(struct call *c, struct transfer *t)
{
    const struct outbound *o = t->o;
    uint64_t now = clock_ms(), until = now + (uint64_t)(o->connect_ms ? o->connect_ms : CONNECT_MS);
    int64_t total = o->total_ms ? o->total_ms : TOTAL_MS;
    const char *addresses;
    problem p = resolve_url(c, o->url, until, &addresses);

    t->begun = true;
    if (p == PROBLEM(UPSTREAM_UNAVAILABLE) || p == PROBLEM(UPSTREAM_FAILED)) {
        t->done = true;
        t->result = p == PROBLEM(UPSTREAM_FAILED) ? CURLE_URL_MALFORMAT : CURLE_COULDNT_RESOLVE_HOST;
        return NULL;
    }
    if (p)
        return p;
    t->addresses = resolve_apply(t->easy, addresses);
    t->moved_ms = clock_ms();
    total -= (int64_t)(t->moved_ms - now);
    curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, until > t->moved_ms ? (long)(until - t->moved_ms) : 1L);
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, total > 0 ? (long)total : 1L);
    curl_loop_add(t->easy);
    return NULL;
}

static void cancel_wait(struct wait *w)
{
    wait_done(w, NULL);
}

/* Until something happened, or nothing did for too long. */
static problem await(struct call *c, struct transfer *t)
{
    uint64_t patience = t->o->silence_ms ? t->moved_ms + (uint64_t)t->o->silence_ms : 0;
    struct wait w;
    problem p;

    wait_init(&w, cancel_wait);
    t->wait = &w;
    p = task_wait(c->task, &w, patience);
    t->wait = NULL;
    if (p != PROBLEM(DEADLINE) || !patience || clock_ms() < patience)
        return p;
    if (!t->done && clock_ms() >= t->moved_ms + (uint64_t)t->o->silence_ms) {
        curl_loop_remove(t->easy);
        t->done = t->silent = true;
        t->result = CURLE_OPERATION_TIMEDOUT;
    }
    return NULL;
}

/* Hands over the next piece of the body when that is what curl wants. */
static problem step(struct call *c, struct transfer *t)
{
    struct text piece;
    problem p;

    if (!t->begun)
        return begin(c, t);
    if (!t->wants_piece && !t->done && (p = await(c, t)))
        return p;
    if (!t->wants_piece || t->done)
        return NULL;
    t->wants_piece = false;
    if ((p = t->o->next_piece(c, t->o->next_arg, &piece)))
        return p;
    t->moved_ms = clock_ms();
    t->out = piece;
    t->out_ended = piece.len == 0;
    curl_easy_pause(t->easy, CURLPAUSE_CONT);
    return NULL;
}

static problem result_problem(const struct transfer *t)
{
    if (t->result == CURLE_OK)
        return NULL;
    log_warn("outbound", "%s: %s", t->upstream->name, t->silent ? "silent for too long" : curl_easy_strerror(t->result));
    if (t->silent)
        return call_retry_after(t->call, PROBLEM(UPSTREAM_UNAVAILABLE), BREAKER_OPEN_MS / 1000);
    switch ((int)t->result) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return PROBLEM(UPSTREAM_UNAVAILABLE);
    case CURLE_OPERATION_TIMEDOUT:
        return PROBLEM(DEADLINE);
    default:
        return PROBLEM(UPSTREAM_FAILED);
    }
}

problem outbound_status(struct call *c, struct transfer *t, int *status)
{
    long code = 0;
    problem p;

    while (!t->done && t->in.len == 0)
        if ((p = step(c, t)))
            return p;
    if (t->done && (p = result_problem(t)))
        return p;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &code);
    *status = (int)code;
    return NULL;
}

problem outbound_next(struct call *c, struct transfer *t, struct text *piece)
{
    struct buf swap = t->given;
    problem p;

    while (!t->done && t->in.len == 0)
        if ((p = step(c, t)))
            return p;
    if (t->in.len == 0 && (p = result_problem(t)))
        return p;
    t->given = t->in;
    t->in = swap;
    buf_clear(&t->in);
    *piece = buf_text(&t->given);
    if (t->paused && !t->done) {
        t->paused = false;
        curl_easy_pause(t->easy, CURLPAUSE_CONT);
    }
    return NULL;
}

struct text outbound_type(const struct transfer *t)
{
    char *type = NULL;

    return curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK ? text_of(type) : T("");
}

void outbound_blame(struct transfer *t)
{
    t->blamed = true;
}

void outbound_close(struct transfer *t)
{
    transfer_close(t);
}

static problem run_once(struct call *c, const struct outbound *o, struct outbound_answer *out)
{
    struct text piece, whole = T("");
    struct transfer *t;
    problem p = outbound_open(c, o, &t);

    if (p)
        return p;
    t->in_max = o->answer_max ? o->answer_max : ANSWER_MAX;
    do {
        if ((p = outbound_next(c, t, &piece)))
            break;
        whole = whole.len ? arena_printf(c->arena, "%.*s%.*s", TEXT_ARG(whole), TEXT_ARG(piece)) : arena_text(c->arena, piece);
    } while (piece.len);
    out->status = t->status;
    out->body = whole;
    if (!p)
        out->type = arena_text(c->arena, outbound_type(t));
    transfer_close(t);
    return p;
}

problem outbound_run(struct call *c, const struct outbound *o, struct outbound_answer *out)
{
    int attempts = o->repeatable ? ATTEMPTS : 1;
    problem p = NULL;

    for (int i = 0; i < attempts; i++) {
        if (i && (p = task_sleep(c->task, random_below(200u << i))))
            return p;
        *out = (struct outbound_answer){ .status = 0 };
        p = run_once(c, o, out);
        if (!p && out->status < 500 && out->status != 429)
            return NULL;
        if (p == PROBLEM(CANCELLED) || p == PROBLEM(OVERLOADED))
            return p;
    }
    return p;
}

void outbound_start(void)
{
    upstreams_start();
    curl_loop_start(on_done);
}

void outbound_stop(void)
{
    resolve_stop();
    curl_loop_stop();
}
