#include "video_seat.h"

#include "madang/config.h"
#include "madang/hub.h"
#include "madang/keeper.h"
#include "madang/log.h"
#include "madang/map.h"
#include "madang/metric.h"

#define KEEP_MS_MAX 3000
#define KEEP_BATCH 500
#define TASK_MS 5000

#define ON "video:{room}:{peer}:{join}"
const struct event_def video_joined_event = { "video.peer-joined", &video_arrival_shape, ON, false,
                                              "Somebody came, or came back." },
                       video_away_event = { "video.peer-away", &video_peer_ref_shape, ON, false,
                                            "Somebody's socket is gone; the place is kept for a while." },
                       video_left_event = { "video.peer-left", &video_departure_shape, ON, false, "Somebody's place is free." },
                       video_signal_event = { "video.signal", &video_signalled_shape, ON, false, "From the browser of another." },
                       video_closed_event = { "video.closed", &video_closed_shape, ON, false, "The room is closed to me." };

/* A place whose socket is here. */
struct here {
    struct map_node node; /* by socket */
    uint64_t socket;
    int64_t account, joins;
    size_t topic_len;
    char code[ROOM_LEN], topic[TOPIC_NAME_MAX];
};

static struct map seats;
static bool stopping;

struct text video_seat_topic(struct arena *a, struct text code, const struct seat *s)
{
    return arena_printf(a, "video:%.*s:%.*s:%lld", TEXT_ARG(code), TEXT_ARG(s->peer), (long long)s->joins);
}

static struct here *here_find(uint64_t socket)
{
    struct map_node *n = map_find(&seats, (struct text){ (const char *)&socket, sizeof socket });

    return n ? CONTAINER_OF(n, struct here, node) : NULL;
}

static struct text here_code(const struct here *h)
{
    return (struct text){ h->code, ROOM_LEN };
}

static struct text here_topic(const struct here *h)
{
    return (struct text){ h->topic, h->topic_len };
}

static void here_end(struct here *h)
{
    hub_leave(h->socket, here_topic(h));
    map_remove(&seats, &h->node);
    metric_set(METRIC_VIDEO_SEATS, (int64_t)seats.count);
    free(h);
}

/* --- telling ---------------------------------------------------------------------------------------------------------- */
static void tell_others(struct call *c, const struct room *r, const struct seat *but, const struct event_def *e, const void *data)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->seats[i].account != but->account)
            publish_now(c, video_seat_topic(c->arena, r->code, &r->seats[i]), e, data);
}

void video_tell_arrival(struct call *c, const struct room *r, const struct seat *who)
{
    struct video_arrival data = { r->code, { who->peer, who->page, who->account == r->host, false }, who->joins > 1 };

    for (size_t i = 0; i < r->count; i++) {
        data.peer.polite = r->seats[i].order > who->order;
        if (&r->seats[i] != who)
            publish_now(c, video_seat_topic(c->arena, r->code, &r->seats[i]), &video_joined_event, &data);
    }
}

void video_tell_departure(struct call *c, const struct room *before, const struct seat *who, enum leaving why)
{
    struct video_departure data = { before->code, who->peer, { (int)why } };

    if (who->account == before->host)
        video_tell_closed(c, before, who, CLOSING_HOST_LEFT);
    else
        tell_others(c, before, who, &video_left_event, &data);
}

static struct here *here_of(struct text code, int64_t account, int64_t joins)
{
    for (struct map_node *n = map_next(&seats, NULL); n; n = map_next(&seats, n)) {
        struct here *h = CONTAINER_OF(n, struct here, node);

        if (h->account == account && h->joins == joins && text_is(here_code(h), code))
            return h;
    }
    return NULL;
}

/* A place that is no longer so. The node that has its socket tells it, and lets go of it. */
static void end_here(struct call *c, struct text code, int64_t account, int64_t joins, enum closing why)
{
    struct video_closed data = { code, { (int)why } };
    struct here *h = here_of(code, account, joins);

    if (!h)
        return;
    hub_tell_socket(h->socket, &video_closed_event, here_topic(h), shape_text(&video_closed_shape, &data, c->arena));
    here_end(h);
}

struct seat_closed {
    struct text code;
    int64_t account, joins;
    struct word why;
};
static const struct field seat_closed_fields[] = {
    FIELD(struct seat_closed, code),
    FIELD(struct seat_closed, account),
    FIELD(struct seat_closed, joins),
    FIELD(struct seat_closed, why, .words = &video_closings),
};
static const struct shape seat_closed_shape = SHAPE("VideoSeatClosed", struct seat_closed, seat_closed_fields);

static void told_closed(struct call *c, const void *data)
{
    const struct seat_closed *s = data;

    end_here(c, s->code, s->account, s->joins, (enum closing)s->why.value);
}
const struct word_def video_seat_words[1] = { { "closed", &seat_closed_shape, told_closed } };

void video_tell_closed_one(struct call *c, struct text code, const struct seat *whom, enum closing why)
{
    struct seat_closed data = { code, whom->account, whom->joins, { (int)why } };

    end_here(c, code, whom->account, whom->joins, why);
    hub_tell_nodes("video", &video_seat_words[0], &data);
}

void video_tell_closed(struct call *c, const struct room *r, const struct seat *but, enum closing why)
{
    for (size_t i = 0; i < r->count; i++)
        if (!but || r->seats[i].account != but->account)
            video_tell_closed_one(c, r->code, &r->seats[i], why);
}

/* --- having a place --------------------------------------------------------------------------------------------------- */
void video_seat_hold(struct call *c, struct text code, const struct seat *s)
{
    struct text topic = video_seat_topic(c->arena, code, s);
    struct here *h = must_zalloc(sizeof *h);

    CHECK(code.len == ROOM_LEN && topic.len <= sizeof h->topic && !here_find(c->socket));
    *h = (struct here){ .socket = c->socket, .account = s->account, .joins = s->joins, .topic_len = topic.len };
    memcpy(h->code, code.at, ROOM_LEN);
    memcpy(h->topic, topic.at, topic.len);
    map_add(&seats, &h->node, (struct text){ (const char *)&h->socket, sizeof h->socket });
    metric_set(METRIC_VIDEO_SEATS, (int64_t)seats.count);
}

problem video_seat_mine(struct call *c, struct text code, struct room *out, const struct seat **mine)
{
    const struct here *h = here_find(c->socket);
    bool found;
    problem p;

    if (!h || !text_is(here_code(h), code))
        return PROBLEM(VIDEO_NOT_IN);
    if ((p = video_room(c, code, out, &found)))
        return p;
    *mine = found ? video_room_seat(out, c->account) : NULL;
    h = here_find(c->socket); /* it may have ended meanwhile */
    return *mine && h && (*mine)->joins == h->joins ? NULL : PROBLEM(VIDEO_NOT_IN);
}

bool video_seat_is_in(uint64_t socket, struct text code)
{
    const struct here *h = here_find(socket);

    return h && text_is(here_code(h), code);
}

void video_seat_forget(uint64_t socket)
{
    struct here *h = here_find(socket);

    if (h)
        here_end(h);
}

problem video_seat_give_up(struct call *c)
{
    struct here *h = here_find(c->socket);
    struct room before;
    struct text code;
    int64_t joins;
    bool left;
    problem p;

    if (!h)
        return NULL;
    code = arena_text(c->arena, here_code(h));
    joins = h->joins;
    here_end(h);
    p = video_seat_leave(c, code, c->account, joins, &before, &left);
    if (!p && left)
        video_tell_departure(c, &before, video_room_seat(&before, c->account), LEAVING_LEFT);
    return p;
}

/* --- a socket goes: the place is kept for the whole grace, and the others learn that they have to wait --------------------- */
struct going {
    int64_t account, joins;
    char code[ROOM_LEN];
};

static problem say_away(struct call *c, const struct going *g)
{
    struct text code = { g->code, ROOM_LEN };
    struct kept_seat kept = { .code = code, .account = g->account, .joins = g->joins };
    struct lapsed_seats lapsed = { .count = 0 };
    struct video_peer_ref data = { .room = code };
    const struct seat *s;
    struct room r;
    bool found;
    problem p;

    if ((p = video_seats_keep(c, &kept, 1, &lapsed)) || (p = video_room(c, code, &r, &found)) || !found)
        return p;
    s = video_room_seat(&r, g->account);
    if (!s || s->joins != g->joins) /* it is back already, by another socket */
        return NULL;
    data.peer = s->peer;
    tell_others(c, &r, s, &video_away_event, &data);
    return NULL;
}

static void run_away(struct task *t, void *arg)
{
    struct going *g = arg;
    struct arena a;
    struct call c;
    problem p;

    arena_init(&a, 1 << 20);
    c = call_of_our_own(t, &a, "video.away");
    if ((p = say_away(&c, g))) /* the lease lapses by itself */
        log_info("video", "a place was left: %s", p->code);
    arena_fini(&a);
    free(g);
}

void video_seats_closed(uint64_t socket)
{
    struct here *h = here_find(socket);
    struct going *g;

    if (!h)
        return;
    if (!stopping) {
        g = must_alloc(sizeof *g);
        *g = (struct going){ .account = h->account, .joins = h->joins };
        memcpy(g->code, h->code, ROOM_LEN);
        task_start("video.away", clock_ms() + TASK_MS, run_away, g);
    }
    here_end(h);
}

/* --- the keeper ------------------------------------------------------------------------------------------------------- */
static struct kept_seat *all_here(struct call *c, size_t *count)
{
    struct kept_seat *out = arena_array(c->arena, struct kept_seat, seats.count);

    *count = 0;
    for (struct map_node *n = map_next(&seats, NULL); n; n = map_next(&seats, n)) {
        const struct here *h = CONTAINER_OF(n, struct here, node);

        out[(*count)++] = (struct kept_seat){ arena_text(c->arena, here_code(h)), h->account, h->joins, false };
    }
    return out;
}

static problem end_lapsed(struct call *c, struct text code, int64_t account)
{
    struct room before;
    bool left;
    problem p = video_seat_lapse(c, code, account, &before, &left);

    if (!p && left)
        video_tell_departure(c, &before, video_room_seat(&before, account), LEAVING_LOST);
    return p;
}

static void keep_once(struct call *c)
{
    struct lapsed_seats lapsed = { .count = 0 };
    size_t count, done = 0;
    struct kept_seat *kept = all_here(c, &count);

    do {
        size_t some = count - done < KEEP_BATCH ? count - done : KEEP_BATCH;

        if (video_seats_keep(c, kept + done, some, &lapsed))
            return;
        done += some;
    } while (done < count);
    for (size_t i = 0; i < count; i++)
        if (kept[i].lost)
            end_here(c, kept[i].code, kept[i].account, kept[i].joins, CLOSING_GONE);
    for (size_t i = 0; i < lapsed.count; i++)
        if (end_lapsed(c, lapsed.at[i].code, lapsed.at[i].account))
            return;
}

static uint64_t keep(struct call *c)
{
    int64_t third = config->video_grace_ms / 3;

    keep_once(c);
    return (uint64_t)(third < KEEP_MS_MAX ? third : KEEP_MS_MAX);
}
static struct keeper keeper = { .name = "video.keep", .round = keep };

void video_seats_start(void)
{
    stopping = false;
    keeper_start(&keeper);
}

void video_seats_stop(void)
{
    stopping = true;
    keeper_stop(&keeper);
}

void video_seats_free(void)
{
    CHECK(seats.count == 0);
    map_fini(&seats);
}
