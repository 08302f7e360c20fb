#include "tarot_wire.h"

#include "madang/cursor.h"

static const char *const states[] = { "talking", "spread", "drawn", "done" };
static const char *const speakers[] = { "visitor", "reader", "card", "reading", "help" };
static const char *const kinds[] = { "talk", "reading", "help" };
static const char *const reasons[] = { "done", "stopped", "left" };
const struct words tarot_states = WORDS(states), tarot_speakers = WORDS(speakers), tarot_kinds = WORDS(kinds);
static const struct words tarot_reasons = WORDS(reasons);

/* clang-format off */
#define CHAT .min = 1, .says = "The chat."
/* clang-format on */

static bool is_language(struct text t)
{
    return text_is(t, T("ko")) || text_is(t, T("en"));
}
#define LANGUAGE .len_max = 2, .check = is_language, .pattern = "^(ko|en)$"

static const struct field name_fields[] = { FIELD(struct tarot_name, ko), FIELD(struct tarot_name, en) };
static const struct shape name_shape = SHAPE("TarotName", struct tarot_name, name_fields);
static const struct field card_fields[] = {
    FIELD(struct tarot_card, number, .min = 0, .max = 77,
          .says = "0 to 21 the Major Arcana; then Wands, Cups, Swords, Pentacles, each from the ace to the king."),
    FIELD(struct tarot_card, reversed),
    FIELD(struct tarot_card, name, .shape = &name_shape),
    FIELD(struct tarot_card, meaning, .len_max = 500),
};
static const struct shape card_shape = SHAPE("TarotCard", struct tarot_card, card_fields);

static const struct field line_fields[] = {
    FIELD(struct tarot_line, seq, .says = "Number in the chat."),
    FIELD(struct tarot_line, by, .words = &tarot_speakers),
    FIELD(struct tarot_line, body, .len_max = TAROT_LINE_MAX),
    FIELD(struct tarot_line, provider, .says = "Who made it, when the reader speaks."),
    FIELD(struct tarot_line, at),
};
const struct shape tarot_line_shape = SHAPE("TarotLine", struct tarot_line, line_fields);

static const struct field chat_fields[] = {
    FIELD(struct tarot_chat, chat),
    FIELD(struct tarot_chat, title, .len_max = 30),
    FIELD(struct tarot_chat, language, LANGUAGE),
    FIELD(struct tarot_chat, state, .words = &tarot_states,
          .says = "talking; spread: a card may be drawn; drawn: its reading is on its way, or failed; done."),
    FIELD_MAYBE(struct tarot_chat, card, .shape = &card_shape),
    FIELD(struct tarot_chat, path, .says = "Of its public page, while it is shared."),
    FIELD(struct tarot_chat, lines, .says = "Number of the newest line."),
    FIELD(struct tarot_chat, turns_left),
    FIELD(struct tarot_chat, created_at),
    FIELD(struct tarot_chat, at),
};
const struct shape tarot_chat_shape = SHAPE("TarotChat", struct tarot_chat, chat_fields);

static const struct field running_fields[] = {
    FIELD(struct tarot_running, turn),
    FIELD(struct tarot_running, kind, .words = &tarot_kinds),
    FIELD(struct tarot_running, text, .len_max = TAROT_LINE_MAX, .says = "So far; deltas follow from its length on."),
    FIELD(struct tarot_running, length, .says = "Of text, in UTF-16 code units."),
};
static const struct shape running_shape = SHAPE("TarotRunning", struct tarot_running, running_fields);
static const struct field state_fields[] = {
    FIELD(struct tarot_state, chat, .shape = &tarot_chat_shape),
    FIELD_LIST(struct tarot_state, lines, .shape = &tarot_line_shape, .list_max = TAROT_LINES_MAX),
    FIELD(struct tarot_state, more, .says = "More lines follow: ask since the last of these."),
    FIELD_MAYBE(struct tarot_state, turn, .shape = &running_shape),
    FIELD(struct tarot_state, notice, .len_max = 500, .says = "That the readings are made by AI."),
};
const struct shape tarot_state_shape = SHAPE("TarotState", struct tarot_state, state_fields);

static const struct field open_fields[] = {
    FIELD(struct tarot_open, language, LANGUAGE, .says = "ko or en; else that of the request."),
};
const struct shape tarot_open_shape = SHAPE("TarotOpen", struct tarot_open, open_fields);
static const struct field say_fields[] = {
    FIELD(struct tarot_say, chat, CHAT),
    FIELD(struct tarot_say, text, .len_min = 1, .len_max = TAROT_TEXT_MAX, .prose = PROSE),
};
const struct shape tarot_say_shape = SHAPE("TarotSay", struct tarot_say, say_fields);
static const struct field ref_fields[] = { FIELD(struct tarot_ref, chat, CHAT) };
const struct shape tarot_ref_shape = SHAPE("TarotRef", struct tarot_ref, ref_fields);
static const struct field since_fields[] = {
    FIELD(struct tarot_since, chat, CHAT),
    FIELD(struct tarot_since, since, .min = 0, .max = 1ll << 40, .optional = true, .says = "Lines after this number."),
};
const struct shape tarot_since_shape = SHAPE("TarotSince", struct tarot_since, since_fields);
static const struct field turn_ref_fields[] = { FIELD(struct tarot_turn_ref, chat), FIELD(struct tarot_turn_ref, turn) };
const struct shape tarot_turn_ref_shape = SHAPE("TarotTurnRef", struct tarot_turn_ref, turn_ref_fields);
static const struct field drawn_fields[] = {
    FIELD(struct tarot_drawn, chat),
    FIELD(struct tarot_drawn, turn),
    FIELD(struct tarot_drawn, card, .shape = &card_shape),
};
const struct shape tarot_drawn_shape = SHAPE("TarotDrawn", struct tarot_drawn, drawn_fields);
static const struct field page_fields[] = {
    FIELD(struct tarot_page, before, CURSOR),
    FIELD(struct tarot_page, limit, .min = 1, .max = 100, .optional = true, .otherwise = 30),
};
const struct shape tarot_page_shape = SHAPE("TarotPage", struct tarot_page, page_fields);
static const struct field list_fields[] = {
    FIELD_LIST(struct tarot_list, chats, .shape = &tarot_chat_shape),
    FIELD(struct tarot_list, next),
};
const struct shape tarot_list_shape = SHAPE("TarotChats", struct tarot_list, list_fields);
static const struct field rename_fields[] = {
    FIELD(struct tarot_rename, chat, CHAT),
    FIELD(struct tarot_rename, title, .len_min = 1, .len_max = 30, .prose = TITLE),
};
const struct shape tarot_rename_shape = SHAPE("TarotRename", struct tarot_rename, rename_fields);
static const struct field shared_fields[] = {
    FIELD(struct tarot_shared, code, .len_max = TAROT_CODE_LEN),
    FIELD(struct tarot_shared, path, .says = "Of the public page, from the root."),
};
const struct shape tarot_shared_shape = SHAPE("TarotShared", struct tarot_shared, shared_fields);
static const struct field code_fields[] = { FIELD(struct tarot_code, code, .len_min = TAROT_CODE_LEN,
                                                  .len_max = TAROT_CODE_LEN) };
const struct shape tarot_code_shape = SHAPE("TarotCode", struct tarot_code, code_fields);
static const struct field public_fields[] = {
    FIELD(struct tarot_public, card, .shape = &card_shape),
    FIELD(struct tarot_public, reading, .len_max = TAROT_LINE_MAX),
    FIELD(struct tarot_public, language, LANGUAGE),
    FIELD(struct tarot_public, notice, .len_max = 500),
    FIELD(struct tarot_public, date),
};
const struct shape tarot_public_shape = SHAPE("TarotPublic", struct tarot_public, public_fields);

static const struct field started_fields[] = {
    FIELD(struct tarot_started, chat),
    FIELD(struct tarot_started, turn),
    FIELD(struct tarot_started, kind, .words = &tarot_kinds),
};
const struct shape tarot_started_shape = SHAPE("TarotStarted", struct tarot_started, started_fields);
static const struct field delta_fields[] = {
    FIELD(struct tarot_delta, chat),
    FIELD(struct tarot_delta, turn),
    FIELD(struct tarot_delta, from, .says = "Where it begins in the turn's text, in UTF-16 code units; a hole: read the chat."),
    FIELD(struct tarot_delta, text, .len_max = TAROT_LINE_MAX),
};
const struct shape tarot_delta_shape = SHAPE("TarotDelta", struct tarot_delta, delta_fields);
static const struct field ended_fields[] = {
    FIELD(struct tarot_ended, chat),
    FIELD(struct tarot_ended, turn),
    FIELD(struct tarot_ended, reason, .words = &tarot_reasons, .says = "left: nobody listened any more."),
    FIELD_MAYBE(struct tarot_ended, line, .shape = &tarot_line_shape),
};
const struct shape tarot_ended_shape = SHAPE("TarotEnded", struct tarot_ended, ended_fields);
static const struct field problem_fields[] = {
    FIELD(struct tarot_problem, code),
    FIELD(struct tarot_problem, title, .len_max = 500),
    FIELD(struct tarot_problem, retry),
    FIELD(struct tarot_problem, retry_after),
};
static const struct shape problem_shape_ = SHAPE("TarotProblem", struct tarot_problem, problem_fields);
static const struct field failed_fields[] = {
    FIELD(struct tarot_failed, chat),
    FIELD(struct tarot_failed, turn),
    FIELD(struct tarot_failed, problem, .shape = &problem_shape_),
};
const struct shape tarot_failed_shape = SHAPE("TarotFailed", struct tarot_failed, failed_fields);
static const struct field card_event_fields[] = {
    FIELD(struct tarot_card_event, chat),
    FIELD(struct tarot_card_event, card, .shape = &card_shape),
};
const struct shape tarot_card_event_shape = SHAPE("TarotCardDrawn", struct tarot_card_event, card_event_fields);
static const struct field result_fields[] = {
    FIELD(struct tarot_result, chat),
    FIELD(struct tarot_result, reading, .len_max = TAROT_LINE_MAX),
    FIELD(struct tarot_result, card, .shape = &card_shape),
};
const struct shape tarot_result_shape = SHAPE("TarotResult", struct tarot_result, result_fields);
