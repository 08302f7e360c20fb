/* The calls of a socket about itself: opening, renewing, beating, catching up. */
#include "session.h"

#include "hub/hub_parts.h"
#include "limits.h"
#include "madang/calls.h"
#include "madang/config.h"
#include "madang/topics.h"

#define EXPIRES_IN "Seconds until then: no clock of the client's is needed."

struct session_open {
    struct opt_text token;
    struct counts seen;
};
static const struct field open_fields[] = {
    FIELD(struct session_open, token, .len_max = 1024, .secret = true,
          .says = "Access token; not needed when it came as the subprotocol bearer.<token>."),
    FIELD(struct session_open, seen, .optional = true, .list_max = TOPIC_LIST_MAX,
          .says = "Last number seen of each topic: what was missed since follows."),
};
static const struct shape open_shape = SHAPE("SessionOpen", struct session_open, open_fields);

struct session_opened {
    int64_t account;
    struct counts heads;
    struct instant expires;
    int64_t expires_in;
};
static const struct field opened_fields[] = {
    FIELD(struct session_opened, account),
    FIELD(struct session_opened, heads, .list_max = TOPIC_LIST_MAX, .says = "Newest number of each topic joined."),
    FIELD(struct session_opened, expires, .says = "When the access token ends: session.renew before."),
    FIELD(struct session_opened, expires_in, .min = 0, .says = EXPIRES_IN),
};
static const struct shape opened_shape = SHAPE("SessionOpened", struct session_opened, opened_fields);

struct session_renew {
    struct text token;
};
static const struct field renew_fields[] = { FIELD(struct session_renew, token, .len_max = 1024, .secret = true) };
static const struct shape renew_shape = SHAPE("SessionRenew", struct session_renew, renew_fields);
struct session_renewed {
    struct instant expires;
    int64_t expires_in;
};
static const struct field renewed_fields[] = {
    FIELD(struct session_renewed, expires),
    FIELD(struct session_renewed, expires_in, .min = 0, .says = EXPIRES_IN),
};
static const struct shape renewed_shape = SHAPE("SessionRenewed", struct session_renewed, renewed_fields);

struct beat {
    struct instant now;
};
static const struct field beat_fields[] = { FIELD(struct beat, now, .says = "The server's clock.") };
static const struct shape beat_shape = SHAPE("SessionBeat", struct beat, beat_fields);

struct topic_since {
    struct text topic;
    int64_t since;
};
static const struct field since_fields[] = {
    FIELD(struct topic_since, topic, .len_min = 1, .len_max = TOPIC_NAME_MAX),
    FIELD(struct topic_since, since, .min = 0, .max = 1ll << 52),
};
static const struct shape since_shape = SHAPE("TopicSince", struct topic_since, since_fields);
struct topic_missed {
    LIST_OF(struct kept_event) events;
    int64_t head;
    bool complete;
};
static const struct field missed_fields[] = {
    FIELD_LIST(struct topic_missed, events, .shape = &kept_event_shape, .list_max = TOPIC_EVENTS_MAX),
    FIELD(struct topic_missed, head, .says = "Newest number of the topic."),
    FIELD(struct topic_missed, complete, .says = "False: too much was missed, read the state anew."),
};
static const struct shape missed_shape = SHAPE("TopicMissed", struct topic_missed, missed_fields);

/* What follows the reply to session.open. */
struct follow {
    struct counts heads;
    struct buf frames;
    bool full; /* one did not fit: the longer ones are not fetched any more */
};

static void add_event(struct follow *f, struct text topic, const struct kept_event *e)
{
    unsigned char header[10];
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_printf(&b, "{\"ev\":\"%.*s\",\"on\":\"%.*s\",\"seq\":%lld,\"data\":", TEXT_ARG(e->ev), TEXT_ARG(topic),
               (long long)e->seq);
    buf_put(&b, e->data.text);
    buf_put_char(&b, '}');
    buf_put(&f->frames, (struct text){ (char *)header, ws_frame_header(WS_TEXT, false, b.len, header) });
    buf_put(&f->frames, buf_text(&b));
    f->frames.over = f->frames.over || b.over;
    buf_fini(&b);
}

static void add_resync(struct follow *f, struct text topic)
{
    unsigned char header[10];
    char json[TOPIC_NAME_MAX + 40];
    int length = snprintf(json, sizeof json, "{\"ev\":\"resync\",\"on\":\"%.*s\"}", TEXT_ARG(topic));

    buf_put(&f->frames, (struct text){ (char *)header, ws_frame_header(WS_TEXT, false, (size_t)length, header) });
    buf_put(&f->frames, (struct text){ json, (size_t)length });
}

/* All events of the topic, or a resync. */
static void add_missed(struct follow *f, const struct missed_topic *t)
{
    size_t before = f->frames.len;

    for (size_t i = 0; t->complete && i < t->events.count; i++)
        add_event(f, t->topic, &t->events.at[i]);
    f->full = f->full || f->frames.over;
    if (f->frames.over) { /* more bytes than a socket may have unsent */
        f->frames.over = false;
        f->frames.len = before;
    }
    if (f->full || !t->complete)
        add_resync(f, t->topic);
}

static int by_length(const void *a, const void *b)
{
    const struct missed_topic *one = a, *other = b;
    int64_t lengths[] = { one->head - one->since, other->head - other->since };

    return lengths[0] < lengths[1] ? -1 : lengths[0] > lengths[1];
}

/* Short ones first and many at once: of what a socket may be sent most topics get theirs, and what would not be sent is not
 * fetched. */
static problem follow_missed(struct call *c, struct follow *f, struct missed_topic *topics, size_t count)
{
    qsort(topics, count, sizeof *topics, by_length);
    for (size_t from = 0, to = 0; from < count; from = to) {
        int64_t events = 0;
        problem p;

        while (to < count && (to == from || events + topics[to].head - topics[to].since <= TOPIC_EVENTS_MAX)) {
            events += topics[to].head - topics[to].since;
            to++;
        }
        if (!f->full && (p = topics_events_since(c, topics + from, to - from)))
            return p;
        for (size_t i = from; i < to; i++)
            add_missed(f, &topics[i]);
    }
    return NULL;
}

static void after_open(struct call *c, void *arg)
{
    struct follow *f = arg;
    struct socket *s = socket_by(c->socket);

    if (s && f->frames.len)
        socket_send(s, chunk_of(buf_text(&f->frames)));
    hub_join_done(c->socket, &f->heads);
    for (size_t i = 0; s && i < feature_count; i++)
        if (features[i]->opened)
            features[i]->opened(c->socket, c->account);
}

static void free_frames(void *arg)
{
    buf_fini(&((struct follow *)arg)->frames);
}

static problem claim(struct call *c, struct text token)
{
    struct socket *s = socket_by(c->socket);
    struct claims claims;
    problem p = token_verify(token, TOKEN_OF_SOCKET, &claims);

    if (p)
        return p;
    if (!s || !s->c)
        return PROBLEM(CANCELLED);
    if (s->open && s->account != claims.account)
        return PROBLEM(FORBIDDEN); /* a socket stays whose it is */
    hub_identify(s, &claims);
    c->account = claims.account;
    c->role = claims.role;
    return NULL;
}

static problem collect_topics(struct call *c, struct topic_list *out)
{
    problem p;

    out->at = arena_array(c->arena, struct text, TOPIC_LIST_MAX);
    out->at[out->count++] = topic_of(c->arena, "account", c->account);
    for (size_t i = 0; i < feature_count; i++)
        if (features[i]->topics && (p = features[i]->topics(c, out)))
            return p;
    return NULL;
}

static int64_t seen_of(const struct counts *seen, struct text topic)
{
    for (size_t i = 0; i < seen->count; i++)
        if (text_is(seen->at[i].name, topic))
            return seen->at[i].count;
    return -1;
}

/* What is compared costs nothing: only what is missing, and not too much of it, is fetched. */
static problem catch_up(struct call *c, struct follow *f, const struct counts *all_seen)
{
    struct missed_topic *missed = arena_array(c->arena, struct missed_topic, f->heads.count);
    size_t count = 0;

    for (size_t i = 0; i < f->heads.count; i++) {
        const struct count_of *head = &f->heads.at[i];
        int64_t seen = seen_of(all_seen, head->name);

        if (seen < 0 || seen == head->count)
            continue;
        if (seen > head->count || head->count - seen > TOPIC_EVENTS_MAX)
            add_resync(f, head->name);
        else
            missed[count++] = (struct missed_topic){ .topic = head->name, .since = seen, .head = head->count };
    }
    return follow_missed(c, f, missed, count);
}

static int64_t left_s(struct call *c)
{
    int64_t left = socket_by(c->socket)->expires_s - clock_wall_seconds();

    return left > 0 ? left : 0;
}

static problem session_open(struct call *c)
{
    const struct session_open *in = c->in;
    struct session_opened *out = c->out;
    struct follow *f = arena_new(c->arena, struct follow);
    struct topic_list topics = { 0 };
    bool was_nobody = c->account == 0;
    problem p;

    if (in->token.is == PRESENT && ((p = claim(c, in->token.value)) || (was_nobody && (p = limits_check_account(c)))))
        return p;
    if (c->account == 0)
        return PROBLEM(UNAUTHENTICATED);
    if (!hub_rejoin(c, &f->heads) &&
        ((p = collect_topics(c, &topics)) || (p = hub_join(c, c->socket, topics.at, topics.count, &f->heads))))
        return p;
    buf_init(&f->frames, (size_t)config->ws_send_bytes / 2);
    arena_defer(c->arena, free_frames, f);
    if ((p = catch_up(c, f, &in->seen)))
        return p;
    if (!socket_by(c->socket))
        return PROBLEM(CANCELLED);
    *out = (struct session_opened){ c->account, f->heads, { socket_by(c->socket)->expires_s * 1000000 }, left_s(c) };
    call_after(c, after_open, NULL, f);
    return NULL;
}

static problem session_renew(struct call *c)
{
    const struct session_renew *in = c->in;
    struct session_renewed *out = c->out;
    problem p = claim(c, in->token);

    if (p)
        return p;
    socket_set_timer(socket_by(c->socket));
    *out = (struct session_renewed){ { socket_by(c->socket)->expires_s * 1000000 }, left_s(c) };
    return NULL;
}

static problem session_beat(struct call *c)
{
    ((struct beat *)c->out)->now = clock_wall();
    return NULL;
}

static problem topic_sync(struct call *c)
{
    const struct topic_since *in = c->in;
    struct topic_missed *out = c->out;
    struct missed_topic missed;
    struct counts heads;
    problem p;

    if (!hub_is_member(c->socket, in->topic))
        return PROBLEM(FORBIDDEN);
    if ((p = topic_heads(c, &in->topic, 1, &heads)))
        return p;
    out->head = heads.at[0].count;
    if (out->head - in->since > TOPIC_EVENTS_MAX)
        return NULL; /* not complete, and nothing of it is of use */
    missed = (struct missed_topic){ .topic = in->topic, .since = in->since, .head = out->head };
    if ((p = topics_events_since(c, &missed, 1)))
        return p;
    out->complete = missed.complete;
    out->events.at = missed.events.at;
    out->events.count = out->complete ? missed.events.count : 0;
    return NULL;
}

/* clang-format off */
static const struct call_def calls[] = {
    { .name = "session.open", .doors = SOCKET_ONLY, .who = ANYONE, .in = &open_shape, .out = &opened_shape,
      .run = session_open,
      .limits = { PER_ADDRESS_BY(ws_opens_address, SECONDS(10)), PER_ACCOUNT_BY(ws_opens_account, SECONDS(10)) },
      .says = "Opens the session of this socket: joins its topics and tells what was missed. May come with the upgrade, as the "
              "subprotocol open.<base64url of the input>; then it is answered with the id 0." },
    { .name = "session.renew", .doors = SOCKET_ONLY, .who = ANYONE, .in = &renew_shape, .out = &renewed_shape,
      .run = session_renew, .shed = SHED_NEVER, .says = "Goes on with a fresh access token of the same account." },
    { .name = "session.beat", .doors = SOCKET_ONLY, .who = WHO_GUEST, .out = &beat_shape, .run = session_beat,
      .shed = SHED_NEVER,
      .says = "Shows that the client is alive, and tells the time." },
    { .name = "topic.sync", .doors = SOCKET_ONLY, .who = WHO_GUEST, .in = &since_shape, .out = &missed_shape,
      .run = topic_sync, .limits = { PER_ACCOUNT(300, SECONDS(10)) },
      .says = "Numbered events of a topic of mine after a number." },
};
/* clang-format on */

const struct feature session_feature = { .name = "session", .calls = LIST(calls) };
