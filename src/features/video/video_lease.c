#include "video_lease.h"

#include "madang/config.h"
#include "madang/redis.h"

#define TRIES_MS ((int64_t)600000)
#define LAPSED_MAX ((int64_t)50)

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

const struct seat *room_seat(const struct room *r, int64_t account)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->seats[i].account == account)
            return &r->seats[i];
    return NULL;
}

const struct seat *room_peer(const struct room *r, struct text peer)
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
    return text_skip(&field, T("seat:")) && text_to_i64(field, &out->account) && text_to_i64(order, &out->order) &&
           text_to_i64(joins, &out->joins);
}

/* False: there is no room in it. */
static bool read_room(const struct redis_value *all, struct text code, struct room *out)
{
    *out = (struct room){ .code = code };
    for (size_t i = 0; i + 1 < all->count; i += 2) {
        struct text field = all->at[i].text, value = all->at[i + 1].text;

        if (text_is(field, T("host")) && !text_to_i64(value, &out->host))
            return false;
        if (text_is(field, T("title")))
            out->title = value;
        if (text_is(field, T("password")))
            out->password = value;
        if (out->count < PEERS_MAX && read_seat(field, value, &out->seats[out->count]))
            out->count++;
    }
    return out->host != 0;
}

problem lease_room(struct call *c, struct text code, struct room *out, bool *found)
{
    struct redis_value all = { 0 };
    problem p = redis_do(c, &all, T("HGETALL"), room_key(c, code));

    *found = !p && read_room(&all, code, out);
    return p;
}

/* Codes that a host has opened rooms by; kept for longer than any room that its host does not come to. */
static struct text hosted_key(struct call *c, int64_t host)
{
    return redis_key(c->arena, "video:hosted:%lld", (long long)host);
}

problem lease_rooms_of(struct call *c, int64_t host, struct room_codes *out)
{
    struct redis_value got = { 0 };
    problem p = redis_do(c, &got, T("SMEMBERS"), hosted_key(c, host));

    out->at = arena_array(c->arena, struct text, got.count);
    out->count = p ? 0 : got.count;
    for (size_t i = 0; i < out->count; i++)
        out->at[i] = got.at[i].text;
    return p;
}

problem lease_rooms_forget(struct call *c, int64_t host)
{
    struct redis_value out;

    return redis_do(c, &out, T("DEL"), hosted_key(c, host));
}

problem lease_room_open(struct call *c, const struct room *r, bool *made)
{
    struct redis_value out = { 0 };
    problem p = script_run(c, &open_script, VALUES(room_key(c, r->code), hosted_key(c, r->host)),
                           VALUES(r->host, r->title, r->password, config->video_room_s * 1000, r->code), &out);

    *made = out.number == 1;
    return p;
}

problem lease_join(struct call *c, struct text code, struct text peer, struct text page, struct room *out)
{
    struct redis_value got = { 0 };
    struct text how;
    problem p = script_run(
        c, &join_script, VALUES(room_key(c, code), seats_key(c)),
        VALUES(code, c->account, peer, page, config->video_max_peers - 1, config->video_grace_ms, config->video_room_s * 1000),
        &got);

    if (p)
        return p;
    how = got.count ? got.at[0].text : T("none");
    if (text_is(how, T("full")))
        return PROBLEM(VIDEO_FULL);
    if (text_is(how, T("kicked")))
        return PROBLEM(VIDEO_KICKED);
    return got.count == 2 && read_room(&got.at[1], code, out) ? NULL : PROBLEM(VIDEO_NOT_FOUND);
}

static problem leave(struct call *c, struct text code, int64_t account, struct text how, struct room *before, bool *left)
{
    struct redis_value all = { 0 };
    problem p = script_run(c, &leave_script, VALUES(room_key(c, code), seats_key(c)), VALUES(code, account, how), &all);

    *left = !p && read_room(&all, code, before);
    return p;
}

problem lease_leave(struct call *c, struct text code, int64_t account, int64_t joins, struct room *before, bool *left)
{
    char digits[24];

    return leave(c, code, account, text_i64(joins, digits), before, left);
}

problem lease_lapse(struct call *c, struct text code, int64_t account, struct room *before, bool *left)
{
    return leave(c, code, account, T("lapsed"), before, left);
}

problem lease_kick(struct call *c, struct text code, int64_t account, struct room *before, bool *left)
{
    return leave(c, code, account, T("kicked"), before, left);
}

problem lease_close(struct call *c, struct text code, int64_t host, struct room *before, bool *left)
{
    return leave(c, code, host, T("closed"), before, left);
}

static void read_lapsed(struct call *c, const struct redis_value *all, struct lapsed_seats *out)
{
    out->count = 0;
    out->at = arena_alloc(c->arena, all->count * sizeof *out->at);
    for (size_t i = 0; i < all->count; i++) {
        struct text account;

        out->at[out->count].code = text_cut(all->at[i].text, ':', &account);
        if (text_to_i64(account, &out->at[out->count].account))
            out->count++;
    }
}

problem lease_keep(struct call *c, struct kept_seat *seats, size_t count, struct lapsed_seats *lapsed)
{
    struct value *keys = arena_array(c->arena, struct value, 2 + count),
                 *args = arena_array(c->arena, struct value, 3 + 3 * count);
    struct redis_value out = { 0 };
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
    if (p || out.count < 2)
        return p;
    for (size_t i = 0; i < out.at[0].count; i++) {
        int64_t n = out.at[0].at[i].number;

        if (n >= 1 && n <= (int64_t)count)
            seats[n - 1].lost = true;
    }
    read_lapsed(c, &out.at[1], lapsed);
    return NULL;
}

static struct text tries_key(struct call *c, struct text code)
{
    struct text from = call_network(c);

    return redis_key(c->arena, "video:tries:%.*s:%.*s", TEXT_ARG(code), TEXT_ARG(from));
}

problem lease_try(struct call *c, struct text code)
{
    struct redis_value wait = { 0 };
    problem p = script_run(c, &try_script, VALUES(tries_key(c, code)), VALUES(config->video_password_tries, TRIES_MS), &wait);

    if (p || wait.number == 0)
        return p;
    return call_retry_after(c, PROBLEM(RATE_LIMITED), (wait.number + 999) / 1000);
}

void lease_tries_forget(struct call *c, struct text code)
{
    (void)redis_send(VALUES(T("DEL"), tries_key(c, code)));
}
