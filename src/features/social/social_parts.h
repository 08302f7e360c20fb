/* What the files of the social feature share. */
#ifndef MADANG_SOCIAL_PARTS_H
#define MADANG_SOCIAL_PARTS_H

#include "social_store.h"

problem friends_list(struct call *c) MUST_USE;
problem friends_received(struct call *c) MUST_USE;
problem friends_sent(struct call *c) MUST_USE;
problem friends_request(struct call *c) MUST_USE;
problem friends_accept(struct call *c) MUST_USE;
problem friends_reject(struct call *c) MUST_USE;
problem friends_cancel(struct call *c) MUST_USE;
problem friends_remove(struct call *c) MUST_USE;
problem friends_leave(struct tx *tx, int64_t account, bool *more) MUST_USE;
problem blocks_list(struct call *c) MUST_USE;
problem blocks_add(struct call *c) MUST_USE;
problem blocks_remove(struct call *c) MUST_USE;
problem reports_add(struct call *c) MUST_USE;
problem reports_list(struct call *c) MUST_USE;
problem reports_accept(struct call *c) MUST_USE;
problem reports_dismiss(struct call *c) MUST_USE;
extern const struct event_def friend_requested_event, friend_accepted_event, friend_rejected_event, friend_cancelled_event,
    friend_removed_event;

problem dm_open(struct call *c) MUST_USE;
problem dm_rooms(struct call *c) MUST_USE;
problem dm_room(struct call *c) MUST_USE;
problem dm_history(struct call *c) MUST_USE;
problem dm_send(struct call *c) MUST_USE;
problem dm_delete(struct call *c) MUST_USE;
problem dm_read(struct call *c) MUST_USE;
problem dm_typing(struct call *c) MUST_USE;
problem dm_sync(struct call *c) MUST_USE;
problem dm_leave(struct tx *tx, int64_t account, bool *more) MUST_USE;
problem dm_topics(struct call *c, struct topic_list *out) MUST_USE;
extern const struct event_def dm_opened_event, dm_message_event, dm_deleted_event, dm_read_event, dm_typing_event;

problem presence_friends(struct call *c) MUST_USE;
/* Which of these accounts are online; problems of Redis leave all of them unknown (*known false). */
problem presence_of(struct call *c, const int64_t *accounts, size_t count, bool *online, bool *known) MUST_USE;
void presence_online(int64_t account, bool here);
void presence_opened(uint64_t socket, int64_t account);
/* The two see each other's presence from now on (or no more). */
void presence_pair(struct call *c, int64_t a, int64_t b, bool see);
void presence_start(void);
void presence_snapshots_start(void);
void presence_snapshots_stop(void);
void presence_stop(void);
extern const struct event_def presence_changed_event, presence_snapshot_event;

#endif
