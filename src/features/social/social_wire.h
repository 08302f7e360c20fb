/* Structs of the social feature that cross the wire, and their shapes. */
#ifndef MADANG_SOCIAL_WIRE_H
#define MADANG_SOCIAL_WIRE_H

#include "madang/accounts.h"
#include "madang/cards.h"
#include "madang/topics.h"

#define IMAGES_MAX 4

struct account_of {
    int64_t account;
};
struct friend_pair {
    int64_t account, other;
};
struct people_page {
    struct opt_text nickname, after;
    int64_t limit;
};
struct friend
{
    int64_t account;
    struct opt_text nickname, avatar_url;
    struct opt_i64 avatar;
    struct opt_bool online;
    struct instant since;
};
struct friend_list {
    LIST_OF(struct friend) people;
    struct opt_text next;
};
struct friend_state {
    struct text state;
};
/* To each of the two: who the other is, and who acted. */
struct friend_change {
    struct card other;
    bool mine;
};
struct presence_change {
    int64_t account;
    bool online;
};
struct presence_changes {
    LIST_OF(struct presence_change) changes;
};
#define SNAPSHOT_MAX 1000
struct presence_snapshot {
    LIST_OF(int64_t) online;
};

struct message_ref {
    int64_t room, seq;
};
struct report_new {
    int64_t account;
    struct text reason;
    LIST_OF(struct message_ref) messages;
};
struct report_id {
    int64_t report;
};
enum report_state { REPORT_OPEN, REPORT_ACCEPTED, REPORT_DISMISSED };
struct report_page {
    struct opt_word state;
    LIST_OF(struct word) states;
    struct opt_i64 before;
    int64_t limit;
};
struct report_evidence {
    int64_t room, seq, sender;
    struct text body;
    struct instant at;
};
struct report {
    int64_t id, reporter, reported;
    struct opt_text reporter_nickname, reported_nickname, note;
    struct text reason;
    struct word state;
    LIST_OF(struct report_evidence) evidence;
    struct instant at;
    struct opt_instant decided_at;
};
struct report_list {
    LIST_OF(struct report) reports;
    struct opt_i64 next;
};
struct report_accept {
    int64_t report;
    struct instant until;
    struct opt_text note;
};
struct report_dismiss {
    int64_t report;
    struct opt_text note;
};

struct room_open {
    int64_t account;
};
struct picture {
    int64_t file;
    struct text url, thumb_url;
};
struct dm_message {
    int64_t room, seq, sender;
    struct text client_id, body;
    LIST_OF(int64_t) image_ids; /* as stored; on the wire they are: */
    LIST_OF(struct picture) images;
    bool deleted;
    struct instant at;
    int64_t other; /* of a new one: who gets it … */
    bool far;      /* … in a room that a member's sockets may not have joined, for so many were newer */
};
struct room {
    int64_t room, head, read, other_read, unread;
    struct card other;
    int64_t other_account;
    struct opt_text other_nickname;
    struct opt_i64 other_avatar;
    bool other_departed, open;
    struct opt_bool online;
    struct dm_message *last;
    struct instant last_at;
};
struct room_page {
    struct opt_text before;
    int64_t limit;
};
struct room_list {
    LIST_OF(struct room) rooms;
    struct opt_text next;
    int64_t unread;
};
struct room_ref {
    int64_t room;
};
struct history_page {
    int64_t room;
    struct opt_i64 before, after;
    int64_t limit;
};
struct history {
    LIST_OF(struct dm_message) messages;
    bool more;
    struct opt_i64 next;
};
struct dm_send {
    int64_t room;
    struct text client_id, body;
    LIST_OF(int64_t) images;
};
struct dm_delete {
    int64_t room, seq;
};
struct dm_deleted {
    int64_t room, message;
};
struct dm_read {
    int64_t room, seq;
};
struct dm_read_mark {
    int64_t room, account, upto;
};
struct dm_typing {
    int64_t room;
};
struct dm_typing_event {
    int64_t room, account;
};
struct dm_since {
    int64_t room, since;
};

extern const struct words report_states;
extern const struct shape social_account_of_shape, friend_pair_shape, friends_page_shape, friend_row_shape, friend_list_shape,
    friend_state_shape, friend_change_shape, presence_change_shape, presence_changes_shape, presence_snapshot_shape,
    report_new_shape, report_id_shape, report_page_shape, report_row_shape, report_list_shape, report_accept_shape,
    report_dismiss_shape, dm_room_open_shape, dm_room_shape, dm_room_row_shape, dm_room_page_shape, dm_room_list_shape,
    dm_room_ref_shape, dm_history_page_shape, dm_history_shape, dm_send_shape, dm_message_shape, dm_message_row_shape,
    dm_message_added_shape, dm_delete_shape, dm_deleted_shape, dm_read_shape, dm_read_mark_shape, dm_typing_shape,
    dm_typing_event_shape, dm_since_shape, dm_missed_shape;

struct dm_missed {
    LIST_OF(struct kept_event) events;
    int64_t head;
    bool complete;
};

#endif
