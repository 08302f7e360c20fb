/* Events and commands between nodes, over Redis publish/subscribe; who is alive, by leases. */
#include "hub_parts.h"

#include "madang/config.h"
#include "madang/fault.h"
#include "madang/health.h"
#include "madang/log.h"
#include "madang/map.h"
#include "madang/metric.h"
#include "madang/random.h"
#include "madang/redis.h"

#define LEASE_MS 5000
#define BEAT_MS 1000
#define FIRST_BEAT_MS 50 /* until the lease is held for the first time */
#define WELCOME_MS 3000  /* nobody welcomes later than this */
#define UNSENT_MAX 10000
#define NODES_MAX 256
#define NODE_NAME_MAX 60 /* [node] name, and which life of it */
#define NODE_NAME_CUT 27 /* of the first */

struct unsent {
    struct map_node node;
    char topic[];
};

static char name[NODE_NAME_MAX + 1];
static char others[NODES_MAX][NODE_NAME_MAX + 1];
static size_t others_count;
static struct map unsent; /* topics whose events could not be published */
static bool unsent_all, stopping, registered;
/* Alone, a node subscribes to nothing. When the first other comes, it subscribes to all its topics and welcomes him when that is
 * acknowledged; who has come keeps the names of what it published until it is welcomed, and then has it caught up with. */
static bool alone, welcomed;
static size_t unheard;                            /* acknowledgements still to come before the welcome */
static char guests[NODES_MAX][NODE_NAME_MAX + 1]; /* who waits for the welcome */
static size_t guest_count;
static uint64_t hello_ms;
static struct task *beat;
static struct script nodes_script = SCRIPT("nodes.lua");

struct text node_name(void)
{
    return text_of(name);
}

size_t relay_others(void)
{
    return others_count;
}

bool relay_is_alone(void)
{
    return alone;
}

bool relay_hears(void)
{
    return redis_is_listening();
}

static struct text channel_of(struct arena *a, struct text topic)
{
    return redis_key(a, "t:%.*s", TEXT_ARG(topic));
}

void relay_subscribe(struct text topic)
{
    struct arena a;

    arena_init(&a, 4096);
    redis_subscribe(channel_of(&a, topic), true);
    arena_fini(&a);
}

void relay_unsubscribe(struct text topic)
{
    struct arena a;

    arena_init(&a, 4096);
    redis_unsubscribe(channel_of(&a, topic), true);
    arena_fini(&a);
}

static void unsent_add(struct text topic)
{
    struct unsent *u;

    if (unsent_all || map_find(&unsent, topic))
        return;
    if (unsent.count >= UNSENT_MAX) {
        unsent_all = true;
        return;
    }
    u = must_zalloc(sizeof *u + topic.len + 1);
    memcpy(u->topic, topic.at, topic.len);
    map_add(&unsent, &u->node, (struct text){ u->topic, topic.len });
}

static void unsent_clear(void)
{
    struct map_node *n;

    while ((n = map_next(&unsent, NULL)) != NULL) {
        map_remove(&unsent, n);
        free(CONTAINER_OF(n, struct unsent, node));
    }
    map_fini(&unsent);
    unsent_all = false;
}

void relay_publish(struct text topic, int64_t number, struct text json)
{
    struct arena a;
    bool sent;

    if (others_count == 0 && registered && redis_is_up())
        return;
    arena_init(&a, 1 << 22);
    sent = redis_publish(channel_of(&a, topic), arena_printf(&a, "%s %lld\n%.*s", name, (long long)number, TEXT_ARG(json)), true);
    arena_fini(&a);
    if (sent)
        metric_add(METRIC_RELAY_OUT, 1);
    if (!sent || !welcomed)
        unsent_add(topic);
}

void relay_command(const char *format, ...)
{
    struct arena a;
    struct text what;
    va_list args;

    arena_init(&a, 1 << 17);
    va_start(args, format);
    what = arena_vprintf(&a, format, args);
    va_end(args);
    if (!redis_publish(redis_key(&a, "all"), arena_printf(&a, "%s %.*s", name, TEXT_ARG(what)), false))
        unsent_all = true;
    arena_fini(&a);
}

void relay_tell(struct text node, struct text what)
{
    struct arena a;

    arena_init(&a, 1 << 17);
    (void)redis_publish(redis_key(&a, "node:%.*s", TEXT_ARG(node)), arena_printf(&a, "%s %.*s", name, TEXT_ARG(what)), false);
    arena_fini(&a);
}

static void other_forget(struct text node)
{
    for (size_t i = 0; i < others_count; i++)
        if (text_is(text_of(others[i]), node)) {
            memmove(others[i], others[--others_count], sizeof others[i]);
            return;
        }
}

/* What other nodes ask of us: "verb first second". */
static void do_join(struct text first, struct text second)
{
    int64_t account;

    if (text_to_i64(first, &account) && second.len <= TOPIC_NAME_MAX)
        hub_join_here(account, second);
}

static void do_end(struct text first, struct text second)
{
    int64_t code;

    if (text_to_i64(second, &code))
        hub_end_session_here(first, (int)code);
}

static void do_end_account(struct text first, struct text second)
{
    int64_t account, code;

    if (text_to_i64(first, &account) && text_to_i64(second, &code))
        hub_end_account_here(account, (int)code);
}

static void do_resync(struct text first, struct text second)
{
    (void)second;
    if (text_is(first, T("*")))
        hub_resync_all();
    else
        hub_resync_topic(first);
}

static void do_tell(struct text first, struct text second)
{
    hub_told(first, second);
}

static void do_bye(struct text first, struct text second)
{
    (void)second;
    other_forget(first);
}

/* What could not be published meanwhile is told as "catch up". */
static void send_unsent(void)
{
    if (unsent_all)
        relay_command("resync *");
    else
        for (struct map_node *n = map_next(&unsent, NULL); n; n = map_next(&unsent, n))
            relay_command("resync %.*s", TEXT_ARG(n->key));
    unsent_clear();
}

static void welcome_guests(void)
{
    for (size_t i = 0; i < guest_count; i++)
        relay_command("welcome %s", guests[i]);
    guest_count = 0;
}

static void company_comes(void)
{
    if (!alone)
        return;
    alone = false;
    unheard = hub_subscribe_all();
}

/* A node that has just come: from now on it is published to. What we published before, it could not hear: it is told so. */
static void do_hello(struct text first, struct text second)
{
    (void)second;
    if (first.len > NODE_NAME_MAX)
        return;
    other_forget(first);
    if (others_count < NODES_MAX) {
        memcpy(others[others_count], first.at, first.len);
        others[others_count++][first.len] = '\0';
    }
    company_comes();
    if (guest_count < NODES_MAX) {
        memcpy(guests[guest_count], first.at, first.len);
        guests[guest_count++][first.len] = '\0';
    }
    if (unheard == 0)
        welcome_guests();
}

static void do_welcome(struct text first, struct text second)
{
    (void)second;
    if (!text_is(first, text_of(name)))
        return;
    welcomed = true;
    hub_resync_all();
    send_unsent();
}

static const struct {
    const char *verb;
    void (*run)(struct text first, struct text second);
} commands[] = {
    { "join", do_join }, { "end", do_end },     { "end-account", do_end_account }, { "resync", do_resync },
    { "bye", do_bye },   { "hello", do_hello }, { "welcome", do_welcome },         { "tell", do_tell },
};

static void on_command(struct text rest)
{
    struct text verb = text_cut(rest, ' ', &rest), second, first = text_cut(rest, ' ', &second);

    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (text_is(text_of(commands[i].verb), verb)) {
            commands[i].run(first, second);
            return;
        }
    log_warn("relay", "unknown command %.*s", TEXT_ARG(verb)); /* of a newer node */
}

static void on_message(struct text channel, struct text message)
{
    struct text rest, number_text, from = text_cut(message, ' ', &rest);
    int64_t number;

    if (!text_skip(&channel, config->redis_prefix) || text_is(from, text_of(name)))
        return;
    if (text_is(channel, T("all")) || (text_skip(&channel, T("node:")) && text_is(channel, text_of(name)))) {
        on_command(rest);
        return;
    }
    number_text = text_cut(rest, '\n', &rest);
    if (!text_skip(&channel, T("t:")) || !text_to_i64(number_text, &number) || FAULT(RELAY_DEAF))
        return;
    metric_add(METRIC_RELAY_IN, 1);
    hub_deliver_remote(channel, number, rest);
}

static void on_subscribed(struct text channel)
{
    if (!text_skip(&channel, config->redis_prefix) || !text_skip(&channel, T("t:")))
        return;
    hub_topic_heard(channel);
    if (unheard && --unheard == 0)
        welcome_guests();
}

static void on_link(bool up)
{
    struct arena a;

    alone = false; /* not known any more */
    unheard = 0;
    if (!up) {
        hub_relay_lost();
        return;
    }
    arena_init(&a, 4096);
    redis_subscribe(redis_key(&a, "all"), false);
    redis_subscribe(redis_key(&a, "node:%s", name), false);
    arena_fini(&a);
    unheard = hub_subscribe_all();
    hub_resync_all();
    if (unheard == 0)
        welcome_guests();
}

struct beaten {
    bool fresh; /* our lease was not there */
    LIST_OF(struct text) alive;
};
static const struct field beaten_fields[] = { FIELD(struct beaten, fresh), FIELD_LIST(struct beaten, alive) };
static const struct shape beaten_shape = SHAPE("NodeBeaten", struct beaten, beaten_fields);

static bool is_listed(const struct beaten *now, const char *node)
{
    for (size_t i = 0; i < now->alive.count; i++)
        if (text_is(now->alive.at[i], text_of(node)))
            return true;
    return false;
}

/* A node that was there, said no farewell and is gone may have committed what it never published. */
static void compare_nodes(const struct beaten *now)
{
    for (size_t i = 0; i < others_count; i++)
        if (!is_listed(now, others[i])) {
            log_warn("relay", "node %s is gone without a farewell", others[i]);
            hub_resync_all();
        }
    others_count = 0;
    for (size_t i = 0; i < now->alive.count && others_count < NODES_MAX; i++) {
        struct text t = now->alive.at[i];

        if (t.len == 0 || t.len > NODE_NAME_MAX || text_is(t, text_of(name)))
            continue;
        memcpy(others[others_count], t.at, t.len);
        others[others_count++][t.len] = '\0';
    }
}

static void after_beat(const struct beaten *now)
{
    compare_nodes(now);
    if (others_count)
        company_comes();
    else
        alone = redis_is_listening();
    registered = true;
    if (now->fresh) {
        relay_command("hello %s", name);
        hello_ms = clock_ms();
    }
    welcomed = welcomed || others_count == 0 || clock_ms() - hello_ms > WELCOME_MS;
    if (welcomed && (unsent_all || unsent.count))
        send_unsent();
}

static void beat_once(struct task *t)
{
    struct redis_value out = { 0 };
    struct beaten now;
    struct arena a;
    struct call c;
    problem p;

    arena_init(&a, 1 << 20);
    c = call_of_our_own(t, &a, "relay.beat");
    p = script_run(&c, &nodes_script, VALUES(redis_key(&a, "nodes")), VALUES(text_of(name), (int64_t)LEASE_MS), &out);
    if (!p && !redis_decode(&beaten_shape, &a, &out, &now))
        after_beat(&now);
    arena_fini(&a);
}

static void beat_run(struct task *t, void *arg)
{
    (void)arg;
    while (!stopping && !task_is_cancelled(t)) {
        beat_once(t);
        if (task_sleep(t, registered ? BEAT_MS : FIRST_BEAT_MS))
            break;
    }
    beat = NULL;
}

/* Before the others hear us nobody is let in: what is not numbered (who came online) could not be caught up with. */
static const char *says(void)
{
    return welcomed ? NULL : "joining";
}

void relay_start(void)
{
    static const struct redis_listener listener = { on_message, on_subscribed, on_link };
    static struct health_part health = { .name = "relay", .says = says };
    size_t length = config->node_name.len < NODE_NAME_CUT ? config->node_name.len : NODE_NAME_CUT;
    struct arena a;

    arena_init(&a, 4096);
    /* Each life has a name of its own: one that was killed is missed even when the next comes before its lease lapses. Cut, since
     * nodes of the version before pass over a name of more than 40 characters. */
    snprintf(name, sizeof name, "%.*s%s%s", TEXT_ARG(text_until(config->node_name, length)), length ? "." : "",
             random_token(&a, 9).at);
    arena_fini(&a);
    stopping = registered = alone = welcomed = false;
    redis_listen(&listener);
    health_part_add(&health);
    beat = task_start("relay.beat", 0, beat_run, NULL);
}

size_t relay_tasks(void)
{
    return beat != NULL;
}

void relay_stop(void)
{
    struct arena a;

    stopping = true;
    if (beat)
        task_cancel(beat);
    arena_init(&a, 4096);
    if (redis_is_up()) {
        redis_send(VALUES(T("ZREM"), redis_key(&a, "nodes"), text_of(name)));
        relay_command("bye %s", name);
    }
    arena_fini(&a);
    unsent_clear();
}
