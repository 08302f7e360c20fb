#include "ws.h"

#include "debug_echo.h"
#include "listener.h"
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/fault.h"
#include "madang/health.h"
#include "madang/log.h"
#include "madang/metric.h"
#include "madang/pool.h"
#include "madang/random.h"
#include "madang/seal.h"

#define CLOSE_WAIT_MS 5000
#define MISSED_MAX 2
#define RENEW_GRACE_S 60
#define DEFLATE_MIN 1024 /* smaller messages are not worth compressing */

/* Sockets by index; the generation in the handle tells a reused slot. */
static struct slot {
    struct socket *s;
    uint32_t generation;
    uint32_t next_free;
} * slots;
static struct pool kept = POOL_OF(struct socket, 256);
static uint32_t slot_count, first_free;
static size_t open_count;
static const struct socket_ops *above;

static void slot_take(struct socket *s)
{
    uint32_t i = first_free;

    if (i == 0) {
        uint32_t room = slot_count ? slot_count * 2 : 256;

        slots = must_realloc(slots, room * sizeof *slots);
        for (uint32_t k = room; k-- > (slot_count ? slot_count : 1);) {
            slots[k] = (struct slot){ .generation = 1, .next_free = first_free };
            first_free = k;
        }
        slot_count = room;
        i = first_free;
    }
    first_free = slots[i].next_free;
    slots[i].s = s;
    s->handle = (uint64_t)slots[i].generation << 32 | i;
}

static void slot_give(uint64_t handle)
{
    uint32_t i = (uint32_t)handle;

    slots[i].s = NULL;
    slots[i].generation++;
    slots[i].next_free = first_free;
    first_free = i;
}

struct socket *socket_by(uint64_t handle)
{
    uint32_t i = (uint32_t)handle;

    return handle && i < slot_count && slots[i].generation == handle >> 32 ? slots[i].s : NULL;
}

void sockets_each(void (*each)(struct socket *s, void *arg), void *arg)
{
    for (uint32_t i = 1; i < slot_count; i++)
        if (slots[i].s)
            each(slots[i].s, arg);
}

static bool has_token(struct text list, struct text token)
{
    while (list.len)
        if (text_is_nocase(text_trim(text_cut(list, ',', &list)), token))
            return true;
    return false;
}

static bool key_is_valid(struct text key)
{
    return key.len == 24 && key.at[22] == '=' && key.at[23] == '=' && base64_is_plain(text_until(key, 22));
}

problem ws_handshake(struct exchange *x)
{
    if (x->method != METHOD_GET || x->facts.http10 || !has_token(exchange_header(x, T("upgrade")), T("websocket")) ||
        !has_token(exchange_header(x, T("connection")), T("upgrade")) || x->facts.has_length || x->facts.chunked)
        return PROBLEM(UPGRADE_REQUIRED);
    if (!text_is(exchange_header(x, T("sec-websocket-version")), T("13")))
        return PROBLEM(UPGRADE_REQUIRED);
    if (!key_is_valid(exchange_header(x, T("sec-websocket-key"))))
        return PROBLEM(REQUEST_MALFORMED);
    return NULL;
}

static struct text accept_key(struct arena *a, struct text key)
{
    unsigned char digest[20];

    sha1(arena_join(a, key, T("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")), digest);
    return base64_encode(a, digest, sizeof digest);
}

static bool window_fits(struct text value, int64_t least)
{
    int64_t bits;

    return text_to_i64(value, &bits) && value.at[0] != '0' && bits >= least && bits <= 15;
}

/* One parameter of an offer of permessage-deflate; its bit, or 0 when it cannot be granted. */
static unsigned param_fits(struct text param)
{
    struct text value, name = text_trim(text_cut(param, '=', &value));

    value = text_trim(value);
    if (text_is(name, T("server_no_context_takeover")))
        return value.len ? 0 : 1;
    if (text_is(name, T("client_no_context_takeover")))
        return value.len ? 0 : 2;
    if (text_is(name, T("server_max_window_bits")))
        return window_fits(value, 12) ? 4 : 0;
    if (text_is(name, T("client_max_window_bits")))
        return value.len == 0 || window_fits(value, 8) ? 8 : 0;
    return 0;
}

/* RFC 7692 §7.1: an offer with a parameter that is unknown, wrong or named twice is declined. */
static bool offer_fits(struct text offer)
{
    struct text params;
    unsigned seen = 0, one = 1;

    if (!text_is(text_trim(text_cut(offer, ';', &params)), T("permessage-deflate")))
        return false;
    while (params.len && one) {
        one = param_fits(text_trim(text_cut(params, ';', &params)));
        one = seen & one ? 0 : one;
        seen |= one;
    }
    return one != 0;
}

static bool wants_deflate(struct text offers)
{
    while (config->ws_compress && offers.len)
        if (offer_fits(text_trim(text_cut(offers, ',', &offers))))
            return true;
    return false;
}

struct chunk *frame_join_all(const struct text *parts, size_t count)
{
    unsigned char header[10];
    size_t len = 0, n;
    struct chunk *k;
    char *to;

    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    n = ws_frame_header(WS_TEXT, false, len, header);
    k = chunk_new(n + len);
    memcpy(k->bytes, header, n);
    to = k->bytes + n;
    for (size_t i = 0; i < count; i++) {
        memcpy(to, parts[i].at, parts[i].len);
        to += parts[i].len;
    }
    return k;
}

struct text frame_payload(const struct chunk *k)
{
    size_t n = k->bytes[1] == 126 ? 4 : k->bytes[1] == 127 ? 10 : 2;

    return (struct text){ k->bytes + n, k->len - n };
}

static void send_control(struct socket *s, int opcode, struct text payload)
{
    unsigned char header[10];
    size_t n = ws_frame_header(opcode, false, payload.len, header);
    struct chunk *k = chunk_new(n + payload.len);

    memcpy(k->bytes, header, n);
    if (payload.len)
        memcpy(k->bytes + n, payload.at, payload.len);
    connection_send(s->c, k);
}

void socket_close(struct socket *s, int code, const char *reason)
{
    char payload[125];
    size_t length = strlen(reason) < 123 ? strlen(reason) : 123;

    if (!s->c || s->closing)
        return;
    s->closing = true;
    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    memcpy(payload + 2, reason, length);
    send_control(s, WS_CLOSE, (struct text){ payload, code == WS_CODE_NONE ? 0 : 2 + length });
    timer_set_after(&s->c->timer, CLOSE_WAIT_MS);
}

/* True, and it is closed, when `more` would be more than may be unsent. */
static bool is_too_slow(struct socket *s, size_t more)
{
    if (s->c->queued + more <= (size_t)config->ws_send_bytes && !FAULT(SOCKET_FULL))
        return false;
    metric_add(METRIC_SOCKETS_SLOW, 1);
    socket_close(s, WS_CODE_LATER, "too slow");
    connection_finish(s->c);
    return true;
}

void socket_send(struct socket *s, struct chunk *frame)
{
    if (!s->c || s->closing) {
        chunk_drop(frame);
        return;
    }
    metric_add(METRIC_FRAMES_OUT, 1);
    if (is_too_slow(s, frame->len))
        chunk_drop(frame);
    else
        connection_send(s->c, frame);
}

static struct chunk *compressed_frame(int opcode, struct text payload)
{
    unsigned char header[10];
    struct chunk *k = NULL;
    struct buf b;
    size_t n;

    if (ws_deflate(payload, &b)) {
        n = ws_frame_header(opcode, true, b.len, header);
        k = chunk_new(n + b.len);
        memcpy(k->bytes, header, n);
        memcpy(k->bytes + n, b.at, b.len);
    }
    buf_fini(&b);
    return k;
}

void socket_send_own(struct socket *s, struct chunk *frame)
{
    struct text json = frame_payload(frame);
    struct chunk *k = s->deflate && json.len >= DEFLATE_MIN ? compressed_frame(WS_TEXT, json) : NULL;

    if (k)
        chunk_drop(frame);
    socket_send(s, k ? k : frame);
}

void socket_send_message(struct socket *s, int opcode, struct text payload)
{
    struct chunk *k = s->deflate && payload.len >= DEFLATE_MIN ? compressed_frame(opcode, payload) : NULL;
    unsigned char header[10];
    size_t n;

    if (!k) {
        n = ws_frame_header(opcode, false, payload.len, header);
        k = chunk_new(n + payload.len);
        memcpy(k->bytes, header, n);
        memcpy(k->bytes + n, payload.at, payload.len);
    }
    connection_send(s->c, k);
}

void socket_read(struct socket *s, bool on)
{
    if (s->c)
        connection_read(s->c, on);
}

/* The next moment at which something may have to be done: open in time, a ping, the token's end. */
void socket_set_timer(struct socket *s)
{
    int64_t left_s = s->expires_s + RENEW_GRACE_S - clock_wall_seconds();
    uint64_t delay = (uint64_t)config->ws_ping_ms;

    if (!s->c || s->closing)
        return;
    if (!s->open && !s->echo)
        delay = (uint64_t)config->ws_open_ms;
    else if (s->open && left_s * 1000 < (int64_t)delay)
        delay = left_s > 0 ? (uint64_t)left_s * 1000 : 1;
    timer_set_after(&s->c->timer, delay);
}

static void on_timer(struct connection *c)
{
    struct socket *s = c->owner;

    if (s->closing) {
        connection_finish(c);
        return;
    }
    if (!s->open && !s->echo) {
        socket_close(s, WS_CODE_LOGIN, "session.open did not come in time");
        return;
    }
    if (s->open && s->expires_s + RENEW_GRACE_S <= clock_wall_seconds()) {
        socket_close(s, WS_CODE_LOGIN, "the access token has expired");
        return;
    }
    if (s->heard) {
        s->missed = 0;
    } else if (s->missed++ >= MISSED_MAX) {
        connection_abort(c);
        return;
    } else {
        send_control(s, WS_PING, T(""));
    }
    s->heard = false;
    socket_set_timer(s);
}

static void on_close_frame(struct socket *s, struct text payload)
{
    int code = ws_close_code(payload);

    if (!code) /* a reason that is no text is bad data, any other fault bad protocol (RFC 6455 §7.1.5, §8.1) */
        code = payload.len > 2 && !utf8_is_valid(text_from(payload, 2)) ? WS_CODE_DATA : WS_CODE_PROTOCOL;
    socket_close(s, code, "");
    connection_finish(s->c);
}

static void echo_text(struct socket *s, struct text payload)
{
    echo_message(s, WS_TEXT, payload);
}

static bool is_full(const struct socket *s)
{
    return s->waiting_count >= config->ws_waiting_max;
}

static bool on_message(void *arg, int opcode, struct text payload)
{
    struct socket *s = arg;

    switch (opcode) {
    case WS_CLOSE:
        on_close_frame(s, payload);
        return false;
    case WS_PING:
        if (!is_too_slow(s, payload.len))
            send_control(s, WS_PONG, payload);
        break;
    case WS_TEXT:
        metric_add(METRIC_FRAMES_IN, 1);
        if (!s->closing)
            (s->echo ? echo_text : above->message)(s, payload);
        break;
    case WS_BINARY:
        if (s->echo && !s->closing)
            echo_message(s, WS_BINARY, payload);
        else
            socket_close(s, WS_CODE_TYPE, "text frames only");
        break;
    default:
        break;
    }
    return s->c != NULL && connection_is_open(s->c) && !is_full(s);
}

static void keep_unread(struct socket *s, struct text left)
{
    s->unread = must_alloc(sizeof *s->unread + left.len);
    s->unread->len = left.len;
    if (left.len)
        memcpy(s->unread->bytes, left.at, left.len);
}

/* What is no whole plain text: by a reader, which it keeps while something is incomplete. */
static void read_frames(struct socket *s, struct connection *c, const struct ws_rules *rules, struct text data)
{
    int code;

    if (!s->reader)
        s->reader = ws_reader_lease();
    code = ws_reader_feed(s->reader, rules, data, on_message, s);
    if (c->owner != s || c->closing)
        return;
    if (code) {
        socket_close(s, code, "");
        connection_finish(c);
    }
    if (is_full(s) && connection_is_open(c))
        keep_unread(s, ws_reader_left(s->reader));
    if (ws_reader_is_idle(s->reader))
        ws_reader_give(&s->reader);
}

/* As long as more messages may wait: however small they come, no more than so many are kept. */
static void read_messages(struct socket *s, struct connection *c, struct text data)
{
    struct ws_rules rules = { s->echo ? ECHO_MAX : (size_t)config->ws_message_bytes, s->deflate };
    struct text payload;
    size_t used;

    while (!s->reader && !is_full(s) && (used = ws_plain_text(&rules, data, &payload)) > 0) {
        data = text_from(data, used);
        on_message(s, WS_TEXT, payload);
        if (c->owner != s || !connection_is_open(c) || data.len == 0)
            return;
    }
    if (is_full(s))
        keep_unread(s, data);
    else
        read_frames(s, c, &rules, data);
}

static void on_data(struct connection *c, struct text data)
{
    struct socket *s = c->owner;

    s->heard = true;
    read_messages(s, c, data);
}

void socket_go_on(struct socket *s)
{
    struct unread *u = s->unread;

    if (!s->c || s->waiting_count > config->ws_waiting_max / 2)
        return;
    s->unread = NULL;
    if (u && connection_is_open(s->c))
        read_messages(s, s->c, (struct text){ u->bytes, u->len });
    free(u);
    if (!is_full(s))
        socket_read(s, true);
}

/* The task that works for it may still run: the last of both frees it. */
static void socket_release(struct socket *s)
{
    if (s->c || s->running)
        return;
    slot_give(s->handle);
    free(s->address);
    pool_give(&kept, s);
}

static void on_gone(struct connection *c)
{
    struct socket *s = c->owner;

    s->c = NULL;
    open_count--;
    metric_set(METRIC_SOCKETS, (int64_t)open_count);
    if (s->reader)
        ws_reader_give(&s->reader);
    free(s->unread);
    s->unread = NULL;
    above->gone(s);
    socket_release(s);
}

void socket_task_done(struct socket *s)
{
    s->running--;
    socket_release(s);
}

static void on_drained(struct connection *c)
{
    echo_drained(c->owner);
}

static struct socket *socket_new(struct connection *c, const struct exchange *x, bool korean)
{
    struct socket *s = pool_take(&kept);
    char peer[ADDRESS_TEXT];

    *s = (struct socket){ .c = c, .korean = korean, .opened_s = (uint32_t)(loop_ms() / 1000) };
    if (peer_is_trusted(&c->peer) && !text_is(x->address, peer_print(&c->peer, peer))) /* else it is the peer's */
        s->address = must_strdup(arena_cstr((struct arena *)(uintptr_t)&x->arena, x->address));
    list_init(&s->waiting);
    list_init(&s->of_account);
    slot_take(s);
    open_count++;
    metric_add(METRIC_SOCKETS_TOTAL, 1);
    metric_set(METRIC_SOCKETS, (int64_t)open_count);
    return s;
}

static void answer_101(struct socket *s, struct exchange *x)
{
    struct text protocols = exchange_header(x, T("sec-websocket-protocol"));
    char memory[600];
    struct buf b;

    buf_borrow(&b, memory, sizeof memory);
    buf_put(&b, T("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "));
    buf_put(&b, accept_key(&x->arena, exchange_header(x, T("sec-websocket-key"))));
    buf_put(&b, T("\r\n"));
    if (has_token(protocols, T("madang.v1")))
        buf_put(&b, T("Sec-WebSocket-Protocol: madang.v1\r\n"));
    if (s->deflate)
        buf_put(&b, T("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                      "client_no_context_takeover; server_max_window_bits=12\r\n"));
    buf_put(&b, T("\r\n"));
    CHECK(!b.over);
    connection_send_text(s->c, buf_text(&b));
}

/* What stands behind `prefix` in one of the subprotocols. */
static bool find_protocol(const struct exchange *x, struct text prefix, struct text *out)
{
    struct text list = exchange_header(x, T("sec-websocket-protocol"));

    while (list.len) {
        *out = text_trim(text_cut(list, ',', &list));
        if (text_skip(out, prefix))
            return true;
    }
    return false;
}

/* A token that came as the subprotocol "bearer.<jwt>". */
static void adopt_token(struct socket *s, struct exchange *x)
{
    struct claims claims;
    struct text token;

    if (!find_protocol(x, T("bearer."), &token))
        return;
    if (token_verify(token, TOKEN_OF_SOCKET, &claims))
        socket_close(s, WS_CODE_LOGIN, "the access token is not valid");
    else
        above->identified(s, &claims);
}

/* "open.<base64url>": the input of session.open, as if it had been sent behind the answer with the id 0. It saves the round trip
 * between both, and its reply leaves with the answer. */
static void adopt_open(struct socket *s, struct exchange *x)
{
    struct text encoded, in;

    if (s->closing || s->echo || !find_protocol(x, T("open."), &encoded))
        return;
    if (base64url_decode(&x->arena, encoded, &in))
        above->message(s, arena_join(&x->arena, T("{\"op\":\"session.open\",\"id\":0,\"in\":"), in, T("}")));
    else
        socket_close(s, WS_CODE_DATA, "open. is not base64url");
}

void ws_accept(struct connection *c, struct exchange *x, bool korean, struct text behind)
{
    static const struct connection_ops ops = { on_data, on_gone, NULL, on_timer },
                                       echo_ops = { on_data, on_gone, on_drained, on_timer };
    struct socket *s = socket_new(c, x, korean);
    struct text rest = arena_text(&x->arena, behind);

    s->deflate = wants_deflate(exchange_header(x, T("sec-websocket-extensions")));
    s->echo = echo_is_socket(x);
    connection_serve(c, s->echo ? &echo_ops : &ops, s);
    answer_101(s, x);
    socket_set_timer(s);
    adopt_token(s, x);
    adopt_open(s, x);
    if (rest.len)
        on_data(c, rest);
}

static void print_one(struct socket *s, void *arg)
{
    struct buf *out = arg;
    char peer[ADDRESS_TEXT];
    struct text address = s->address ? text_of(s->address) : s->c ? peer_print(&s->c->peer, peer) : T("");

    buf_printf(out, "%s{\"handle\":\"%llx\",\"account\":%lld,\"address\":\"%.*s\",\"age_s\":%llu,\"unsent\":%u,\"waiting\":%u}",
               out->len > 1 ? "," : "", (unsigned long long)s->handle, (long long)s->account, TEXT_ARG(address),
               (unsigned long long)(clock_ms() / 1000 - s->opened_s), s->c ? s->c->queued : 0, s->waiting_count);
}

static void print_sockets(struct buf *out)
{
    buf_put_char(out, '[');
    sockets_each(print_one, out);
    buf_put(out, T("]\n"));
}

void ws_start(const struct socket_ops *ops)
{
    static struct list_view sockets = { .name = "sockets", .print = print_sockets };

    above = ops;
    list_view_add(&sockets);
}

void ws_stop(void)
{
    CHECK(open_count == 0);
    ws_readers_free();
    free(slots);
    slots = NULL;
    slot_count = first_free = 0;
}
