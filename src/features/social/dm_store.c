/* Rooms and messages. */
#include "social_store.h"

struct opened_room {
    int64_t room;
    bool made;
};
static const struct field opened_room_fields[] = { FIELD(struct opened_room, room), FIELD(struct opened_room, made) };
static const struct shape opened_room_shape = SHAPE("DmOpenedRoom", struct opened_room, opened_room_fields);

#define MESSAGE "m.room, m.seq, m.sender, m.client_id, m.body, m.deleted, m.at, to_json(m.images) as image_ids"

static const struct statement room_open = {
    .name = "dm_room_open",
    .lane = LANE_TX,
    .row = &opened_room_shape,
    .sql = "insert into dm_rooms as r (low, high) values (least($1::bigint, $2::bigint), greatest($1::bigint, $2::bigint))"
           " on conflict on constraint dm_rooms_pair do update set low = r.low"
           " returning r.id as room, r.xmax = 0 as made"
};

/* $1 is the account that asks. */
#define ROOM                                                                                                         \
    "select r.id as room, coalesce(t.head, 0) as head,"                                                              \
    " case when r.low = $1 then r.low_read else r.high_read end as read,"                                            \
    " case when r.low = $1 then r.high_read else r.low_read end as other_read,"                                      \
    " (select count(*) from dm_messages m where m.room = r.id and not m.deleted and m.sender <> $1"                  \
    "   and m.seq > case when r.low = $1 then r.low_read else r.high_read end) as unread,"                           \
    " c.id as other_account, c.nickname as other_nickname, c.avatar as other_avatar, c.departed as other_departed,"  \
    " exists (select 1 from friendships f where f.low = r.low and f.high = r.high and f.state = 'friends') as open," \
    " (select row_to_json(l) from (select " MESSAGE                                                                  \
    " from dm_messages m where m.room = r.id and m.seq = r.last_message) l) as last,"                                \
    " r.last_at from dm_rooms r left join topics t on t.topic = 'room:' || r.id"                                     \
    " join account_cards c on c.id = case when r.low = $1 then r.high else r.low end"
static const struct statement room_get = {
    .name = "dm_room", .lane = LANE_READ, .row = &dm_room_row_shape, .sql = ROOM " where r.id = $2 and $1 in (r.low, r.high)"
};
static const struct statement rooms = {
    .name = "dm_rooms",
    .lane = LANE_READ,
    .row = &dm_room_row_shape,
    .rows_max = 101,
    .sql = ROOM " where $1 in (r.low, r.high) and ($2::timestamptz is null or (r.last_at, r.id) < ($2, $3::bigint))"
                " order by r.last_at desc, r.id desc limit $4"
};
static const struct statement room_ids = {
    .name = "dm_room_ids",
    .lane = LANE_READ,
    .row = &dm_room_ref_shape,
    .rows_max = 200,
    .sql = "select id as room from dm_rooms where $1 in (low, high) order by last_at desc, id desc limit 200"
};

/* Race-safe in one statement: the topic's row is locked by taking its next number, so numbers are dense and visible in order; a
 * block deletes the friendship, so "still friends" is the only question. Without a row the sender may not. The room is far when
 * a member has 200 that were newer: then a socket of his may be without it (dm_room_ids), and nothing but a message, which is
 * told here, brings it nearer. */
#define NEWER(who)                                                                                             \
    "(select count(*) from (select 1 from dm_rooms x where x.low = room." who " and x.last_at >= room.last_at" \
    "   union all select 1 from dm_rooms x where x.high = room." who " and x.last_at >= room.last_at limit 201) n)"
static const struct statement message_add = {
    .name = "dm_message_add",
    .lane = LANE_TX,
    .row = &dm_message_added_shape,
    .sql = "with room as (select r.id, r.low, r.high, r.last_at from dm_rooms r join friendships f on f.low = r.low and f.high = "
           "r.high"
           "   and f.state = 'friends' where r.id = $1 and $2 in (r.low, r.high) for share of f for no key update of r),"
           " number as (insert into topics (topic, head) select 'room:' || id, 1 from room"
           "   on conflict (topic) do update set head = topics.head + 1 returning head),"
           " m as (insert into dm_messages (room, seq, sender, client_id, body, images)"
           "   select room.id, number.head, $2, $3, $4, $5 from room, number"
           "   returning room, seq, sender, client_id, body, deleted, at, images),"
           " moved as (update dm_rooms set last_message = m.seq, last_at = m.at from m where id = m.room)"
           " select " MESSAGE ", case when room.low = $2 then room.high else room.low end as other,"
           " greatest(" NEWER("low") ", " NEWER("high") ") > 200 as far from m, room"
};
static const struct statement is_shown = {
    .name = "dm_is_shown",
    .lane = LANE_READ,
    .row = &row_bool,
    .sql = "select exists (select 1 from dm_messages m join dm_rooms r on r.id = m.room and $2 in (r.low, r.high)"
           " where m.images @> array[$1::bigint] and m.images <> '{}')"
};
static const struct statement message_sent = {
    .name = "dm_message_sent",
    .lane = LANE_READ,
    .row = &dm_message_row_shape,
    .sql = "select " MESSAGE " from dm_messages m where m.room = $1 and m.sender = $2 and m.client_id = $3"
};
static const struct statement history_before = {
    .name = "dm_history_before",
    .lane = LANE_READ,
    .row = &dm_message_row_shape,
    .rows_max = 101,
    .sql = "select " MESSAGE " from dm_messages m join dm_rooms r on r.id = m.room and $2 in (r.low, r.high)"
           " where m.room = $1 and ($3::bigint is null or m.seq < $3) order by m.seq desc limit $4"
};
static const struct statement history_after = {
    .name = "dm_history_after",
    .lane = LANE_READ,
    .row = &dm_message_row_shape,
    .rows_max = 101,
    .sql = "select " MESSAGE " from dm_messages m join dm_rooms r on r.id = m.room and $2 in (r.low, r.high)"
           " where m.room = $1 and m.seq > $3 order by m.seq limit $4"
};
/* Answers what it was, so that its pictures can be let go. */
static const struct statement message_delete = {
    .name = "dm_message_delete",
    .lane = LANE_TX,
    .row = &dm_message_row_shape,
    .sql = "update dm_messages d set deleted = true, body = '', images = '{}'"
           " from (select "
           "room, seq, sender, client_id, body, deleted, at, images from dm_messages"
           "   where room = $1 and seq = $2 and sender = $3 and not deleted for update) m"
           " where d.room = m.room and d.seq = m.seq returning " MESSAGE
};
static const struct statement read_mark = {
    .name = "dm_read_mark",
    .lane = LANE_TX,
    .row = &row_i64,
    .sql = "update dm_rooms set low_read = case when low = $2 then least($3, last_message) else low_read end,"
           " high_read = case when high = $2 then least($3, last_message) else high_read end"
           " where id = $1 and ((low = $2 and low_read < least($3, last_message)) or (high = $2 and high_read < least($3, "
           "last_message)))"
           " returning case when low = $2 then low_read else high_read end as number"
};

static const struct statement room_deserted = {
    .name = "dm_room_deserted",
    .lane = LANE_TX,
    .row = &row_i64,
    .sql = "select r.id as number from dm_rooms r join account_cards l on l.id = r.low and l.departed"
           " join account_cards h on h.id = r.high and h.departed where $1 in (r.low, r.high) order by r.id limit 1"
};
static const struct statement room_empty = {
    .name = "dm_room_empty",
    .lane = LANE_TX,
    .row = &dm_message_row_shape,
    .rows_max = LEAVE_MAX,
    .sql = "with m as (delete from dm_messages where room = $1 and seq in (select seq from dm_messages where room = $1"
           "   order by seq limit 200) returning *) select " MESSAGE " from m"
};
static const struct statement room_drop = { .name = "dm_room_drop",
                                            .lane = LANE_TX,
                                            .sql = "delete from dm_rooms where id = $1" };

STATEMENT_TABLE(dm_statements, &room_open, &room_get, &rooms, &room_ids, &message_add, &message_sent, &is_shown, &history_before,
                &history_after, &message_delete, &read_mark, &room_deserted, &room_empty, &room_drop);

problem dm_room_open(struct tx *tx, int64_t a, int64_t b, int64_t *room, bool *made)
{
    struct opened_room row = { 0 };
    problem p = store_one(tx, &room_open, VALUES(a, b), &row);

    *room = row.room;
    *made = row.made;
    return p;
}

problem dm_room_get(struct store_on on, int64_t room, int64_t account, struct room *out, bool *found)
{
    return store_maybe(on, &room_get, VALUES(account, room), out, found);
}

problem dm_rooms_of(struct call *c, const struct cursor *from, int64_t most, struct room_list *out)
{
    return store_many(c, &rooms, VALUES(c->account, from->at, from->id, most), &out->rooms);
}

problem dm_room_ids(struct call *c, int64_t account, struct room_ids *out)
{
    return store_many(c, &room_ids, VALUES(account), out);
}

problem dm_message_add(struct tx *tx, const struct dm_send *in, struct dm_message *out, bool *done)
{
    return store_maybe(tx, &message_add, VALUES(in->room, tx->call->account, in->client_id, in->body, ALL_OF(in->images)), out,
                       done);
}

problem dm_is_shown(struct call *c, int64_t file, bool *yes)
{
    return store_one(c, &is_shown, VALUES(file, c->account), yes);
}

problem dm_message_sent(struct call *c, const struct dm_send *in, struct dm_message *out, bool *found)
{
    return store_maybe(c, &message_sent, VALUES(in->room, c->account, in->client_id), out, found);
}

problem dm_history_read(struct call *c, const struct history_page *in, struct history *out)
{
    if (in->after.is == PRESENT)
        return store_many(c, &history_after, VALUES(in->room, c->account, in->after, in->limit + 1), &out->messages);
    return store_many(c, &history_before, VALUES(in->room, c->account, in->before, in->limit + 1), &out->messages);
}

problem dm_message_delete(struct tx *tx, const struct dm_delete *in, struct dm_message *was, bool *done)
{
    return store_maybe(tx, &message_delete, VALUES(in->room, in->seq, tx->call->account), was, done);
}

problem dm_read_mark(struct tx *tx, const struct dm_read *in, int64_t *upto, bool *done)
{
    *upto = 0;
    return store_maybe(tx, &read_mark, VALUES(in->room, tx->call->account, in->seq), upto, done);
}

problem dm_room_deserted(struct tx *tx, int64_t account, int64_t *room, bool *found)
{
    *room = 0;
    return store_maybe(tx, &room_deserted, VALUES(account), room, found);
}

problem dm_room_empty(struct tx *tx, int64_t room, struct message_rows *were)
{
    return store_many(tx, &room_empty, VALUES(room), were);
}

problem dm_room_drop(struct tx *tx, int64_t room)
{
    return store_exec(tx, &room_drop, VALUES(room), NULL);
}
