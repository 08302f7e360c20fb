/* Tarot: the calls. */
#include "madang/calls.h"

#include "madang/accounts.h"
#include "madang/config.h"
#include "madang/fold.h"
#include "madang/forget.h"
#include "madang/hub.h"
#include "madang/llm.h"
#include "madang/random.h"
#include "tarot_page.h"
#include "tarot_reader.h"
#include "tarot_turn.h"

#define TITLE_MAX 30
#define DAY_MS ((int64_t)86400000) /* of limits: any 24 hours, a bucket that refills; no midnight gives it back at once */

static const struct event_def card_event = { "tarot.card", &tarot_card_event_shape, "tarot:{chat}", true, "The card was drawn." };

static bool is_korean(const struct chat_row *r)
{
    return text_is(r->language, T("ko"));
}

static struct text public_path(struct arena *a, struct text code)
{
    return arena_join(a, T("/r/"), code);
}

static void show_chat(struct call *c, const struct chat_row *r, struct tarot_chat *out)
{
    *out = (struct tarot_chat){ .chat = r->chat,
                                .title = r->title,
                                .language = r->language,
                                .state = r->state,
                                .lines = r->lines,
                                .turns_left = r->turns < config->tarot_turns_max ? config->tarot_turns_max - r->turns : 0,
                                .created_at = r->created_at,
                                .at = r->at };
    if (r->card.is == PRESENT) {
        out->card = arena_new(c->arena, struct tarot_card);
        tarot_deck_card(r->card.value, r->reversed.value, is_korean(r), out->card);
    }
    if (r->code.is == PRESENT)
        out->path = (struct opt_text){ PRESENT, public_path(c->arena, r->code.value) };
}

/* --- reading a chat --------------------------------------------------------------------------------------------------- */
static problem show_running(struct call *c, int64_t chat, struct tarot_running **out)
{
    struct turn_row row;
    struct text text;
    bool found;
    problem p = tarot_turn_running(c, chat, &row, &found);

    if (p || !found)
        return p;
    if ((p = tarot_turn_text(c, row.turn, &text)) && p != PROBLEM(LEASES_UNAVAILABLE))
        return p;
    if (!c->socket)
        tarot_turn_heard(c, chat);
    *out = arena_new(c->arena, struct tarot_running);
    **out = (struct tarot_running){ row.turn, row.kind, p ? T("") : text, p ? 0 : tarot_utf16_length(text) };
    return NULL;
}

static problem show_lines(struct call *c, int64_t chat, int64_t since)
{
    struct tarot_state *out = c->out;
    struct line_rows lines;
    problem p = tarot_lines_read(c, chat, since, &lines);

    if (p)
        return p;
    out->more = lines.count > TAROT_LINES_MAX;
    out->lines.at = lines.at;
    out->lines.count = out->more ? TAROT_LINES_MAX : lines.count;
    return NULL;
}

/* The turn first: one that ended between two questions would be in neither answer. Whether it has ended since is asked once more,
 * so that its words do not stand in both. */
static problem show(struct call *c, const struct chat_row *r, int64_t since)
{
    struct tarot_state *out = c->out;
    const struct tarot_running *was;
    problem p;

    out->notice = tarot_sayings_in(is_korean(r))->made_by_ai;
    show_chat(c, r, &out->chat);
    if ((p = show_running(c, r->chat, &out->turn)) || (p = show_lines(c, r->chat, since)) || (was = out->turn) == NULL)
        return p;
    out->turn = NULL;
    if ((p = show_running(c, r->chat, &out->turn)) || (out->turn && out->turn->turn == was->turn))
        return p;
    return show_lines(c, r->chat, since);
}

static problem tarot_read(struct call *c)
{
    const struct tarot_since *in = c->in;
    struct chat_row row;
    bool found;
    problem p = tarot_chat_get(store_on_call(c), in->chat, &row, &found);

    if (p || !found)
        return p ? p : PROBLEM(TAROT_NOT_FOUND);
    if ((p = hub_listen(c, tarot_chat_topic(c->arena, in->chat))))
        return p;
    if ((p = tarot_chat_get(store_on_call(c), in->chat, &row, &found)) || !found) /* as it is now that we listen */
        return p ? p : PROBLEM(TAROT_NOT_FOUND);
    return show(c, &row, in->since);
}

static problem tarot_open(struct call *c)
{
    const struct tarot_open *in = c->in;
    bool korean = in->language.is == PRESENT ? text_is(in->language.value, T("ko")) : c->korean;
    struct tarot_line *greeting = arena_new(c->arena, struct tarot_line);
    struct tarot_state *out = c->out;
    struct tx tx TX_SCOPE = { 0 };
    struct chat_row row;
    problem p;

    if ((p = tx_begin(c, &tx)) ||
        (p = tarot_chat_open(&tx, korean ? T("ko") : T("en"), tarot_sayings_in(korean)->greeting, &row)))
        return p;
    *greeting = (struct tarot_line){ 1, { BY_READER }, tarot_sayings_in(korean)->greeting, { ABSENT, T("") }, row.created_at };
    out->lines.at = greeting; /* all of it before the commit, which keeps the answer for a repetition */
    out->lines.count = 1;
    out->notice = tarot_sayings_in(korean)->made_by_ai;
    show_chat(c, &row, &out->chat);
    if ((p = tx_commit(&tx)))
        return p;
    return hub_listen(c, tarot_chat_topic(c->arena, row.chat));
}

static problem tarot_list(struct call *c)
{
    const struct tarot_page *in = c->in;
    struct tarot_list *out = c->out;
    const struct chat_row *last;
    struct chat_rows rows;
    struct cursor from;
    problem p;

    if ((p = page_from(c, "/before", in->before, CURSOR_TIME | CURSOR_OLD, &from)) ||
        (p = tarot_chats_of(c, &from, in->limit + 1, &rows)))
        return p;
    if ((last = page_cut(&rows, in->limit)))
        out->next = page_next(c, last->at, last->chat);
    out->chats.count = rows.count;
    out->chats.at = arena_array(c->arena, struct tarot_chat, out->chats.count);
    for (size_t i = 0; i < out->chats.count; i++)
        show_chat(c, &rows.at[i], &out->chats.at[i]);
    return NULL;
}

static problem tarot_cards(struct call *c)
{
    *(struct deck *)c->out = tarot_deck_all();
    return NULL;
}

/* --- talking and drawing ---------------------------------------------------------------------------------------------- */
/* The chat, locked, with room for a turn. */
static problem open_chat(struct tx *tx, int64_t chat, struct chat_row *out)
{
    bool found;
    problem p = tarot_chat_lock(tx, chat, out, &found);

    if (p || !found)
        return p ? p : PROBLEM(TAROT_NOT_FOUND);
    return NULL;
}

static struct text title_of(struct arena *a, struct text said)
{
    struct text line = text_trim(text_title(a, said));
    size_t i = 0;

    for (size_t n = 0; i < line.len && n < TITLE_MAX; n++)
        for (i++; i < line.len && ((unsigned char)line.at[i] & 0xC0) == 0x80;)
            i++;
    return arena_text(a, text_trim(text_until(line, i)));
}

/* In whichever language: distress does not keep to the chat's. */
static bool needs_help(struct arena *a, struct text said)
{
    const struct sayings *ko = tarot_sayings_in(true), *en = tarot_sayings_in(false);
    struct heard heard = tarot_hear(a, said);

    return tarot_says_one_of(&heard, ko->crisis_words.at, ko->crisis_words.count) ||
           tarot_says_one_of(&heard, en->crisis_words.at, en->crisis_words.count);
}

static problem tarot_say(struct call *c)
{
    const struct tarot_say *in = c->in;
    struct tarot_turn_ref *out = c->out;
    struct tx tx TX_SCOPE = { 0 };
    struct tarot_line line;
    struct chat_row row;
    enum turn_kind kind;
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = open_chat(&tx, in->chat, &row)))
        return p;
    kind = needs_help(c->arena, in->text) ? TURN_HELP : TURN_TALK;
    if (kind == TURN_TALK && row.state.value >= CHAT_DRAWN)
        return PROBLEM(TAROT_OVER);
    if (kind == TURN_TALK && row.turns >= config->tarot_turns_max)
        return PROBLEM(TAROT_LONG);
    out->chat = in->chat;
    if ((p = tarot_line_add(&tx, in->chat, BY_VISITOR, in->text, (struct opt_text){ ABSENT, T("") }, &line)) ||
        (row.title.len == 0 && (p = tarot_chat_title(&tx, in->chat, title_of(c->arena, in->text)))) ||
        (p = tarot_turn_begin(&tx, &row, kind, &out->turn)))
        return p;
    return tx_commit(&tx);
}

static problem announce_card(struct tx *tx, int64_t chat, const struct tarot_card *card)
{
    struct tarot_card_event data = { chat, *card };
    struct tarot_line line;
    problem p = tarot_line_add(tx, chat, BY_CARD, card->name.ko, (struct opt_text){ ABSENT, T("") }, &line);

    return p ? p : tx_announce(tx, tarot_chat_topic(tx->call->arena, chat), &card_event, &data);
}

/* Once for each chat; when its reading failed the same card is read again. */
static problem tarot_draw(struct call *c)
{
    int64_t chat = ((const struct tarot_ref *)c->in)->chat;
    struct tarot_drawn *out = c->out;
    struct tx tx TX_SCOPE = { 0 };
    struct chat_row row, drawn;
    bool found;
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = open_chat(&tx, chat, &row)))
        return p;
    if (row.state.value == CHAT_DONE)
        return PROBLEM(TAROT_OVER);
    if ((p = tarot_chat_draw(&tx, chat, random_below(CARDS), random_below(2) == 1, &drawn, &found)) || !found)
        return p ? p : PROBLEM(TAROT_NO_SPREAD);
    out->chat = chat;
    tarot_deck_card(drawn.card.value, drawn.reversed.value, is_korean(&drawn), &out->card);
    if ((row.state.value == CHAT_SPREAD && (p = announce_card(&tx, chat, &out->card))) ||
        (p = tarot_turn_begin(&tx, &drawn, TURN_READING, &out->turn)))
        return p;
    return tx_commit(&tx);
}

static problem tarot_stop(struct call *c)
{
    int64_t chat = ((const struct tarot_ref *)c->in)->chat;
    struct chat_row row;
    struct turn_row turn;
    bool found;
    problem p = tarot_chat_get(store_on_call(c), chat, &row, &found);

    if (p || !found)
        return p ? p : PROBLEM(TAROT_NOT_FOUND);
    if ((p = tarot_turn_running(c, chat, &turn, &found)) || !found)
        return p;
    tarot_turn_stop(turn.turn, turn.node);
    return NULL;
}

/* --- keeping and sharing ---------------------------------------------------------------------------------------------- */
static problem tarot_rename(struct call *c)
{
    const struct tarot_rename *in = c->in;
    bool found;
    problem p = tarot_chat_rename(c, in->chat, in->title, &found);

    return p ? p : found ? NULL : PROBLEM(TAROT_NOT_FOUND);
}

static problem tarot_remove(struct call *c)
{
    int64_t chat = ((const struct tarot_ref *)c->in)->chat;
    struct text topic = tarot_chat_topic(c->arena, chat);
    struct tx tx TX_SCOPE = { 0 };
    struct turn_row turn;
    bool found, running;
    problem p;

    if ((p = tarot_turn_running(c, chat, &turn, &running)) || (p = tx_begin(c, &tx)) ||
        (p = tarot_chat_remove(&tx, chat, &found)))
        return p;
    if (!found)
        return PROBLEM(TAROT_NOT_FOUND);
    if ((p = log_drop(&tx, &topic, 1)) || (p = tx_commit(&tx)))
        return p;
    if (running)
        tarot_turn_stop(turn.turn, turn.node);
    return NULL;
}

/* Some of them; *more: there may be others. What is said in them at the moment finds no chat to be kept in. */
static problem forget_chats(struct tx *tx, int64_t account, bool *more)
{
    struct text *topics = arena_array(tx->call->arena, struct text, FORGET_MAX);
    struct tarot_ids ids;
    problem p = tarot_chats_forget(tx, account, &ids);

    for (size_t i = 0; !p && i < ids.count; i++)
        topics[i] = tarot_chat_topic(tx->call->arena, ids.at[i]);
    *more = *more || ids.count == FORGET_MAX;
    return p ? p : log_drop(tx, topics, ids.count);
}

static problem sweep_chats(struct call *c, const void *payload)
{
    struct tx tx TX_SCOPE = { 0 };
    bool more = false;
    problem p;

    (void)payload;
    if ((p = tx_begin(c, &tx)) || (p = forget_chats(&tx, 0, &more)))
        return p;
    return tx_commit(&tx);
}

static problem tarot_share(struct call *c)
{
    int64_t chat = ((const struct tarot_ref *)c->in)->chat;
    struct tarot_shared *out = c->out;
    struct chat_row row;
    bool found;
    problem p = tarot_chat_share(c, chat, random_token(c->arena, 16), &row, &found);

    if (p)
        return p;
    if (!found) {
        p = tarot_chat_get(store_on_call(c), chat, &row, &found);
        return p ? p : found ? PROBLEM(TAROT_UNREAD) : PROBLEM(TAROT_NOT_FOUND);
    }
    *out = (struct tarot_shared){ row.code.value, public_path(c->arena, row.code.value) };
    return NULL;
}

static problem tarot_unshare(struct call *c)
{
    bool found;
    problem p = tarot_chat_unshare(c, ((const struct tarot_ref *)c->in)->chat, &found);

    return p ? p : found ? NULL : PROBLEM(TAROT_NOT_FOUND);
}

static problem tarot_shared(struct call *c)
{
    struct tarot_public *out = c->out;
    struct shared_row row;
    bool found;
    problem p = tarot_public(c, ((const struct tarot_code *)c->in)->code, &row, &found);

    if (p || !found)
        return p ? p : PROBLEM(TAROT_NOT_FOUND);
    *out = (struct tarot_public){ .reading = row.reading, .language = row.language, .date = date_in_korea(row.at) };
    out->notice = tarot_sayings_in(text_is(row.language, T("ko")))->made_by_ai;
    tarot_deck_card(row.card, row.reversed, text_is(row.language, T("ko")), &out->card);
    return NULL;
}

/* clang-format off */
#define CHAT "/api/v1/tarot/chats/{chat}"
static const struct call_def calls[] = {
    { .name = "tarot.open", .rest = POST("/api/v1/tarot/chats"), .who = WHO_GUEST, .in = &tarot_open_shape,
      .out = &tarot_state_shape, .run = tarot_open, .once = BY_KEY, .status = 201,
      .limits = { PER_ACCOUNT(30, MINUTES(10)), CLUSTER_PER_ADDRESS(300, DAY_MS) },
      .says = "Begins a chat with the reader. A socket listens to it from then on." },
    { .name = "tarot.list", .rest = GET("/api/v1/tarot/chats"), .who = WHO_GUEST, .in = &tarot_page_shape,
      .out = &tarot_list_shape, .run = tarot_list, .limits = { PER_ACCOUNT(100, SECONDS(10)) },
      .says = "My chats, newest first." },
    { .name = "tarot.read", .rest = GET(CHAT), .who = WHO_GUEST, .in = &tarot_since_shape, .out = &tarot_state_shape,
      .run = tarot_read, .limits = { PER_ACCOUNT(100, SECONDS(10)) }, .problems = { PROBLEM(TAROT_NOT_FOUND) },
      .says = "A chat, its lines after a number, and what is being said at the moment. A socket listens to it from then on." },
    { .name = "tarot.say", .rest = POST(CHAT "/lines"), .who = WHO_GUEST, .in = &tarot_say_shape, .out = &tarot_turn_ref_shape,
      .run = tarot_say, .once = BY_KEY, .status = 201, .shed = SHED_AT_SOFT,
      .limits = { CLUSTER_PER_ACCOUNT_BY(tarot_account_turns, DAY_MS), CLUSTER_PER_ADDRESS_BY(tarot_address_turns, DAY_MS) },
      .problems = { PROBLEM(TAROT_NOT_FOUND), PROBLEM(TAROT_BUSY), PROBLEM(TAROT_OVER), PROBLEM(TAROT_LONG) },
      .says = "Says something; the reader answers in events of the chat's topic." },
    { .name = "tarot.draw", .rest = POST(CHAT "/card"), .who = WHO_GUEST, .in = &tarot_ref_shape, .out = &tarot_drawn_shape,
      .run = tarot_draw, .once = BY_KEY, .shed = SHED_AT_SOFT,
      .limits = { CLUSTER_PER_ACCOUNT_BY(tarot_account_readings, DAY_MS),
                  CLUSTER_PER_ADDRESS_BY(tarot_address_readings, DAY_MS) },
      .problems = { PROBLEM(TAROT_NOT_FOUND), PROBLEM(TAROT_BUSY), PROBLEM(TAROT_OVER), PROBLEM(TAROT_NO_SPREAD) },
      .says = "Draws the card, once; the reading follows in events. After a failed reading: reads the same card again." },
    { .name = "tarot.stop", .rest = POST(CHAT "/stop"), .who = WHO_GUEST, .in = &tarot_ref_shape, .run = tarot_stop,
      .limits = { PER_ACCOUNT(60, MINUTES(1)) }, .problems = { PROBLEM(TAROT_NOT_FOUND) },
      .says = "The reader need not say more; harmless when it is silent." },
    { .name = "tarot.rename", .rest = PATCH(CHAT), .who = WHO_GUEST, .in = &tarot_rename_shape, .run = tarot_rename,
      .problems = { PROBLEM(TAROT_NOT_FOUND) }, .says = "Gives a chat another title." },
    { .name = "tarot.remove", .rest = DELETE(CHAT), .who = WHO_GUEST, .in = &tarot_ref_shape, .run = tarot_remove,
      .problems = { PROBLEM(TAROT_NOT_FOUND) }, .says = "Takes a chat away, and its public page." },
    { .name = "tarot.share", .rest = POST(CHAT "/share"), .who = WHO_GUEST, .in = &tarot_ref_shape, .out = &tarot_shared_shape,
      .run = tarot_share, .limits = { PER_ACCOUNT(60, MINUTES(10)) },
      .problems = { PROBLEM(TAROT_NOT_FOUND), PROBLEM(TAROT_UNREAD) },
      .says = "Gives the reading a public page; the same one when it has one." },
    { .name = "tarot.unshare", .rest = DELETE(CHAT "/share"), .who = WHO_GUEST, .in = &tarot_ref_shape, .run = tarot_unshare,
      .problems = { PROBLEM(TAROT_NOT_FOUND) }, .says = "Takes the public page away." },
    { .name = "tarot.shared", .rest = GET("/api/v1/tarot/shared/{code}"), .in = &tarot_code_shape, .out = &tarot_public_shape,
      .run = tarot_shared, .limits = { PER_ADDRESS(100, SECONDS(10)) }, .problems = { PROBLEM(TAROT_NOT_FOUND) },
      .says = "A shared reading: card, words and date, and nothing about the person, nor what they said." },
    { .name = "tarot.cards", .rest = GET("/api/v1/tarot/cards"), .out = &tarot_deck_shape, .run = tarot_cards,
      .limits = { PER_ADDRESS(30, SECONDS(10)) }, .says = "All cards: names and meanings." },
    { .name = "tarot.page", .rest = GET("/r/{code}"), .doors = REST_ONLY, .raw = tarot_page, .raw_type = "text/html",
      .cache = REVALIDATE,
      .limits = { PER_ADDRESS(100, SECONDS(10)) }, .problems = { PROBLEM(TAROT_NOT_FOUND) },
      .says = "The same as a page that needs no script, with a picture for messengers." },
};
/* clang-format on */

static const struct event_def *const events[] = { &tarot_started_event, &tarot_delta_event,  &tarot_ended_event,
                                                  &tarot_failed_event,  &tarot_spread_event, &tarot_result_event,
                                                  &card_event };
static const struct job_def jobs[] = { { .kind = "tarot.sweep", .run = tarot_turns_sweep, .every_s = 15 },
                                       { .kind = "tarot.sweep-removed", .run = sweep_chats, .every_s = 60 } };

static bool check(void)
{
    return llm_start() && tarot_deck_load();
}

static void start(void)
{
    static struct leave_hook leaving = { .leave = forget_chats };

    static struct guest_hook taking = { .take = tarot_chats_take };

    account_leave_hook_add(&leaving);
    guest_hook_add(&taking);
    tarot_turns_start();
}

static int pictures(int count, char **arguments)
{
    return count != 2 ? USAGE : tarot_draw_pictures(arguments[1]) ? DONE : FAILED;
}

static const struct command commands[] = {
    { .name = "pictures",
      .run = pictures,
      .takes = "FOLDER",
      .bare = true,
      .says = "draw the PNGs that messengers show of the cards in it" },
};

const struct feature tarot_feature = {
    .name = "tarot",
    .calls = LIST(calls),
    .events = LIST(events),
    .jobs = LIST(jobs),
    .commands = LIST(commands),
    .statements = TABLES(&tarot_statements),
    .constraints = &tarot_constraints,
    .machines = MACHINES(&tarot_chat_machine, &tarot_turn_machine),
    .check = check,
    .start = start,
    .stop = tarot_turns_stop,
    .free = tarot_deck_free,
    .words = LIST(tarot_turn_words),
    .listened = { "tarot:", tarot_turn_listened },
};
