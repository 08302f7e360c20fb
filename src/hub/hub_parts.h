/* hub: hub_parts — between hub and relay, and for the floor above them. */
#ifndef MADANG_HUB_PARTS_H
#define MADANG_HUB_PARTS_H

#include "madang/hub.h"
#include "wire/ws.h"

/* What stands above the hub and hears of it; all of it is told outside of a task. */
struct hub_ops {
    void (*online)(int64_t account, bool here);     /* the account's first socket of this node; the last one is gone */
    void (*closed)(uint64_t socket);                /* that had a session */
    void (*listened)(struct text topic, bool here); /* the first listener of this node; the last one is gone */
    const struct word_def *(*word)(struct text feature, struct text name); /* NULL: of another version */
};
void hub_start(const struct hub_ops *ops);
void hub_stop(void);
void hub_socket_gone(struct socket *s);
/* It belongs to an account from now on. */
void hub_identify(struct socket *s, const struct claims *claims);
/* Joins a socket while a call of its own runs: subscribes, waits for the acknowledgement, reads the heads. Events meanwhile are
 * held; hub_join_done() lets them go, behind the head of each topic. */
problem hub_join(struct call *c, uint64_t socket, const struct text *topics, size_t count, struct counts *heads) MUST_USE;
/* The same without waiting, for an account whose last socket closed a few seconds ago: its topics were followed meanwhile. False:
 * not so, or something may have been missed; hub_join() it is then. */
bool hub_rejoin(struct call *c, struct counts *heads);
void hub_join_done(uint64_t socket, const struct counts *heads);
void hub_join_undo(uint64_t handle); /* the call that was joining failed; harmless when none was */
/* An event that another node published. */
void hub_deliver_remote(struct text topic, int64_t number, struct text json);
/* The relay hears (or hears again) this topic; or has lost all of them. */
void hub_topic_heard(struct text topic);
void hub_relay_lost(void);
size_t hub_subscribe_all(void); /* how many acknowledgements will come */
void hub_resync_topic(struct text topic);
void hub_resync_all(void); /* within a second, jittered */
void hub_join_here(int64_t account, struct text topic);
void hub_end_account_here(int64_t account, int code);

/* relay */
void relay_start(void);
void relay_stop(void);    /* says farewell, so that nobody takes us for dead */
size_t relay_tasks(void); /* that run until then */
bool relay_hears(void);
bool relay_is_alone(void); /* no other node is there to publish: topics need no subscription */
void relay_subscribe(struct text topic);
void relay_unsubscribe(struct text topic);
void relay_publish(struct text topic, int64_t number, struct text json);
void hub_told(struct text feature, struct text what);          /* by another node */
void relay_command(const char *format, ...) PRINTF_LIKE(1, 2); /* "verb argument argument" to every other node */
void relay_tell(struct text node, struct text what);           /* a command, to one node */
size_t relay_others(void);

#endif
