/* Direct messages. */
#include "madang/files.h"
#include "madang/forget.h"
#include "madang/hub.h"
#include "madang/topics.h"
#include "social_parts.h"

const struct event_def dm_opened_event = { "dm.opened", &dm_room_ref_shape, "account:{account}", true,
                                           "A room with somebody began: read it with dm.room." },
                       dm_message_event = { "dm.message", &dm_message_shape, "room:{room}", true, "A message." },
                       dm_deleted_event = { "dm.deleted", &dm_deleted_shape, "room:{room}", true,
                                            "A message was deleted by its writer." },
                       dm_read_event = { "dm.read", &dm_read_mark_shape, "room:{room}", true,
                                         "Somebody has read up to a number." },
                       dm_typing_event = { "dm.typing", &dm_typing_event_shape, "room:{room}", false,
                                           "Somebody is typing; good for five seconds." };

static struct text room_topic(struct call *c, int64_t room)
{
    return topic_of(c->arena, "room", room);
}

static void sign_images(struct call *c, struct dm_message *m)
{
    m->images.count = m->image_ids.count;
    m->images.at = arena_array(c->arena, struct picture, m->images.count);
    for (size_t i = 0; i < m->images.count; i++)
        m->images.at[i] =
            (struct picture){ m->image_ids.at[i], file_url(c, m->image_ids.at[i], false), file_url(c, m->image_ids.at[i], true) };
}

static void finish_room(struct call *c, struct room *r)
{
    r->other = (struct card){ r->other_account, r->other_nickname, file_url_maybe(c, r->other_avatar, true), r->other_departed };
    if (r->last)
        sign_images(c, r->last);
}

static problem read_room(struct call *c, int64_t room, struct room *out)
{
    bool found, online, known;
    problem p = dm_room_get(store_on_call(c), room, c->account, out, &found);

    if (p)
        return p;
    if (!found)
        return PROBLEM(ROOM_NOT_FOUND);
    finish_room(c, out);
    if (!out->open)
        return NULL;
    if ((p = presence_of(c, &out->other_account, 1, &online, &known)))
        return p;
    if (known)
        out->online = (struct opt_bool){ PRESENT, online };
    return NULL;
}

problem dm_room(struct call *c)
{
    return read_room(c, ((const struct room_ref *)c->in)->room, c->out);
}

struct opened {
    int64_t a, b;
    struct text topic;
};

static void after_open(void *arg)
{
    const struct opened *o = arg;

    hub_join_account(o->a, o->topic);
    hub_join_account(o->b, o->topic);
}

/* After the commit, and before what is told then, so that nobody hears of a room without being in it. */
static void join_both(struct tx *tx, int64_t other, int64_t room)
{
    struct opened *o = arena_new(tx->call->arena, struct opened);

    *o = (struct opened){ tx->call->account, other, room_topic(tx->call, room) };
    tx_after(tx, after_open, o);
}

static problem announce_room(struct tx *tx, int64_t other, int64_t room)
{
    struct call *c = tx->call;
    struct room_ref data = { room };
    int64_t first = c->account < other ? c->account : other;
    problem p;

    join_both(tx, other, room);
    if ((p = tx_announce(tx, topic_of(c->arena, "account", first), &dm_opened_event, &data)))
        return p;
    return tx_announce(tx, topic_of(c->arena, "account", first == other ? c->account : other), &dm_opened_event, &data);
}

static problem opening_refusal(struct tx *tx, int64_t other)
{
    enum tie relation;
    bool exists;
    problem p;

    if (other == tx->call->account)
        return PROBLEM(FRIEND_SELF);
    if ((p = friend_relation(store_on_tx(tx), tx->call->account, other, &relation, &exists)))
        return p;
    if (!exists)
        return PROBLEM(ACCOUNT_NOT_FOUND);
    if (friend_tie_is_block(relation))
        return PROBLEM(BLOCKED);
    return relation == FRIEND ? NULL : PROBLEM(ROOM_CLOSED);
}

problem dm_open(struct call *c)
{
    const struct room_open *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    int64_t room;
    bool made;
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = friend_pair_lock(&tx, c->account, in->account)) ||
        (p = opening_refusal(&tx, in->account)) || (p = dm_room_open(&tx, c->account, in->account, &room, &made)) ||
        (made && (p = announce_room(&tx, in->account, room))) || (p = tx_commit(&tx)))
        return p;
    return read_room(c, room, c->out);
}

static problem add_presence(struct call *c, struct room *rooms, size_t count)
{
    int64_t *accounts = arena_array(c->arena, int64_t, count);
    bool *online = arena_array(c->arena, bool, count), known;
    problem p;

    for (size_t i = 0; i < count; i++)
        accounts[i] = rooms[i].other_account;
    if ((p = presence_of(c, accounts, count, online, &known)))
        return p;
    for (size_t i = 0; known && i < count; i++)
        if (rooms[i].open)
            rooms[i].online = (struct opt_bool){ PRESENT, online[i] };
    return NULL;
}

problem dm_rooms(struct call *c)
{
    const struct room_page *in = c->in;
    struct room_list *out = c->out;
    const struct room *last;
    struct cursor from;
    problem p;

    if ((p = page_from(c, "/before", in->before, CURSOR_TIME | CURSOR_OLD, &from)) ||
        (p = dm_rooms_of(c, &from, in->limit + 1, out)))
        return p;
    if ((last = page_cut(&out->rooms, in->limit)))
        out->next = page_next(c, last->last_at, last->room);
    for (size_t i = 0; i < out->rooms.count; i++) {
        finish_room(c, &out->rooms.at[i]);
        out->unread += out->rooms.at[i].unread;
    }
    return out->rooms.count ? add_presence(c, out->rooms.at, out->rooms.count) : NULL;
}

/* Whether the room is there and mine, for calls whose own statement found nothing. */
static problem check_member(struct call *c, int64_t room)
{
    struct room r;
    bool found;
    problem p = dm_room_get(store_on_call(c), room, c->account, &r, &found);

    return p ? p : found ? NULL : PROBLEM(ROOM_NOT_FOUND);
}

problem dm_history(struct call *c)
{
    const struct history_page *in = c->in;
    struct history *out = c->out;
    const struct dm_message *last;
    problem p = dm_history_read(c, in, out);

    if (p)
        return p;
    if (out->messages.count == 0)
        return check_member(c, in->room);
    if ((last = page_cut(&out->messages, in->limit)))
        out->next = (struct opt_i64){ PRESENT, last->seq };
    out->more = last != NULL;
    for (size_t i = 0; i < out->messages.count; i++)
        sign_images(c, &out->messages.at[i]);
    return NULL;
}

/* Why message_add found that I may not. */
static problem sending_refusal(struct call *c, int64_t room)
{
    struct room r;
    enum tie relation;
    bool found, exists;
    problem p = dm_room_get(store_on_call(c), room, c->account, &r, &found);

    if (p)
        return p;
    if (!found)
        return PROBLEM(ROOM_NOT_MEMBER);
    if ((p = friend_relation(store_on_call(c), c->account, r.other_account, &relation, &exists)))
        return p;
    return friend_tie_is_block(relation) ? PROBLEM(BLOCKED) : PROBLEM(ROOM_CLOSED);
}

static problem send_message(struct call *c, const struct dm_send *in, struct dm_message *out)
{
    struct tx tx TX_SCOPE = { 0 };
    bool done;
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = dm_message_add(&tx, in, out, &done)))
        return p;
    if (!done)
        return sending_refusal(c, in->room);
    for (size_t i = 0; i < in->images.count; i++)
        if ((p = file_attach(&tx, c->account, in->images.at[i])))
            return p;
    sign_images(c, out);
    if (out->far)
        join_both(&tx, out->other, in->room);
    tx_publish(&tx, room_topic(c, in->room), out->seq, &dm_message_event, out);
    return tx_commit(&tx);
}

problem dm_send(struct call *c)
{
    const struct dm_send *in = c->in;
    struct dm_message *out = c->out;
    bool found = false;
    problem p, again;

    if (in->body.len == 0 && in->images.count == 0)
        return PROBLEM(MESSAGE_EMPTY);
    p = send_message(c, in, out);
    if (p != PROBLEM(MESSAGE_SENT) && p != PROBLEM(COMMIT_UNKNOWN))
        return p;
    /* It may be there: the natural key tells, and answers as the first time. */
    if ((again = dm_message_sent(c, in, out, &found)) || !found)
        return again ? again : p;
    sign_images(c, out);
    return NULL;
}

/* Who catches up meets the message as the room shows it: a tombstone. */
static problem forget_words(struct tx *tx, const struct dm_message *was)
{
    struct dm_message stone = { .room = was->room, .seq = was->seq, .sender = was->sender, .client_id = was->client_id };

    stone.deleted = true;
    stone.at = was->at;
    return log_rewrite(tx, room_topic(tx->call, was->room), was->seq, &dm_message_event, &stone);
}

problem dm_delete(struct call *c)
{
    const struct dm_delete *in = c->in;
    struct dm_deleted data = { in->room, in->seq };
    struct tx tx TX_SCOPE = { 0 };
    struct dm_message was;
    bool done;
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = dm_message_delete(&tx, in, &was, &done)))
        return p;
    if (!done)
        return PROBLEM(MESSAGE_NOT_FOUND);
    for (size_t i = 0; i < was.image_ids.count; i++)
        if ((p = file_release(&tx, was.image_ids.at[i])))
            return p;
    if ((p = forget_words(&tx, &was)) || (p = tx_announce(&tx, room_topic(c, in->room), &dm_deleted_event, &data)))
        return p;
    return tx_commit(&tx);
}

problem dm_read(struct call *c)
{
    const struct dm_read *in = c->in;
    struct dm_read_mark data = { in->room, c->account, 0 };
    struct tx tx TX_SCOPE = { 0 };
    bool moved;
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = dm_read_mark(&tx, in, &data.upto, &moved)))
        return p;
    if (!moved)
        return check_member(c, in->room); /* read that far already */
    if ((p = tx_announce(&tx, room_topic(c, in->room), &dm_read_event, &data)))
        return p;
    return tx_commit(&tx);
}

problem dm_typing(struct call *c)
{
    const struct dm_typing *in = c->in;
    struct dm_typing_event data = { in->room, c->account };
    struct room r;
    bool found;
    problem p = dm_room_get(store_on_call(c), in->room, c->account, &r, &found);

    if (p)
        return p;
    if (!found)
        return PROBLEM(ROOM_NOT_MEMBER);
    if (!r.open)
        return PROBLEM(ROOM_CLOSED);
    publish_now(c, room_topic(c, in->room), &dm_typing_event, &data);
    return NULL;
}

problem dm_sync(struct call *c)
{
    const struct dm_since *in = c->in;
    struct dm_missed *out = c->out;
    struct missed_topic missed;
    struct room r;
    bool found;
    problem p;

    if ((p = dm_room_get(store_on_call(c), in->room, c->account, &r, &found)))
        return p;
    if (!found)
        return PROBLEM(ROOM_NOT_FOUND);
    missed = (struct missed_topic){ .topic = room_topic(c, in->room), .since = in->since, .head = r.head };
    if ((p = topics_events_since(c, &missed, 1)))
        return p;
    out->complete = missed.complete;
    out->head = r.head;
    out->events.at = missed.events.at;
    out->events.count = missed.events.count;
    return NULL;
}

/* Words and pictures that the other received stay with the other; when both have left, nobody is there to keep them for. */
problem dm_leave(struct tx *tx, int64_t account, bool *more)
{
    struct message_rows were;
    struct text topic;
    int64_t room;
    bool found;
    problem p = dm_room_deserted(tx, account, &room, &found);

    if (p || !found)
        return p;
    *more = true; /* of this room, or another one */
    if ((p = dm_room_empty(tx, room, &were)))
        return p;
    for (size_t i = 0; i < were.count; i++)
        for (size_t k = 0; k < were.at[i].image_ids.count; k++)
            if ((p = file_release(tx, were.at[i].image_ids.at[k])))
                return p;
    if (were.count == LEAVE_MAX)
        return NULL;
    topic = room_topic(tx->call, room);
    return (p = log_drop(tx, &topic, 1)) ? p : dm_room_drop(tx, room);
}

problem dm_topics(struct call *c, struct topic_list *out)
{
    struct room_ids ids;
    problem p = dm_room_ids(c, c->account, &ids);

    for (size_t i = 0; !p && i < ids.count && out->count < TOPIC_LIST_MAX; i++)
        out->at[out->count++] = room_topic(c, ids.at[i].room);
    return p;
}
