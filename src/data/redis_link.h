/* data: redis_link — one connection through hiredis's asynchronous API, kept open, on our loop.
 *
 * hiredis's own libuv adapter passes over a failed poll, so that a refused connection is never noticed; ours does not.
 */
#ifndef MADANG_REDIS_LINK_H
#define MADANG_REDIS_LINK_H

#include <async.h>

#include "madang/loop.h"
#include "madang/text.h"

struct redis_link {
    const char *name;
    struct text url;
    redisAsyncContext *context; /* NULL while closed */
    uv_poll_t *poll;
    int events;
    uv_getaddrinfo_t *resolving;
    struct timer timer; /* connecting takes too long, the next ping, or trying again */
    bool ready, stopping, pinging;
    bool can_ping; /* a subscribed connection of hiredis 0.14 cannot */
    unsigned failures;
    void (*changed)(struct redis_link *l);
};

void redis_link_open(struct redis_link *l, const char *name, struct text url, bool can_ping,
                     void (*changed)(struct redis_link *l));
void redis_link_stop(struct redis_link *l);
void redis_link_lose(struct redis_link *l, const char *why); /* and try again later */
#define REDIS_SERVERS_MAX 16                                 /* in [redis] relay_urls */
bool redis_url_check(struct text *why);

#endif
