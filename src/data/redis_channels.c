#include "redis_channels.h"

#include <zlib.h>

#include "madang/config.h"
#include "madang/health.h"
#include "redis_link.h"

/* Where channels are: one connection hears, and where it is not [redis] url, which the commands go to, another one publishes. */
static struct channel_server {
    struct redis_link hearing, publishing;
    size_t on_their_way; /* published, not yet acknowledged */
    char name[24];
} servers[1 + REDIS_SERVERS_MAX]; /* [redis] url, then [redis] relay_urls */
static size_t server_count;
static struct redis_listener listener;
static bool all_hear;

void redis_listen(const struct redis_listener *l)
{
    listener = *l;
}

bool redis_is_listening(void)
{
    return all_hear;
}

/* Every node has to find the same one, whatever its version: CRC-32 as zlib has it. */
static struct channel_server *server_of(struct text channel, bool spread)
{
    if (!spread || server_count == 1)
        return &servers[0];
    return &servers[1 + crc32(0, (const unsigned char *)channel.at, (unsigned)channel.len) % (server_count - 1)];
}

static struct text text_in(const redisReply *r)
{
    return r->type == REDIS_REPLY_STRING ? (struct text){ r->str, (size_t)r->len } : T("");
}

/* The link has seen that it is an array of three and more. */
static void on_told(struct redis_link *l, const redisReply *r)
{
    struct text kind = text_in(r->element[0]), channel = text_in(r->element[1]);

    (void)l;
    if (text_is(kind, T("message")) && listener.on_message)
        listener.on_message(channel, text_in(r->element[2]));
    else if (text_is(kind, T("subscribe")) && listener.on_subscribed)
        listener.on_subscribed(channel);
}

void redis_subscribe(struct text channel, bool spread)
{
    redis_link_tell(&server_of(channel, spread)->hearing, "SUBSCRIBE", channel);
}

void redis_unsubscribe(struct text channel, bool spread)
{
    redis_link_tell(&server_of(channel, spread)->hearing, "UNSUBSCRIBE", channel);
}

/* Also when the connection is lost. */
static void on_acknowledged(struct redis_link *l, const redisReply *reply, void *server)
{
    (void)l;
    (void)reply;
    ((struct channel_server *)server)->on_their_way--;
}

bool redis_publish(struct text channel, struct text message, bool spread)
{
    struct channel_server *s = server_of(channel, spread);

    if (s == &servers[0])
        return redis_send(VALUES(T("PUBLISH"), channel, message));
    if (s->on_their_way >= (size_t)config->redis_waiting_max ||
        !redis_link_say(&s->publishing, on_acknowledged, s, "PUBLISH", channel, message))
        return false;
    s->on_their_way++;
    return true;
}

static void on_hearing(struct redis_link *l)
{
    bool all = true;

    (void)l;
    for (size_t i = 0; i < server_count; i++)
        all = all && servers[i].hearing.ready;
    if (all == all_hear)
        return;
    all_hear = all;
    if (listener.on_link)
        listener.on_link(all);
}

static void lose_hearing(struct channel_server *s)
{
    if (s->hearing.ready)
        redis_link_lose(&s->hearing, "the other connection was lost");
}

static void on_publishing(struct redis_link *l)
{
    if (!l->ready)
        lose_hearing(CONTAINER_OF(l, struct channel_server, publishing));
}

void redis_channels_main_lost(void)
{
    lose_hearing(&servers[0]);
}

/* Of the others it is not asked: without one, what it carries comes by catching up, a second late. */
static const char *says(void)
{
    return servers[0].hearing.ready ? NULL : "unreachable";
}

static void open_hearing(struct channel_server *s, const char *name, struct text url)
{
    s->hearing = (struct redis_link){ .name = name, .url = url, .changed = on_hearing, .told = on_told };
    redis_link_open(&s->hearing);
}

void redis_channels_start(void)
{
    static struct health_part health = { .name = "channels", .says = says };
    struct text list = config->redis_relay_urls;

    health_part_add(&health);
    all_hear = false;
    server_count = 1;
    open_hearing(&servers[0], "relay", config->redis_url);
    while (list.len && server_count < COUNT_OF(servers)) {
        struct channel_server *s = &servers[server_count];
        struct text url = text_trim(text_cut(list, ',', &list));

        snprintf(s->name, sizeof s->name, "relay %zu", server_count++);
        s->publishing = (struct redis_link){ .name = s->name, .url = url, .changed = on_publishing };
        redis_link_open(&s->publishing);
        open_hearing(s, s->name, url);
    }
}

void redis_channels_stop(void)
{
    for (size_t i = 0; i < server_count; i++) {
        redis_link_stop(&servers[i].hearing);
        if (i)
            redis_link_stop(&servers[i].publishing);
    }
}
