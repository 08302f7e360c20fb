/* data: redis_link — one connection to Redis, kept open, on our loop.
 *
 * hiredis formats commands and reads replies; who asked is kept here. Its asynchronous half asserts on replies that nobody
 * asked for, so that a server that has lost its mind ends the process: it is not used. What a turn asks leaves in one write.
 */
#ifndef MADANG_REDIS_LINK_H
#define MADANG_REDIS_LINK_H

#include <hiredis.h>

#include "places.h"
#include "refusal.h"

struct redis_link;
/* NULL: the connection was lost. The reply is borrowed. May ask again, and may lose the link. */
typedef void redis_answer(struct redis_link *l, const redisReply *reply, void *arg);

struct redis_link {
    const char *name;
    struct text url;
    redisContext *context; /* NULL while closed */
    uv_poll_t *poll;
    int events;
    struct list asked, node; /* oldest first; node: among those that have something to write at the end of the turn */
    struct places places;
    bool resolving;
    struct timer timer; /* connecting takes too long, the next ping, or trying again */
    bool connected, ready, stopping, pinging;
    const char *pulse;            /* a key that each ping writes to, to know whether writes are taken; NULL: none does */
    const struct refusal *unwell; /* what came of the last one */
    bool leaves;                  /* its server only reads */
    unsigned failures;
    void (*changed)(struct redis_link *l);
    void (*told)(struct redis_link *l, const redisReply *reply); /* what comes of channels; NULL: nothing may */
};

/* The members url, name, changed, pulse and told are set by the caller, the others zero. */
void redis_link_open(struct redis_link *l);
void redis_link_stop(struct redis_link *l);
/* False: it is not ready. */
bool redis_link_ask(struct redis_link *l, redis_answer *answer, void *arg, int count, const char **words, const size_t *lengths);
bool redis_link_say(struct redis_link *l, redis_answer *answer, void *arg, const char *word, struct text first,
                    struct text second);
/* SUBSCRIBE, UNSUBSCRIBE: nobody waits in line, the answer comes to `told`. Nothing happens while it is not ready. */
void redis_link_tell(struct redis_link *l, const char *word, struct text channel);
void redis_link_lose(struct redis_link *l, const char *why); /* and try again later */
/* What its server refused, and what that means for the connection: done here, told. */
const struct refusal *redis_link_refused(struct redis_link *l, const char *error);
#define REDIS_SERVERS_MAX 16 /* in [redis] relay_urls */
bool redis_url_check(struct text *why);
/* For commands: blocking, a second at the most for each step, introduced as the link would. NULL: `why` says why not. */
redisContext *redis_connect_now(struct text url, char *why, size_t size);

#endif
