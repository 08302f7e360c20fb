#include "door_http.h"

#include "door.h"
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/metric.h"
#include "madang/overload.h"
#include "router.h"
#include "static_files.h"
#include "wire/debug_echo.h"
#include "wire/ws.h"

/* One request of the API on its way through the door. */
struct visit {
    struct exchange *x;
    struct call call;
    struct route_found found;
    const struct static_file *file;
    problem no_socket; /* why it cannot become a WebSocket */
};

static bool in_list(struct text list, struct text one)
{
    while (list.len)
        if (text_is_nocase(text_trim(text_cut(list, ',', &list)), one))
            return true;
    return false;
}

/* "https://host:port", as in an Origin or at the front of an address. */
struct site {
    struct text scheme, host, port;
};

static struct site site_of(struct text url)
{
    struct site s = { .scheme = text_cut(url, ':', &url) };
    struct text path, place;
    size_t bracket;

    if (!text_skip(&url, T("//")))
        return (struct site){ .port = T("") };
    place = text_cut(url, '/', &path);
    bracket = text_starts(place, T("[")) && text_find(place, ']') > 0 ? (size_t)text_find(place, ']') : 0;
    s.host = text_cut(text_from(place, bracket), ':', &s.port);
    s.host = (struct text){ place.at, bracket + s.host.len };
    if (s.port.len == 0)
        s.port = text_is_nocase(s.scheme, T("https")) ? T("443") : T("80");
    return s;
}

static bool is_this_machine(struct text host)
{
    return text_is_nocase(host, T("localhost")) || text_is(host, T("127.0.0.1")) || text_is(host, T("[::1]"));
}

/* On one's own machine each of its names is the same place. */
bool origin_is_ours(struct text origin)
{
    struct site own = site_of(config->http_public_url), other = site_of(origin);

    return (other.host.len && text_is_nocase(other.scheme, own.scheme) && text_is(other.port, own.port) &&
            (text_is_nocase(other.host, own.host) || (is_this_machine(other.host) && is_this_machine(own.host)))) ||
           in_list(config->http_origins, origin);
}

static void cors_headers(struct exchange *x)
{
    struct text origin = exchange_header(x, T("origin"));

    if (origin.len == 0 || !in_list(config->http_origins, origin))
        return;
    exchange_header_add(x, "Access-Control-Allow-Origin", origin);
    exchange_header_add(x, "Access-Control-Allow-Credentials", T("true"));
    exchange_header_add(x, "Access-Control-Expose-Headers", T("X-Request-Id, Retry-After, Idempotent-Replayed, ETag"));
}

static void api_headers(struct exchange *x, const char *cache)
{
    if (!cache)
        exchange_headers_put(x, T("Vary: Origin, Accept-Language\r\nCache-Control: no-store\r\n"));
    else
        exchange_headers_put(x, arena_printf(&x->arena, "Vary: Origin, Accept-Language\r\nCache-Control: %s\r\n", cache));
    cors_headers(x);
}

static struct text allowed(struct exchange *x, const struct route_found *f)
{
    char memory[200];
    struct buf b;

    buf_borrow(&b, memory, sizeof memory);
    for (size_t m = 0; m < METHOD_COUNT; m++) {
        if (f->calls[m])
            buf_printf(&b, "%s%s", b.len ? ", " : "", method_names[m]);
        if (m == METHOD_GET && f->calls[m])
            buf_put(&b, T(", HEAD"));
    }
    buf_put(&b, b.len ? T(", OPTIONS") : T("OPTIONS"));
    return arena_text(&x->arena, buf_text(&b));
}

static struct visit *visit_of(struct exchange *x)
{
    struct visit *v = x->visit;
    struct call *c;

    if (v)
        return v;
    v = arena_new(&x->arena, struct visit); /* zeroed: it is large, and not to be written twice */
    v->x = x;
    c = &v->call;
    c->arena = &x->arena;
    c->name = "-";
    c->address = x->address;
    c->request_id = x->request_id;
    c->trace_id = x->trace_id;
    c->agent = exchange_header(x, T("user-agent"));
    c->korean = language_is_korean(exchange_header(x, T("accept-language")));
    c->http = x;
    x->visit = v;
    return v;
}

static void reply_problem(struct visit *v, problem p)
{
    struct exchange *x = v->x;
    struct call *c = &v->call;

    if (exchange_has_begun(x)) { /* too late to say it: the connection ends short of its length */
        x->keep_alive = false;
        return;
    }
    api_headers(x, NULL);
    if (p->status == 401)
        exchange_header_add(x, "WWW-Authenticate", T("Bearer"));
    if (p->status == 405 || p->status == 501)
        exchange_header_add(x, "Allow", allowed(x, &v->found));
    if (p->status == 426)
        exchange_header_add(x, "Sec-WebSocket-Version", T("13"));
    if (door_retry_after(c, p))
        exchange_header_add(x, "Retry-After", arena_printf(&x->arena, "%lld", (long long)door_retry_after(c, p)));
    if (c->cookie_out.len)
        exchange_header_add(x, "Set-Cookie", c->cookie_out);
    exchange_header_add(x, "Content-Language", c->korean ? T("ko") : T("en"));
    exchange_reply(x, p->status, "application/problem+json", door_problem_json(c, p));
}

static void refuse(struct exchange *x, problem p)
{
    struct visit *v = visit_of(x);

    reply_problem(v, p);
    door_count(&v->call, p, x->began_us);
    exchange_end(x);
}

static bool found_any(const struct route_found *f)
{
    for (size_t m = 0; m < METHOD_COUNT; m++)
        if (f->calls[m])
            return true;
    return false;
}

static problem choose(struct visit *v)
{
    struct exchange *x = v->x;
    const struct call_def *d = v->found.calls[x->method == METHOD_HEAD ? METHOD_GET : x->method];

    if (!d && found_any(&v->found))
        return x->method == METHOD_OPTIONS ? NULL : PROBLEM(METHOD_NOT_ALLOWED);
    if (!d)
        return PROBLEM(NOT_FOUND);
    v->call.def = d;
    v->call.name = d->name;
    v->call.out_shape = d->out;
    x->streams = d->streams;
    x->body_max = (size_t)(d->body_limit ? config_i64(d->body_limit) : config->http_body_bytes);
    x->cache = d->raw ? d->cache : NULL;
    if (!d->raw && (x->facts.length > 0 || x->facts.chunked) &&
        !media_type_is(exchange_header(x, T("content-type")), T("application/json")))
        return PROBLEM(MEDIA_TYPE_UNSUPPORTED);
    return x->late && d->shed != SHED_NEVER ? door_overloaded(&v->call) : door_admit(&v->call);
}

static problem route(struct exchange *x)
{
    struct visit *v = visit_of(x);

    if (text_is(x->path, T("/ws")) || echo_is_socket(x))
        return v->no_socket ? v->no_socket : PROBLEM(UPGRADE_REQUIRED);
    if (echo_is_http(x)) {
        x->body_max = ECHO_MAX;
        return NULL;
    }
    if (x->method != METHOD_OPTIONS && !text_starts(x->path, T("/api/")) && (v->file = static_file_find(x)))
        return x->method == METHOD_GET || x->method == METHOD_HEAD ? NULL : PROBLEM(METHOD_NOT_ALLOWED);
    if (text_is(x->path, T("*")))
        return x->method == METHOD_OPTIONS ? NULL : PROBLEM(REQUEST_MALFORMED);
    if (!router_find(&x->arena, x->path, &v->found))
        return PROBLEM(REQUEST_MALFORMED);
    if (x->method != METHOD_OPTIONS && !found_any(&v->found) && (v->file = static_page_find(x)))
        return x->method == METHOD_GET || x->method == METHOD_HEAD ? NULL : PROBLEM(METHOD_NOT_ALLOWED);
    for (size_t i = 0; i < v->found.param_count; i++) {
        if (exchange_param(x, v->found.params[i].name).at && exchange_param(x, v->found.params[i].name).len)
            return PROBLEM(REQUEST_MALFORMED); /* the query may not stand in for the path */
        exchange_param_add(x, v->found.params[i]);
    }
    return choose(v);
}

static problem authenticate(struct visit *v)
{
    struct call *c = &v->call;
    struct text header = exchange_header(v->x, T("authorization")), token;
    problem p = NULL;

    if (header.len == 0)
        return NULL;
    if (!text_is_nocase(text_cut(header, ' ', &token), T("bearer")))
        p = PROBLEM(TOKEN_INVALID);
    else
        p = door_identify(c, text_trim(token));
    return c->def->who == ANYONE ? NULL : p;
}

/* Browsers send the cookie by themselves, so the page that makes them must be ours. */
static problem check_cookie(struct visit *v)
{
    struct exchange *x = v->x;
    struct text origin = exchange_header(x, T("origin"));

    if (!v->call.def->cookie)
        return NULL;
    v->call.cookie_in = exchange_cookie(x, T("__Host-madang_refresh"));
    if (v->call.cookie_in.len == 0)
        return NULL;
    return origin_is_ours(origin) ? NULL : PROBLEM(ORIGIN_REFUSED);
}

static problem read_key(struct visit *v)
{
    struct call *c = &v->call;
    struct text key = exchange_header(v->x, T("idempotency-key"));

    if (key.len == 0 || c->def->once != BY_KEY)
        return NULL;
    if (key.len >= 2 && key.at[0] == '"' && key.at[key.len - 1] == '"')
        key = (struct text){ key.at + 1, key.len - 2 };
    if (key.len < 1 || key.len > 200)
        return PROBLEM(REQUEST_MALFORMED);
    c->key = key;
    return NULL;
}

/* Clients that always send a body send {} to a call without an input. */
static problem expect_nothing(struct call *c, struct text body)
{
    const struct json_tree *given;
    problem p = body.len ? json_parse(c->arena, body, &given) : NULL;

    return p ? p : body.len && json_members(given) ? PROBLEM(REQUEST_MALFORMED) : NULL;
}

static problem decode(struct visit *v)
{
    struct call *c = &v->call;
    struct exchange *x = v->x;
    struct shape_input in = { .json = buf_text(&x->body), .pairs = x->params, .pair_count = x->param_count };
    void *value;

    if (c->def->out)
        c->out = arena_alloc(c->arena, c->def->out->size);
    if (!c->def->in)
        return expect_nothing(c, in.json);
    value = arena_alloc(c->arena, c->def->in->size);
    c->in = value;
    return shape_decode(c->def->in, c->arena, &in, value, &c->faults);
}

static problem visit_call(struct visit *v)
{
    problem p;

    if ((p = authenticate(v)) || (p = door_authorise(&v->call, v->call.def)) || (p = check_cookie(v)))
        return p;
    if (!v->call.def->raw && ((p = read_key(v)) || (p = decode(v))))
        return p;
    return door_run(&v->call);
}

static void reply_output(struct visit *v, struct text body)
{
    struct call *c = &v->call;
    struct exchange *x = v->x;
    int status = c->status ? c->status : c->def->status ? c->def->status : body.len ? 200 : 204;

    api_headers(x, c->def->cache);
    if (c->replay.len)
        exchange_header_add(x, "Idempotent-Replayed", T("true"));
    if (c->cookie_out.len)
        exchange_header_add(x, "Set-Cookie", c->cookie_out);
    if (body.len)
        exchange_headers_put(x, T("Content-Type: application/json\r\n"));
    exchange_reply(x, status, NULL, body);
}

static void run_visit(struct task *t, void *arg)
{
    struct visit *v = arg;
    struct text body;
    problem p;

    v->call.task = t;
    p = visit_call(v);
    if (p == PROBLEM(REPLAYED))
        p = NULL;
    body = p || exchange_has_begun(v->x) ? T("") : door_output(&v->call);
    if (!p && arena_is_over(&v->x->arena))
        p = PROBLEM(OVERLOADED);
    if (p)
        reply_problem(v, p);
    else if (!exchange_has_begun(v->x))
        reply_output(v, body);
    door_count(&v->call, p, v->x->began_us);
    exchange_end(v->x);
}

static void reply_options(struct visit *v)
{
    struct exchange *x = v->x;
    struct text origin = exchange_header(x, T("origin"));

    api_headers(x, NULL);
    exchange_header_add(x, "Allow", allowed(x, &v->found));
    if (in_list(config->http_origins, origin) && exchange_header(x, T("access-control-request-method")).len) {
        exchange_header_add(x, "Access-Control-Allow-Methods", allowed(x, &v->found));
        exchange_header_add(x, "Access-Control-Allow-Headers", T("Authorization, Content-Type, Idempotency-Key"));
        exchange_header_add(x, "Access-Control-Max-Age", T("7200"));
    }
    exchange_reply(x, 204, NULL, T(""));
    exchange_end(x);
}

static void begin(struct exchange *x)
{
    struct visit *v = visit_of(x);

    if (v->file) {
        static_file_reply(x, v->file);
        exchange_end(x);
        return;
    }
    if (echo_is_http(x)) {
        echo_reply(x);
        return;
    }
    if (!v->call.def) {
        reply_options(v);
        return;
    }
    if (x->streams && exchange_header(x, T("authorization")).len == 0 && v->call.def->who != ANYONE) {
        x->keep_alive = x->keep_alive && x->body_ended;
        refuse(x, PROBLEM(UNAUTHENTICATED));
        return;
    }
    x->door = v;
    x->progress_ms = v->call.def->progress ? (uint64_t)door_call_ms(v->call.def) : 0;
    task_start(v->call.name, loop_ms() + (uint64_t)door_call_ms(v->call.def), run_visit, v);
}

static problem handshake(struct exchange *x)
{
    struct text origin = exchange_header(x, T("origin"));
    problem p = ws_handshake(x);

    return p ? p : origin.len && !origin_is_ours(origin) ? PROBLEM(ORIGIN_REFUSED) : NULL;
}

static bool upgrade(struct exchange *x, struct connection *c, struct text behind)
{
    struct visit *v;

    if (!text_is(x->path, T("/ws")) && !echo_is_socket(x))
        return false;
    v = visit_of(x);
    if ((v->no_socket = x->late || overload_now() == OVERLOAD_HARD ? door_overloaded(&v->call) : handshake(x)))
        return false; /* route() refuses it with this */
    ws_accept(c, x, v->call.korean, behind);
    return true;
}

const struct http_service public_service = { route, refuse, begin, upgrade };
