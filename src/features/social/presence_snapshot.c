/* Which friends are online, told to a socket a moment after it opened: by then many have opened, who are answered together, and
 * who only looked in is gone. */
#include "madang/hub.h"
#include "madang/overload.h"
#include "presence_lease.h"
#include "social_parts.h"

#define GATHER_MS 20
#define BATCH 32       /* sockets of one question */
#define BATCHES_MAX 16 /* questions at a time: 25,000 sockets a second */
#define LATER_MS 200   /* while the node is overloaded */
#define WAITING_MAX 100000
#define TASK_MS 5000

struct opening {
    struct list node;
    uint64_t socket;
    int64_t account;
};
struct batch {
    size_t count;
    uint64_t sockets[BATCH];
    int64_t accounts[BATCH];
};

static struct list openings = { &openings, &openings };
static size_t openings_count;
static struct timer timer;

static void put(struct presence_snapshot *out, struct call *c, int64_t friend)
{
    if (!out->online.at)
        out->online.at = arena_array(c->arena, int64_t, SNAPSHOT_MAX);
    if (out->online.count < SNAPSHOT_MAX)
        out->online.at[out->online.count++] = friend;
}

/* One question to each store for all of them. */
static problem friends_online(struct call *c, const int64_t *accounts, size_t count, struct presence_snapshot *out)
{
    struct friend_pairs pairs;
    int64_t *ids;
    bool *online;
    problem p = friends_of(c, accounts, count, &pairs);

    if (p || pairs.count == 0)
        return p;
    ids = arena_array(c->arena, int64_t, pairs.count);
    online = arena_array(c->arena, bool, pairs.count);
    for (size_t i = 0; i < pairs.count; i++)
        ids[i] = pairs.at[i].other;
    if ((p = presence_lease_of(c, ids, pairs.count, online)))
        return p;
    for (size_t i = 0; i < pairs.count; i++)
        for (size_t k = 0; k < count && online[i]; k++)
            if (accounts[k] == pairs.at[i].account)
                put(&out[k], c, ids[i]);
    return NULL;
}

problem presence_friends(struct call *c)
{
    return friends_online(c, &c->account, 1, c->out);
}

static void run_batch(struct task *t, void *arg)
{
    struct batch *b = arg;
    struct presence_snapshot *data;
    struct arena memory;
    struct call c;

    arena_init(&memory, 64u << 20);
    c = call_of_our_own(t, &memory, "presence.snapshot");
    data = arena_array(&memory, struct presence_snapshot, b->count);
    if (!friends_online(&c, b->accounts, b->count, data))
        for (size_t i = 0; i < b->count; i++)
            hub_tell_socket(b->sockets[i], &presence_snapshot_event, topic_of(&memory, "account", b->accounts[i]),
                            shape_text(&presence_snapshot_shape, &data[i], &memory));
    arena_fini(&memory);
    free(b);
}

/* The next ones that are still there. */
static void start_batch(void)
{
    struct batch *b = must_zalloc(sizeof *b);

    while (b->count < BATCH && openings_count) {
        struct opening *o = CONTAINER_OF(list_take_first(&openings), struct opening, node);

        openings_count--;
        if (hub_is_open(o->socket)) {
            b->sockets[b->count] = o->socket;
            b->accounts[b->count++] = o->account;
        }
        free(o);
    }
    if (b->count)
        task_start("presence.snapshot", clock_ms() + TASK_MS, run_batch, b);
    else
        free(b);
}

static void on_timer(struct timer *t)
{
    if (overload_now() != OVERLOAD_NONE && openings_count < WAITING_MAX) {
        timer_set_after(t, LATER_MS);
        return;
    }
    for (size_t i = 0; i < BATCHES_MAX && openings_count; i++)
        start_batch();
    if (openings_count)
        timer_set_after(t, GATHER_MS);
}

void presence_opened(uint64_t socket, int64_t account)
{
    struct opening *o = must_alloc(sizeof *o);

    *o = (struct opening){ .socket = socket, .account = account };
    list_append(&openings, &o->node);
    openings_count++;
    if (!timer_is_set(&timer))
        timer_set_after(&timer, GATHER_MS);
}

void presence_snapshots_start(void)
{
    timer_init(&timer, on_timer);
}

void presence_snapshots_stop(void)
{
    struct list *node;

    timer_clear(&timer);
    while ((node = list_take_first(&openings)) != NULL)
        free(CONTAINER_OF(node, struct opening, node));
    openings_count = 0;
}
