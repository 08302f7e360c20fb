/* Statements of the tarot feature as typed functions. */
#ifndef MADANG_TAROT_STORE_H
#define MADANG_TAROT_STORE_H

#include "madang/machine.h"
#include "madang/page.h"
#include "tarot_wire.h"

enum turn_state { TURN_RUNNING, TURN_ENDED, TURN_FAILED };

extern struct statement_table tarot_statements;
extern struct constraint_table tarot_constraints;
extern const struct machine tarot_chat_machine, tarot_turn_machine;

struct chat_row {
    int64_t chat, account;
    struct text title, language;
    struct word state;
    struct opt_i64 card;
    struct opt_bool reversed;
    struct opt_text code;
    int64_t lines, turns;
    struct instant created_at, at;
};
struct chat_rows {
    struct chat_row *at;
    size_t count;
};
struct line_rows {
    struct tarot_line *at;
    size_t count;
};
struct turn_row {
    int64_t turn, chat;
    struct word kind;
    struct text node;
};
struct ended_row {
    int64_t turn, chat;
    struct word kind;
    struct text language; /* of the chat */
};
struct shared_row {
    int64_t chat, card;
    bool reversed;
    struct text reading, language;
    struct instant at;
};

/* Of the account that calls, and not removed; `found` false for any other. */
problem tarot_chat_get(struct store_on on, int64_t chat, struct chat_row *out, bool *found) MUST_USE;
problem tarot_chat_lock(struct tx *tx, int64_t chat, struct chat_row *out, bool *found) MUST_USE; /* until the end of tx */
problem tarot_chats_of(struct call *c, const struct cursor *from, int64_t most, struct chat_rows *out) MUST_USE;
problem tarot_chat_open(struct tx *tx, struct text language, struct text greeting, struct chat_row *out) MUST_USE;
problem tarot_chat_title(struct tx *tx, int64_t chat, struct text title) MUST_USE;
problem tarot_chat_rename(struct call *c, int64_t chat, struct text title, bool *found) MUST_USE;
problem tarot_chat_remove(struct tx *tx, int64_t chat, bool *found) MUST_USE;
/* The first drawing counts: *out says which card it is. Not found unless the spread is open, or the card drawn and not read. */
problem tarot_chat_draw(struct tx *tx, int64_t chat, int64_t card, bool reversed, struct chat_row *out, bool *found) MUST_USE;
/* The same two for the reader, whose turn goes on when the chat has become somebody else's. */
problem tarot_chat_read(struct call *c, int64_t chat, struct chat_row *out, bool *found) MUST_USE;
problem tarot_chat_read_lock(struct tx *tx, int64_t chat, struct chat_row *out, bool *found) MUST_USE;
problem tarot_chats_take(struct tx *tx, int64_t guest, int64_t account) MUST_USE;
/* Takes chats away, with all that was said in them, FORGET_MAX at a time: of an account, or (0) those once marked as removed. */
#define FORGET_MAX 200
problem tarot_chats_forget(struct tx *tx, int64_t account, struct tarot_ids *out) MUST_USE;
problem tarot_chat_share(struct call *c, int64_t chat, struct text code, struct chat_row *out, bool *found) MUST_USE;
problem tarot_chat_unshare(struct call *c, int64_t chat, bool *found) MUST_USE;
problem tarot_shared_get(struct call *c, struct text code, struct shared_row *out, bool *found) MUST_USE;

problem tarot_lines_read(struct call *c, int64_t chat, int64_t since, struct line_rows *out) MUST_USE;
problem tarot_lines_newest(struct call *c, int64_t chat, struct line_rows *out) MUST_USE; /* TAROT_LINES_MAX, in order */
problem tarot_line_add(struct tx *tx, int64_t chat, enum line_by by, struct text body, struct opt_text provider,
                       struct tarot_line *out) MUST_USE;

/* CHAT_BUSY when one is running. */
problem tarot_turn_add(struct tx *tx, int64_t chat, enum turn_kind kind, int64_t *turn) MUST_USE;
/* *ended false: somebody else ended it. */
problem tarot_turn_end(struct tx *tx, int64_t turn, enum turn_state state, struct text reason, struct ended_row *out,
                       bool *ended) MUST_USE;
problem tarot_turn_running(struct call *c, int64_t chat, struct turn_row *out, bool *found) MUST_USE;
problem tarot_turns_old(struct call *c, int64_t older_s, struct tarot_ids *out) MUST_USE; /* running for so long already */

#endif
