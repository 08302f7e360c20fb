/* hub: topic — who on this node hears what, and in which order numbered events are handed on.
 *
 * A topic lives while somebody uses it: a member, a wait, an account that was here a moment ago. What only few topics ever need
 * (events that came early, waits for the relay) is made when it is needed, since there is a topic for every account.
 */
#ifndef MADANG_TOPIC_H
#define MADANG_TOPIC_H

#include "madang/map.h"
#include "wire/ws.h"

struct member {
    struct socket *socket;
    int64_t after; /* numbers up to this one the socket has, or gets by replay */
    uint32_t back; /* which of the socket's it is */
    bool held;     /* still joining: events are kept for later */
    bool fresh;    /* … and it is this joining that made it a member: it leaves again when that fails */
};

struct ordering;
struct topic {
    struct map_node node;
    struct member *members; /* `one`, or memory of its own */
    struct member one;
    struct ordering *ordering;
    int64_t last; /* the number handed on last; 0: not known */
    uint32_t count, room, users;
    bool subscribed, heard; /* by the relay; heard: that is acknowledged, or no other node is there */
    bool cold;              /* somebody joined unheard: tell to resync once it is heard */
    bool known;             /* nothing can have been missed since `last` was compared with the database */
    char name[];
};

struct topic *topic_find(struct text name);
struct topic *topic_use(struct text name); /* made when it is not there */
void topic_release(struct topic *t);
/* The topics of the process; the map must not change meanwhile. */
struct topic *topic_next(const struct topic *after);
void topics_stop(void);
/* The database may know less than we do: which numbers were handed on last says nothing any more, of any topic. */
void topics_doubt(void);

/* Takes over the caller's use. Joining twice is harmless. `lasting`: because of whose the socket is, hence followed on for a
 * while after it is gone. */
void topic_join(struct socket *s, struct topic *t, bool held, bool lasting);
void topic_open_up(struct socket *s, struct text name, int64_t after); /* no longer held, if it is a topic of the socket's */
void topics_join_undo(struct socket *s); /* the joining failed: all is as it was before, and what was held is sent */
bool topic_has(const struct socket *s, const struct topic *t);
void topic_part(struct socket *s, struct topic *t); /* this one, if it has joined */
void topics_leave(struct socket *s);                /* all of them */
void topics_let_go(struct socket *s);               /* what was held for topics that have opened up */

void topic_subscribe(struct topic *t);
void topic_deliver(struct topic *t, int64_t number, struct chunk *frame);
void topic_deliver_but(struct topic *t, const struct socket *but, struct chunk *frame);
struct chunk *resync_frame(struct text topic);
void topic_resync(struct topic *t);
/* Until the relay hears it, a second at the most; then the members are told to resync when it does. */
problem topic_wait_heard(struct call *c, struct topic *t) MUST_USE;
void topic_is_heard(struct topic *t);
/* Told when the first member of a topic comes, and when the last one goes; once, at start-up. */
void topics_on_listened(void (*run)(struct text topic, bool here));

#endif
