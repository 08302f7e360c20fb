/* hub: hub — topics and the sockets on them, here and on the other nodes.
 *
 * A topic is a name ("room:12"). The server decides who joins. An event is encoded and framed once and shared by all members.
 * Numbered events are handed on in order; one that comes early waits 200 ms for its predecessor, then the members are told to
 * resync. Sockets are named by handles: a handle outlives its socket harmlessly.
 */
#ifndef MADANG_HUB_H
#define MADANG_HUB_H

#include "madang/store.h"

/* A word between nodes: hub_tell_nodes(). It is run outside of a task, and does not wait. */
struct word_def {
    const char *name;
    const struct shape *data;
    void (*run)(struct call *c, const void *data);
};

/* The socket of this call listens to a topic from now on; what comes meanwhile follows the reply. When the call fails, all is as
 * before it. Nothing happens to a call that came by HTTP. */
problem hub_listen(struct call *c, struct text topic) MUST_USE;
/* The same for a topic whose events carry no numbers: nothing to compare with the database, hence no need of it. */
problem hub_follow(struct call *c, struct text topic) MUST_USE;
/* Every socket of the account, on all nodes, joins. Who joins so is told to resync once the relay hears the topic. */
void hub_join_account(int64_t account, struct text topic);
void hub_leave(uint64_t socket, struct text topic); /* harmless when it has not joined */
bool hub_is_member(uint64_t socket, struct text topic);
bool hub_is_open(uint64_t socket); /* still there, with its session */

/* Sends to the members everywhere (a tx does this by itself: madang/store.h). */
void hub_publish(const struct published *p);
/* To one socket of this node. */
void hub_tell_socket(uint64_t socket, const struct event_def *e, struct text topic, struct text json);

/* Ends the sockets of a session (or of all sessions of an account) on all nodes, and refuses its tokens: 4401 or 4403. */
void hub_end_session(struct text session, int code);
void hub_end_session_here(struct text session, int code); /* on this node alone */
void hub_end_account(int64_t account, int code);

size_t hub_sockets_of(int64_t account); /* on this node */
/* A word of the feature (its `words`) to every other node, or to one; at most once, and not to one that cannot hear. */
void hub_tell_nodes(const char *feature, const struct word_def *word, const void *data);
void hub_tell_node(struct text node, const char *feature, const struct word_def *word, const void *data);
/* Each account with a socket here. */
void hub_each_account(void (*each)(int64_t account, void *arg), void *arg);
struct text node_name(void);

#define TOPIC_NAME_MAX 80
struct text topic_of(struct arena *a, const char *kind, int64_t id); /* "room:12" */

#endif
