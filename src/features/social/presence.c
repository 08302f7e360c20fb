/* Presence: what a node knows of its own sockets, told to friends. */
#include <stdio.h>

#include "madang/config.h"
#include "madang/hub.h"
#include "madang/keeper.h"
#include "madang/log.h"
#include "madang/map.h"
#include "madang/pace.h"
#include "madang/redis.h"
#include "presence_lease.h"
#include "social_parts.h"

#define RENEW_MS 15000
#define SWEEP_MS 2000
#define RENEW_BATCH 500
#define TASK_MS 5000
#define GATHER_MS 1000
#define CHANGES_MAX 100
#define DOUBTED_MAX 10000 /* changes that could not be told */

const struct event_def presence_changed_event = { "presence.changed", &presence_changes_shape, "account:{account}", false,
                                                  "Friends came or went." },
                       presence_snapshot_event = { "presence.snapshot", &presence_snapshot_shape, "account:{account}", false,
                                                   "Friends online, after opening." };

/* An account whose last socket here closed, until its grace is over. */
struct leaving {
    struct map_node node;
    int64_t account;
    struct timer timer;
};

static struct map leaving;
static bool stopping, assert_again;
static uint64_t renewed_ms;

static struct text key_of(const int64_t *account)
{
    return (struct text){ (const char *)account, sizeof *account };
}

static void leaving_end(struct leaving *l)
{
    timer_clear(&l->timer);
    map_remove(&leaving, &l->node);
    free(l);
}

static struct leaving *leaving_find(int64_t account)
{
    struct map_node *n = map_find(&leaving, key_of(&account));

    return n ? CONTAINER_OF(n, struct leaving, node) : NULL;
}

/* Changes for one account, so that its sockets get one frame of them. */
struct gathered {
    struct map_node node;
    int64_t account;
    size_t count;
    struct presence_change changes[CHANGES_MAX];
};

static struct map gathering;

static const void *gathered_take(struct call *c, struct text topic)
{
    struct presence_changes *out = NULL;
    struct map_node *n;
    int64_t account;

    if (!text_skip(&topic, T("account:")) || !text_to_i64(topic, &account))
        return NULL;
    if ((n = map_find(&gathering, key_of(&account))) != NULL) {
        struct gathered *g = CONTAINER_OF(n, struct gathered, node);

        out = arena_new(c->arena, struct presence_changes);
        out->changes.count = g->count;
        out->changes.at = arena_array(c->arena, struct presence_change, g->count);
        memcpy(out->changes.at, g->changes, g->count * sizeof *g->changes);
        map_remove(&gathering, &g->node);
        free(g);
    }
    return out;
}
static struct pace pace = { .every_ms = GATHER_MS, .event = &presence_changed_event, .make = gathered_take };

/* The last word about somebody counts; a full frame goes at once. */
static void gather(int64_t to, struct presence_change change)
{
    struct map_node *n = map_find(&gathering, key_of(&to));
    struct gathered *g = n ? CONTAINER_OF(n, struct gathered, node) : must_zalloc(sizeof *g);
    char name[TOPIC_NAME_MAX];
    struct text topic = { name, (size_t)snprintf(name, sizeof name, "account:%lld", (long long)to) };
    size_t i = 0;

    if (!n) {
        g->account = to;
        map_add(&gathering, &g->node, key_of(&g->account));
    }
    while (i < g->count && g->changes[i].account != change.account)
        i++;
    g->changes[i] = change;
    g->count = i == g->count ? i + 1 : g->count;
    pace_say(&pace, topic);
    if (g->count == CHANGES_MAX)
        pace_now(&pace, topic);
}

/* To the friends' sockets, on every node. */
static problem tell_friends(struct call *c, int64_t account, bool online)
{
    struct account_ids friends;
    problem p = friend_ids(c, account, &friends);

    for (size_t i = 0; !p && i < friends.count; i++)
        gather(friends.at[i].account, (struct presence_change){ account, online });
    return p;
}

static problem announce(struct call *c, int64_t account, bool here)
{
    bool changed;
    problem p = here ? presence_lease_up(c, account, &changed) : presence_lease_down(c, account, &changed);

    return p || !changed ? p : tell_friends(c, account, here);
}

/* Accounts that could not be announced: handed to Redis, from where the sweep of whichever node tells how they are then. */
static int64_t doubted[DOUBTED_MAX];
static size_t doubted_count;

static void doubt(int64_t account)
{
    if (doubted_count < DOUBTED_MAX)
        doubted[doubted_count++] = account;
    else
        log_warn("presence", "too many changes could not be told; account %lld is told of at its next one", (long long)account);
}

static void hand_over_doubts(struct call *c)
{
    size_t count = doubted_count < RENEW_BATCH ? doubted_count : RENEW_BATCH;

    if (count && !presence_lease_untold(c, doubted, count)) {
        doubted_count -= count; /* others may have been added while we waited, behind these */
        memmove(doubted, doubted + count, doubted_count * sizeof *doubted);
    }
}

struct announcing {
    int64_t account;
    bool here;
};

static void run_announce(struct task *t, void *arg)
{
    struct announcing *a = arg;
    struct arena memory;
    struct call c;
    problem p;

    arena_init(&memory, 4 << 20);
    c = call_of_our_own(t, &memory, "presence");
    if (a->here == (hub_sockets_of(a->account) > 0) && (p = announce(&c, a->account, a->here))) {
        log_info("presence", "account %lld: %s", (long long)a->account, p->code);
        doubt(a->account);
    }
    arena_fini(&memory);
    free(a);
}

static void start_announce(int64_t account, bool here)
{
    struct announcing *a = must_alloc(sizeof *a);

    *a = (struct announcing){ account, here };
    task_start("presence", clock_ms() + TASK_MS, run_announce, a);
}

static void on_left(struct timer *t)
{
    struct leaving *l = CONTAINER_OF(t, struct leaving, timer);
    int64_t account = l->account;

    leaving_end(l);
    start_announce(account, false);
}

void presence_online(int64_t account, bool here)
{
    struct leaving *l = leaving_find(account);

    if (here) {
        if (l)
            leaving_end(l); /* a reload: nobody saw it go */
        else
            start_announce(account, true);
        return;
    }
    if (l || stopping)
        return;
    l = must_zalloc(sizeof *l);
    l->account = account;
    timer_init(&l->timer, on_left);
    map_add(&leaving, &l->node, key_of(&l->account));
    timer_set_after(&l->timer, (uint64_t)config->social_offline_ms);
}

problem presence_of(struct call *c, const int64_t *accounts, size_t count, bool *online, bool *known)
{
    problem p = presence_lease_of(c, accounts, count, online);

    *known = p == NULL;
    return p == PROBLEM(LEASES_UNAVAILABLE) ? NULL : p;
}

void presence_pair(struct call *c, int64_t a, int64_t b, bool see)
{
    int64_t both[] = { a, b };
    bool online[2] = { false, false }, known = false;

    if (see && presence_of(c, both, 2, online, &known))
        known = false;
    for (int i = 0; i < 2; i++)
        gather(both[1 - i], (struct presence_change){ both[i], known && online[i] });
}

struct all_accounts {
    int64_t *at;
    size_t count, room;
};

static void collect(int64_t account, void *arg)
{
    struct all_accounts *all = arg;

    if (all->count == all->room) {
        all->room = all->room ? all->room * 2 : 256;
        all->at = must_realloc(all->at, all->room * sizeof *all->at);
    }
    all->at[all->count++] = account;
}

/* The accounts are copied first: the hub's table may change while a batch is waited for. */
static void renew_all(struct call *c)
{
    struct all_accounts all = { 0 };
    problem p = NULL;

    hub_each_account(collect, &all);
    for (struct map_node *n = map_next(&leaving, NULL); n; n = map_next(&leaving, n))
        collect(CONTAINER_OF(n, struct leaving, node)->account, &all);
    for (size_t i = 0; !p && i < all.count; i += RENEW_BATCH)
        p = presence_lease_renew(c, all.at + i, all.count - i < RENEW_BATCH ? all.count - i : RENEW_BATCH);
    assert_again = assert_again || p;
    free(all.at);
}

/* Tells the friends of some, and that they have been told. */
static problem tell_some(struct call *c, int64_t claim, const struct presence_change *changes, size_t count)
{
    int64_t accounts[FRIENDS_OF_MAX];
    struct friend_pairs pairs;
    problem p;

    for (size_t i = 0; i < count; i++)
        accounts[i] = changes[i].account;
    if ((p = friends_of(c, accounts, count, &pairs)))
        return p;
    for (size_t i = 0; i < pairs.count; i++)
        for (size_t k = 0; k < count; k++)
            if (changes[k].account == pairs.at[i].account)
                gather(pairs.at[i].other, changes[k]);
    return presence_lease_told(c, claim, accounts, count);
}

/* What is not told here, because a store or this node fails, is handed out again when the claim is over. */
static void sweep(struct call *c)
{
    struct presence_claim mine;
    problem p = presence_lease_sweep(c, &mine);

    for (size_t i = 0; !p && i < mine.changes.count; i += FRIENDS_OF_MAX) {
        size_t rest = mine.changes.count - i;

        p = tell_some(c, mine.claim, mine.changes.at + i, rest < FRIENDS_OF_MAX ? rest : FRIENDS_OF_MAX);
    }
    if (p)
        log_info("presence", "sweep: %s", p->code);
}

static uint64_t keep(struct call *c)
{
    if (assert_again || clock_ms() - renewed_ms >= RENEW_MS) {
        assert_again = false;
        renewed_ms = clock_ms();
        renew_all(c);
    }
    hand_over_doubts(c);
    sweep(c);
    return SWEEP_MS;
}
static struct keeper keeper = { .name = "presence.keep", .round = keep };

static void on_redis(bool up)
{
    assert_again = up;
}

void presence_start(void)
{
    static struct redis_watcher watcher = { .changed = on_redis };

    stopping = false;
    pace_start(&pace);
    redis_watch(&watcher);
    presence_snapshots_start();
    renewed_ms = clock_ms();
    keeper_start(&keeper);
}

void presence_stop(void)
{
    struct map_node *n;

    stopping = true;
    presence_snapshots_stop();
    keeper_stop(&keeper);
    pace_stop(&pace);
    map_fini(&gathering);
    while ((n = map_next(&leaving, NULL)) != NULL)
        leaving_end(CONTAINER_OF(n, struct leaving, node));
    map_fini(&leaving);
}
