/* data: redis — what is fast and may be rebuilt: commands, scripts, subscriptions.
 *
 * Commands of one turn leave in one write. While Redis is gone every command fails at once with LEASES_UNAVAILABLE; connecting
 * again is the link's own business. Replies are copied into the call's arena.
 */
#ifndef MADANG_REDIS_H
#define MADANG_REDIS_H

#include "madang/store.h"

void redis_start(void);
void redis_stop(void);
bool redis_is_up(void);
/* Tells when Redis came back (up) or went: leases are to be asserted anew, sockets to be told to catch up. */
struct redis_watcher {
    void (*changed)(bool up);
    struct redis_watcher *next;
};
void redis_watch(struct redis_watcher *w);

struct redis_value {
    enum { REDIS_NIL, REDIS_NUMBER, REDIS_TEXT, REDIS_LIST } kind;
    int64_t number;
    struct text text;
    struct redis_value *at; /* of a list */
    size_t count;
};

/* The key with the configured prefix. */
struct text redis_key(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);

/* A list among the values, ALL_OF(), stands for all that are in it. LEASES_UNAVAILABLE, DEADLINE, OVERLOADED; INTERNAL (logged)
 * when Redis refuses the command. */
problem redis_run(struct call *c, struct values command, struct redis_value *out) MUST_USE;
#define redis_do(c, out, ...) redis_run((c), VALUES(__VA_ARGS__), (out))
/* Sends and forgets; false when it could not be sent. */
bool redis_send(struct values command);

/* A reply by name, as HGETALL and our scripts give it: "name", value, "name", value … Names without a field are passed over. A
 * field takes a number or what field_from_column() takes; a list of scalars, or of such replies. INTERNAL (logged): it does not
 * fit. redis_member(): the value of a name, or NULL. */
problem redis_decode(const struct shape *s, struct arena *a, const struct redis_value *reply, void *out) MUST_USE;
const struct redis_value *redis_member(const struct redis_value *reply, const char *name);

/* Several steps as one: a Lua script, embedded from the .lua file of that name. One that begins with "-- with NAME" has
 * NAME.lua in front of it: src/data/clock.lua (now: Redis's own time in ms) and src/data/lease.lua. */
struct script {
    const char *file;
    struct text body;
    char sha[41];
};
/* clang-format off */
#define SCRIPT(file_name) { .file = file_name }
/* clang-format on */
problem script_run(struct call *c, struct script *s, struct values keys, struct values args, struct redis_value *out) MUST_USE;

/* Channels. on_message for what is published, on_subscribed when Redis has acknowledged a channel (again after each reconnect,
 * since all are subscribed anew), on_link when all servers are heard, or one is lost. Channels that are `spread` are divided
 * among the servers of [redis] relay_urls, if there are any; the others are on [redis] url. */
struct redis_listener {
    void (*on_message)(struct text channel, struct text message);
    void (*on_subscribed)(struct text channel);
    void (*on_link)(bool up);
};
void redis_listen(const struct redis_listener *l);      /* before redis_start() */
void redis_subscribe(struct text channel, bool spread); /* idempotent only for the caller: keep track */
void redis_unsubscribe(struct text channel, bool spread);
bool redis_publish(struct text channel, struct text message, bool spread); /* false: its server is away */
bool redis_is_listening(void);

#endif
