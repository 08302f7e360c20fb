/* Consultation rooms: the table of their calls. The daemon knows who is in a room and carries signals between them; what they
 * say and show goes from browser to browser. */
#include "madang/calls.h"

#include "madang/accounts.h"
#include "madang/config.h"
#include "madang/hub.h"
#include "madang/password.h"
#include "madang/random.h"
#include "video_ice.h"
#include "video_seat.h"

#define PASSWORD_LEN 8

/* Without the letters and digits that are taken for each other. */
static struct text random_code(struct arena *a, size_t len)
{
    static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
    char *out = arena_alloc(a, len + 1);

    for (size_t i = 0; i < len; i++)
        out[i] = letters[random_below(sizeof letters - 1)];
    return (struct text){ out, len };
}

static problem video_open(struct call *c)
{
    const struct video_open *in = c->in;
    struct video_opened *out = c->out;
    struct room r = { .host = c->account, .title = in->title.value };
    bool made = false;
    problem p;

    out->password = in->password.is == PRESENT ? in->password.value : random_code(c->arena, PASSWORD_LEN);
    if ((p = password_hash(c->task, c->arena, out->password, &r.password)))
        return p;
    while (!made) {
        r.code = random_code(c->arena, ROOM_LEN);
        if ((p = video_room_open(c, &r, &made)))
            return p;
    }
    out->room = r.code;
    out->path = arena_join(c->arena, T("/video/"), r.code);
    out->expires.us = clock_wall().us + config->video_room_s * 1000000;
    return NULL;
}

/* Whether the caller may enter. Whoever asks learns the same, after the same time, of a room that is not there and of a password
 * that is another. */
static problem admit(struct call *c, struct text code, struct opt_text password, struct room *r)
{
    bool found, ok, old;
    problem p = video_room(c, code, r, &found);

    if (p)
        return p;
    if (found && (r->host == c->account || video_room_seat(r, c->account)))
        return NULL;
    if (password.is != PRESENT)
        return PROBLEM(VIDEO_NOT_FOUND);
    if ((p = video_try(c, code)) || (p = password_check(c->task, password.value, found ? r->password : T(""), &ok, &old)))
        return p;
    if (!ok)
        return PROBLEM(VIDEO_NOT_FOUND);
    video_tries_forget(c, code);
    return NULL;
}

static bool is_full(const struct room *r, int64_t account)
{
    size_t guests = r->count - (video_room_seat(r, r->host) != NULL);

    return account != r->host && !video_room_seat(r, account) && guests >= (size_t)config->video_max_peers - 1;
}

static problem video_check(struct call *c)
{
    const struct video_try *in = c->in;
    struct room r;
    problem p = admit(c, in->room, in->password, &r);

    if (p)
        return p;
    *(struct video_checked *)c->out = (struct video_checked){ r.title, r.host == c->account, is_full(&r, c->account) };
    return NULL;
}

static void show_ice(struct call *c, const struct seat *mine, struct ice_config *out)
{
    video_ice_make(c->arena, mine->peer, clock_wall_seconds(), out);
}

static void show_joined(struct call *c, const struct room *r, const struct seat *mine)
{
    struct video_joined *out = c->out;

    *out = (struct video_joined){ .title = r->title, .peer = mine->peer, .host = r->host == c->account };
    out->peers.at = arena_array(c->arena, struct video_peer, PEERS_MAX);
    for (size_t i = 0; i < r->count; i++) {
        const struct seat *s = &r->seats[i];

        if (s != mine)
            out->peers.at[out->peers.count++] =
                (struct video_peer){ s->peer, s->page, s->account == r->host, mine->order > s->order };
    }
    show_ice(c, mine, &out->ice);
}

/* Who was not told that he has a place has none here; in the room its lease lapses. */
static void unhear(struct call *c, void *arg)
{
    (void)arg;
    video_seat_forget(c->socket);
}

/* The socket hears what is meant for this place; what comes meanwhile follows the reply. */
static problem hear(struct call *c, const struct room *r, const struct seat *mine)
{
    problem p = hub_follow(c, video_seat_topic(c->arena, r->code, mine));

    if (p)
        return p;
    video_seat_hold(c, r->code, mine);
    call_after(c, NULL, unhear, NULL);
    return NULL;
}

static problem video_join(struct call *c)
{
    const struct video_join *in = c->in;
    const struct seat *mine;
    struct seat before;
    struct room r;
    problem p;

    if ((p = admit(c, in->room, in->password, &r)))
        return p;
    if (!video_seat_is_in(c->socket, in->room) && (p = video_seat_give_up(c)))
        return p;
    if ((p = video_seat_take(c, in->room, random_code(c->arena, PEER_LEN), in->page, &r)))
        return p;
    mine = video_room_seat(&r, c->account);
    before = *mine;
    before.joins--;
    video_seat_forget(c->socket);
    if ((p = hear(c, &r, mine)))
        return p;
    if (before.joins)
        video_tell_closed_one(c, r.code, &before, CLOSING_MOVED);
    video_tell_arrival(c, &r, mine);
    show_joined(c, &r, mine);
    return NULL;
}

static problem video_ice(struct call *c)
{
    const struct seat *mine;
    struct room r;
    problem p = video_seat_mine(c, ((const struct video_room_ref *)c->in)->room, &r, &mine);

    if (!p)
        show_ice(c, mine, c->out);
    return p;
}

static problem video_leave(struct call *c)
{
    if (!video_seat_is_in(c->socket, ((const struct video_room_ref *)c->in)->room))
        return PROBLEM(VIDEO_NOT_IN);
    return video_seat_give_up(c);
}

static problem video_signal(struct call *c)
{
    const struct video_signal *in = c->in;
    const struct seat *mine, *to;
    struct room r;
    problem p;

    if ((p = video_seat_mine(c, in->room, &r, &mine)))
        return p;
    to = video_room_peer(&r, in->to);
    if (!to || to == mine)
        return PROBLEM(VIDEO_NO_PEER);
    publish_now(c, video_seat_topic(c->arena, r.code, to), &video_signal_event,
                &(struct video_signalled){ r.code, mine->peer, mine->page, in->description, in->candidate });
    return NULL;
}

/* The room, if the caller is its host. */
static problem my_room(struct call *c, struct text code, struct room *r)
{
    bool found;
    problem p = video_room(c, code, r, &found);

    if (p)
        return p;
    if (found && r->host == c->account)
        return NULL;
    return found && video_room_seat(r, c->account) ? PROBLEM(VIDEO_NOT_HOST) : PROBLEM(VIDEO_NOT_FOUND);
}

static problem video_close(struct call *c)
{
    struct text code = ((const struct video_room_ref *)c->in)->room;
    struct room r;
    bool left;
    problem p;

    if ((p = my_room(c, code, &r)) || (p = video_room_close(c, code, c->account, &r, &left)))
        return p;
    if (!left)
        return PROBLEM(VIDEO_NOT_FOUND);
    video_tell_closed(c, &r, NULL, CLOSING_CLOSED);
    return NULL;
}

static problem video_kick(struct call *c)
{
    const struct video_peer_ref *in = c->in;
    const struct seat *whom;
    struct room r, before;
    bool left;
    problem p;

    if ((p = my_room(c, in->room, &r)))
        return p;
    whom = video_room_peer(&r, in->peer);
    if (!whom || whom->account == r.host)
        return PROBLEM(VIDEO_NO_PEER);
    if ((p = video_seat_kick(c, in->room, whom->account, &before, &left)) || !left)
        return p ? p : PROBLEM(VIDEO_NO_PEER);
    whom = video_room_seat(&before, whom->account);
    video_tell_closed_one(c, in->room, whom, CLOSING_KICKED);
    video_tell_departure(c, &before, whom, LEAVING_KICKED);
    return NULL;
}

/* clang-format off */
#define ROOM "/api/v1/video/rooms/{room}"
static const struct call_def calls[] = {
    { .name = "video.open", .rest = POST("/api/v1/video/rooms"), .who = WHO_MEMBER, .in = &video_open_shape,
      .out = &video_opened_shape, .run = video_open, .status = 201, .shed = SHED_AT_SOFT,
      .limits = { PER_ACCOUNT(10, MINUTES(10)) },
      .says = "Opens a consultation room of mine. Who joins needs its code and password." },
    { .name = "video.check", .rest = POST(ROOM "/check"), .who = WHO_GUEST, .in = &video_try_shape, .out = &video_checked_shape,
      .run = video_check, .limits = { PER_ADDRESS(60, MINUTES(1)) }, .problems = { PROBLEM(VIDEO_NOT_FOUND) },
      .says = "Whether a room would let me in; a wrong password counts as a try." },
    { .name = "video.join", .doors = SOCKET_ONLY, .who = WHO_GUEST, .in = &video_join_shape, .out = &video_joined_shape,
      .run = video_join, .limits = { PER_ACCOUNT(30, MINUTES(1)), PER_ADDRESS(60, MINUTES(1)) },
      .problems = { PROBLEM(VIDEO_NOT_FOUND), PROBLEM(VIDEO_FULL), PROBLEM(VIDEO_KICKED) },
      .says = "Takes a place in a room, or comes back to mine. "
              "From then on this socket hears of the room, and no other of mine." },
    { .name = "video.ice", .doors = SOCKET_ONLY, .who = WHO_GUEST, .in = &video_room_ref_shape, .out = &video_ice_config_shape,
      .run = video_ice, .limits = { PER_ACCOUNT(30, MINUTES(1)) }, .problems = { PROBLEM(VIDEO_NOT_IN) },
      .says = "Fresh credentials for the TURN servers." },
    { .name = "video.signal", .doors = SOCKET_ONLY, .who = WHO_GUEST, .in = &video_signal_shape, .run = video_signal,
      .limits = { PER_ACCOUNT(200, SECONDS(10)) }, .problems = { PROBLEM(VIDEO_NOT_IN), PROBLEM(VIDEO_NO_PEER) },
      .says = "To the browser of another in the room: a session description, or a candidate." },
    { .name = "video.leave", .doors = SOCKET_ONLY, .who = WHO_GUEST, .in = &video_room_ref_shape, .run = video_leave,
      .problems = { PROBLEM(VIDEO_NOT_IN) }, .says = "Gives my place up. When the host leaves, the room is closed." },
    { .name = "video.close", .rest = DELETE(ROOM), .who = WHO_MEMBER, .in = &video_room_ref_shape, .run = video_close,
      .problems = { PROBLEM(VIDEO_NOT_FOUND), PROBLEM(VIDEO_NOT_HOST) }, .says = "Closes my room." },
    { .name = "video.kick", .rest = DELETE(ROOM "/peers/{peer}"), .who = WHO_MEMBER, .in = &video_peer_ref_shape,
      .run = video_kick, .problems = { PROBLEM(VIDEO_NOT_FOUND), PROBLEM(VIDEO_NOT_HOST), PROBLEM(VIDEO_NO_PEER) },
      .says = "Sends somebody out of my room, not to come back with this account." },
};
/* clang-format on */

struct left_host {
    int64_t account;
};
static const struct field left_fields[] = { FIELD(struct left_host, account) };
static const struct shape left_shape = SHAPE("VideoLeftHost", struct left_host, left_fields);

/* Redis is asked when the account is gone for certain. */
static problem leave(struct tx *tx, int64_t account, bool *more)
{
    struct left_host data = { account };

    (void)more;
    return tx->call->account == account ? job_add(tx, "video.left", &data, .key = topic_of(tx->call->arena, "account", account))
                                        : NULL;
}

static problem close_rooms_of(struct call *c, const void *payload)
{
    int64_t account = ((const struct left_host *)payload)->account;
    struct room_codes codes;
    problem p = video_rooms_of(c, account, &codes);

    for (size_t i = 0; !p && i < codes.count; i++) {
        struct room r;
        bool left;

        if (!(p = video_room_close(c, codes.at[i], account, &r, &left)) && left)
            video_tell_closed(c, &r, NULL, CLOSING_CLOSED);
    }
    return p ? p : video_rooms_forget(c, account);
}

static const struct job_def jobs[] = { { .kind = "video.left", .payload = &left_shape, .run = close_rooms_of } };

static void start(void)
{
    static struct leave_hook leaving = { .leave = leave };

    account_leave_hook_add(&leaving);
    video_seats_start();
}

static const struct event_def *const events[] = { &video_joined_event, &video_away_event, &video_left_event, &video_signal_event,
                                                  &video_closed_event };

const struct feature video_feature = {
    .name = "video",
    .calls = LIST(calls),
    .events = LIST(events),
    .check = video_ice_check,
    .jobs = LIST(jobs),
    .start = start,
    .stop = video_seats_stop,
    .free = video_seats_free,
    .words = LIST(video_seat_words),
    .closed = video_seats_closed,
};
