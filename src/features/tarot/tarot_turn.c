#include "tarot_turn.h"

#include "madang/config.h"
#include "madang/hub.h"
#include "madang/keeper.h"
#include "madang/log.h"
#include "madang/map.h"
#include "tarot_lease.h"
#include "tarot_reader.h"

#define SAVE_MS 250
#define KEEP_MS 2000
#define TASK_MS 5000
#define TEXT_MAX (TAROT_LINE_MAX * 4) /* bytes of a turn */
#define TURN_S_MAX 240                /* no turn speaks longer, however slow its reader */
#define LEASED_S 15                   /* by then a turn that runs has its lease */
#define STORE_TRIES 5

const struct event_def tarot_started_event = { "tarot.started", &tarot_started_shape, "tarot:{chat}", true,
                                               "The reader begins to speak." },
                       tarot_delta_event = { "tarot.delta", &tarot_delta_shape, "tarot:{chat}", false,
                                             "What the reader says, as it comes." },
                       tarot_ended_event = { "tarot.ended", &tarot_ended_shape, "tarot:{chat}", true,
                                             "The reader has spoken; it is kept." },
                       tarot_failed_event = { "tarot.failed", &tarot_failed_shape, "tarot:{chat}", true,
                                              "The reader could not go on; the chat can." },
                       tarot_spread_event = { "tarot.spread", &tarot_ref_shape, "tarot:{chat}", true,
                                              "The cards lie open: draw one." },
                       tarot_result_event = { "tarot.result", &tarot_result_shape, "tarot:{chat}", true, "The reading." };

enum stop { STOP_NOT, STOP_ASKED, STOP_LEFT, STOP_NODE };

struct turn {
    struct map_node node; /* by id */
    int64_t id, chat;
    enum turn_kind kind;
    bool korean;
    enum stop stop;
    struct buf text;
    size_t saved;      /* bytes that Redis has */
    int64_t length;    /* of the text, as JavaScript counts */
    uint64_t heard_ms; /* when somebody was known to listen */
    struct timer save;
    struct scope *speaking; /* while its child speaks */
    const char *reader;
    problem result;
    int64_t retry_after_s;
};

static struct map turns;
static bool stopping;

struct text tarot_chat_topic(struct arena *a, int64_t chat)
{
    return topic_of(a, "tarot", chat);
}

int64_t tarot_utf16_length(struct text t)
{
    int64_t n = 0;

    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.at[i];

        n += (c & 0xC0) != 0x80; /* each character begins once … */
        n += c >= 0xF0;          /* … and those beyond the basic plane count twice */
    }
    return n;
}

static struct turn *turn_find(int64_t id)
{
    struct map_node *n = map_find(&turns, (struct text){ (const char *)&id, sizeof id });

    return n ? CONTAINER_OF(n, struct turn, node) : NULL;
}

static void turn_halt(struct turn *t, enum stop why)
{
    if (t->stop != STOP_NOT)
        return;
    t->stop = why;
    if (t->speaking)
        scope_cancel(t->speaking);
}

struct turn_ref {
    int64_t turn;
};
static const struct field turn_ref_fields[] = { FIELD(struct turn_ref, turn) };
static const struct shape turn_ref_shape = SHAPE("TarotTurnRef", struct turn_ref, turn_ref_fields);

static void told_stop(struct call *c, const void *data)
{
    struct turn *t = turn_find(((const struct turn_ref *)data)->turn);

    (void)c;
    if (t)
        turn_halt(t, STOP_ASKED);
}
const struct word_def tarot_turn_words[1] = { { "stop", &turn_ref_shape, told_stop } };

void tarot_turn_stop(int64_t id, struct text node)
{
    struct turn *t = turn_find(id);

    if (t)
        turn_halt(t, STOP_ASKED);
    else
        hub_tell_node(node, "tarot", &tarot_turn_words[0], &(struct turn_ref){ id });
}

problem tarot_turn_text(struct call *c, int64_t id, struct text *out)
{
    const struct turn *t = turn_find(id);
    problem p;

    if (!t) {
        if (c->socket && (p = task_sleep(c->task, SAVE_MS + 50)))
            return p;
        return tarot_turn_text_kept(c, id, out);
    }
    *out = arena_text(c->arena, buf_text(&t->text));
    return NULL;
}

void tarot_turn_heard(struct call *c, int64_t chat)
{
    struct tarot_ids one = { &chat, 1 }, none = { NULL, 0 };
    struct ages ages;
    problem p = tarot_chats_heard(c, &one, &none, &ages);

    if (p)
        log_info("tarot", "who asks after chat %lld is not counted: %s", (long long)chat, p->code);
}

/* --- speaking --------------------------------------------------------------------------------------------------------- */
static void on_save(struct timer *timer)
{
    struct turn *t = CONTAINER_OF(timer, struct turn, save);
    struct arena a;

    if (t->saved == t->text.len)
        return;
    arena_init(&a, 1 << 20);
    if (tarot_turn_text_append(&a, t->id, text_from(buf_text(&t->text), t->saved)))
        t->saved = t->text.len;
    else
        timer_set_after(timer, SAVE_MS);
    arena_fini(&a);
}

static void say(struct call *c, struct turn *t, struct text words)
{
    struct tarot_delta data = { t->chat, t->id, t->length, words };

    buf_put(&t->text, words);
    if (t->text.over)
        return;
    t->length += tarot_utf16_length(words);
    publish_now(c, tarot_chat_topic(c->arena, t->chat), &tarot_delta_event, &data);
    if (!timer_is_set(&t->save))
        timer_set_after(&t->save, SAVE_MS);
}

/* Pieces come by the thousand: what telling one takes is given back at once. */
static void say_once(struct turn *t, struct text words)
{
    struct arena a;
    struct call c;

    arena_init(&a, 1 << 20);
    c = call_of_our_own(NULL, &a, "tarot.say");
    say(&c, t, words);
    arena_fini(&a);
}

static problem load(struct call *c, struct turn *t, struct reading_ask *ask)
{
    struct chat_row chat;
    struct line_rows lines;
    bool found;
    problem p = tarot_chat_read(c, t->chat, &chat, &found);

    if (p || !found)
        return p ? p : PROBLEM(TAROT_NOT_FOUND);
    if ((p = tarot_lines_newest(c, t->chat, &lines)))
        return p;
    *ask = (struct reading_ask){ .kind = t->kind, .korean = t->korean, .lines = lines.at, .count = lines.count };
    if (t->kind == TURN_READING) {
        struct tarot_card *card = arena_new(c->arena, struct tarot_card);

        tarot_deck_card(chat.card.value, chat.reversed.value, t->korean, card);
        ask->card = card;
    }
    return NULL;
}

static problem speak(struct call *c, struct turn *t)
{
    const struct reader *r = tarot_reader_for(t->kind);
    struct reading_ask ask;
    struct text words;
    void *state;
    problem p = load(c, t, &ask);

    if (p)
        return p;
    t->reader = r->name;
    state = r->open(c, &ask);
    while (!(p = r->next(c, state, &words)) && words.len && t->length <= TAROT_LINE_MAX && !t->text.over)
        say_once(t, words);
    if (!p && (t->text.len == 0 || words.len)) /* nothing said, or no end of it */
        return PROBLEM(UPSTREAM_FAILED);
    if (!p && t->kind == TURN_READING)
        say_once(t, arena_join(c->arena, T("\n\n"), tarot_sayings_in(t->korean)->made_by_ai));
    return p;
}

static void run_speaking(struct task *task, void *arg)
{
    struct turn *t = arg;
    struct arena a;
    struct call c;

    arena_init(&a, 16u << 20);
    c = call_of_our_own(task, &a, "tarot.turn");
    t->result = speak(&c, t);
    t->retry_after_s = c.retry_after_s;
    arena_fini(&a);
}

/* --- the end, once ---------------------------------------------------------------------------------------------------- */
static problem announce_failed(struct tx *tx, int64_t chat, int64_t turn, problem why, bool korean, int64_t retry_after_s)
{
    struct tarot_failed data = { chat,
                                 turn,
                                 { text_of(why->code), text_of(korean ? why->ko : why->en), why->retry, { ABSENT, 0 } } };

    if (retry_after_s)
        data.problem.retry_after = (struct opt_i64){ PRESENT, retry_after_s };
    return tx_announce(tx, tarot_chat_topic(tx->call->arena, chat), &tarot_failed_event, &data);
}

static bool opens_spread(struct arena *a, const struct turn *t)
{
    const struct sayings *s = tarot_sayings_in(t->korean);
    struct heard heard = tarot_hear(a, buf_text(&t->text));

    return t->kind == TURN_TALK && tarot_says_one_of(&heard, s->triggers.at, s->triggers.count);
}

static problem keep_line(struct tx *tx, const struct turn *t, struct tarot_line *line)
{
    static const enum line_by by[] = { [TURN_TALK] = BY_READER, [TURN_READING] = BY_READING, [TURN_HELP] = BY_HELP };

    return tarot_line_add(tx, t->chat, by[t->kind], buf_text(&t->text), (struct opt_text){ PRESENT, text_of(t->reader) }, line);
}

static problem announce_result(struct tx *tx, const struct turn *t, const struct chat_row *chat)
{
    struct tarot_result data = { .chat = t->chat, .reading = buf_text(&t->text) };
    problem p = machine_move(tx, &tarot_chat_machine, t->chat, CHAT_DRAWN, CHAT_DONE);

    tarot_deck_card(chat->card.value, chat->reversed.value, t->korean, &data.card);
    return p ? p : tx_announce(tx, tarot_chat_topic(tx->call->arena, t->chat), &tarot_result_event, &data);
}

/* A reading that was not finished is not kept: the same card can be read again. */
static problem end_well(struct tx *tx, struct turn *t, enum ended_reason reason, const struct chat_row *chat)
{
    struct tarot_ended data = { .chat = t->chat, .turn = t->id, .reason = { (int)reason } };
    struct tarot_line line;
    problem p;

    if (t->text.len && (t->kind != TURN_READING || reason == ENDED_DONE)) {
        if ((p = keep_line(tx, t, &line)))
            return p;
        data.line = &line;
    }
    if ((p = tx_announce(tx, tarot_chat_topic(tx->call->arena, t->chat), &tarot_ended_event, &data)))
        return p;
    if (t->kind == TURN_READING && reason == ENDED_DONE)
        return announce_result(tx, t, chat);
    if (reason != ENDED_DONE || chat->state.value != CHAT_TALKING || !opens_spread(tx->call->arena, t))
        return NULL;
    if ((p = machine_move(tx, &tarot_chat_machine, t->chat, CHAT_TALKING, CHAT_SPREAD)))
        return p;
    return tx_announce(tx, tarot_chat_topic(tx->call->arena, t->chat), &tarot_spread_event, &(struct tarot_ref){ t->chat });
}

/* Why it ended, or the problem that it ended with. */
static problem verdict(const struct turn *t, enum ended_reason *reason)
{
    static const enum ended_reason reasons[] = { [STOP_ASKED] = ENDED_STOPPED, [STOP_LEFT] = ENDED_LEFT };

    *reason = ENDED_DONE;
    if (t->stop == STOP_NODE)
        return PROBLEM(DRAINING);
    if (t->stop == STOP_NOT)
        return t->result;
    *reason = t->result == PROBLEM(CANCELLED) ? reasons[t->stop] : ENDED_DONE;
    return t->result == PROBLEM(CANCELLED) ? NULL : t->result;
}

static problem end_once(struct call *c, struct turn *t)
{
    static const char *const said[] = { "done", "stopped", "left" };
    struct tx tx TX_SCOPE = { 0 };
    enum ended_reason reason;
    struct chat_row chat;
    struct ended_row row;
    problem p, why = verdict(t, &reason);
    bool found, ended;

    if ((p = tx_begin(c, &tx)) || (p = tarot_chat_read_lock(&tx, t->chat, &chat, &found)) ||
        (p = tarot_turn_end(&tx, t->id, why ? TURN_FAILED : TURN_ENDED, text_of(why ? why->code : said[reason]), &row, &ended)))
        return p;
    if (!ended || !found) /* it was taken for dead, or the chat is gone: somebody else has said so */
        return found ? NULL : tx_commit(&tx);
    p = why ? announce_failed(&tx, t->chat, t->id, why, t->korean, t->retry_after_s) : end_well(&tx, t, reason, &chat);
    return p ? p : tx_commit(&tx);
}

/* While the database is away the text stays here; when it stays away, the lease lapses and the turn is ended as failed. */
static void end(struct task *task, struct turn *t)
{
    problem p = NULL;

    for (int i = 0; i < STORE_TRIES; i++) {
        struct arena a;
        struct call c;

        arena_init(&a, 4u << 20);
        task_set_deadline(task, clock_ms() + TASK_MS);
        c = call_of_our_own(task, &a, "tarot.end");
        p = end_once(&c, t);
        if (!p)
            tarot_turn_lease_end(&a, t->id);
        arena_fini(&a);
        task_set_deadline(task, 0);
        if (!p || task_sleep(task, 500u << i))
            break;
    }
    if (p)
        log_warn("tarot", "turn %lld could not be stored: %s", (long long)t->id, p->code);
}

static void turn_free(struct turn *t)
{
    timer_clear(&t->save);
    map_remove(&turns, &t->node);
    buf_fini(&t->text);
    free(t);
    if (stopping && turns.count == 0)
        map_fini(&turns);
}

/* At once, not when the keeper comes by: the node may be gone by then. */
static void take_lease(struct task *task, const struct turn *t)
{
    struct arena a;
    struct call c;
    problem p;

    arena_init(&a, 1 << 20);
    c = call_of_our_own(task, &a, "tarot.lease");
    p = lease_keep(&c, &tarot_turn_lease, value_i64(t->id), NULL);
    if (p) /* the keeper tries again; without Redis nobody can take the turn for dead either */
        log_info("tarot", "turn %lld has no lease yet: %s", (long long)t->id, p->code);
    arena_fini(&a);
}

static void run_turn(struct task *task, void *arg)
{
    struct turn *t = arg;
    struct scope s;

    scope_open(&s, task);
    task_set_deadline(task, clock_ms() + TURN_S_MAX * 1000);
    if (t->stop == STOP_NOT) {
        t->speaking = &s;
        scope_start(&s, "tarot.speak", run_speaking, t);
        take_lease(task, t);
        scope_join(&s);
        t->speaking = NULL;
    } else {
        t->result = PROBLEM(CANCELLED);
    }
    end(task, t);
    turn_free(t);
}

/* --- beginning -------------------------------------------------------------------------------------------------------- */
static void start(void *arg)
{
    struct turn *t = must_zalloc(sizeof *t);

    *t = *(const struct turn *)arg;
    buf_init(&t->text, TEXT_MAX);
    timer_init(&t->save, on_save);
    t->heard_ms = clock_ms();
    t->stop = stopping ? STOP_NODE : STOP_NOT;
    map_add(&turns, &t->node, (struct text){ (const char *)&t->id, sizeof t->id });
    task_start("tarot.turn", 0, run_turn, t);
}

problem tarot_turn_begin(struct tx *tx, const struct chat_row *chat, enum turn_kind kind, int64_t *turn)
{
    struct turn *t = arena_new(tx->call->arena, struct turn);
    struct tarot_started data = { .chat = chat->chat, .kind = { (int)kind } };
    problem p = tarot_turn_add(tx, chat->chat, kind, turn);

    if (p)
        return p;
    data.turn = *turn;
    *t = (struct turn){ .id = *turn, .chat = chat->chat, .kind = kind, .korean = text_is(chat->language, T("ko")) };
    if ((p = tx_announce(tx, tarot_chat_topic(tx->call->arena, chat->chat), &tarot_started_event, &data)))
        return p;
    tx_after(tx, start, t);
    return NULL;
}

/* --- the keeper: leases, listeners, and turns of nodes that are gone -------------------------------------------------- */
/* Chats that are listened to on this node. */
struct listened {
    struct map_node node;
    int64_t chat;
};
static struct map listened;

void tarot_turn_listened(struct text rest, bool here)
{
    struct listened *l;
    struct map_node *n;
    int64_t chat;

    if (!text_to_i64(rest, &chat))
        return;
    n = map_find(&listened, (struct text){ (const char *)&chat, sizeof chat });
    if (here && !n) {
        l = must_zalloc(sizeof *l);
        l->chat = chat;
        map_add(&listened, &l->node, (struct text){ (const char *)&l->chat, sizeof l->chat });
    } else if (!here && n) {
        map_remove(&listened, n);
        free(CONTAINER_OF(n, struct listened, node));
    }
    if (listened.count == 0)
        map_fini(&listened);
}

static struct tarot_ids all_listened(struct call *c)
{
    struct tarot_ids out = { arena_array(c->arena, int64_t, listened.count), 0 };

    for (struct map_node *n = map_next(&listened, NULL); n; n = map_next(&listened, n))
        out.at[out.count++] = CONTAINER_OF(n, struct listened, node)->chat;
    return out;
}

/* The turns that are spoken here, and the chat of each. */
struct kept {
    struct tarot_ids turns, chats;
};

static struct kept all_turns(struct call *c)
{
    struct kept k = { { arena_array(c->arena, int64_t, turns.count), 0 }, { arena_array(c->arena, int64_t, turns.count), 0 } };

    for (struct map_node *n = map_next(&turns, NULL); n; n = map_next(&turns, n)) {
        const struct turn *t = CONTAINER_OF(n, struct turn, node);

        k.turns.at[k.turns.count++] = t->id;
        k.chats.at[k.chats.count++] = t->chat;
    }
    return k;
}

/* Who has left stops costing money. */
static void judge_listeners(const struct kept *k, const struct ages *heard)
{
    for (size_t i = 0; i < k->turns.count && i < heard->ages.count; i++) {
        struct turn *t = turn_find(k->turns.at[i]);
        uint64_t now = clock_ms(), at = heard->ages.at[i] >= 0 ? now - (uint64_t)heard->ages.at[i] : 0;

        if (!t)
            continue;
        t->heard_ms = at > t->heard_ms ? at : t->heard_ms;
        if (now - t->heard_ms > (uint64_t)config->tarot_unheard_ms)
            turn_halt(t, STOP_LEFT);
    }
}

static problem end_dead(struct call *c, int64_t turn)
{
    struct tx tx TX_SCOPE = { 0 };
    struct ended_row row;
    bool ended;
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = tarot_turn_end(&tx, turn, TURN_FAILED, T("node"), &row, &ended)) || !ended)
        return p;
    log_warn("tarot", "turn %lld: its node is gone", (long long)turn);
    if ((p = announce_failed(&tx, row.chat, turn, PROBLEM(TAROT_CUT), text_is(row.language, T("ko")), 0)))
        return p;
    return tx_commit(&tx);
}

static void keep_once(struct call *c)
{
    struct kept kept = all_turns(c);
    struct tarot_ids ears = all_listened(c);
    struct lapsed lapsed;
    struct ages heard;

    if (lease_keep(c, &tarot_turn_lease, ALL_OF(kept.turns), &lapsed))
        return;
    if (!tarot_chats_heard(c, &ears, &kept.chats, &heard))
        judge_listeners(&kept, &heard);
    for (size_t i = 0; i < lapsed.things.count; i++) {
        int64_t turn;

        if (text_to_i64(lapsed.things.at[i], &turn) && !turn_find(turn) && end_dead(c, turn))
            return;
    }
}

static uint64_t keep(struct call *c)
{
    keep_once(c);
    return KEEP_MS;
}
static struct keeper keeper = { .name = "tarot.keep", .round = keep };

problem tarot_turns_sweep(struct call *c, const void *payload)
{
    struct tarot_ids old;
    problem p = tarot_turns_old(c, LEASED_S, &old);

    (void)payload;
    return p || old.count == 0 ? p : lease_doubt(c, &tarot_turn_lease, ALL_OF(old));
}

void tarot_turns_start(void)
{
    stopping = false;
    keeper_start(&keeper);
}

void tarot_turns_stop(void)
{
    stopping = true;
    keeper_stop(&keeper);
    for (struct map_node *n = map_next(&turns, NULL); n; n = map_next(&turns, n))
        turn_halt(CONTAINER_OF(n, struct turn, node), STOP_NODE);
    if (turns.count == 0)
        map_fini(&turns);
}
