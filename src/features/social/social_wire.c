#include "social_wire.h"

#include "madang/cursor.h"
#include "social_rules.h"

#define ID .min = 1
#define LIMIT(n) .min = 1, .max = 100, .optional = true, .otherwise = (n)
#define URL .len_max = 1000

static const char *const report_state_names[] = { "open", "accepted", "dismissed" };
const struct words report_states = WORDS(report_state_names);

static const struct field friend_pair_fields[] = { FIELD(struct friend_pair, account), FIELD(struct friend_pair, other) };
const struct shape friend_pair_shape = SHAPE("FriendPair", struct friend_pair, friend_pair_fields);
static const struct field account_of_fields[] = { FIELD(struct account_of, account, ID) };
const struct shape social_account_of_shape = SHAPE("SocialAccountOf", struct account_of, account_of_fields);

static const struct field people_page_fields[] = {
    FIELD(struct people_page, nickname, .len_max = 16, .says = "How the nickname begins."),
    FIELD(struct people_page, after, .len_max = CURSOR_LEN_MAX, .says = "next of the page before."),
    FIELD(struct people_page, limit, LIMIT(30)),
};
const struct shape friends_page_shape = SHAPE("FriendsPage", struct people_page, people_page_fields);

static const struct field friend_row_fields[] = {
    FIELD(struct friend, account),
    FIELD(struct friend, nickname),
    FIELD(struct friend, avatar),
    FIELD(struct friend, since),
};
const struct shape friend_row_shape = SHAPE("FriendRow", struct friend, friend_row_fields);
static const struct field friend_fields[] = {
    FIELD(struct friend, account),         FIELD(struct friend, nickname),
    FIELD(struct friend, avatar_url, URL), FIELD(struct friend, online, .says = "Of friends, while presence is known."),
    FIELD(struct friend, since),
};
static const struct shape friend_shape = SHAPE("Friend", struct friend, friend_fields);
static const struct field friend_list_fields[] = {
    FIELD_LIST(struct friend_list, people, .shape = &friend_shape),
    FIELD(struct friend_list, next),
};
const struct shape friend_list_shape = SHAPE("FriendList", struct friend_list, friend_list_fields);
static const struct field friend_state_fields[] = {
    FIELD(struct friend_state, state, .says = "sent; or friend, when the other had asked already."),
};
const struct shape friend_state_shape = SHAPE("FriendState", struct friend_state, friend_state_fields);
static const struct field friend_change_fields[] = {
    FIELD(struct friend_change, other, .shape = &card_shape),
    FIELD(struct friend_change, mine, .says = "I did it, perhaps elsewhere."),
};
const struct shape friend_change_shape = SHAPE("FriendChange", struct friend_change, friend_change_fields);

static const struct field presence_change_fields[] = {
    FIELD(struct presence_change, account),
    FIELD(struct presence_change, online),
};
const struct shape presence_change_shape = SHAPE("PresenceChange", struct presence_change, presence_change_fields);
static const struct field presence_changes_fields[] = {
    FIELD_LIST(struct presence_changes, changes, .shape = &presence_change_shape, .list_max = 1000),
};
const struct shape presence_changes_shape = SHAPE("PresenceChanges", struct presence_changes, presence_changes_fields);
static const struct field presence_snapshot_fields[] = {
    FIELD_LIST(struct presence_snapshot, online, .list_max = SNAPSHOT_MAX, .says = "Friends who are online; all others are not."),
};
const struct shape presence_snapshot_shape = SHAPE("PresenceSnapshot", struct presence_snapshot, presence_snapshot_fields);

static const struct field message_ref_fields[] = { FIELD(struct message_ref, room, ID), FIELD(struct message_ref, seq, ID) };
static const struct shape message_ref_shape = SHAPE("DmMessageRef", struct message_ref, message_ref_fields);
static const struct field report_new_fields[] = {
    FIELD(struct report_new, account, ID),
    FIELD(struct report_new, reason, .len_min = 1, .len_max = 2000, .prose = PROSE),
    FIELD_LIST(struct report_new, messages, .shape = &message_ref_shape, .list_max = 20, .optional = true,
               .says = "Messages of theirs to me; their text is copied as evidence."),
};
const struct shape report_new_shape = SHAPE("ReportNew", struct report_new, report_new_fields);
static const struct field report_id_fields[] = { FIELD(struct report_id, report) };
const struct shape report_id_shape = SHAPE("ReportId", struct report_id, report_id_fields);
static const struct field report_page_fields[] = {
    FIELD(struct report_page, state, .words = &report_states),
    FIELD_LIST(struct report_page, states, .words = &report_states, .list_max = 3, .optional = true,
               .says = "Any of these, and of state; without any: all."),
    FIELD(struct report_page, before, ID),
    FIELD(struct report_page, limit, LIMIT(30)),
};
const struct shape report_page_shape = SHAPE("ReportPage", struct report_page, report_page_fields);
static const struct field evidence_fields[] = {
    FIELD(struct report_evidence, room),   FIELD(struct report_evidence, seq),
    FIELD(struct report_evidence, sender), FIELD(struct report_evidence, body, .len_max = 2000),
    FIELD(struct report_evidence, at),
};
static const struct shape evidence_shape = SHAPE("ReportEvidence", struct report_evidence, evidence_fields);
static const struct field report_fields[] = {
    FIELD(struct report, id),
    FIELD(struct report, reporter),
    FIELD(struct report, reported),
    FIELD(struct report, reporter_nickname),
    FIELD(struct report, reported_nickname),
    FIELD(struct report, reason, .len_max = 2000),
    FIELD(struct report, note, .len_max = 500),
    FIELD(struct report, state, .words = &report_states),
    FIELD_LIST(struct report, evidence, .shape = &evidence_shape),
    FIELD(struct report, at),
    FIELD(struct report, decided_at),
};
const struct shape report_row_shape = SHAPE("Report", struct report, report_fields);
static const struct field report_list_fields[] = {
    FIELD_LIST(struct report_list, reports, .shape = &report_row_shape),
    FIELD(struct report_list, next),
};
const struct shape report_list_shape = SHAPE("Reports", struct report_list, report_list_fields);
static const struct field report_accept_fields[] = {
    FIELD(struct report_accept, report, ID),
    FIELD(struct report_accept, until, .says = "The reported person is suspended until then."),
    FIELD(struct report_accept, note, .prose = PROSE, .len_max = 500),
};
const struct shape report_accept_shape = SHAPE("ReportAccept", struct report_accept, report_accept_fields);
static const struct field report_dismiss_fields[] = { FIELD(struct report_dismiss, report, ID),
                                                      FIELD(struct report_dismiss, note, .prose = PROSE, .len_max = 500) };
const struct shape report_dismiss_shape = SHAPE("ReportDismiss", struct report_dismiss, report_dismiss_fields);

static const struct field room_open_fields[] = { FIELD(struct room_open, account, ID) };
const struct shape dm_room_open_shape = SHAPE("DmRoomOpen", struct room_open, room_open_fields);
static const struct field picture_fields[] = {
    FIELD(struct picture, file),
    FIELD(struct picture, url, URL, .says = "Good for ten minutes; then files.link."),
    FIELD(struct picture, thumb_url, URL),
};
static const struct shape picture_shape = SHAPE("DmPicture", struct picture, picture_fields);

#define MESSAGE_FIELDS                                                                            \
    FIELD(struct dm_message, room), FIELD(struct dm_message, seq, .says = "Number in the room."), \
        FIELD(struct dm_message, sender), FIELD(struct dm_message, client_id, .len_max = 64),     \
        FIELD(struct dm_message, body, .len_max = 2000), FIELD(struct dm_message, deleted), FIELD(struct dm_message, at)
static const struct field message_row_fields[] = { MESSAGE_FIELDS,
                                                   FIELD_LIST(struct dm_message, image_ids, .list_max = IMAGES_MAX) };
static const struct field message_added_fields[] = {
    MESSAGE_FIELDS,
    FIELD_LIST(struct dm_message, image_ids, .list_max = IMAGES_MAX),
    FIELD(struct dm_message, other),
    FIELD(struct dm_message, far),
};
const struct shape dm_message_added_shape = SHAPE("DmMessageAdded", struct dm_message, message_added_fields);
const struct shape dm_message_row_shape = SHAPE("DmMessageRow", struct dm_message, message_row_fields);
static const struct field message_fields[] = { MESSAGE_FIELDS, FIELD_LIST(struct dm_message, images, .shape = &picture_shape,
                                                                          .list_max = IMAGES_MAX) };
const struct shape dm_message_shape = SHAPE("DmMessage", struct dm_message, message_fields);

static const struct field room_row_fields[] = {
    FIELD(struct room, room),
    FIELD(struct room, head),
    FIELD(struct room, read),
    FIELD(struct room, other_read),
    FIELD(struct room, unread),
    FIELD(struct room, other_account),
    FIELD(struct room, other_nickname),
    FIELD(struct room, other_avatar),
    FIELD(struct room, other_departed),
    FIELD(struct room, open),
    FIELD_MAYBE(struct room, last, .shape = &dm_message_row_shape),
    FIELD(struct room, last_at),
};
const struct shape dm_room_row_shape = SHAPE("DmRoomRow", struct room, room_row_fields);
static const struct field room_fields[] = {
    FIELD(struct room, room),
    FIELD(struct room, head, .says = "Newest number of the room."),
    FIELD(struct room, read, .says = "How far I have read."),
    FIELD(struct room, other_read, .says = "How far the other has."),
    FIELD(struct room, unread),
    FIELD(struct room, other, .shape = &card_shape),
    FIELD(struct room, open, .says = "Whether I may write."),
    FIELD(struct room, online),
    FIELD_MAYBE(struct room, last, .shape = &dm_message_shape),
    FIELD(struct room, last_at),
};
const struct shape dm_room_shape = SHAPE("DmRoom", struct room, room_fields);
static const struct field room_page_fields[] = { FIELD(struct room_page, before, CURSOR),
                                                 FIELD(struct room_page, limit, LIMIT(30)) };
const struct shape dm_room_page_shape = SHAPE("DmRoomPage", struct room_page, room_page_fields);
static const struct field room_list_fields[] = {
    FIELD_LIST(struct room_list, rooms, .shape = &dm_room_shape),
    FIELD(struct room_list, next),
    FIELD(struct room_list, unread, .says = "In the rooms of this page."),
};
const struct shape dm_room_list_shape = SHAPE("DmRooms", struct room_list, room_list_fields);
static const struct field room_ref_fields[] = { FIELD(struct room_ref, room, ID) };
const struct shape dm_room_ref_shape = SHAPE("DmRoomRef", struct room_ref, room_ref_fields);

static const struct field history_page_fields[] = {
    FIELD(struct history_page, room, ID),
    FIELD(struct history_page, before, ID, .says = "Older than this number, newest first."),
    FIELD(struct history_page, after, .min = 0, .max = 1ll << 52, .says = "Newer than this number, oldest first."),
    FIELD(struct history_page, limit, LIMIT(30)),
};
const struct shape dm_history_page_shape = SHAPE("DmHistoryPage", struct history_page, history_page_fields);
static const struct field history_fields[] = {
    FIELD_LIST(struct history, messages, .shape = &dm_message_shape),
    FIELD(struct history, more),
    FIELD(struct history, next, .says = "before, or after, of the next page."),
};
const struct shape dm_history_shape = SHAPE("DmHistory", struct history, history_fields);

static const struct field dm_send_fields[] = {
    FIELD(struct dm_send, room, ID),
    FIELD(struct dm_send, client_id, .len_min = 8, .len_max = 64, .check = dm_client_id_is_valid,
          .pattern = "^[A-Za-z0-9_-]{8,64}$", .says = "Made by the client; the same again yields the same message."),
    FIELD(struct dm_send, body, .len_max = 2000, .prose = PROSE, .says = "May be empty when there are images."),
    FIELD_LIST(struct dm_send, images, .list_max = IMAGES_MAX, .optional = true, .says = "Files of mine."),
};
const struct shape dm_send_shape = SHAPE("DmSend", struct dm_send, dm_send_fields);
static const struct field dm_delete_fields[] = { FIELD(struct dm_delete, room, ID), FIELD(struct dm_delete, seq, ID) };
const struct shape dm_delete_shape = SHAPE("DmDelete", struct dm_delete, dm_delete_fields);
static const struct field dm_deleted_fields[] = { FIELD(struct dm_deleted, room),
                                                  FIELD(struct dm_deleted, message, .says = "Its number.") };
const struct shape dm_deleted_shape = SHAPE("DmDeleted", struct dm_deleted, dm_deleted_fields);
static const struct field dm_read_fields[] = { FIELD(struct dm_read, room, ID), FIELD(struct dm_read, seq, ID) };
const struct shape dm_read_shape = SHAPE("DmRead", struct dm_read, dm_read_fields);
static const struct field dm_read_mark_fields[] = {
    FIELD(struct dm_read_mark, room),
    FIELD(struct dm_read_mark, account),
    FIELD(struct dm_read_mark, upto),
};
const struct shape dm_read_mark_shape = SHAPE("DmReadMark", struct dm_read_mark, dm_read_mark_fields);
static const struct field dm_typing_fields[] = { FIELD(struct dm_typing, room, ID) };
const struct shape dm_typing_shape = SHAPE("DmTyping", struct dm_typing, dm_typing_fields);
static const struct field dm_typing_event_fields[] = { FIELD(struct dm_typing_event, room),
                                                       FIELD(struct dm_typing_event, account) };
const struct shape dm_typing_event_shape = SHAPE("DmTypingEvent", struct dm_typing_event, dm_typing_event_fields);
static const struct field dm_since_fields[] = { FIELD(struct dm_since, room, ID),
                                                FIELD(struct dm_since, since, .min = 0, .max = 1ll << 52) };
const struct shape dm_since_shape = SHAPE("DmSince", struct dm_since, dm_since_fields);
static const struct field dm_missed_fields[] = {
    FIELD_LIST(struct dm_missed, events, .shape = &kept_event_shape, .list_max = TOPIC_EVENTS_MAX),
    FIELD(struct dm_missed, head),
    FIELD(struct dm_missed, complete,
          .says = "False: ask again from the last event's number; without an event, or with a hole in the numbers, read the "
                  "room anew."),
};
const struct shape dm_missed_shape = SHAPE("DmMissed", struct dm_missed, dm_missed_fields);
