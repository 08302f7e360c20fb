#include "hub_parts.h"

#include "madang/calls.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/map.h"
#include "madang/metric.h"
#include "madang/random.h"

#define GAP_MS 200
#define EARLY_MAX 1000
#define ACK_MS 1000
#define RESYNC_JITTER_MS 1000

struct topic {
    struct map_node node;
    struct list members, early, ack_waits;
    size_t early_count;
    int64_t last; /* the number handed on last; 0: not known */
    struct timer gap;
    bool heard;   /* the relay's subscription is acknowledged */
    bool cold;    /* somebody joined unheard: tell to resync once it is heard */
    size_t users; /* members and waits: freed at 0 */
    char name[];
};

struct membership {
    struct list in_topic, in_socket;
    struct topic *topic;
    struct socket *socket;
    int64_t after; /* numbers up to this one the socket has, or gets by replay */
    bool held;     /* still joining: events are kept for later */
};

struct early {
    struct list node;
    int64_t number;
    struct chunk *frame;
};
struct held {
    struct list node;
    struct membership *member;
    int64_t number;
    struct chunk *frame;
};
struct ack_wait {
    struct list node;
    struct wait wait;
};

struct account_entry {
    struct map_node node;
    int64_t account;
    struct list sockets;
    size_t count;
};

static struct map topics, accounts;
static struct timer resync_timer;

struct text topic_of(struct arena *a, const char *kind, int64_t id)
{
    char digits[24];

    return arena_join(a, text_of(kind), T(":"), text_i64(id, digits));
}

static void on_gap(struct timer *t);

static struct topic *topic_find(struct text name)
{
    struct map_node *n = map_find(&topics, name);

    return n ? CONTAINER_OF(n, struct topic, node) : NULL;
}

static struct topic *topic_use(struct text name)
{
    struct topic *t = topic_find(name);

    if (!t) {
        CHECK(name.len <= TOPIC_NAME_MAX);
        t = must_zalloc(sizeof *t + name.len + 1);
        memcpy(t->name, name.at, name.len);
        list_init(&t->members);
        list_init(&t->early);
        list_init(&t->ack_waits);
        timer_init(&t->gap, on_gap);
        map_add(&topics, &t->node, (struct text){ t->name, name.len });
        relay_subscribe(t->node.key);
    }
    t->users++;
    return t;
}

static void early_drop_all(struct topic *t)
{
    struct list *node;

    while ((node = list_take_first(&t->early)) != NULL) {
        struct early *e = CONTAINER_OF(node, struct early, node);

        chunk_drop(e->frame);
        free(e);
    }
    t->early_count = 0;
}

static void topic_leave(struct topic *t)
{
    if (--t->users)
        return;
    timer_clear(&t->gap);
    early_drop_all(t);
    relay_unsubscribe(t->node.key);
    map_remove(&topics, &t->node);
    free(t);
}

static struct chunk *resync_frame(const char *topic)
{
    return frame_join(T("{\"ev\":\"resync\",\"on\":\""), text_of(topic), T("\"}"));
}

/* Keeps or sends; takes no reference. */
static void to_member(struct membership *m, int64_t number, struct chunk *frame)
{
    struct held *h;

    if (number && number <= m->after)
        return;
    if (!m->held) {
        socket_send(m->socket, chunk_keep(frame));
        return;
    }
    if (m->socket->held_bytes + frame->len > (size_t)config->ws_send_bytes)
        return; /* joining under a flood: the head read afterwards covers what is numbered */
    h = must_zalloc(sizeof *h);
    *h = (struct held){ .member = m, .number = number, .frame = chunk_keep(frame) };
    list_append(&m->socket->held, &h->node);
    m->socket->held_bytes += frame->len;
}

static void to_members(struct topic *t, int64_t number, struct chunk *frame)
{
    list_each_safe (node, &t->members)
        to_member(CONTAINER_OF(node, struct membership, in_topic), number, frame);
}

static void topic_resync(struct topic *t)
{
    struct chunk *k = resync_frame(t->name);

    metric_add(METRIC_RESYNCS, 1);
    to_members(t, 0, k);
    chunk_drop(k);
}

/* Hands on what has come early and now follows. */
static void drain_early(struct topic *t)
{
    while (!list_is_empty(&t->early)) {
        struct early *e = CONTAINER_OF(t->early.next, struct early, node);

        if (e->number > t->last + 1)
            return;
        if (e->number == t->last + 1) {
            t->last = e->number;
            to_members(t, e->number, e->frame);
        }
        list_remove(&e->node);
        t->early_count--;
        chunk_drop(e->frame);
        free(e);
    }
    timer_clear(&t->gap);
}

static void on_gap(struct timer *timer)
{
    struct topic *t = CONTAINER_OF(timer, struct topic, gap);

    log_info("hub", "%s: number %lld did not come", t->name, (long long)t->last + 1);
    if (!list_is_empty(&t->early))
        t->last = CONTAINER_OF(t->early.prev, struct early, node)->number;
    early_drop_all(t);
    topic_resync(t);
}

static void keep_early(struct topic *t, int64_t number, struct chunk *frame)
{
    struct list *before = &t->early;
    struct early *e;

    list_each (node, &t->early) {
        int64_t other = CONTAINER_OF(node, struct early, node)->number;

        if (other == number)
            return;
        if (other > number) {
            before = node;
            break;
        }
    }
    if (t->early_count >= EARLY_MAX) {
        on_gap(&t->gap);
        return;
    }
    e = must_zalloc(sizeof *e);
    *e = (struct early){ .number = number, .frame = chunk_keep(frame) };
    list_append(before, &e->node); /* before a node is behind its predecessor */
    t->early_count++;
    if (!timer_is_set(&t->gap))
        timer_set_after(&t->gap, GAP_MS);
}

static void deliver(struct topic *t, int64_t number, struct chunk *frame)
{
    if (number && t->last && number <= t->last)
        return;
    if (number && t->last && number > t->last + 1) {
        keep_early(t, number, frame);
        return;
    }
    if (number)
        t->last = number;
    to_members(t, number, frame);
    drain_early(t);
}

static void deliver_to_others(struct topic *t, const struct socket *but, struct chunk *frame)
{
    list_each_safe (node, &t->members) {
        struct membership *m = CONTAINER_OF(node, struct membership, in_topic);

        if (m->socket != but)
            to_member(m, 0, frame);
    }
}

static struct chunk *event_frame(const char *name, struct text topic, int64_t number, struct text data)
{
    struct text event = text_of(name);
    char digits[24];

    if (number)
        return frame_join(T("{\"ev\":\""), event, T("\",\"on\":\""), topic, T("\",\"seq\":"), text_i64(number, digits),
                          T(",\"data\":"), data, T("}"));
    return frame_join(T("{\"ev\":\""), event, T("\",\"on\":\""), topic, T("\",\"data\":"), data, T("}"));
}

void hub_publish(const struct published *p)
{
    struct topic *t = topic_find(p->topic);
    bool abroad = relay_others() > 0;
    struct chunk *frame;

    if (!t && !abroad)
        return;
    frame = event_frame(p->event->name, p->topic, p->number, p->json);
    if (t && p->but)
        deliver_to_others(t, socket_by(p->but), frame);
    else if (t)
        deliver(t, p->number, frame);
    relay_publish(p->topic, p->number, frame_payload(frame));
    chunk_drop(frame);
}

void hub_deliver_remote(struct text topic, int64_t number, struct text json)
{
    struct topic *t = topic_find(topic);
    struct chunk *frame;

    if (!t)
        return;
    frame = frame_join(json);
    deliver(t, number, frame);
    chunk_drop(frame);
}

void hub_tell_socket(uint64_t handle, const struct event_def *e, struct text topic, struct text json)
{
    struct socket *s = socket_by(handle);

    if (s)
        socket_send_own(s, event_frame(e->name, topic, 0, json));
}

static struct text account_key(const int64_t *account)
{
    return (struct text){ (const char *)account, sizeof *account };
}

static struct account_entry *account_find(int64_t account)
{
    struct map_node *n = map_find(&accounts, account_key(&account));

    return n ? CONTAINER_OF(n, struct account_entry, node) : NULL;
}

static struct membership *membership_find(const struct socket *s, const struct topic *t)
{
    list_each (node, &s->memberships) {
        struct membership *m = CONTAINER_OF(node, struct membership, in_socket);

        if (m->topic == t)
            return m;
    }
    return NULL;
}

static struct membership *membership_add(struct socket *s, struct text name, bool held)
{
    struct topic *t = topic_use(name);
    struct membership *m = membership_find(s, t);

    if (m) {
        topic_leave(t);
        m->held = m->held || held;
        return m;
    }
    m = must_zalloc(sizeof *m);
    *m = (struct membership){ .topic = t, .socket = s, .held = held };
    list_append(&t->members, &m->in_topic);
    list_append(&s->memberships, &m->in_socket);
    return m;
}

static void held_drop(struct socket *s, const struct membership *of)
{
    list_each_safe (node, &s->held) {
        struct held *h = CONTAINER_OF(node, struct held, node);

        if (of && h->member != of)
            continue;
        list_remove(node);
        s->held_bytes -= h->frame->len;
        chunk_drop(h->frame);
        free(h);
    }
}

static void membership_end(struct membership *m)
{
    struct topic *t = m->topic;

    held_drop(m->socket, m);
    list_remove(&m->in_topic);
    list_remove(&m->in_socket);
    free(m);
    topic_leave(t);
}

bool hub_is_member(uint64_t handle, struct text name)
{
    struct socket *s = socket_by(handle);
    struct topic *t = topic_find(name);

    return s && t && membership_find(s, t);
}

static void cancel_ack(struct wait *w)
{
    list_remove(&CONTAINER_OF(w, struct ack_wait, wait)->node);
    wait_done(w, NULL);
}

/* Until the relay hears the topic, a second at the most; then the socket is told to resync when it does. */
static problem wait_heard(struct call *c, struct topic *t)
{
    struct ack_wait w;
    problem p = NULL;

    t->users++;
    if (!t->heard && relay_hears()) {
        wait_init(&w.wait, cancel_ack);
        list_append(&t->ack_waits, &w.node);
        p = task_wait(c->task, &w.wait, clock_ms() + ACK_MS);
        if (p == PROBLEM(DEADLINE) && clock_ms() < task_deadline_ms(c->task))
            p = NULL;
    }
    if (!t->heard)
        t->cold = true;
    topic_leave(t);
    return p;
}

problem hub_join(struct call *c, uint64_t handle, const struct text *names, size_t count, struct counts *heads)
{
    struct socket *s = socket_by(handle);
    problem p;

    if (!s)
        return PROBLEM(CANCELLED);
    for (size_t i = 0; i < count; i++)
        membership_add(s, names[i], true);
    for (size_t i = 0; i < count; i++) {
        struct topic *t = topic_find(names[i]);

        if (t && (p = wait_heard(c, t)))
            return p;
    }
    if ((p = topic_heads(c, names, count, heads)))
        return p;
    for (size_t i = 0; i < count; i++) {
        struct topic *t = topic_find(names[i]);

        if (t && t->last == 0)
            t->last = heads->at[i].count;
        if (t && t->last > heads->at[i].count)
            heads->at[i].count = t->last;
    }
    return NULL;
}

void hub_join_done(uint64_t handle, const struct counts *heads)
{
    struct socket *s = socket_by(handle);

    if (!s)
        return;
    for (size_t i = 0; i < heads->count; i++) {
        struct topic *t = topic_find(heads->at[i].name);
        struct membership *m = t ? membership_find(s, t) : NULL;

        if (m) {
            m->after = heads->at[i].count;
            m->held = false;
        }
    }
    list_each_safe (node, &s->held) {
        struct held *h = CONTAINER_OF(node, struct held, node);

        if (!h->member->held)
            to_member(h->member, h->number, h->frame);
    }
    held_drop(s, NULL);
}

void hub_topic_heard(struct text name)
{
    struct topic *t = topic_find(name);
    struct list *node;

    if (!t)
        return;
    t->heard = true;
    while ((node = list_take_first(&t->ack_waits)) != NULL)
        wait_done(&CONTAINER_OF(node, struct ack_wait, node)->wait, NULL);
    if (t->cold)
        topic_resync(t);
    t->cold = false;
}

void hub_relay_lost(void)
{
    for (struct map_node *n = map_next(&topics, NULL); n; n = map_next(&topics, n))
        CONTAINER_OF(n, struct topic, node)->heard = false;
}

void hub_relay_back(void)
{
    for (struct map_node *n = map_next(&topics, NULL); n; n = map_next(&topics, n))
        relay_subscribe(n->key);
    hub_resync_all();
}

void hub_resync_topic(struct text name)
{
    struct topic *t = topic_find(name);

    if (t)
        topic_resync(t);
}

static void resync_one(struct socket *s, void *frame)
{
    if (s->open)
        socket_send(s, chunk_keep(frame));
}

static void on_resync(struct timer *t)
{
    struct chunk *k = resync_frame("*");

    (void)t;
    metric_add(METRIC_RESYNCS, 1);
    sockets_each(resync_one, k);
    chunk_drop(k);
}

void hub_resync_all(void)
{
    if (!timer_is_set(&resync_timer))
        timer_set_after(&resync_timer, random_below(RESYNC_JITTER_MS));
}

static void tell_online(int64_t account, bool here)
{
    for (size_t i = 0; i < feature_count; i++)
        if (features[i]->online)
            features[i]->online(account, here);
}

static void account_leave(struct socket *s)
{
    struct account_entry *e = s->account ? account_find(s->account) : NULL;

    if (!e || list_is_empty(&s->of_account))
        return;
    list_remove(&s->of_account);
    if (--e->count)
        return;
    map_remove(&accounts, &e->node);
    free(e);
    tell_online(s->account, false);
}

void socket_identify(struct socket *s, const struct claims *claims)
{
    struct account_entry *e = account_find(claims->account);

    s->expires_s = claims->expires_s;
    s->role = claims->role;
    memcpy(s->session, claims->session, sizeof s->session);
    if (s->open)
        return;
    s->open = true;
    s->account = claims->account;
    socket_set_timer(s);
    if (!e) {
        e = must_zalloc(sizeof *e);
        e->account = claims->account;
        list_init(&e->sockets);
        map_add(&accounts, &e->node, account_key(&e->account));
        tell_online(claims->account, true);
    }
    list_append(&e->sockets, &s->of_account);
    e->count++;
}

void hub_socket_gone(struct socket *s)
{
    struct list *node;

    while ((node = s->memberships.next) != &s->memberships)
        membership_end(CONTAINER_OF(node, struct membership, in_socket));
    account_leave(s);
}

size_t hub_sockets_of(int64_t account)
{
    struct account_entry *e = account_find(account);

    return e ? e->count : 0;
}

void hub_each_account(void (*each)(int64_t account, void *arg), void *arg)
{
    for (struct map_node *n = map_next(&accounts, NULL); n; n = map_next(&accounts, n))
        each(CONTAINER_OF(n, struct account_entry, node)->account, arg);
}

void hub_join_here(int64_t account, struct text name)
{
    struct account_entry *e = account_find(account);

    if (!e)
        return;
    list_each_safe (node, &e->sockets) {
        struct topic *t = membership_add(CONTAINER_OF(node, struct socket, of_account), name, false)->topic;

        t->cold = t->cold || !t->heard;
    }
}

void hub_join_account(int64_t account, struct text topic)
{
    hub_join_here(account, topic);
    relay_command("join %lld %.*s", (long long)account, TEXT_ARG(topic));
}

static const char *end_reason(int code)
{
    return code == WS_CODE_FORBIDDEN ? "suspended" : "the session has ended";
}

struct ending {
    struct text session;
    int code;
};

static void end_if(struct socket *s, void *arg)
{
    struct ending *e = arg;

    if (s->open && text_is(text_of(s->session), e->session))
        socket_close(s, e->code, end_reason(e->code));
}

void hub_end_session_here(struct text session, int code)
{
    struct ending e = { session, code };

    token_revoke_session(session);
    sockets_each(end_if, &e);
}

void hub_end_session(struct text session, int code)
{
    hub_end_session_here(session, code);
    relay_command("end %.*s %d", TEXT_ARG(session), code);
}

void hub_end_account_here(int64_t account, int code)
{
    struct account_entry *e = account_find(account);

    if (!e)
        return;
    list_each_safe (node, &e->sockets) {
        struct socket *s = CONTAINER_OF(node, struct socket, of_account);

        token_revoke_session(text_of(s->session));
        socket_close(s, code, end_reason(code));
    }
}

void hub_end_account(int64_t account, int code)
{
    hub_end_account_here(account, code);
    relay_command("end-account %lld %d", (long long)account, code);
}

void hub_start(void)
{
    timer_init(&resync_timer, on_resync);
    tx_set_publisher(hub_publish);
}

void hub_stop(void)
{
    timer_clear(&resync_timer);
    CHECK(topics.count == 0 && accounts.count == 0);
    map_fini(&topics);
    map_fini(&accounts);
}
