/* Friends, blocks, reports, direct messages, presence: the table of their calls. */
#include "madang/files.h"
#include "madang/social.h"

#include "social_parts.h"

/* clang-format off */
#define FRIEND_LIMITS { PER_ACCOUNT(60, MINUTES(1)) }
#define LIST_LIMITS { PER_ACCOUNT(100, SECONDS(10)) }
/* clang-format on */

/* clang-format off */
static const struct call_def calls[] = {
    { .name = "friends.list", .rest = GET("/api/v1/friends"), .who = WHO_MEMBER, .in = &friends_page_shape,
      .out = &friend_list_shape,
      .run = friends_list, .limits = LIST_LIMITS, .says = "My friends by nickname, and whether they are online." },
    { .name = "friends.received", .rest = GET("/api/v1/friends/received"), .who = WHO_MEMBER, .in = &friends_page_shape,
      .out = &friend_list_shape, .run = friends_received, .limits = LIST_LIMITS, .says = "Who asked me." },
    { .name = "friends.sent", .rest = GET("/api/v1/friends/sent"), .who = WHO_MEMBER, .in = &friends_page_shape,
      .out = &friend_list_shape,
      .run = friends_sent, .limits = LIST_LIMITS, .says = "Whom I asked." },
    { .name = "friends.request", .rest = POST("/api/v1/friends/requests"), .who = WHO_MEMBER, .in = &social_account_of_shape,
      .out = &friend_state_shape, .run = friends_request, .once = BY_NATURAL_KEY, .limits = FRIEND_LIMITS,
      .problems = { PROBLEM(FRIEND_SELF), PROBLEM(ACCOUNT_NOT_FOUND), PROBLEM(FRIEND_ALREADY),
                    PROBLEM(FRIEND_REQUESTED), PROBLEM(BLOCKED),
                    PROBLEM(FRIEND_LIMIT), PROBLEM(FRIEND_REQUESTS) },
      .says = "Asks somebody to be friends; two requests that cross make a friendship." },
    { .name = "friends.accept", .rest = POST("/api/v1/friends/requests/{account}/accept"), .who = WHO_MEMBER,
      .in = &social_account_of_shape,
      .run = friends_accept, .limits = FRIEND_LIMITS,
      .problems = { PROBLEM(FRIEND_SELF), PROBLEM(FRIEND_REQUEST_NOT_FOUND), PROBLEM(FRIEND_LIMIT) },
      .says = "Accepts somebody's request." },
    { .name = "friends.reject", .rest = POST("/api/v1/friends/requests/{account}/reject"), .who = WHO_MEMBER,
      .in = &social_account_of_shape,
      .run = friends_reject, .limits = FRIEND_LIMITS, .problems = { PROBLEM(FRIEND_SELF), PROBLEM(FRIEND_REQUEST_NOT_FOUND) },
      .says = "Rejects somebody's request." },
    { .name = "friends.cancel", .rest = DELETE("/api/v1/friends/requests/{account}"), .who = WHO_MEMBER,
      .in = &social_account_of_shape,
      .run = friends_cancel, .limits = FRIEND_LIMITS, .problems = { PROBLEM(FRIEND_SELF), PROBLEM(FRIEND_REQUEST_NOT_FOUND) },
      .says = "Takes my request back." },
    { .name = "friends.remove", .rest = DELETE("/api/v1/friends/{account}"), .who = WHO_MEMBER, .in = &social_account_of_shape,
      .run = friends_remove, .limits = FRIEND_LIMITS, .problems = { PROBLEM(FRIEND_SELF), PROBLEM(FRIEND_NOT_FOUND) },
      .says = "Ends a friendship." },

    { .name = "blocks.list", .rest = GET("/api/v1/blocks"), .who = WHO_MEMBER, .in = &friends_page_shape,
      .out = &friend_list_shape,
      .run = blocks_list, .limits = LIST_LIMITS, .says = "Whom I have blocked." },
    { .name = "blocks.add", .rest = POST("/api/v1/blocks"), .who = WHO_MEMBER, .in = &social_account_of_shape, .run = blocks_add,
      .limits = FRIEND_LIMITS, .problems = { PROBLEM(FRIEND_SELF), PROBLEM(ACCOUNT_NOT_FOUND) },
      .says = "Blocks somebody: no friendship, messages, presence or search between us." },
    { .name = "blocks.remove", .rest = DELETE("/api/v1/blocks/{account}"), .who = WHO_MEMBER, .in = &social_account_of_shape,
      .run = blocks_remove,
      .limits = FRIEND_LIMITS, .problems = { PROBLEM(FRIEND_SELF), PROBLEM(BLOCK_NOT_FOUND) }, .says = "Ends a block." },

    { .name = "reports.add", .rest = POST("/api/v1/reports"), .who = WHO_MEMBER, .in = &report_new_shape, .out = &report_id_shape,
      .run = reports_add, .status = 201, .limits = { PER_ACCOUNT(10, MINUTES(10)) },
      .problems = { PROBLEM(FRIEND_SELF), PROBLEM(ACCOUNT_NOT_FOUND), PROBLEM(REPORT_OPEN), PROBLEM(REPORT_MESSAGE) },
      .says = "Reports somebody to the managers, with messages as evidence." },
    { .name = "reports.list", .rest = GET("/api/v1/reports"), .who = WHO_MANAGER, .in = &report_page_shape,
      .out = &report_list_shape,
      .run = reports_list, .says = "Reports, newest first." },
    { .name = "reports.accept", .rest = POST("/api/v1/reports/{report}/accept"), .who = WHO_MANAGER, .audit = true,
      .in = &report_accept_shape,
      .run = reports_accept, .problems = { PROBLEM(REPORT_NOT_FOUND), PROBLEM(REPORT_CLOSED), PROBLEM(ACCOUNT_NOT_FOUND) },
      .says = "Accepts a report and suspends the reported person." },
    { .name = "reports.dismiss", .rest = POST("/api/v1/reports/{report}/dismiss"), .who = WHO_MANAGER, .audit = true,
      .in = &report_dismiss_shape,
      .run = reports_dismiss, .problems = { PROBLEM(REPORT_NOT_FOUND), PROBLEM(REPORT_CLOSED) }, .says = "Dismisses a report." },

    { .name = "dm.open", .rest = POST("/api/v1/rooms"), .who = WHO_MEMBER, .in = &dm_room_open_shape, .out = &dm_room_shape,
      .run = dm_open,
      .once = BY_NATURAL_KEY, .limits = FRIEND_LIMITS,
      .problems = { PROBLEM(FRIEND_SELF), PROBLEM(ACCOUNT_NOT_FOUND), PROBLEM(BLOCKED), PROBLEM(ROOM_CLOSED) },
      .says = "The room of a friend and me, made on first use." },
    { .name = "dm.rooms", .rest = GET("/api/v1/rooms"), .who = WHO_MEMBER, .in = &dm_room_page_shape,
      .out = &dm_room_list_shape, .run = dm_rooms,
      .limits = LIST_LIMITS, .says = "My rooms by last message." },
    { .name = "dm.room", .rest = GET("/api/v1/rooms/{room}"), .who = WHO_MEMBER, .in = &dm_room_ref_shape,
      .out = &dm_room_shape, .run = dm_room,
      .limits = LIST_LIMITS, .problems = { PROBLEM(ROOM_NOT_FOUND) }, .says = "A room of mine." },
    { .name = "dm.history", .rest = GET("/api/v1/rooms/{room}/messages"), .who = WHO_MEMBER, .in = &dm_history_page_shape,
      .out = &dm_history_shape, .run = dm_history, .limits = LIST_LIMITS, .problems = { PROBLEM(ROOM_NOT_FOUND) },
      .says = "Messages of a room of mine, by number in both directions." },
    { .name = "dm.send", .rest = POST("/api/v1/rooms/{room}/messages"), .who = WHO_MEMBER, .in = &dm_send_shape,
      .out = &dm_message_shape,
      .run = dm_send, .once = BY_NATURAL_KEY, .limits = { PER_ACCOUNT(30, SECONDS(10)) },
      .problems = { PROBLEM(MESSAGE_EMPTY), PROBLEM(ROOM_NOT_MEMBER), PROBLEM(BLOCKED), PROBLEM(ROOM_CLOSED),
                    PROBLEM(FILE_NOT_FOUND) },
      .says = "Sends a message to a room of mine." },
    { .name = "dm.delete", .rest = DELETE("/api/v1/rooms/{room}/messages/{seq}"), .who = WHO_MEMBER, .in = &dm_delete_shape,
      .run = dm_delete, .limits = FRIEND_LIMITS, .problems = { PROBLEM(MESSAGE_NOT_FOUND) },
      .says = "Deletes a message of mine; a tombstone stays." },
    { .name = "dm.read", .rest = POST("/api/v1/rooms/{room}/read"), .who = WHO_MEMBER, .in = &dm_read_shape, .run = dm_read,
      .limits = { PER_ACCOUNT(100, SECONDS(10)) }, .problems = { PROBLEM(ROOM_NOT_FOUND) },
      .says = "Marks a room as read up to a number." },
    { .name = "dm.typing", .rest = POST("/api/v1/rooms/{room}/typing"), .who = WHO_MEMBER, .in = &dm_typing_shape,
      .run = dm_typing, .shed = SHED_AT_SOFT,
      .limits = { PER_ACCOUNT(1, SECONDS(3)) }, .problems = { PROBLEM(ROOM_NOT_MEMBER), PROBLEM(ROOM_CLOSED) },
      .says = "Shows the other that I am typing." },
    { .name = "dm.sync", .rest = GET("/api/v1/rooms/{room}/events"), .who = WHO_MEMBER, .in = &dm_since_shape,
      .out = &dm_missed_shape,
      .run = dm_sync, .limits = LIST_LIMITS, .problems = { PROBLEM(ROOM_NOT_FOUND) },
      .says = "All that happened in a room of mine after a number, in order." },

    { .name = "presence.friends", .rest = GET("/api/v1/presence"), .who = WHO_MEMBER, .out = &presence_snapshot_shape,
      .run = presence_friends, .limits = LIST_LIMITS, .says = "Which of my friends are online." },
};
/* clang-format on */

static const struct event_def *const events[] = {
    &friend_requested_event, &friend_accepted_event, &friend_rejected_event,  &friend_cancelled_event,
    &friend_removed_event,   &dm_opened_event,       &dm_message_event,       &dm_deleted_event,
    &dm_read_event,          &dm_typing_event,       &presence_changed_event, &presence_snapshot_event,
};

static void start(void)
{
    static struct leave_hook leaving = { .leave = friends_leave }, leaving_rooms = { .leave = dm_leave };
    static struct file_reader rooms = { .may = dm_is_shown };

    file_reader_add(&rooms);
    account_leave_hook_add(&leaving);
    account_leave_hook_add(&leaving_rooms);
    presence_start();
}

const struct feature social_feature = {
    .name = "social",
    .calls = LIST(calls),
    .events = LIST(events),
    .statements = TABLES(&social_statements, &dm_statements),
    .constraints = &social_constraints,
    .machines = MACHINES(&friendship_machine, &report_machine),
    .start = start,
    .stop = presence_stop,
    .topics = dm_topics,
    .online = presence_online,
    .opened = presence_opened,
};
