#include "madang/outbound.h"

#include "breaker.h"
#include "curl_loop.h"
#include "madang/fault.h"
#include "madang/health.h"
#include "madang/log.h"
#include "madang/metric.h"
#include "madang/random.h"

#define UPSTREAMS_MAX 16
#define AT_ONCE 64
#define ATTEMPTS 3
#define CONNECT_MS 5000
#define TOTAL_MS 10000
#define ANSWER_MAX 65536
#define PIECES_MAX 262144 /* received bytes that wait for their reader before the sender is held back */

struct upstream {
    const char *name;
    struct breaker breaker;
    size_t running;
    uint64_t ok, failed;
};

struct transfer {
    struct call *call;
    const struct outbound *o;
    struct upstream *upstream;
    CURL *easy;
    struct curl_slist *headers, *recipients;
    struct wait *wait; /* of the task, while it waits for anything to happen */
    struct text out;   /* what is left of the piece being sent */
    bool wants_piece, out_ended, paused, done, blamed;
    struct buf in, given; /* what arrived; what the reader has in hand */
    size_t in_max, total;
    int status;
    CURLcode result;
};

static struct upstream upstreams[UPSTREAMS_MAX];

static struct upstream *upstream_of(const char *name)
{
    for (size_t i = 0; i < UPSTREAMS_MAX; i++) {
        if (!upstreams[i].name)
            upstreams[i].name = name;
        if (strcmp(upstreams[i].name, name) == 0)
            return &upstreams[i];
    }
    CHECK(false);
    return NULL;
}

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
    memcpy(to, t->out.at ? t->out.at : "", n);
    t->out = text_from(t->out, n);
    return n;
}

static size_t on_receive(char *from, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t n = size * count;

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
    curl_slist_free_all(t->recipients);
    buf_fini(&t->in);
    buf_fini(&t->given);
    t->upstream->running--;
    t->upstream->ok += !failed;
    t->upstream->failed += failed;
    if (t->done || t->result != CURLE_OK || t->blamed)
        breaker_note(&t->upstream->breaker, failed, clock_ms());
    else
        t->upstream->breaker.probing = false;
    metric_add(failed ? METRIC_OUTBOUND_FAILED : METRIC_OUTBOUND, 1);
}

static void set_mail(struct transfer *t)
{
    const struct outbound *o = t->o;
    struct arena *a = t->call->arena;

    t->recipients = curl_slist_append(NULL, arena_printf(a, "<%.*s>", TEXT_ARG(o->mail_to)).at);
    curl_easy_setopt(t->easy, CURLOPT_MAIL_FROM, arena_printf(a, "<%.*s>", TEXT_ARG(o->mail_from)).at);
    curl_easy_setopt(t->easy, CURLOPT_MAIL_RCPT, t->recipients);
    curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(t->easy, CURLOPT_USE_SSL,
                     strcmp(o->starttls, "require") == 0 ? (long)CURLUSESSL_ALL
                     : strcmp(o->starttls, "try") == 0   ? (long)CURLUSESSL_TRY
                                                         : (long)CURLUSESSL_NONE);
    if (o->user.len) {
        curl_easy_setopt(t->easy, CURLOPT_USERNAME, arena_cstr(a, o->user));
        curl_easy_setopt(t->easy, CURLOPT_PASSWORD, arena_cstr(a, o->password));
    }
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
    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, o->method ? "http,https" : "smtp,smtps");
    curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(o->connect_ms ? o->connect_ms : CONNECT_MS));
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)(o->total_ms ? o->total_ms : TOTAL_MS));
    curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, on_send);
    curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_receive);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    if (o->method)
        set_request(t);
    else
        set_mail(t);
}

problem outbound_open(struct call *c, const struct outbound *o, struct transfer **out)
{
    struct upstream *u = upstream_of(o->upstream);
    struct transfer *t;

    CHECK(!task_foreign_is_forbidden(c->task));
    if (arena_is_over(c->arena) || u->running >= (o->at_once ? o->at_once : AT_ONCE) || FAULT(QUEUE_FULL))
        return PROBLEM(OVERLOADED);
    if (!breaker_admits(&u->breaker, clock_ms()))
        return call_retry_after(c, PROBLEM(UPSTREAM_UNAVAILABLE), BREAKER_OPEN_MS / 1000);
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
    u->running++;
    arena_defer(c->arena, transfer_close, t);
    curl_loop_add(t->easy);
    *out = t;
    return NULL;
}

static void cancel_wait(struct wait *w)
{
    wait_done(w, NULL);
}

/* Until something happened; hands over the next piece of the body when that is what curl wants. */
static problem step(struct call *c, struct transfer *t)
{
    struct text piece;
    struct wait w;
    problem p;

    if (!t->wants_piece && !t->done) {
        wait_init(&w, cancel_wait);
        t->wait = &w;
        p = task_wait(c->task, &w, 0);
        t->wait = NULL;
        if (p)
            return p;
    }
    if (!t->wants_piece || t->done)
        return NULL;
    t->wants_piece = false;
    if ((p = t->o->next_piece(c, t->o->next_arg, &piece)))
        return p;
    t->out = piece;
    t->out_ended = piece.len == 0;
    curl_easy_pause(t->easy, CURLPAUSE_CONT);
    return NULL;
}

static problem result_problem(const struct transfer *t)
{
    if (t->result == CURLE_OK)
        return NULL;
    log_warn("outbound", "%s: %s", t->upstream->name, curl_easy_strerror(t->result));
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

static void print_upstreams(struct buf *out)
{
    buf_put_char(out, '[');
    for (size_t i = 0; i < UPSTREAMS_MAX && upstreams[i].name; i++)
        buf_printf(out, "%s{\"name\":\"%s\",\"running\":%zu,\"ok\":%llu,\"failed\":%llu,\"open\":%s}", i ? "," : "",
                   upstreams[i].name, upstreams[i].running, (unsigned long long)upstreams[i].ok,
                   (unsigned long long)upstreams[i].failed, upstreams[i].breaker.failures >= BREAKER_FAILURES ? "true" : "false");
    buf_put(out, T("]\n"));
}

void outbound_start(void)
{
    static struct list_view view = { .name = "upstreams", .print = print_upstreams };

    list_view_add(&view);
    curl_loop_start(on_done);
}

void outbound_stop(void)
{
    curl_loop_stop();
}
