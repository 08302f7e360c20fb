#include "tarot_store.h"

#include "madang/hub.h"
#include "tarot_deck.h"

static const struct field chat_fields[] = {
    FIELD(struct chat_row, chat),
    FIELD(struct chat_row, account),
    FIELD(struct chat_row, title),
    FIELD(struct chat_row, language),
    FIELD(struct chat_row, state, .words = &tarot_states),
    FIELD(struct chat_row, card, .max = CARDS - 1),
    FIELD(struct chat_row, reversed),
    FIELD(struct chat_row, code),
    FIELD(struct chat_row, lines),
    FIELD(struct chat_row, turns),
    FIELD(struct chat_row, created_at),
    FIELD(struct chat_row, at),
};
static const struct shape chat_shape = SHAPE("TarotChatRow", struct chat_row, chat_fields);
static const struct field turn_fields[] = {
    FIELD(struct turn_row, turn),
    FIELD(struct turn_row, chat),
    FIELD(struct turn_row, kind, .words = &tarot_kinds),
    FIELD(struct turn_row, node),
};
static const struct field ended_fields[] = {
    FIELD(struct ended_row, turn),
    FIELD(struct ended_row, chat),
    FIELD(struct ended_row, kind, .words = &tarot_kinds),
    FIELD(struct ended_row, language),
};
static const struct shape ended_shape = SHAPE("TarotEndedRow", struct ended_row, ended_fields);
static const struct shape turn_shape = SHAPE("TarotTurnRow", struct turn_row, turn_fields);
static const struct field shared_fields[] = {
    FIELD(struct shared_row, chat),     FIELD(struct shared_row, card, .max = CARDS - 1),
    FIELD(struct shared_row, reversed), FIELD(struct shared_row, reading),
    FIELD(struct shared_row, language), FIELD(struct shared_row, at),
};
static const struct shape shared_shape = SHAPE("TarotSharedRow", struct shared_row, shared_fields);

#define CHAT \
    "c.id as chat, c.account, c.title, c.language, c.state, c.card, c.reversed, c.code, c.lines, c.turns, c.created_at, c.at"
#define MINE " where c.id = $1 and c.account = $2 and not c.removed"

static const struct statement chat_get = {
    .name = "tarot_chat", .lane = LANE_READ, .row = &chat_shape, .sql = "select " CHAT " from tarot_chats c" MINE
};
static const struct statement chat_lock = {
    .name = "tarot_chat_lock", .lane = LANE_TX, .row = &chat_shape, .sql = "select " CHAT " from tarot_chats c" MINE " for update"
};
static const struct statement chat_read = { .name = "tarot_chat_read",
                                            .lane = LANE_READ,
                                            .row = &chat_shape,
                                            .sql = "select " CHAT " from tarot_chats c where c.id = $1 and not c.removed" };
static const struct statement chat_read_lock = { .name = "tarot_chat_read_lock",
                                                 .lane = LANE_TX,
                                                 .row = &chat_shape,
                                                 .sql = "select " CHAT
                                                        " from tarot_chats c where c.id = $1 and not c.removed for update" };
static const struct statement chats = {
    .name = "tarot_chats",
    .lane = LANE_READ,
    .row = &chat_shape,
    .rows_max = 101,
    .sql =
        "select " CHAT " from tarot_chats c where c.account = $1 and not c.removed and ($2::timestamptz is null or (c.at, c.id) <"
        " ($2, $3::bigint)) order by c.at desc, c.id desc limit $4"
};
static const struct statement chat_open = {
    .name = "tarot_chat_open",
    .lane = LANE_TX,
    .row = &chat_shape,
    .sql = "with c as (insert into tarot_chats (account, language, lines) values ($1, $2, 1) returning *),"
           " l as (insert into tarot_lines (chat, seq, by, body) select id, 1, 'reader', $3 from c)"
           " select " CHAT " from c"
};
static const struct statement chat_title = { .name = "tarot_chat_title",
                                             .lane = LANE_TX,
                                             .sql = "update tarot_chats set title = $2 where id = $1 and title = ''" };
static const struct statement chat_state = { .name = "tarot_chat_state",
                                             .lane = LANE_TX,
                                             .sql =
                                                 "update tarot_chats set state = $3, at = now() where id = $1 and state = $2" };
static const struct move chat_moves[] = { FROM(CHAT_TALKING, CHAT_SPREAD), FROM(CHAT_SPREAD, CHAT_DRAWN),
                                          FROM(CHAT_DRAWN, CHAT_DONE) };
const struct machine tarot_chat_machine = MACHINE("tarot_chats", &tarot_states, chat_moves, &chat_state,
                                                  "A chat: the cards are spread, one is drawn, its reading is told.");
static const struct statement chat_rename = { .name = "tarot_chat_rename",
                                              .lane = LANE_TX,
                                              .sql = "update tarot_chats c set title = $3" MINE "" };
/* With its lines and turns. */
static const struct statement chat_remove = { .name = "tarot_chat_remove",
                                              .lane = LANE_TX,
                                              .sql = "delete from tarot_chats c" MINE "" };
static const struct statement chat_draw = { .name = "tarot_chat_draw",
                                            .lane = LANE_TX,
                                            .row = &chat_shape,
                                            .sql = "update tarot_chats c set state = 'drawn', card = coalesce(c.card, $3), "
                                                   "reversed = coalesce(c.reversed, $4), at = now()" MINE
                                                   " and c.state in ('spread', 'drawn') returning " CHAT };
static const struct statement chat_share = { .name = "tarot_chat_share",
                                             .lane = LANE_TX,
                                             .row = &chat_shape,
                                             .sql = "update tarot_chats c set code = coalesce(c.code, $3)" MINE
                                                    " and c.state = 'done' returning " CHAT };
static const struct statement chat_unshare = { .name = "tarot_chat_unshare",
                                               .lane = LANE_TX,
                                               .sql = "update tarot_chats c set code = null" MINE "" };
static const struct statement shared = {
    .name = "tarot_shared",
    .lane = LANE_READ,
    .row = &shared_shape,
    .sql = "select c.id as chat, c.card, c.reversed, l.body as reading, c.language, l.at from tarot_chats c"
           " join tarot_lines l on l.chat = c.id and l.by = 'reading' where c.code = $1 and "
           "not c.removed order by l.seq desc limit 1"
};
static const struct statement lines = {
    .name = "tarot_lines",
    .lane = LANE_READ,
    .row = &tarot_line_shape,
    .rows_max = TAROT_LINES_MAX + 1,
    .sql = "select seq, by, body, provider, at from tarot_lines where chat = $1 and seq > $2 order by seq limit $3"
};
/* In their order; the oldest stay out. */
static const struct statement lines_newest = {
    .name = "tarot_lines_newest",
    .lane = LANE_READ,
    .row = &tarot_line_shape,
    .rows_max = TAROT_LINES_MAX,
    .sql = "select * from (select seq, by, body, provider, at from tarot_lines where chat = $1 order by seq desc limit $2) l"
           " order by seq"
};
static const struct statement line_add = {
    .name = "tarot_line_add",
    .lane = LANE_TX,
    .row = &tarot_line_shape,
    .sql = "with c as (update tarot_chats set lines = lines + 1, at = now() where id = $1 returning id, lines),"
           " l as (insert into tarot_lines (chat, seq, by, body, provider) select id, lines, $2, $3, $4 from c"
           "   returning seq, by, body, provider, at)"
           " select * from l"
};
static const struct statement turn_add = { .name = "tarot_turn_add",
                                           .lane = LANE_TX,
                                           .row = &row_i64,
                                           .sql =
                                               "with c as (update tarot_chats set turns = turns + 1 where id = $1)"
                                               " insert into tarot_turns (chat, kind, node) values ($1, $2, $3) returning id" };
static const struct statement turn_end = {
    .name = "tarot_turn_end",
    .lane = LANE_TX,
    .row = &ended_shape,
    .sql = "update tarot_turns t set state = $2, reason = $3, ended_at = now() from tarot_chats c"
           " where t.id = $1 and t.state = 'running' and c.id = t.chat returning t.id as turn, t.chat, t.kind, c.language"
};
static const char *const turn_state_names[] = { "running", "ended", "failed" };
static const struct words turn_states = WORDS(turn_state_names);
static const struct move turn_moves[] = { FROM(TURN_RUNNING, TURN_ENDED, TURN_FAILED) };
const struct machine tarot_turn_machine =
    MACHINE("tarot_turns", &turn_states, turn_moves, NULL, "What the reader says at once: one at a time in a chat.");
static const struct statement turn_running = {
    .name = "tarot_turn_running",
    .lane = LANE_READ,
    .row = &turn_shape,
    .sql = "select id as turn, chat, kind, node from tarot_turns where chat = $1 and state = 'running'"
};
static const struct statement turns_old = { .name = "tarot_turns_old",
                                            .lane = LANE_READ,
                                            .row = &row_i64,
                                            .rows_max = 100,
                                            .sql = "select id from tarot_turns where state = 'running' and began_at < now() - $1 "
                                                   "* interval '1 s' order by began_at, id limit 100" };

static const struct statement forget = {
    .name = "tarot_forget",
    .lane = LANE_TX,
    .row = &row_i64,
    .rows_max = FORGET_MAX,
    .sql = "delete from tarot_chats where id in (select id from tarot_chats where account = $1 limit 200) returning id"
};
/* Marked as removed by a version that only marked them. */
static const struct statement forget_removed = {
    .name = "tarot_forget_removed",
    .lane = LANE_TX,
    .row = &row_i64,
    .rows_max = FORGET_MAX,
    .sql = "delete from tarot_chats where id in (select id from tarot_chats where removed limit 200) returning id"
};

static const struct statement take = { .name = "tarot_take",
                                       .lane = LANE_TX,
                                       .sql = "update tarot_chats set account = $2 where account = $1" };

STATEMENT_TABLE(tarot_statements, &chat_get, &chat_lock, &chat_read, &chat_read_lock, &take, &chats, &chat_open, &chat_title,
                &chat_state, &chat_rename, &chat_remove, &chat_draw, &chat_share, &chat_unshare, &shared, &lines, &lines_newest,
                &line_add, &turn_add, &turn_end, &turn_running, &turns_old, &forget, &forget_removed);

static const struct constraint constraints[] = { { "tarot_turns_one", PROBLEM_TAROT_BUSY } };
struct constraint_table tarot_constraints = { .at = constraints, .count = COUNT_OF(constraints) };

problem tarot_chat_get(struct store_on on, int64_t chat, struct chat_row *out, bool *found)
{
    return store_maybe(on, &chat_get, VALUES(chat, on.call->account), out, found);
}

problem tarot_chat_lock(struct tx *tx, int64_t chat, struct chat_row *out, bool *found)
{
    return store_maybe(tx, &chat_lock, VALUES(chat, tx->call->account), out, found);
}

problem tarot_chat_read(struct call *c, int64_t chat, struct chat_row *out, bool *found)
{
    return store_maybe(c, &chat_read, VALUES(chat), out, found);
}

problem tarot_chat_read_lock(struct tx *tx, int64_t chat, struct chat_row *out, bool *found)
{
    return store_maybe(tx, &chat_read_lock, VALUES(chat), out, found);
}

problem tarot_chats_take(struct tx *tx, int64_t guest, int64_t account)
{
    return store_exec(tx, &take, VALUES(guest, account), NULL);
}

problem tarot_chats_of(struct call *c, const struct cursor *from, int64_t most, struct chat_rows *out)
{
    return store_many(c, &chats, VALUES(c->account, from->at, from->id, most), out);
}

problem tarot_chat_open(struct tx *tx, struct text language, struct text greeting, struct chat_row *out)
{
    return store_one(tx, &chat_open, VALUES(tx->call->account, language, greeting), out);
}

problem tarot_chat_title(struct tx *tx, int64_t chat, struct text title)
{
    return store_exec(tx, &chat_title, VALUES(chat, title), NULL);
}

problem tarot_chat_rename(struct call *c, int64_t chat, struct text title, bool *found)
{
    return store_found(c, &chat_rename, VALUES(chat, c->account, title), found);
}

problem tarot_chat_remove(struct tx *tx, int64_t chat, bool *found)
{
    return store_found(tx, &chat_remove, VALUES(chat, tx->call->account), found);
}

problem tarot_chat_draw(struct tx *tx, int64_t chat, int64_t card, bool reversed, struct chat_row *out, bool *found)
{
    return store_maybe(tx, &chat_draw, VALUES(chat, tx->call->account, card, reversed), out, found);
}

problem tarot_chat_share(struct call *c, int64_t chat, struct text code, struct chat_row *out, bool *found)
{
    return store_maybe(c, &chat_share, VALUES(chat, c->account, code), out, found);
}

problem tarot_chat_unshare(struct call *c, int64_t chat, bool *found)
{
    return store_found(c, &chat_unshare, VALUES(chat, c->account), found);
}

problem tarot_shared_get(struct call *c, struct text code, struct shared_row *out, bool *found)
{
    return store_maybe(c, &shared, VALUES(code), out, found);
}

problem tarot_lines_read(struct call *c, int64_t chat, int64_t since, struct line_rows *out)
{
    return store_many(c, &lines, VALUES(chat, since, (int64_t)TAROT_LINES_MAX + 1), out);
}

problem tarot_lines_newest(struct call *c, int64_t chat, struct line_rows *out)
{
    return store_many(c, &lines_newest, VALUES(chat, (int64_t)TAROT_LINES_MAX), out);
}

problem tarot_line_add(struct tx *tx, int64_t chat, enum line_by by, struct text body, struct opt_text provider,
                       struct tarot_line *out)
{
    return store_one(tx, &line_add, VALUES(chat, text_of(tarot_speakers.names[by]), body, provider), out);
}

problem tarot_turn_add(struct tx *tx, int64_t chat, enum turn_kind kind, int64_t *turn)
{
    return store_one(tx, &turn_add, VALUES(chat, text_of(tarot_kinds.names[kind]), node_name()), turn);
}

problem tarot_turn_end(struct tx *tx, int64_t turn, enum turn_state state, struct text reason, struct ended_row *out, bool *ended)
{
    return store_maybe(tx, &turn_end, VALUES(turn, text_of(turn_state_names[state]), reason), out, ended);
}

problem tarot_turn_running(struct call *c, int64_t chat, struct turn_row *out, bool *found)
{
    return store_maybe(c, &turn_running, VALUES(chat), out, found);
}

problem tarot_turns_old(struct call *c, int64_t older_s, struct tarot_ids *out)
{
    return store_many(c, &turns_old, VALUES(older_s), out);
}

problem tarot_chats_forget(struct tx *tx, int64_t account, struct tarot_ids *out)
{
    return account ? store_many(tx, &forget, VALUES(account), out) : store_many(tx, &forget_removed, NO_VALUES, out);
}
