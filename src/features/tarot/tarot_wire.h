/* Structs of the tarot feature that cross the wire, and their shapes. */
#ifndef MADANG_TAROT_WIRE_H
#define MADANG_TAROT_WIRE_H

#include "madang/calls.h"

#define TAROT_TEXT_MAX 1000 /* characters of what a visitor says at once */
#define TAROT_LINE_MAX 20000
#define TAROT_LINES_MAX 200
#define TAROT_CODE_LEN 22

enum chat_state { CHAT_TALKING, CHAT_SPREAD, CHAT_DRAWN, CHAT_DONE };
enum line_by { BY_VISITOR, BY_READER, BY_CARD, BY_READING, BY_HELP };
enum turn_kind { TURN_TALK, TURN_READING, TURN_HELP };

struct tarot_ids {
    int64_t *at;
    size_t count;
};
struct tarot_name {
    struct text ko, en;
};
struct tarot_card {
    int64_t number;
    bool reversed;
    struct tarot_name name;
    struct text meaning; /* in the chat's language */
};
struct tarot_line {
    int64_t seq;
    struct word by;
    struct text body;
    struct opt_text provider;
    struct instant at;
};
struct tarot_chat {
    int64_t chat;
    struct text title, language;
    struct word state;
    struct tarot_card *card;
    struct opt_text path; /* of its public page */
    int64_t lines, turns_left;
    struct instant created_at, at;
};
struct tarot_running {
    int64_t turn;
    struct word kind;
    struct text text;
    int64_t length; /* of text, as JavaScript counts */
};
struct tarot_state {
    struct tarot_chat chat;
    LIST_OF(struct tarot_line) lines;
    bool more; /* lines follow: ask since the last of these */
    struct tarot_running *turn;
    struct text notice; /* that it is AI who speaks */
};

struct tarot_open {
    struct opt_text language;
};
struct tarot_say {
    int64_t chat;
    struct text text;
};
struct tarot_ref {
    int64_t chat;
};
struct tarot_since {
    int64_t chat, since;
};
struct tarot_turn_ref {
    int64_t chat, turn;
};
struct tarot_drawn {
    int64_t chat, turn;
    struct tarot_card card;
};
struct tarot_page {
    struct opt_text before;
    int64_t limit;
};
struct tarot_list {
    LIST_OF(struct tarot_chat) chats;
    struct opt_text next;
};
struct tarot_rename {
    int64_t chat;
    struct text title;
};
struct tarot_shared {
    struct text code, path;
};
struct tarot_code {
    struct text code;
};
struct tarot_public {
    struct tarot_card card;
    struct text reading, language, notice;
    struct date date;
};

/* Events. */
struct tarot_started {
    int64_t chat, turn;
    struct word kind;
};
struct tarot_delta {
    int64_t chat, turn, from;
    struct text text;
};
struct tarot_ended {
    int64_t chat, turn;
    struct word reason;
    struct tarot_line *line; /* what was kept of it */
};
enum ended_reason { ENDED_DONE, ENDED_STOPPED, ENDED_LEFT };
struct tarot_problem {
    struct text code, title;
    bool retry;
    struct opt_i64 retry_after;
};
struct tarot_failed {
    int64_t chat, turn;
    struct tarot_problem problem;
};
struct tarot_card_event {
    int64_t chat;
    struct tarot_card card;
};
struct tarot_result {
    int64_t chat;
    struct text reading;
    struct tarot_card card;
};

extern const struct shape tarot_open_shape, tarot_say_shape, tarot_ref_shape, tarot_since_shape, tarot_turn_ref_shape,
    tarot_drawn_shape, tarot_state_shape, tarot_page_shape, tarot_list_shape, tarot_rename_shape, tarot_shared_shape,
    tarot_code_shape, tarot_public_shape, tarot_chat_shape, tarot_line_shape, tarot_started_shape, tarot_delta_shape,
    tarot_ended_shape, tarot_failed_shape, tarot_card_event_shape, tarot_result_shape;
extern const struct words tarot_states, tarot_speakers, tarot_kinds;

#endif
