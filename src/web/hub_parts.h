/* web: hub_parts — between hub, relay and socket. */
#ifndef MADANG_HUB_PARTS_H
#define MADANG_HUB_PARTS_H

#include "madang/hub.h"
#include "ws.h"

void hub_start(void);
void hub_stop(void);
void hub_socket_gone(struct socket *s);
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
size_t relay_others(void);

#endif
