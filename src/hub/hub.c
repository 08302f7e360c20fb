#include "hub_parts.h"

#include "madang/config.h"
#include "madang/log.h"
#include "madang/map.h"
#include "madang/metric.h"
#include "madang/pg.h"
#include "madang/random.h"
#include "madang/topics.h"
#include "topic.h"

#define RESYNC_JITTER_MS 1000
#define TOPICS_RETRY_S 60 /* a socket that follows too many has to be opened anew: nothing changes by itself */

/* An account with sockets here, or one whose last socket closed a moment ago: its topics are followed a while longer, so that
 * who comes back finds them, and how far they are, without a question to the database. */
struct account_entry {
    struct map_node node;
    int64_t account;
    struct list sockets;
    size_t count;
    struct lingering *lingering; /* only while there is no socket */
};
struct lingering {
    struct timer timer;
    struct account_entry *entry;
    size_t count;
    struct topic *topics[];
};

static struct map accounts;
static struct timer resync_timer;
static size_t lingering_count;
static const struct hub_ops *above;

struct text topic_of(struct arena *a, const char *kind, int64_t id)
{
    char digits[24];

    return arena_join(a, text_of(kind), T(":"), text_i64(id, digits));
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
        topic_deliver_but(t, socket_by(p->but), frame);
    else if (t)
        topic_deliver(t, p->number, frame);
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
    topic_deliver(t, number, frame);
    chunk_drop(frame);
}

void hub_tell_socket(uint64_t handle, const struct event_def *e, struct text topic, struct text json)
{
    struct socket *s = socket_by(handle);

    if (s && json.len) /* it did not fit into its arena: better none than half of one */
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

bool hub_is_member(uint64_t handle, struct text name)
{
    struct socket *s = socket_by(handle);
    struct topic *t = topic_find(name);

    return s && t && topic_has(s, t);
}

void hub_leave(uint64_t handle, struct text name)
{
    struct socket *s = socket_by(handle);
    struct topic *t = topic_find(name);

    if (s && t)
        topic_part(s, t);
}

bool hub_is_open(uint64_t handle)
{
    const struct socket *s = socket_by(handle);

    return s && s->c && s->open && !s->closing;
}

static problem join_all(struct call *c, uint64_t handle, const struct text *names, size_t count)
{
    struct socket *s = socket_by(handle);
    problem p;

    if (!s || !s->c) /* it has left its topics already, and would never leave these */
        return PROBLEM(CANCELLED);
    if (s->belong_count + count > (size_t)config->ws_topics_max)
        return call_retry_after(c, PROBLEM(RATE_LIMITED), TOPICS_RETRY_S);
    s->joining = true;
    for (size_t i = 0; i < count; i++)
        topic_join(s, topic_use(names[i]), true, !s->joined);
    for (size_t i = 0; i < count; i++) {
        struct topic *t = topic_find(names[i]);

        if (t && (p = topic_wait_heard(c, t)))
            return p;
    }
    return NULL;
}

problem hub_join(struct call *c, uint64_t handle, const struct text *names, size_t count, struct counts *heads)
{
    problem p;

    if ((p = join_all(c, handle, names, count)) || (p = topic_heads(c, names, count, heads)))
        return p;
    for (size_t i = 0; i < count; i++) {
        struct topic *t = topic_find(names[i]);

        if (t && t->last == 0)
            t->last = heads->at[i].count;
        if (t && t->last > heads->at[i].count)
            heads->at[i].count = t->last;
        if (t) /* not when the database is ahead: what is between may never come */
            t->known = t->heard && t->last == heads->at[i].count;
    }
    return NULL;
}

void hub_join_done(uint64_t handle, const struct counts *heads)
{
    struct socket *s = socket_by(handle);

    if (!s)
        return;
    for (size_t i = 0; i < heads->count; i++)
        topic_open_up(s, heads->at[i].name, heads->at[i].count);
    s->joining = false;
    topics_let_go(s);
    s->joined = true;
}

static void after_joining(struct call *c, void *heads)
{
    hub_join_done(c->socket, heads);
}

problem hub_listen(struct call *c, struct text topic)
{
    struct counts *heads = arena_new(c->arena, struct counts);
    problem p = c->socket ? hub_join(c, c->socket, &topic, 1, heads) : NULL;

    if (!p && c->socket)
        call_after(c, after_joining, NULL, heads);
    return p;
}

problem hub_follow(struct call *c, struct text topic)
{
    struct counts *heads = arena_new(c->arena, struct counts);
    problem p = c->socket ? join_all(c, c->socket, &topic, 1) : NULL;

    if (p || !c->socket)
        return p;
    if (!hub_is_open(c->socket))
        return PROBLEM(CANCELLED);
    heads->at = arena_new(c->arena, struct count_of);
    heads->at[heads->count++] = (struct count_of){ topic, 0 };
    call_after(c, after_joining, NULL, heads);
    return NULL;
}

void hub_join_undo(uint64_t handle)
{
    struct socket *s = socket_by(handle);

    if (!s || !s->joining)
        return;
    s->joining = false;
    topics_join_undo(s);
}

/* Nobody of the account is here and nobody waits for him. */
static void account_end(struct account_entry *e)
{
    map_remove(&accounts, &e->node);
    free(e);
}

static void lingering_end(struct account_entry *e)
{
    struct lingering *l = e->lingering;

    e->lingering = NULL;
    lingering_count--;
    timer_clear(&l->timer);
    for (size_t i = 0; i < l->count; i++)
        topic_release(l->topics[i]);
    free(l);
}

bool hub_rejoin(struct call *c, struct counts *heads)
{
    struct socket *s = socket_by(c->socket);
    struct account_entry *e = account_find(c->account);
    struct lingering *l = e ? e->lingering : NULL;

    if (!s || !s->c || !l)
        return false;
    for (size_t i = 0; i < l->count; i++)
        if (!l->topics[i]->known || !l->topics[i]->heard)
            return false;
    heads->at = arena_array(c->arena, struct count_of, l->count);
    s->joining = true;
    for (size_t i = 0; i < l->count; i++) {
        struct topic *t = l->topics[i];

        heads->at[heads->count++] = (struct count_of){ arena_text(c->arena, t->node.key), t->last };
        t->users++;
        topic_join(s, t, true, true);
    }
    lingering_end(e);
    return true;
}

void hub_topic_heard(struct text name)
{
    struct topic *t = topic_find(name);

    if (t)
        topic_is_heard(t);
}

void hub_relay_lost(void)
{
    for (struct topic *t = topic_next(NULL); t; t = topic_next(t))
        t->heard = t->known = false;
}

size_t hub_subscribe_all(void)
{
    size_t unheard = 0;

    for (struct topic *t = topic_next(NULL); t; t = topic_next(t)) {
        topic_subscribe(t);
        unheard += !t->heard;
    }
    return unheard;
}

void hub_resync_topic(struct text name)
{
    struct topic *t = topic_find(name);

    if (t)
        topic_resync(t);
}

/* Of a commit whose answer was lost. */
static void hub_missed(struct text topic)
{
    hub_resync_topic(topic);
    relay_command("resync %.*s", TEXT_ARG(topic));
}

static void resync_one(struct socket *s, void *frame)
{
    if (s->open)
        socket_send(s, chunk_keep(frame));
}

static void on_resync(struct timer *t)
{
    struct chunk *k = resync_frame(T("*"));

    (void)t;
    metric_add(METRIC_RESYNCS, 1);
    sockets_each(resync_one, k);
    chunk_drop(k);
}

void hub_resync_all(void)
{
    for (struct topic *t = topic_next(NULL); t; t = topic_next(t))
        t->known = false;
    if (!timer_is_set(&resync_timer))
        timer_set_after(&resync_timer, random_below(RESYNC_JITTER_MS));
}

static void on_lingered(struct timer *t)
{
    struct account_entry *e = CONTAINER_OF(t, struct lingering, timer)->entry;

    lingering_end(e);
    if (e->count == 0)
        account_end(e);
}

/* Before the account's last socket leaves its topics. */
static void account_linger(struct account_entry *e, const struct socket *last)
{
    struct lingering *l = must_zalloc(sizeof *l + last->belong_count * sizeof *l->topics);

    l->entry = e;
    for (uint32_t i = 0; i < last->belong_count; i++) {
        if (!last->belongs[i].lasting)
            continue;
        l->topics[l->count] = last->belongs[i].topic;
        l->topics[l->count++]->users++;
    }
    timer_init(&l->timer, on_lingered);
    timer_set_after(&l->timer, (uint64_t)config->ws_linger_ms);
    lingering_count++;
    e->lingering = l;
}

static void account_leave(struct socket *s)
{
    struct account_entry *e = s->account ? account_find(s->account) : NULL;

    if (!e || list_is_empty(&s->of_account))
        return;
    list_remove(&s->of_account);
    if (--e->count)
        return;
    if (e->lingering) /* it came back for too short a time to join */
        lingering_end(e);
    if (s->joined && lingering_count < (size_t)config->ws_linger_max)
        account_linger(e, s);
    else
        account_end(e);
    above->online(s->account, false);
}

void hub_identify(struct socket *s, const struct claims *claims)
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
    }
    list_append(&e->sockets, &s->of_account);
    if (e->count++ == 0)
        above->online(claims->account, true);
}

void hub_socket_gone(struct socket *s)
{
    if (s->open)
        above->closed(s->handle);
    account_leave(s);
    topics_leave(s);
}

size_t hub_sockets_of(int64_t account)
{
    struct account_entry *e = account_find(account);

    return e ? e->count : 0;
}

void hub_each_account(void (*each)(int64_t account, void *arg), void *arg)
{
    for (struct map_node *n = map_next(&accounts, NULL); n; n = map_next(&accounts, n))
        if (CONTAINER_OF(n, struct account_entry, node)->count)
            each(CONTAINER_OF(n, struct account_entry, node)->account, arg);
}

/* The account, if it has sockets here. What it lingers for is no longer all that it would have: it is asked for anew. */
static struct account_entry *account_awake(int64_t account)
{
    struct account_entry *e = account_find(account);

    if (e && e->lingering)
        lingering_end(e);
    if (!e || e->count)
        return e;
    account_end(e);
    return NULL;
}

void hub_join_here(int64_t account, struct text name)
{
    struct account_entry *e = account_awake(account);

    if (!e)
        return;
    list_each_safe (node, &e->sockets) {
        struct socket *s = CONTAINER_OF(node, struct socket, of_account);
        struct topic *t;

        if (s->belong_count >= config->ws_topics_max) /* its next opening tells of it */
            continue;
        t = topic_use(name);
        t->cold = t->cold || !t->heard;
        topic_join(s, t, false, true);
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
    struct account_entry *e = account_awake(account);

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

/* "tell feature word {…}": a node of another version passes over what it does not know. */
static struct text word_text(struct arena *a, const char *feature, const struct word_def *word, const void *data)
{
    return arena_printf(a, "tell %s %s %.*s", feature, word->name, TEXT_ARG(shape_text(word->data, data, a)));
}

void hub_tell_nodes(const char *feature, const struct word_def *word, const void *data)
{
    struct arena a;

    arena_init(&a, 65536);
    relay_command("%.*s", TEXT_ARG(word_text(&a, feature, word, data)));
    arena_fini(&a);
}

void hub_tell_node(struct text node, const char *feature, const struct word_def *word, const void *data)
{
    struct arena a;

    arena_init(&a, 65536);
    relay_tell(node, word_text(&a, feature, word, data));
    arena_fini(&a);
}

static void word_run(const struct word_def *w, struct text json)
{
    struct shape_input in = { .json = json, .open = true };
    struct field_faults faults;
    struct arena a;
    struct call c;
    void *data;

    arena_init(&a, 1 << 20);
    c = call_of_our_own(NULL, &a, w->name);
    data = arena_alloc(&a, w->data->size);
    if (!shape_decode(w->data, &a, &in, data, &faults))
        w->run(&c, data);
    else
        log_warn("hub", "the word %s of another node cannot be read", w->name);
    arena_fini(&a);
}

void hub_told(struct text feature, struct text what)
{
    struct text json, name = text_cut(what, ' ', &json);
    const struct word_def *word = above->word(feature, name);

    if (word)
        word_run(word, json);
}

/* Whoever follows a topic is not asked to look: a number that does not follow the last one tells him. */
static void on_pg(bool up)
{
    if (up)
        topics_doubt();
}

void hub_start(const struct hub_ops *ops)
{
    static struct pg_watcher watcher = { .changed = on_pg };

    above = ops;
    pg_watch(&watcher);
    timer_init(&resync_timer, on_resync);
    topics_on_listened(ops->listened);
    tx_set_publisher(hub_publish, hub_missed);
}

void hub_stop(void)
{
    struct map_node *n;

    timer_clear(&resync_timer);
    while ((n = map_next(&accounts, NULL)) != NULL) {
        struct account_entry *e = CONTAINER_OF(n, struct account_entry, node);

        CHECK(e->lingering && e->count == 0);
        lingering_end(e);
        account_end(e);
    }
    map_fini(&accounts);
    topics_stop();
}
