#include "video_lease.h"

#include "madang/config.h"
#include "madang/lease.h"

#define TRIES_MS ((int64_t)600000)

static struct script open_script = SCRIPT("video_open.lua"), join_script = SCRIPT("video_join.lua"),
                     leave_script = SCRIPT("video_leave.lua"), keep_script = SCRIPT("video_keep.lua"),
                     try_script = SCRIPT("video_try.lua");

static struct text room_key(struct call *c, struct text code)
{
    return redis_key(c->arena, "video:room:%.*s", TEXT_ARG(code));
}

static struct text seats_key(struct call *c)
{
    return redis_key(c->arena, "video:seats");
}

const struct seat *video_room_seat(const struct room *r, int64_t account)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->seats[i].account == account)
            return &r->seats[i];
    return NULL;
}

const struct seat *video_room_peer(const struct room *r, struct text peer)
{
    for (size_t i = 0; i < r->count; i++)
        if (text_is(r->seats[i].peer, peer))
            return &r->seats[i];
    return NULL;
}

/* "seat:ACCOUNT" and "name order joins page" */
static bool read_seat(struct text field, struct text value, struct seat *out)
{
    struct text order, joins;

    out->peer = text_cut(value, ' ', &value);
    order = text_cut(value, ' ', &value);
    joins = text_cut(value, ' ', &out->page);
    return out->peer.len == PEER_LEN && out->page.len <= PAGE_LEN_MAX && text_skip(&field, T("seat:")) &&
           text_to_i64(field, &out->account) && text_to_i64(order, &out->order) && text_to_i64(joins, &out->joins);
}

static const struct field room_fields[] = {
    FIELD(struct room, host, .optional = true),
    FIELD(struct room, title, .optional = true),
    FIELD(struct room, password, .optional = true),
};
static const struct shape room_shape = SHAPE("VideoRoomKept", struct room, room_fields);

/* *found false: there is no room in it. */
static problem read_room(struct call *c, const struct redis_value *all, struct text code, struct room *out, bool *found)
{
    problem p = redis_decode(&room_shape, c->arena, all, out);

    out->code = code;
    *found = !p && out->host != 0;
    for (size_t i = 0; *found && i + 1 < all->count && out->count < PEERS_MAX; i += 2)
        if (read_seat(all->at[i].text, all->at[i + 1].text, &out->seats[out->count]))
            out->count++;
    return p;
}

problem video_room(struct call *c, struct text code, struct room *out, bool *found)
{
    struct redis_value all = { 0 };
    problem p = redis_do(c, &all, T("HGETALL"), room_key(c, code));

    *found = false;
    return p ? p : read_room(c, &all, code, out, found);
}

/* Codes that a host has opened rooms by; kept for longer than any room that its host does not come to. */
static struct text hosted_key(struct call *c, int64_t host)
{
    return redis_key(c->arena, "video:hosted:%lld", (long long)host);
}

problem video_rooms_of(struct call *c, int64_t host, struct room_codes *out)
{
    struct redis_value got = { 0 };
    problem p = redis_do(c, &got, T("SMEMBERS"), hosted_key(c, host));

    out->at = arena_array(c->arena, struct text, got.count);
    out->count = p ? 0 : got.count;
    for (size_t i = 0; i < out->count; i++)
        out->at[i] = got.at[i].text;
    return p;
}

problem video_rooms_forget(struct call *c, int64_t host)
{
    struct redis_value out;

    return redis_do(c, &out, T("DEL"), hosted_key(c, host));
}

problem video_room_open(struct call *c, const struct room *r, bool *made)
{
    struct redis_value out = { 0 };
    problem p = script_run(c, &open_script, VALUES(room_key(c, r->code), hosted_key(c, r->host)),
                           VALUES(r->host, r->title, r->password, config->video_room_s * 1000, r->code), &out);

    *made = out.number == 1;
    return p;
}

/* What came of a join. */
enum coming { CAME_NONE, CAME_KICKED, CAME_FULL, CAME_DONE };
static const char *const coming_names[] = { "none", "kicked", "full", "done" };
static const struct words comings = WORDS(coming_names);
struct came {
    struct word came;
};
static const struct field came_fields[] = { FIELD(struct came, came, .words = &comings) };
static const struct shape came_shape = SHAPE("VideoCame", struct came, came_fields);

problem video_seat_take(struct call *c, struct text code, struct text peer, struct text page, struct room *out)
{
    struct redis_value got = { 0 };
    const struct redis_value *room;
    struct came came;
    bool found = false;
    problem p = script_run(
        c, &join_script, VALUES(room_key(c, code), seats_key(c)),
        VALUES(code, c->account, peer, page, config->video_max_peers - 1, config->video_grace_ms, config->video_room_s * 1000),
        &got);

    if (p || (p = redis_decode(&came_shape, c->arena, &got, &came)))
        return p;
    if (came.came.value == CAME_FULL)
        return PROBLEM(VIDEO_FULL);
    if (came.came.value == CAME_KICKED)
        return PROBLEM(VIDEO_KICKED);
    if ((room = redis_member(&got, "room")) && (p = read_room(c, room, code, out, &found)))
        return p;
    return found ? NULL : PROBLEM(VIDEO_NOT_FOUND);
}

static problem leave(struct call *c, struct text code, int64_t account, struct text how, struct room *before, bool *left)
{
    struct redis_value all = { 0 };
    problem p = script_run(c, &leave_script, VALUES(room_key(c, code), seats_key(c)), VALUES(code, account, how), &all);

    *left = false;
    return p ? p : read_room(c, &all, code, before, left);
}

problem video_seat_leave(struct call *c, struct text code, int64_t account, int64_t joins, struct room *before, bool *left)
{
    char digits[24];

    return leave(c, code, account, text_i64(joins, digits), before, left);
}

problem video_seat_lapse(struct call *c, struct text code, int64_t account, struct room *before, bool *left)
{
    return leave(c, code, account, T("lapsed"), before, left);
}

problem video_seat_kick(struct call *c, struct text code, int64_t account, struct room *before, bool *left)
{
    return leave(c, code, account, T("kicked"), before, left);
}

problem video_room_close(struct call *c, struct text code, int64_t host, struct room *before, bool *left)
{
    return leave(c, code, host, T("closed"), before, left);
}

struct kept {
    LIST_OF(int64_t) lost; /* from 1 */
    LIST_OF(struct text) lapsed;
};
static const struct field kept_fields[] = { FIELD_LIST(struct kept, lost), FIELD_LIST(struct kept, lapsed) };
static const struct shape kept_shape = SHAPE("VideoSeatsKept", struct kept, kept_fields);

/* "code:account" */
static void read_lapsed(struct call *c, const struct kept *all, struct lapsed_seats *out)
{
    out->count = 0;
    out->at = arena_alloc(c->arena, all->lapsed.count * sizeof *out->at);
    for (size_t i = 0; i < all->lapsed.count; i++) {
        struct text account;

        out->at[out->count].code = text_cut(all->lapsed.at[i], ':', &account);
        if (text_to_i64(account, &out->at[out->count].account))
            out->count++;
    }
}

problem video_seats_keep(struct call *c, struct kept_seat *seats, size_t count, struct lapsed_seats *lapsed)
{
    struct value *keys = arena_array(c->arena, struct value, 2 + count),
                 *args = arena_array(c->arena, struct value, 3 + 3 * count);
    struct redis_value out = { 0 };
    struct kept kept;
    problem p;

    keys[0] = value_text(seats_key(c));
    keys[1] = value_text(redis_key(c->arena, "video:kept"));
    args[0] = value_i64(config->video_grace_ms);
    args[1] = value_i64(config->video_room_s * 1000);
    args[2] = value_i64(LAPSED_MAX);
    for (size_t i = 0; i < count; i++) {
        keys[2 + i] = value_text(room_key(c, seats[i].code));
        args[3 + 3 * i] = value_text(seats[i].code);
        args[4 + 3 * i] = value_i64(seats[i].account);
        args[5 + 3 * i] = value_i64(seats[i].joins);
    }
    p = script_run(c, &keep_script, (struct values){ keys, 2 + count }, (struct values){ args, 3 + 3 * count }, &out);
    if (p || (p = redis_decode(&kept_shape, c->arena, &out, &kept)))
        return p;
    for (size_t i = 0; i < kept.lost.count; i++)
        if (kept.lost.at[i] >= 1 && kept.lost.at[i] <= (int64_t)count)
            seats[kept.lost.at[i] - 1].lost = true;
    read_lapsed(c, &kept, lapsed);
    return NULL;
}

static struct text tries_key(struct call *c, struct text code)
{
    struct text from = call_network(c);

    return redis_key(c->arena, "video:tries:%.*s:%.*s", TEXT_ARG(code), TEXT_ARG(from));
}

problem video_try(struct call *c, struct text code)
{
    struct redis_value wait = { 0 };
    problem p = script_run(c, &try_script, VALUES(tries_key(c, code)), VALUES(config->video_password_tries, TRIES_MS), &wait);

    if (p || wait.number == 0)
        return p;
    return call_retry_after(c, PROBLEM(RATE_LIMITED), (wait.number + 999) / 1000);
}

void video_tries_forget(struct call *c, struct text code)
{
    (void)redis_send(VALUES(T("DEL"), tries_key(c, code)));
}
