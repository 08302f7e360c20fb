#include "redis_link.h"

#include "madang/codec.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/random.h"

#define CONNECT_MS 1000
#define PING_MS 1000
#define PING_SILENT_MS 500
#define RETRY_MS_MAX 1000

struct address {
    struct text host, path, user, password;
    int64_t port, database;
};

/* redis://[[user]:password@]host[:port][/db] and redis+unix://[[user]:password@]/path[?db=N] */
static bool address_parse(struct arena *a, struct text url, struct address *out)
{
    struct text rest, secret, place;
    bool is_unix = text_starts(url, T("redis+unix://"));

    *out = (struct address){ .port = 6379 };
    if (!is_unix && !text_starts(url, T("redis://")))
        return false;
    rest = text_from(url, is_unix ? 13 : 8);
    secret = text_cut_last(rest, '@', &place);
    if (place.len) {
        out->user = text_cut(secret, ':', &out->password);
        if (!percent_decode(a, out->password, false, &out->password))
            return false;
        rest = place;
    }
    if (is_unix) {
        out->path = text_cut(rest, '?', &rest);
        return out->path.len > 1 &&
               (rest.len == 0 || (text_starts(rest, T("db=")) && text_to_i64(text_from(rest, 3), &out->database)));
    }
    place = text_cut(rest, '/', &rest);
    if (rest.len && !text_to_i64(rest, &out->database))
        return false;
    out->host = text_cut_last(place, ':', &rest);
    return out->host.len && (rest.len == 0 || text_to_i64(rest, &out->port)) && out->port > 0 && out->port < 65536;
}

static bool url_is_fit(struct text url)
{
    struct arena a;
    struct address parsed;
    bool ok;

    arena_init(&a, 65536);
    ok = address_parse(&a, url, &parsed);
    arena_fini(&a);
    return ok;
}

bool redis_url_check(struct text *why)
{
    struct text list = config->redis_relay_urls;
    size_t servers = 0;
    bool ok = url_is_fit(config->redis_url);

    *why = text_starts(config->redis_url, T("rediss://"))
               ? T("[redis] url: this build's hiredis speaks no TLS; put a TLS tunnel or a Unix socket in between")
               : T("[redis] url is neither redis://host[:port][/db] nor redis+unix:///path");
    while (ok && list.len) {
        *why = T("[redis] relay_urls names something that is no address of a Redis, or more than sixteen");
        ok = url_is_fit(text_trim(text_cut(list, ',', &list))) && ++servers <= REDIS_SERVERS_MAX;
    }
    return ok;
}

static void on_poll_closed(uv_handle_t *h)
{
    free(h);
}

static void poll_drop(struct redis_link *l)
{
    if (!l->poll)
        return;
    uv_poll_stop(l->poll);
    uv_close((uv_handle_t *)l->poll, on_poll_closed);
    l->poll = NULL;
    l->events = 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct redis_link *l = poll->data;
    redisAsyncContext *c = l->context;

    loop_event();
    if (status < 0) {
        redis_link_lose(l, "connection lost");
        return;
    }
    if (events & UV_READABLE)
        redisAsyncHandleRead(c);
    if (l->context == c && l->poll && events & UV_WRITABLE)
        redisAsyncHandleWrite(c);
}

static void want(struct redis_link *l, int events)
{
    if (!l->poll || events == l->events)
        return;
    l->events = events;
    if (events)
        uv_poll_start(l->poll, events, on_poll);
    else
        uv_poll_stop(l->poll);
}

static void add_read(void *link)
{
    want(link, ((struct redis_link *)link)->events | UV_READABLE);
}

static void del_read(void *link)
{
    want(link, ((struct redis_link *)link)->events & ~UV_READABLE);
}

static void add_write(void *link)
{
    want(link, ((struct redis_link *)link)->events | UV_WRITABLE);
}

static void del_write(void *link)
{
    want(link, ((struct redis_link *)link)->events & ~UV_WRITABLE);
}

static void clean_up(void *link)
{
    poll_drop(link);
}

void redis_link_lose(struct redis_link *l, const char *why)
{
    redisAsyncContext *c = l->context;
    bool was_ready = l->ready;

    if (l->failures == 0 && !l->stopping)
        log_warn("redis", "%s: %s%s%s", l->name, why, c && c->errstr[0] ? ": " : "", c ? c->errstr : "");
    l->context = NULL;
    l->ready = l->pinging = false;
    if (was_ready)
        l->changed(l);
    if (c)
        redisAsyncFree(c); /* ends every command on it with a NULL reply */
    poll_drop(l);
    if (!l->stopping) {
        l->failures++;
        timer_set_after(&l->timer, (uint64_t)random_jitter(l->failures < 5 ? 50 << l->failures : RETRY_MS_MAX));
    }
}

/* hiredis has let go of the context by itself. */
static void on_disconnect(const redisAsyncContext *c, int status)
{
    struct redis_link *l = c->data;

    (void)status;
    if (!l || l->context != c)
        return;
    log_warn("redis", "%s: disconnected %s", l->name, c->errstr);
    l->context = NULL;
    redis_link_lose(l, "disconnected");
}

static void become_ready(struct redis_link *l)
{
    l->ready = true;
    l->failures = 0;
    timer_clear(&l->timer);
    if (l->can_ping)
        timer_set_after(&l->timer, PING_MS);
    l->changed(l);
}

static void on_greeting(redisAsyncContext *c, void *reply, void *link)
{
    struct redis_link *l = link;
    redisReply *r = reply;

    if (!r || l->context != c)
        return;
    if (r->type == REDIS_REPLY_ERROR) {
        log_error("redis", "%s: %s", l->name, r->str);
        redis_link_lose(l, "refused");
        return;
    }
    become_ready(l);
}

static void on_refusal(redisAsyncContext *c, void *reply, void *link)
{
    struct redis_link *l = link;
    redisReply *r = reply;

    if (r && r->type == REDIS_REPLY_ERROR && l->context == c)
        log_error("redis", "%s: %s", l->name, r->str);
}

static void greet(struct redis_link *l)
{
    struct arena a;
    struct address to;

    arena_init(&a, 65536);
    CHECK(address_parse(&a, l->url, &to));
    if (to.password.len && to.user.len)
        redisAsyncCommand(l->context, on_refusal, l, "AUTH %b %b", to.user.at, to.user.len, to.password.at, to.password.len);
    else if (to.password.len)
        redisAsyncCommand(l->context, on_refusal, l, "AUTH %b", to.password.at, to.password.len);
    if (to.database)
        redisAsyncCommand(l->context, on_refusal, l, "SELECT %lld", (long long)to.database);
    redisAsyncCommand(l->context, on_greeting, l, "PING");
    arena_fini(&a);
}

static void on_connect(const redisAsyncContext *c, int status)
{
    struct redis_link *l = c->data;

    if (!l || l->context != c)
        return;
    if (status != REDIS_OK) { /* hiredis frees the context after this callback */
        l->context = NULL;
        redis_link_lose(l, "cannot connect");
        return;
    }
    greet(l);
}

static void attach(struct redis_link *l, redisAsyncContext *c)
{
    if (!c || c->err) {
        if (l->failures == 0)
            log_warn("redis", "%s: cannot connect: %s", l->name, c ? c->errstr : "no memory");
        if (c)
            redisAsyncFree(c);
        l->failures++;
        redis_link_lose(l, "cannot connect");
        return;
    }
    l->context = c;
    c->data = l;
    l->poll = must_zalloc(sizeof *l->poll);
    l->poll->data = l;
    CHECK(uv_poll_init(loop_uv(), l->poll, c->c.fd) == 0);
    c->ev.data = l;
    c->ev.addRead = add_read;
    c->ev.delRead = del_read;
    c->ev.addWrite = add_write;
    c->ev.delWrite = del_write;
    c->ev.cleanup = clean_up;
    timer_set_after(&l->timer, CONNECT_MS);
    redisAsyncSetConnectCallback(c, on_connect);
    redisAsyncSetDisconnectCallback(c, on_disconnect);
}

static void on_resolved(uv_getaddrinfo_t *r, int status, struct addrinfo *found)
{
    struct redis_link *l = r->data;
    char text[64] = "";
    int port = 0;

    free(r);
    if (l) {
        l->resolving = NULL;
        if (status == 0 && found->ai_family == AF_INET) {
            uv_ip4_name((const struct sockaddr_in *)(const void *)found->ai_addr, text, sizeof text);
            port = ntohs(((const struct sockaddr_in *)(const void *)found->ai_addr)->sin_port);
        } else if (status == 0) {
            uv_ip6_name((const struct sockaddr_in6 *)(const void *)found->ai_addr, text, sizeof text);
            port = ntohs(((const struct sockaddr_in6 *)(const void *)found->ai_addr)->sin6_port);
        }
        if (text[0])
            attach(l, redisAsyncConnect(text, port));
        else
            redis_link_lose(l, "the host's name cannot be resolved");
    }
    uv_freeaddrinfo(found);
}

static void connect_now(struct redis_link *l)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct address to;
    struct arena a;

    arena_init(&a, 65536);
    CHECK(address_parse(&a, l->url, &to));
    if (to.path.len) {
        attach(l, redisAsyncConnectUnix(arena_cstr(&a, to.path)));
    } else {
        l->resolving = must_zalloc(sizeof *l->resolving);
        l->resolving->data = l;
        CHECK(uv_getaddrinfo(loop_uv(), l->resolving, on_resolved, arena_cstr(&a, to.host),
                             arena_printf(&a, "%lld", (long long)to.port).at, &hints) == 0);
    }
    arena_fini(&a);
}

static void on_pong(redisAsyncContext *c, void *reply, void *link)
{
    struct redis_link *l = link;

    if (!reply || l->context != c)
        return;
    l->pinging = false;
    timer_set_after(&l->timer, PING_MS);
}

static void on_timer(struct timer *t)
{
    struct redis_link *l = CONTAINER_OF(t, struct redis_link, timer);

    if (!l->context && !l->resolving) {
        connect_now(l);
    } else if (!l->ready) {
        redis_link_lose(l, "connecting takes too long");
    } else if (l->pinging) {
        redis_link_lose(l, "a ping was not answered");
    } else {
        l->pinging = true;
        redisAsyncCommand(l->context, on_pong, l, "PING");
        timer_set_after(t, PING_SILENT_MS);
    }
}

void redis_link_open(struct redis_link *l, const char *name, struct text url, bool can_ping,
                     void (*changed)(struct redis_link *l))
{
    *l = (struct redis_link){ .name = name, .url = url, .can_ping = can_ping, .changed = changed };
    timer_init(&l->timer, on_timer);
    connect_now(l);
}

void redis_link_stop(struct redis_link *l)
{
    l->stopping = true;
    timer_clear(&l->timer);
    if (l->resolving) {
        l->resolving->data = NULL;
        uv_cancel((uv_req_t *)l->resolving);
        l->resolving = NULL;
    }
    redis_link_lose(l, "stopping");
}
