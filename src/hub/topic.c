#include "topic.h"

#include "hub_parts.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/metric.h"

#define GAP_MS 200
#define EARLY_MAX 1000
#define ACK_MS 1000
#define BELONGS_FIRST 3

struct early {
    struct list node;
    int64_t number;
    struct chunk *frame;
};
struct ordering {
    struct topic *topic;
    struct list early, ack_waits;
    size_t early_count;
    struct timer gap;
};
struct ack_wait {
    struct list node;
    struct wait wait;
};
struct held_event {
    struct list node;
    struct topic *topic;
    int64_t number;
    struct chunk *frame;
};
struct held_events {
    struct list events;
    size_t bytes;
    bool lossy; /* there was no room for all of them */
};

static struct map topics;

/* --- the topics ---------------------------------------------------------------------------------------------------- */
static struct topic *topic_at(struct map_node *n)
{
    return n ? CONTAINER_OF(n, struct topic, node) : NULL;
}

struct topic *topic_find(struct text name)
{
    return topic_at(map_find(&topics, name));
}

struct topic *topic_next(const struct topic *after)
{
    return topic_at(map_next(&topics, after ? &after->node : NULL));
}

void topic_subscribe(struct topic *t)
{
    if (t->subscribed && t->heard)
        return;
    t->heard = relay_is_alone(); /* then there is nobody to be heard */
    if (t->heard)
        return;
    t->subscribed = true;
    relay_subscribe(t->node.key);
}

struct topic *topic_use(struct text name)
{
    struct topic *t = topic_find(name);

    if (!t) {
        CHECK(name.len <= TOPIC_NAME_MAX);
        t = must_zalloc(sizeof *t + name.len + 1);
        memcpy(t->name, name.at, name.len);
        t->members = &t->one;
        t->room = 1;
        map_add(&topics, &t->node, (struct text){ t->name, name.len });
        topic_subscribe(t);
    }
    t->users++;
    return t;
}

void topics_stop(void)
{
    CHECK(topics.count == 0);
    map_fini(&topics);
}

static void on_gap(struct timer *t);

static struct ordering *ordering_of(struct topic *t)
{
    struct ordering *o = t->ordering;

    if (!o) {
        t->ordering = o = must_zalloc(sizeof *o);
        o->topic = t;
        list_init(&o->early);
        list_init(&o->ack_waits);
        timer_init(&o->gap, on_gap);
    }
    return o;
}

static void ordering_tidy(struct topic *t)
{
    struct ordering *o = t->ordering;

    if (!o || o->early_count || timer_is_set(&o->gap) || !list_is_empty(&o->ack_waits))
        return;
    free(o);
    t->ordering = NULL;
}

static void early_drop_all(struct ordering *o)
{
    struct list *node;

    while ((node = list_take_first(&o->early)) != NULL) {
        struct early *e = CONTAINER_OF(node, struct early, node);

        chunk_drop(e->frame);
        free(e);
    }
    o->early_count = 0;
    timer_clear(&o->gap);
}

void topic_release(struct topic *t)
{
    if (--t->users)
        return;
    CHECK(t->count == 0);
    if (t->ordering)
        early_drop_all(t->ordering);
    free(t->ordering);
    if (t->subscribed)
        relay_unsubscribe(t->node.key);
    map_remove(&topics, &t->node);
    if (t->members != &t->one)
        free(t->members);
    free(t);
}

/* --- members: an array in the topic, one in the socket, each telling the place in the other -------------------------- */
static struct member *member_find(const struct socket *s, const struct topic *t)
{
    for (uint32_t i = 0; i < s->belong_count; i++)
        if (s->belongs[i].topic == t)
            return &t->members[s->belongs[i].at];
    return NULL;
}

static void (*listened)(struct text topic, bool here);

void topics_on_listened(void (*run)(struct text topic, bool here))
{
    listened = run;
}

bool topic_has(const struct socket *s, const struct topic *t)
{
    return member_find(s, t) != NULL;
}

static uint32_t topic_place(struct topic *t)
{
    if (t->count == t->room) {
        bool own = t->members != &t->one;

        t->room *= t->room == 1 ? 4 : 2;
        t->members = must_realloc(own ? t->members : NULL, t->room * sizeof *t->members);
        if (!own)
            t->members[0] = t->one;
    }
    return t->count++;
}

static uint32_t socket_place(struct socket *s)
{
    if (s->belong_count == s->belong_room) {
        CHECK(s->belong_count < UINT16_MAX / 2);
        s->belong_room = (uint16_t)(s->belong_room ? s->belong_room * 2 : BELONGS_FIRST);
        s->belongs = must_realloc(s->belongs, s->belong_room * sizeof *s->belongs);
    }
    return s->belong_count++;
}

void topic_join(struct socket *s, struct topic *t, bool held, bool lasting)
{
    struct member *m = member_find(s, t);
    uint32_t in_topic, in_socket;

    if (m) {
        m->held = m->held || held;
        m->fresh = m->fresh && held;
        topic_release(t);
        return;
    }
    in_topic = topic_place(t);
    in_socket = socket_place(s);
    t->members[in_topic] = (struct member){ .socket = s, .back = in_socket, .held = held, .fresh = held };
    s->belongs[in_socket] = (struct belongs){ t, in_topic, lasting };
    if (t->count == 1)
        listened(t->node.key, true);
}

/* The last one of the topic takes the place of the one that leaves. */
static void topic_leave(struct topic *t, uint32_t at)
{
    t->members[at] = t->members[--t->count];
    if (at < t->count)
        t->members[at].socket->belongs[t->members[at].back].at = at;
    if (t->count == 0)
        listened(t->node.key, false);
    topic_release(t);
}

void topic_part(struct socket *s, struct topic *t)
{
    const struct member *m = member_find(s, t);
    uint32_t i;

    if (!m)
        return;
    i = m->back;
    topic_leave(t, s->belongs[i].at);
    s->belongs[i] = s->belongs[--s->belong_count];
    if (i < s->belong_count)
        s->belongs[i].topic->members[s->belongs[i].at].back = i;
}

void topics_leave(struct socket *s)
{
    while (s->belong_count) {
        struct belongs *b = &s->belongs[--s->belong_count];

        topic_leave(b->topic, b->at);
    }
    free(s->belongs);
    s->belongs = NULL;
    s->belong_room = 0;
    topics_let_go(s);
}

/* --- what came while joining --------------------------------------------------------------------------------------- */
static void hold(struct socket *s, struct topic *t, int64_t number, struct chunk *frame)
{
    struct held_event *h;

    if (!s->held) {
        s->held = must_zalloc(sizeof *s->held);
        list_init(&s->held->events);
    }
    if (s->held->bytes + frame->len > (size_t)config->ws_send_bytes) { /* joining under a flood */
        s->held->lossy = true;
        return;
    }
    h = must_zalloc(sizeof *h);
    *h = (struct held_event){ .topic = t, .number = number, .frame = chunk_keep(frame) };
    list_append(&s->held->events, &h->node);
    s->held->bytes += frame->len;
}

/* Keeps or sends; takes no reference. */
static void to_member(struct topic *t, const struct member *m, int64_t number, struct chunk *frame)
{
    if (number && number <= m->after)
        return;
    if (m->held)
        hold(m->socket, t, number, frame);
    else
        socket_send(m->socket, chunk_keep(frame));
}

void topic_open_up(struct socket *s, struct text name, int64_t after)
{
    for (uint32_t i = 0; i < s->belong_count; i++) {
        struct topic *t = s->belongs[i].topic;

        if (!text_is(t->node.key, name))
            continue;
        t->members[s->belongs[i].at].after = after;
        t->members[s->belongs[i].at].held = t->members[s->belongs[i].at].fresh = false;
        return;
    }
}

void topics_join_undo(struct socket *s)
{
    for (uint32_t i = 0; i < s->belong_count;) {
        struct topic *t = s->belongs[i].topic;
        struct member *m = &t->members[s->belongs[i].at];

        if (m->held && m->fresh) { /* the last one takes its place */
            topic_part(s, t);
            continue;
        }
        m->held = false;
        i++;
    }
    topics_let_go(s);
}

void topics_let_go(struct socket *s)
{
    struct held_events *all = s->held;
    struct list *node;

    s->held = NULL; /* whose topic is still held is held again */
    while (all && (node = list_take_first(&all->events)) != NULL) {
        struct held_event *h = CONTAINER_OF(node, struct held_event, node);
        const struct member *m = member_find(s, h->topic);

        if (m)
            to_member(h->topic, m, h->number, h->frame);
        chunk_drop(h->frame);
        free(h);
    }
    if (all && all->lossy)
        socket_send(s, resync_frame(T("*")));
    free(all);
}

/* --- handing on ---------------------------------------------------------------------------------------------------- */
/* What sending looks at of members that come later: between two events the kernel has had the caches. */
static void fetch_ahead(const struct topic *t, uint32_t i)
{
    if (i + 16 < t->count)
        __builtin_prefetch(t->members[i + 16].socket);
    if (i + 8 < t->count && t->members[i + 8].socket->c)
        __builtin_prefetch(t->members[i + 8].socket->c, 1);
}

/* Who is told may leave, and another takes his place; sending never ends another than himself. */
static void to_members_but(struct topic *t, const struct socket *but, int64_t number, struct chunk *frame)
{
    for (uint32_t i = 0; i < t->count;) {
        const struct socket *s = t->members[i].socket;

        fetch_ahead(t, i);
        if (s != but)
            to_member(t, &t->members[i], number, frame);
        i += i < t->count && t->members[i].socket == s;
    }
}

static void to_members(struct topic *t, int64_t number, struct chunk *frame)
{
    to_members_but(t, NULL, number, frame);
}

struct chunk *resync_frame(struct text topic)
{
    return frame_join(T("{\"ev\":\"resync\",\"on\":\""), topic, T("\"}"));
}

void topic_resync(struct topic *t)
{
    struct chunk *k = resync_frame(t->node.key);

    metric_add(METRIC_RESYNCS, 1);
    t->known = false;
    to_members(t, 0, k);
    chunk_drop(k);
}

/* Hands on what has come early and now follows. */
static void drain_early(struct topic *t)
{
    struct ordering *o = t->ordering;
    bool waited = o && !list_is_empty(&o->early);

    while (o && !list_is_empty(&o->early)) {
        struct early *e = CONTAINER_OF(o->early.next, struct early, node);

        if (e->number > t->last + 1)
            return;
        if (e->number == t->last + 1) {
            t->last = e->number;
            to_members(t, e->number, e->frame);
        }
        list_remove(&e->node);
        o->early_count--;
        chunk_drop(e->frame);
        free(e);
    }
    if (waited)
        timer_clear(&o->gap);
    ordering_tidy(t);
}

static void on_gap(struct timer *timer)
{
    struct ordering *o = CONTAINER_OF(timer, struct ordering, gap);
    struct topic *t = o->topic;

    log_info("hub", "%s: number %lld did not come", t->name, (long long)t->last + 1);
    if (!list_is_empty(&o->early))
        t->last = CONTAINER_OF(o->early.prev, struct early, node)->number;
    early_drop_all(o);
    ordering_tidy(t);
    topic_resync(t);
}

static void keep_early(struct ordering *o, int64_t number, struct chunk *frame)
{
    struct list *before = &o->early;
    struct early *e;

    list_each (node, &o->early) {
        int64_t other = CONTAINER_OF(node, struct early, node)->number;

        if (other == number)
            return;
        if (other > number) {
            before = node;
            break;
        }
    }
    if (o->early_count >= EARLY_MAX) {
        on_gap(&o->gap);
        return;
    }
    e = must_zalloc(sizeof *e);
    *e = (struct early){ .number = number, .frame = chunk_keep(frame) };
    list_append(before, &e->node); /* before a node is behind its predecessor */
    o->early_count++;
    if (!timer_is_set(&o->gap))
        timer_set_after(&o->gap, GAP_MS);
}

void topic_deliver(struct topic *t, int64_t number, struct chunk *frame)
{
    if (number && t->last && number <= t->last)
        return;
    if (number && t->last && number > t->last + 1) {
        keep_early(ordering_of(t), number, frame);
        return;
    }
    if (number)
        t->last = number;
    to_members(t, number, frame);
    drain_early(t);
}

void topic_deliver_but(struct topic *t, const struct socket *but, struct chunk *frame)
{
    to_members_but(t, but, 0, frame);
}

void topics_doubt(void)
{
    for (struct topic *t = topic_next(NULL); t; t = topic_next(t)) {
        t->last = 0;
        t->known = false;
        for (uint32_t i = 0; i < t->count; i++)
            t->members[i].after = 0;
        if (t->ordering &&
            t->ordering->early_count) { /* what waited for its turn is not told: who follows the topic is to look */
            early_drop_all(t->ordering);
            timer_set_after(&t->ordering->gap, 1); /* not from here: who is told may leave, and the topic with him */
        }
    }
}

/* --- the relay ----------------------------------------------------------------------------------------------------- */
static void cancel_ack(struct wait *w)
{
    list_remove(&CONTAINER_OF(w, struct ack_wait, wait)->node);
    wait_done(w, NULL);
}

problem topic_wait_heard(struct call *c, struct topic *t)
{
    struct ack_wait w;
    problem p = NULL;

    if (t->heard)
        return NULL;
    t->users++;
    if (relay_hears()) {
        wait_init(&w.wait, cancel_ack);
        list_append(&ordering_of(t)->ack_waits, &w.node);
        p = task_wait(c->task, &w.wait, clock_ms() + ACK_MS);
        if (p == PROBLEM(DEADLINE) && clock_ms() < task_deadline_ms(c->task))
            p = NULL;
    }
    if (!t->heard)
        t->cold = true;
    topic_release(t);
    return p;
}

void topic_is_heard(struct topic *t)
{
    struct list *node;

    t->heard = true;
    while (t->ordering && (node = list_take_first(&t->ordering->ack_waits)) != NULL)
        wait_done(&CONTAINER_OF(node, struct ack_wait, node)->wait, NULL);
    ordering_tidy(t);
    if (t->cold)
        topic_resync(t);
    t->cold = false;
}
