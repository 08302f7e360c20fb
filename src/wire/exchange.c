/* The answering side of HTTP, and what handlers ask of a request. */
#include "exchange.h"

#include "listener.h"
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/metric.h"
#include "madang/random.h"

const char *const method_names[METHOD_COUNT] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };

#define LINE(status, phrase) [status] = "HTTP/1.1 " #status " " phrase "\r\nDate: "
/* clang-format off */
static const char *const status_lines[600] = {
    LINE(200, "OK"), LINE(201, "Created"), LINE(202, "Accepted"), LINE(204, "No Content"), LINE(206, "Partial Content"),
    LINE(203, "Non-Authoritative Information"), LINE(205, "Reset Content"), LINE(300, "Multiple Choices"),
    LINE(301, "Moved Permanently"), LINE(302, "Found"), LINE(303, "See Other"), LINE(304, "Not Modified"),
    LINE(307, "Temporary Redirect"), LINE(308, "Permanent Redirect"), LINE(402, "Payment Required"), LINE(406, "Not Acceptable"),
    LINE(410, "Gone"), LINE(411, "Length Required"), LINE(421, "Misdirected Request"), LINE(423, "Locked"),
    LINE(424, "Failed Dependency"), LINE(460, "Checksum Mismatch"), LINE(425, "Too Early"), LINE(428, "Precondition Required"),
    LINE(451, "Unavailable For Legal Reasons"), LINE(507, "Insufficient Storage"), LINE(508, "Loop Detected"),
    LINE(511, "Network Authentication Required"), LINE(400, "Bad Request"), LINE(401, "Unauthorized"),
    LINE(403, "Forbidden"), LINE(404, "Not Found"), LINE(405, "Method Not Allowed"), LINE(408, "Request Timeout"),
    LINE(409, "Conflict"), LINE(412, "Precondition Failed"), LINE(413, "Content Too Large"), LINE(414, "URI Too Long"),
    LINE(415, "Unsupported Media Type"), LINE(416, "Range Not Satisfiable"), LINE(417, "Expectation Failed"),
    LINE(422, "Unprocessable Content"), LINE(426, "Upgrade Required"), LINE(429, "Too Many Requests"),
    LINE(431, "Request Header Fields Too Large"), LINE(500, "Internal Server Error"), LINE(501, "Not Implemented"),
    LINE(502, "Bad Gateway"), LINE(503, "Service Unavailable"), LINE(504, "Gateway Timeout"),
    LINE(505, "HTTP Version Not Supported"),
};
/* clang-format on */

enum method exchange_method(const struct exchange *x)
{
    return x->method;
}

static uint64_t name_bit(struct text name)
{
    return UINT64_C(1) << ((name.len * 7 + (unsigned char)name.at[0]) & 63);
}

static const struct pair *find_field(const struct exchange *x, struct text name)
{
    if (!(x->header_bits & name_bit(name)))
        return NULL;
    for (size_t i = 0; i < x->header_count; i++)
        if (text_is(x->headers[i].name, name))
            return &x->headers[i];
    return NULL;
}

struct text exchange_header(const struct exchange *x, struct text name)
{
    const struct pair *field = find_field(x, name);

    return field ? field->value : T("");
}

struct text exchange_cookie(const struct exchange *x, struct text name)
{
    struct text all = exchange_header(x, T("cookie")), value;

    while (all.len) {
        struct text one = text_trim(text_cut(all, ';', &all));

        if (text_is(text_cut(one, '=', &value), name))
            return value;
    }
    return T("");
}

struct text exchange_param(const struct exchange *x, struct text name)
{
    for (size_t i = 0; i < x->param_count; i++)
        if (text_is(x->params[i].name, name))
            return x->params[i].value;
    return T("");
}

void exchange_param_add(struct exchange *x, struct pair p)
{
    CHECK(x->param_count < PARAMS_MAX);
    if (!x->params)
        x->params = arena_array(&x->arena, struct pair, PARAMS_MAX);
    x->params[x->param_count++] = p;
}

static bool read_query(struct exchange *x, struct text query)
{
    while (query.len) {
        struct text value, one = text_cut(query, '&', &query), name = text_cut(one, '=', &value);
        struct pair p;

        if (one.len == 0)
            continue;
        if (x->param_count >= PARAMS_MAX - 8) /* the rest is for the path's */
            return false;
        if (!percent_decode(&x->arena, name, true, &p.name) || !percent_decode(&x->arena, value, true, &p.value))
            return false;
        p.raw = value;
        exchange_param_add(x, p);
    }
    return true;
}

static bool id_is_fit(struct text id)
{
    for (size_t i = 0; i < id.len; i++)
        if (!((id.at[i] >= '0' && id.at[i] <= '9') || (id.at[i] >= 'a' && id.at[i] <= 'z') ||
              (id.at[i] >= 'A' && id.at[i] <= 'Z') || id.at[i] == '-'))
            return false;
    return id.len >= 8 && id.len <= 64;
}

/* This process's random part and a count: unique, and no system call. */
static struct text request_id_new(struct arena *a)
{
    static char process[13];
    static int64_t count;
    unsigned char bytes[6];
    char digits[24];

    if (count++ == 0) {
        random_bytes(bytes, sizeof bytes);
        memcpy(process, hex_encode(a, bytes, sizeof bytes).at, 12);
        process[12] = '-';
    }
    return arena_join(a, (struct text){ process, 13 }, text_i64(count, digits));
}

/* W3C Trace Context: "00-" 32 hex "-" 16 hex "-" 2 hex. */
static struct text read_trace(const struct exchange *x)
{
    struct text t = exchange_header(x, T("traceparent"));
    unsigned char id[16];

    if (t.len != 55 || t.at[2] != '-' || t.at[35] != '-' || t.at[52] != '-' || !hex_decode((struct text){ t.at + 3, 32 }, id, 16))
        return T("");
    return (struct text){ t.at + 3, 32 };
}

void exchange_identify(struct exchange *x)
{
    bool trusted = peer_is_trusted(&x->peer);
    struct text given = exchange_header(x, T("x-request-id"));

    x->address = x->http ? arena_text(&x->arena, http_peer(x->http)) : T("");
    if (trusted) {
        struct peer behind = peer_behind(&x->peer, exchange_header(x, T("x-forwarded-for")));

        x->address = peer_print(&behind, arena_alloc(&x->arena, ADDRESS_TEXT));
    }
    x->request_id = trusted && id_is_fit(given) ? given : request_id_new(&x->arena);
    x->trace_id = read_trace(x);
    x->method = METHOD_OPTIONS; /* until it is known: no path refuses it */
}

static bool method_find(struct text name, enum method *out)
{
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (text_is(text_of(method_names[i]), name)) {
            *out = (enum method)i;
            return true;
        }
    return false;
}

/* Of what is no list, one reader takes the first of two and another one the last. */
static bool comes_once(struct text name)
{
    static const struct text once[] = { TEXT_INIT("authorization"),
                                        TEXT_INIT("content-type"),
                                        TEXT_INIT("origin"),
                                        TEXT_INIT("idempotency-key"),
                                        TEXT_INIT("sec-websocket-key"),
                                        TEXT_INIT("sec-websocket-version"),
                                        TEXT_INIT("access-control-request-method") };

    for (size_t i = 0; i < COUNT_OF(once); i++)
        if (text_is(once[i], name))
            return true;
    return false;
}

/* Lines of one name are one value, in their order (RFC 9110 §5.3; of cookies RFC 9113 §8.2.3). */
static struct text join_lines(struct exchange *x, struct pair *first)
{
    struct text between = text_is(first->name, T("cookie")) ? T("; ") : T(", ");
    struct buf b;

    buf_init(&b, (size_t)config->http_head_bytes);
    buf_put(&b, first->value);
    for (struct pair *p = first + 1; p < x->headers + x->header_count; p++) {
        if (!text_is(p->name, first->name))
            continue;
        buf_put(&b, between);
        buf_put(&b, p->value);
        p->name = T(""); /* its value stands in the first now */
    }
    return arena_buf(&x->arena, &b);
}

static bool has_second(const struct exchange *x, const struct pair *first)
{
    for (const struct pair *p = first + 1; p < x->headers + x->header_count; p++)
        if (text_is(p->name, first->name))
            return true;
    return false;
}

/* After it every name is there once, whoever asks for it. False: what must come once comes twice. */
static bool keep_fields(struct exchange *x, const struct pair *fields)
{
    bool again = false, ok = true;

    x->headers = arena_array(&x->arena, struct pair, x->facts.fields);
    for (size_t i = 0; i < x->facts.fields; i++) {
        if (find_field(x, fields[i].name)) {
            again = true;
            ok = ok && !comes_once(fields[i].name);
        }
        x->headers[x->header_count++] = fields[i];
        x->header_bits |= name_bit(fields[i].name);
    }
    for (struct pair *p = x->headers; again && p < x->headers + x->header_count; p++)
        if (p->name.len && has_second(x, p))
            p->value = join_lines(x, p);
    return ok;
}

problem exchange_read(struct exchange *x, char *head, size_t len)
{
    static struct pair fields[HEAD_FIELDS_MAX];
    struct head_limits limits = { (size_t)config->http_target_bytes, (size_t)config->http_fields_max };
    problem p = head_read(head, len, &limits, &x->facts, fields);

    if (p)
        return p;
    if (!keep_fields(x, fields))
        return PROBLEM(REQUEST_MALFORMED);
    exchange_identify(x);
    if (!method_find(x->facts.method, &x->method))
        return PROBLEM(METHOD_UNKNOWN);
    x->is_head = x->method == METHOD_HEAD;
    x->path = x->facts.path;
    return read_query(x, x->facts.query) ? NULL : PROBLEM(REQUEST_MALFORMED);
}

void exchange_gone(struct exchange *x)
{
    struct wait *body = x->body_wait, *sending = x->send_wait;

    x->http = NULL;
    x->body_wait = x->send_wait = NULL;
    if (body)
        wait_done(body, PROBLEM(CANCELLED));
    if (sending)
        wait_done(sending, PROBLEM(CANCELLED));
    if (!x->door) /* no task has it */
        exchange_end(x);
}

/* Whether a client is too slow is for its connection to judge. */
static problem wait_for_client(struct call *c, struct wait *w)
{
    uint64_t ms = c->http->progress_ms;
    problem p;

    if (ms)
        task_set_deadline(c->task, 0);
    p = task_wait(c->task, w, 0);
    if (ms)
        task_set_deadline(c->task, loop_ms() + ms);
    return p;
}

static void cancel_body_wait(struct wait *w)
{
    wait_done(w, NULL);
}

static problem wait_for_body(struct call *c, struct exchange *x)
{
    struct wait w;
    problem p;

    wait_init(&w, cancel_body_wait);
    x->body_wait = &w;
    p = wait_for_client(c, &w);
    x->body_wait = NULL;
    return p;
}

problem exchange_body_next(struct call *c, struct text *piece)
{
    struct exchange *x = c->http;
    struct buf swap = x->piece;
    problem p;

    if (x->body.len == 0 && !x->body_ended && !x->body_problem && x->http)
        if ((p = wait_for_body(c, x)))
            return p;
    if (x->body_problem)
        return x->body_problem;
    if (!x->http && x->body.len == 0 && !x->body_ended)
        return PROBLEM(CANCELLED);
    x->piece = x->body; /* two buffers change hands: more may arrive while the handler works on this one */
    x->body = swap;
    if (!x->body.max)
        buf_init(&x->body, x->piece.max);
    buf_clear(&x->body);
    *piece = buf_text(&x->piece);
    if (x->http && !x->body_ended)
        http_body_wanted(x->http);
    return NULL;
}

static bool is_clean(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if ((unsigned char)t.at[i] < 0x20 || t.at[i] == 0x7F)
            return false;
    return true;
}

void exchange_header_add(struct exchange *x, const char *name, struct text value)
{
    size_t n;
    char *to;

    CHECK(!x->begun);
    if (!is_clean(value)) /* no outside byte ever makes a second header of ours */
        return;
    n = strlen(name);
    if ((to = buf_reserve(&x->head_out, n + value.len + 4)) == NULL)
        return;
    memcpy(to, name, n);
    memcpy(to + n, ": ", 2);
    if (value.len)
        memcpy(to + n + 2, value.at, value.len);
    memcpy(to + n + 2 + value.len, "\r\n", 2);
    buf_commit(&x->head_out, n + value.len + 4);
}

void exchange_headers_put(struct exchange *x, struct text lines)
{
    CHECK(!x->begun);
    buf_put(&x->head_out, lines);
}

static struct text date_now(void)
{
    static char text[30];
    static int64_t at;
    int64_t now = clock_wall_seconds();

    if (now != at)
        http_date_format(at = now, text);
    return (struct text){ text, 29 };
}

bool exchange_has_status(int status)
{
    return status > 0 && (size_t)status < COUNT_OF(status_lines) && status_lines[status];
}

static void put_head(const struct exchange *x, int status, int64_t length, struct buf *out)
{
    CHECK(exchange_has_status(status));
    buf_put(out, text_of(status_lines[status]));
    buf_put(out, date_now());
    buf_put(out, T("\r\nX-Content-Type-Options: nosniff\r\nX-Request-Id: "));
    buf_put(out, x->request_id);
    buf_put(out, config->http_hsts ? T("\r\nStrict-Transport-Security: max-age=63072000; includeSubDomains\r\n") : T("\r\n"));
    buf_put(out, buf_text(&x->head_out));
    if (length >= 0 && status != 204 && status != 304) {
        buf_put(out, T("Content-Length: "));
        buf_put_i64(out, length);
        buf_put(out, T("\r\n"));
    }
    if (!x->keep_alive)
        buf_put(out, T("Connection: close\r\n"));
    else if (x->facts.http10)
        buf_put(out, T("Connection: keep-alive\r\n"));
    buf_put(out, T("\r\n"));
}

#define HEAD_ROOM 512 /* for the status line and what put_head() adds itself */

/* The head, and the beginning of the body with it in one piece. */
void exchange_cache(struct exchange *x, const char *control)
{
    x->cache = control;
}

static void begin(struct exchange *x, int status, int64_t length, struct text piece)
{
    struct chunk *k;
    struct buf b;
    size_t room;

    CHECK(!x->begun);
    if (x->cache && status < 400)
        exchange_header_add(x, "Cache-Control", text_of(x->cache));
    x->begun = true;
    x->status = status;
    if (x->head_out.over) { /* a head that cannot be told whole is not told: the connection ends without an answer */
        x->keep_alive = false;
        x->is_head = true;
        return;
    }
    x->length_left = length >= 0 && status != 204 && status != 304 && !x->is_head ? length - (int64_t)piece.len : 0;
    if (!x->http)
        return;
    room = HEAD_ROOM + x->head_out.len + piece.len;
    k = chunk_new(room);
    buf_borrow(&b, k->bytes, room);
    put_head(x, status, length, &b);
    buf_put(&b, piece);
    CHECK(!b.over);
    k->len = b.len;
    connection_send(http_connection(x->http), k);
}

void exchange_begin(struct exchange *x, int status, int64_t length)
{
    begin(x, status, length, T(""));
}

void exchange_send_chunk(struct exchange *x, int status, struct chunk *body)
{
    begin(x, status, (int64_t)body->len, T(""));
    if (x->is_head)
        return;
    x->length_left = 0;
    if (x->http)
        connection_send(http_connection(x->http), chunk_keep(body));
}

bool exchange_has_begun(const struct exchange *x)
{
    return x->begun;
}

static void send_piece(struct exchange *x, struct text piece)
{
    CHECK((int64_t)piece.len <= x->length_left);
    x->length_left -= (int64_t)piece.len;
    if (x->http)
        connection_send_text(http_connection(x->http), piece);
}

static void cancel_send_wait(struct wait *w)
{
    wait_done(w, NULL);
}

problem exchange_wait_sent(struct call *c)
{
    struct exchange *x = c->http;
    struct wait w;
    problem p;

    if (!x->http)
        return PROBLEM(CANCELLED);
    if (http_connection(x->http)->count == 0)
        return NULL;
    wait_init(&w, cancel_send_wait);
    x->send_wait = &w;
    p = wait_for_client(c, &w);
    x->send_wait = NULL;
    return p ? p : x->http ? NULL : PROBLEM(CANCELLED);
}

problem exchange_write(struct call *c, struct text piece)
{
    struct exchange *x = c->http;

    if (!x->http)
        return PROBLEM(CANCELLED);
    if (x->is_head)
        return NULL;
    send_piece(x, piece);
    return http_connection(x->http)->queued <= (size_t)config->http_send_bytes ? NULL : exchange_wait_sent(c);
}

void exchange_sent_aside(struct call *c, size_t bytes)
{
    struct exchange *x = c->http;

    CHECK((int64_t)bytes <= x->length_left);
    if (bytes && x->progress_ms)
        task_set_deadline(c->task, loop_ms() + x->progress_ms);
    x->length_left -= (int64_t)bytes;
    metric_add(METRIC_BYTES_OUT, (int64_t)bytes);
    if (x->http)
        http_connection(x->http)->sent += (uint32_t)bytes;
}

problem exchange_reply_shape(struct call *c, int status, const struct shape *s, const void *value)
{
    struct text body = shape_text(s, value, c->arena);

    if (arena_is_over(c->arena))
        return PROBLEM(OVERLOADED);
    exchange_reply(c->http, status, "application/json", body);
    return NULL;
}

void exchange_reply(struct exchange *x, int status, const char *type, struct text body)
{
    bool with_body = !x->is_head && status != 204 && status != 304;

    if (type)
        exchange_header_add(x, "Content-Type", text_of(type));
    begin(x, status, (int64_t)body.len, with_body ? body : T(""));
}

void exchange_page_headers(struct exchange *x)
{
    exchange_header_add(x, "Content-Security-Policy",
                        T("default-src 'self'; img-src 'self' data: blob: https:; connect-src 'self' ws: wss:; "
                          "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"));
    exchange_header_add(x, "Referrer-Policy", T("strict-origin-when-cross-origin"));
    exchange_header_add(x, "Cross-Origin-Opener-Policy", T("same-origin-allow-popups"));
    exchange_header_add(x, "Permissions-Policy", T("camera=(self), microphone=(self), geolocation=(), payment=(self)"));
}

void exchange_reply_page(struct exchange *x, int status, struct text html)
{
    exchange_page_headers(x);
    exchange_reply(x, status, "text/html; charset=utf-8", html);
}

enum range_kind range_parse(struct text header, int64_t size, int64_t *first, int64_t *last)
{
    struct text to, from;

    *first = 0;
    *last = size - 1;
    if (!text_starts(header, T("bytes=")) || text_find(header, ',') >= 0)
        return RANGE_WHOLE; /* several ranges may be answered with the whole (RFC 9110 §14.2) */
    from = text_cut(text_from(header, 6), '-', &to);
    if (from.len == 0) { /* the last so many */
        if (!text_to_i64(to, first) || *first < 0)
            return RANGE_WHOLE;
        if (*first == 0 || size == 0)
            return RANGE_UNSATISFIABLE;
        *first = *first > size ? 0 : size - *first;
        return RANGE_PART;
    }
    if (!text_to_i64(from, first) || *first < 0 || (to.len && !text_to_i64(to, last)) || (to.len && *last < *first)) {
        *first = 0;
        *last = size - 1;
        return RANGE_WHOLE;
    }
    if (*first >= size)
        return RANGE_UNSATISFIABLE;
    if (*last >= size)
        *last = size - 1;
    return RANGE_PART;
}

bool etag_matches(struct text list, struct text etag)
{
    while (list.len) {
        struct text one = text_trim(text_cut(list, ',', &list));

        if (text_starts(one, T("W/")))
            one = text_from(one, 2);
        if (text_is(one, T("*")) || text_is(one, etag))
            return true;
    }
    return false;
}
