#include "redis_link.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include "madang/codec.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/pool.h"
#include "madang/random.h"

#define CONNECT_MS 1000
#define PING_MS 1000
#define PING_SILENT_MS 500
#define RETRY_MS_MAX 1000

struct address {
    struct text host, path, user, password;
    int64_t port, database;
};

/* host, host:port, [IPv6] or [IPv6]:port */
static bool host_parse(struct text place, struct address *out)
{
    struct text port;

    if (text_skip(&place, T("["))) {
        out->host = text_cut(place, ']', &port);
        if (port.len && !text_skip(&port, T(":")))
            return false;
    } else {
        out->host = text_cut(place, ':', &port);
    }
    return out->host.len && text_find(out->host, ',') < 0 && (port.len == 0 || text_to_i64(port, &out->port)) && out->port > 0 &&
           out->port < 65536;
}

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
    return host_parse(place, out);
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
               : T("[redis] url is neither redis://host[:port][/db], of one host, nor redis+unix:///path");
    while (ok && list.len) {
        *why = T("[redis] relay_urls names something that is no address of a Redis, or more than sixteen");
        ok = url_is_fit(text_trim(text_cut(list, ',', &list))) && ++servers <= REDIS_SERVERS_MAX;
    }
    return ok;
}

static bool introduce_now(redisContext *c, const struct address *to, char *why, size_t size)
{
    redisReply *r = NULL;
    bool ok = true;

    if (to->password.len && to->user.len)
        r = redisCommand(c, "AUTH %b %b", to->user.at, to->user.len, to->password.at, to->password.len);
    else if (to->password.len)
        r = redisCommand(c, "AUTH %b", to->password.at, to->password.len);
    if ((!to->password.len || (r && r->type != REDIS_REPLY_ERROR)) && to->database) {
        if (r)
            freeReplyObject(r);
        r = redisCommand(c, "SELECT %lld", (long long)to->database);
    }
    if ((to->password.len || to->database) && (!r || r->type == REDIS_REPLY_ERROR)) {
        snprintf(why, size, "%s", r ? r->str : c->errstr);
        ok = false;
    }
    if (r)
        freeReplyObject(r);
    return ok;
}

redisContext *redis_connect_now(struct text url, char *why, size_t size)
{
    struct timeval limit = { .tv_sec = CONNECT_MS / 1000 };
    redisContext *c;
    struct address to;
    struct arena a;

    arena_init(&a, 65536);
    CHECK(address_parse(&a, url, &to));
    c = to.path.len ? redisConnectUnixWithTimeout(arena_cstr(&a, to.path), limit)
                    : redisConnectWithTimeout(arena_cstr(&a, to.host), (int)to.port, limit);
    CHECK(c);
    if (!c->err)
        redisSetTimeout(c, limit);
    else
        snprintf(why, size, "%s", c->errstr);
    if (c->err || !introduce_now(c, &to, why, size)) {
        redisFree(c);
        c = NULL;
    }
    arena_fini(&a);
    return c;
}

/* Somebody waits for the reply that has its turn. */
struct asked {
    struct list node;
    redis_answer *answer;
    void *arg;
};
static struct pool askings = POOL_OF(struct asked, 256);

static struct list unwritten = { &unwritten, &unwritten };
static struct turn_hook write_hook;

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

/* Each one hears it once; what they ask meanwhile is refused, since the link is not ready. */
static void answer_lost(struct redis_link *l)
{
    struct list *node;

    while ((node = list_take_first(&l->asked)) != NULL) {
        struct asked a = *CONTAINER_OF(node, struct asked, node);

        pool_give(&askings, CONTAINER_OF(node, struct asked, node));
        a.answer(l, NULL, a.arg);
    }
}

void redis_link_lose(struct redis_link *l, const char *why)
{
    redisContext *c = l->context;
    bool was_ready = l->ready;

    if (l->failures == 0 && !l->stopping)
        log_warn("redis", "%s: %s%s%s", l->name, why, c && c->errstr[0] ? ": " : "", c ? c->errstr : "");
    if (was_ready ? !l->leaves : l->resolving)
        places_stop(&l->places); /* where it was well it is looked for again, by name */
    l->context = NULL;
    l->connected = l->ready = l->pinging = l->resolving = false;
    timer_clear(&l->timer);
    list_remove(&l->node);
    poll_drop(l);
    redisFree(c);
    if (was_ready)
        l->changed(l);
    answer_lost(l);
    if (l->stopping)
        return;
    if (!places_all_tried(&l->places)) {
        timer_set_after(&l->timer, 1);
    } else {
        l->failures++;
        timer_set_after(&l->timer, (uint64_t)random_jitter(l->failures < 5 ? 50 << l->failures : RETRY_MS_MAX));
    }
}

const struct refusal *redis_link_refused(struct redis_link *l, const char *error)
{
    const struct refusal *why = redis_refusal(text_of(error));

    if (why->remedy == REMEDY_MOVE)
        l->leaves = true;
    if (l->context && (why->remedy == REMEDY_MOVE || why->remedy == REMEDY_CONNECT))
        redis_link_lose(l, error);
    return why;
}

/* --- bytes ------------------------------------------------------------------------------------------------------------ */
static void on_poll(uv_poll_t *poll, int status, int events);

static void want(struct redis_link *l, int events)
{
    if (events == l->events)
        return;
    l->events = events;
    uv_poll_start(l->poll, events, on_poll);
}

static void write_now(struct redis_link *l)
{
    int done = 0;

    list_remove(&l->node);
    if (redisBufferWrite(l->context, &done) != REDIS_OK)
        redis_link_lose(l, "connection lost");
    else
        want(l, done ? UV_READABLE : UV_READABLE | UV_WRITABLE);
}

static void write_all(struct turn_hook *h)
{
    struct list *node;

    (void)h;
    while ((node = list_take_first(&unwritten)) != NULL)
        write_now(CONTAINER_OF(node, struct redis_link, node));
}

static void write_soon(struct redis_link *l)
{
    if (!write_hook.run)
        turn_hook_init(&write_hook, write_all);
    if (list_is_empty(&l->node) && !(l->events & UV_WRITABLE))
        list_append(&unwritten, &l->node);
    turn_hook_arm(&write_hook);
}

static void keep_asked(struct redis_link *l, redis_answer *answer, void *arg)
{
    struct asked *a = pool_take(&askings);

    *a = (struct asked){ .answer = answer, .arg = arg };
    list_append(&l->asked, &a->node);
    write_soon(l);
}

static bool is_of_channels(const redisReply *r)
{
    static const char *const words[] = { "message", "subscribe", "unsubscribe" };

    if (r->type != REDIS_REPLY_ARRAY || r->elements < 3 || r->element[0]->type != REDIS_REPLY_STRING)
        return false;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (text_is((struct text){ r->element[0]->str, (size_t)r->element[0]->len }, text_of(words[i])))
            return true;
    return false;
}

static void take_reply(struct redis_link *l, const redisReply *r)
{
    struct list *node;
    struct asked a;

    if (l->told && is_of_channels(r)) {
        l->told(l, r);
        return;
    }
    if (l->told && l->ready && r->type == REDIS_REPLY_ERROR) { /* whether of a PING or of a SUBSCRIBE: it does not hear */
        redis_link_lose(l, r->str);
        return;
    }
    if ((node = list_take_first(&l->asked)) == NULL) {
        redis_link_lose(l, "it answers what nobody asked");
        return;
    }
    a = *CONTAINER_OF(node, struct asked, node);
    pool_give(&askings, CONTAINER_OF(node, struct asked, node));
    a.answer(l, r, a.arg);
}

static void read_now(struct redis_link *l)
{
    redisContext *c = l->context;
    void *reply = NULL;

    if (redisBufferRead(c) != REDIS_OK) {
        redis_link_lose(l, "connection lost");
        return;
    }
    while (l->context == c) {
        if (redisGetReplyFromReader(c, &reply) != REDIS_OK) {
            redis_link_lose(l, "what it answers makes no sense");
            return;
        }
        if (!reply)
            return;
        take_reply(l, reply);
        freeReplyObject(reply);
    }
}

static void greet(struct redis_link *l);

/* The first time that it is writable: connecting is over, well or not. */
static void on_connected(struct redis_link *l)
{
    int error = 0;
    socklen_t length = sizeof error;

    if (getsockopt(l->context->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error) {
        redis_link_lose(l, error ? strerror(error) : "cannot connect");
        return;
    }
    l->connected = true;
    want(l, UV_READABLE);
    greet(l);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct redis_link *l = poll->data;

    loop_event();
    if (status < 0) {
        redis_link_lose(l, "connection lost");
        return;
    }
    if (!l->connected) {
        on_connected(l);
        return;
    }
    if (events & UV_READABLE)
        read_now(l);
    if (l->poll == poll && events & UV_WRITABLE)
        write_now(l);
}

/* --- asking ----------------------------------------------------------------------------------------------------------- */
static bool ask(struct redis_link *l, redis_answer *answer, void *arg, int count, const char **words, const size_t *lengths)
{
    if (!l->connected || redisAppendCommandArgv(l->context, count, words, lengths) != REDIS_OK)
        return false;
    keep_asked(l, answer, arg);
    return true;
}

bool redis_link_ask(struct redis_link *l, redis_answer *answer, void *arg, int count, const char **words, const size_t *lengths)
{
    return l->ready && ask(l, answer, arg, count, words, lengths);
}

static bool say(struct redis_link *l, redis_answer *answer, void *arg, const char *word, struct text first, struct text second)
{
    const char *words[] = { word, first.at, second.at };
    size_t lengths[] = { strlen(word), first.len, second.len };

    return ask(l, answer, arg, second.at ? 3 : first.at ? 2 : 1, words, lengths);
}

bool redis_link_say(struct redis_link *l, redis_answer *answer, void *arg, const char *word, struct text first,
                    struct text second)
{
    return l->ready && say(l, answer, arg, word, first, second);
}

void redis_link_tell(struct redis_link *l, const char *word, struct text channel)
{
    const char *words[] = { word, channel.at };
    size_t lengths[] = { strlen(word), channel.len };

    if (l->ready && redisAppendCommandArgv(l->context, 2, words, lengths) == REDIS_OK)
        write_soon(l);
}

/* --- beginning, and whether it is still there ------------------------------------------------------------------------- */
static void become_ready(struct redis_link *l)
{
    l->ready = true;
    l->leaves = false;
    l->failures = 0;
    timer_set_after(&l->timer, l->pulse ? 1 : PING_MS);
    l->changed(l);
}

static void on_greeting(struct redis_link *l, const redisReply *r, void *unused)
{
    (void)unused;
    if (!r)
        return;
    if (r->type == REDIS_REPLY_ERROR) {
        log_error("redis", "%s: %s", l->name, r->str);
        redis_link_lose(l, "refused");
        return;
    }
    become_ready(l);
}

/* AUTH or SELECT: going on would be as somebody else, or in another database. */
static void on_introduced(struct redis_link *l, const redisReply *r, void *unused)
{
    (void)unused;
    if (!r || r->type != REDIS_REPLY_ERROR)
        return;
    log_error("redis", "%s: %s", l->name, r->str);
    redis_link_lose(l, "refused");
}

static void greet(struct redis_link *l)
{
    const struct text none = { NULL, 0 };
    char digits[24];
    struct arena a;
    struct address to;

    arena_init(&a, 65536);
    CHECK(address_parse(&a, l->url, &to));
    if (to.password.len)
        say(l, on_introduced, NULL, "AUTH", to.user.len ? to.user : to.password, to.user.len ? to.password : none);
    if (to.database)
        say(l, on_introduced, NULL, "SELECT", text_i64(to.database, digits), none);
    say(l, on_greeting, NULL, "PING", none, none);
    arena_fini(&a);
}

static void on_pong(struct redis_link *l, const redisReply *r, void *unused)
{
    const struct refusal *why = NULL;
    redisContext *c = l->context;

    (void)unused;
    if (!r)
        return;
    l->pinging = false;
    if (r->type == REDIS_REPLY_ERROR) {
        why = redis_link_refused(l, r->str);
        if (why != l->unwell)
            log_at(why->level, "redis", "%s: does not write: %s", l->name, r->str);
    } else if (l->unwell) {
        log_info("redis", "%s: writes", l->name);
    }
    l->unwell = why;
    if (c && l->context == c)
        timer_set_after(&l->timer, PING_MS);
}

static void ping(struct redis_link *l)
{
    const char *words[] = { "SET", l->pulse, "1", "EX", "60" };
    size_t lengths[] = { 3, l->pulse ? strlen(l->pulse) : 0, 1, 2, 2 };

    l->pinging = true;
    timer_set_after(&l->timer, PING_SILENT_MS);
    if (l->pulse)
        ask(l, on_pong, NULL, (int)COUNT_OF(words), words, lengths);
    else
        say(l, on_pong, NULL, "PING", (struct text){ 0 }, (struct text){ 0 });
}

static void attach(struct redis_link *l, int fd)
{
    l->context = redisConnectFd(fd);
    CHECK(l->context);
    l->context->flags &= ~REDIS_BLOCK;
    l->poll = must_zalloc(sizeof *l->poll);
    l->poll->data = l;
    if (uv_poll_init(loop_uv(), l->poll, fd) != 0) {
        free(l->poll);
        l->poll = NULL;
        redis_link_lose(l, "its socket cannot be watched");
        return;
    }
    want(l, UV_WRITABLE);
    timer_set_after(&l->timer, CONNECT_MS);
}

static void connect_to(struct redis_link *l, const struct sockaddr *to, socklen_t length)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    if (fd >= 0 && to->sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fd >= 0 && (connect(fd, to, length) == 0 || errno == EINPROGRESS)) {
        attach(l, fd);
        return;
    }
    redis_link_lose(l, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static void connect_unix(struct redis_link *l, const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t length = strlen(path);

    if (length >= sizeof to.sun_path) {
        redis_link_lose(l, "the path of its socket is too long");
        return;
    }
    memcpy(to.sun_path, path, length + 1);
    connect_to(l, (const struct sockaddr *)&to, sizeof to);
}

static void on_place(struct places *p, const struct place *one)
{
    struct redis_link *l = CONTAINER_OF(p, struct redis_link, places);
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    int64_t port = 0;

    l->resolving = false;
    if (!one)
        redis_link_lose(l, "the host's name cannot be resolved");
    else if (!one->address[0])
        connect_unix(l, one->name->host);
    else if (text_to_i64(text_of(one->name->port), &port) && uv_ip4_addr(one->address, (int)port, &four) == 0)
        connect_to(l, (const struct sockaddr *)&four, sizeof four);
    else if (uv_ip6_addr(one->address, (int)port, &six) == 0)
        connect_to(l, (const struct sockaddr *)&six, sizeof six);
    else
        redis_link_lose(l, "its address is none");
}

static void connect_now(struct redis_link *l)
{
    l->resolving = true;
    places_next(&l->places);
}

static void on_timer(struct timer *t)
{
    struct redis_link *l = CONTAINER_OF(t, struct redis_link, timer);

    if (!l->context && !l->resolving)
        connect_now(l);
    else if (!l->ready)
        redis_link_lose(l, "connecting takes too long");
    else if (l->pinging)
        redis_link_lose(l, "a ping was not answered");
    else
        ping(l);
}

static void add_place(struct redis_link *l)
{
    char port[24];
    struct address to;
    struct arena a;

    arena_init(&a, 65536);
    CHECK(address_parse(&a, l->url, &to));
    CHECK(to.path.len ? places_add(&l->places, to.path, T(""), "")
                      : places_add(&l->places, to.host, text_i64(to.port, port), NULL));
    arena_fini(&a);
}

void redis_link_open(struct redis_link *l)
{
    list_init(&l->asked);
    list_init(&l->node);
    l->places.found = on_place;
    add_place(l);
    timer_init(&l->timer, on_timer);
    connect_now(l);
}

void redis_link_stop(struct redis_link *l)
{
    l->stopping = true;
    redis_link_lose(l, "stopping");
    places_free(&l->places);
}
