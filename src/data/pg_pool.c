#include "pg_pool.h"

#include "madang/config.h"
#include "madang/fault.h"
#include "madang/health.h"
#include "madang/log.h"
#include "madang/metric.h"
#include "madang/overload.h"
#include "madang/pg.h"
#include "madang/worker.h"

#define WATCH_MS 250       /* how often overdue statements are looked for */
#define OVERDUE_MS 1200    /* a statement older than this makes us probe … */
#define PROBE_MS 500       /* … and a probe silent for this means that Postgres is gone */
#define PULSE_MS 2000      /* how often a write is tried, … */
#define PULSE_SOON_MS 1000 /* … and while none succeeds */
#define PULSE_LIMIT_MS 3000
#define MOVE_PAUSE_MS 10000

struct lending;
struct waiter {
    struct list node;
    struct wait wait;
    struct lending *of;
    struct pg_connection *got;
};

/* Connections lent one each, and the line before them. */
struct lending {
    const char *name;
    struct pg_connection *all;
    size_t count;
    struct list idle;    /* ready */
    struct list waiters; /* tasks that want one */
    size_t waiting, out;
    const int64_t *waiting_max; /* a setting */
};

static struct {
    struct pg_connection *shared;
    size_t shared_count;
    struct lending tx, slow; /* for transactions; for reads that take their time */
    struct pg_connection probe;
    struct timer watch, probe_limit, pulse;
    bool up, stopping;
    bool pulsing;   /* a task is at it */
    problem writes; /* what came of the last pulse; NULL: well */
    uint64_t moved_ms;
} pool;

static const struct statement pulse_write = { .name = "store_pulse_write", .lane = LANE_TX, .sql = "select store_pulse_write()" };
STATEMENT_TABLE(pool_statements, &pulse_write);

static size_t ready_count(void)
{
    size_t n = 0;

    for (size_t i = 0; i < pool.shared_count; i++)
        n += pool.shared[i].state == PG_READY;
    return n;
}

static void refuse_waiters(struct lending *l)
{
    struct list *node;

    while ((node = list_take_first(&l->waiters)) != NULL)
        wait_done(&CONTAINER_OF(node, struct waiter, node)->wait, PROBLEM(STORE_UNAVAILABLE));
    l->waiting = 0;
}

static struct pg_watcher *watchers;

void pg_watch(struct pg_watcher *w)
{
    w->next = watchers;
    watchers = w;
}

static void begin_pulse(struct timer *t);

static void set_up(bool up)
{
    if (up == pool.up)
        return;
    pool.up = up;
    metric_set(METRIC_PG_UP, up);
    if (!pool.stopping)
        log_at(up ? LOG_INFO : LOG_ERROR, "pg", up ? "connected" : "gone: what needs it answers 503");
    if (up) {
        begin_pulse(&pool.pulse);
    } else {
        refuse_waiters(&pool.tx);
        refuse_waiters(&pool.slow);
    }
    for (struct pg_watcher *w = watchers; w; w = w->next)
        w->changed(up);
}

static bool others_wrote_since(uint64_t ms)
{
    for (size_t i = 0; i < pool.tx.count; i++)
        if (pool.tx.all[i].kept_ms >= ms)
            return true;
    return false;
}

/* Whether it also writes: a standby, a full disk, a replica that does not acknowledge are found out by writing alone. Who waits
 * for a connection, or for the row, while others get theirs written, only learns that they are many. */
static void run_pulse(struct task *t, void *arg)
{
    uint64_t began = clock_ms();
    struct arena a;
    struct call c;
    problem p;

    (void)arg;
    arena_init(&a, 65536);
    c = call_of_our_own(t, &a, "pg.pulse");
    p = store_exec(&c, &pulse_write, NO_VALUES, NULL);
    arena_fini(&a);
    pool.pulsing = false;
    if (p && p != PROBLEM(STORE_UNAVAILABLE) && p != PROBLEM(COMMIT_UNKNOWN) && others_wrote_since(began))
        return;
    if (!p != !pool.writes)
        log_at(p ? LOG_ERROR : LOG_INFO, "pg", p ? "does not write: %s" : "writes%s", p ? p->code : "");
    pool.writes = p;
}

static void begin_pulse(struct timer *t)
{
    if (pool.stopping)
        return;
    if (pool.up && !pool.pulsing) {
        pool.pulsing = true;
        task_start("pg.pulse", clock_ms() + PULSE_LIMIT_MS, run_pulse, NULL);
    }
    timer_set_after(t, pool.writes ? PULSE_SOON_MS : PULSE_MS);
}

static void leave_places(struct pg_connection *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].state == PG_READY && !all[i].leaves)
            pg_connection_leave_place(&all[i]);
}

/* One of them was told that its server only reads: the others have the same server. Not again and again: while no place writes,
 * what only reads goes on. */
static void leave_place(const struct pg_connection *c)
{
    uint64_t now = clock_ms();

    if (!c->leaves || now - pool.moved_ms < MOVE_PAUSE_MS)
        return;
    pool.moved_ms = now;
    leave_places(pool.shared, pool.shared_count);
    leave_places(pool.tx.all, pool.tx.count);
    leave_places(pool.slow.all, pool.slow.count);
}

static void shared_changed(struct pg_connection *c)
{
    leave_place(c);
    set_up(ready_count() > 0);
}

static struct lending *lending_of(const struct pg_connection *c)
{
    return c >= pool.slow.all && c < pool.slow.all + pool.slow.count ? &pool.slow : &pool.tx;
}

/* One became free, or ready: to the first in line. */
static void lend_next(struct pg_connection *c)
{
    struct lending *l = lending_of(c);
    struct list *node;
    struct waiter *w;

    if (c->state != PG_READY || c->lent)
        return;
    node = list_take_first(&l->waiters);
    if (!node) {
        list_remove(&c->node);
        list_append(&l->idle, &c->node);
        return;
    }
    w = CONTAINER_OF(node, struct waiter, node);
    l->waiting--;
    list_remove(&c->node);
    c->lent = true;
    l->out++;
    w->got = c;
    wait_done(&w->wait, NULL);
}

static void lent_changed(struct pg_connection *c)
{
    if (c->state == PG_READY) {
        lend_next(c);
        return;
    }
    list_remove(&c->node);
    leave_place(c);
}

problem pool_shared(struct pg_connection **out)
{
    struct pg_connection *best = NULL;
    size_t on_their_way = 0;

    for (size_t i = 0; i < pool.shared_count; i++) {
        struct pg_connection *c = &pool.shared[i];

        on_their_way += c->query_count;
        if (c->state == PG_READY && (!best || c->query_count < best->query_count))
            best = c;
    }
    *out = best;
    return !best ? PROBLEM(STORE_UNAVAILABLE) : on_their_way >= (size_t)config->pg_reads_max ? PROBLEM(OVERLOADED) : NULL;
}

static void cancel_waiter(struct wait *wait)
{
    struct waiter *w = CONTAINER_OF(wait, struct waiter, wait);

    if (!list_is_empty(&w->node)) {
        list_remove(&w->node);
        w->of->waiting--;
    }
    wait_done(wait, NULL);
}

static problem lend(struct lending *l, struct task *t, struct pg_connection **out)
{
    struct waiter w = { .of = l };
    struct list *node;
    problem p;

    if (FAULT(QUEUE_FULL))
        return PROBLEM(OVERLOADED);
    if ((node = list_take_first(&l->idle)) != NULL) {
        *out = CONTAINER_OF(node, struct pg_connection, node);
        (*out)->lent = true;
        l->out++;
        return NULL;
    }
    if (!pool.up)
        return PROBLEM(STORE_UNAVAILABLE);
    if (l->waiting >= (size_t)*l->waiting_max)
        return PROBLEM(OVERLOADED);
    wait_init(&w.wait, cancel_waiter);
    list_append(&l->waiters, &w.node);
    l->waiting++;
    p = task_wait(t, &w.wait, 0);
    *out = w.got;
    return p;
}

problem pool_lend(struct task *t, enum lane lane, struct pg_connection **out)
{
    return lend(lane == LANE_SLOW ? &pool.slow : &pool.tx, t, out);
}

void pool_return(struct pg_connection *c)
{
    struct lending *l = lending_of(c);

    CHECK(c->lent && l->out > 0);
    c->lent = false;
    l->out--;
    lend_next(c);
}

/* The first one whose oldest statement waits for too long. */
static const struct pg_connection *find_overdue(const struct pg_connection *all, size_t count, uint64_t now)
{
    for (size_t i = 0; i < count; i++)
        if (!list_is_empty(&all[i].queries) &&
            now - CONTAINER_OF(all[i].queries.next, struct pg_query, node)->sent_ms > OVERDUE_MS)
            return &all[i];
    return NULL;
}

static void on_watch(struct timer *t)
{
    uint64_t now = clock_ms();
    const struct pg_connection *overdue = find_overdue(pool.shared, pool.shared_count, now);

    if (!overdue)
        overdue = find_overdue(pool.tx.all, pool.tx.count, now);
    if (!overdue)
        overdue = find_overdue(pool.slow.all, pool.slow.count, now);
    if (overdue && pool.probe.state == PG_CLOSED) {
        timer_set_after(&pool.probe_limit, PROBE_MS);
        pg_connection_open_beside(&pool.probe, overdue);
    }
    timer_set_after(t, WATCH_MS);
}

static void probe_changed(struct pg_connection *c)
{
    if (c->state != PG_READY)
        return;
    timer_clear(&pool.probe_limit);
    pg_connection_close(c);
}

static void close_open(struct pg_connection *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].state != PG_CLOSED)
            pg_connection_close(&all[i]);
}

/* Postgres does not even greet: every connection is given up, and connecting again tells when it is back. */
static void on_probe_silent(struct timer *t)
{
    (void)t;
    log_error("pg", "a probe was silent for %d ms", PROBE_MS);
    pg_connection_close(&pool.probe);
    close_open(pool.tx.all, pool.tx.count);
    close_open(pool.slow.all, pool.slow.count);
    close_open(pool.shared, pool.shared_count);
}

static const char *says(void)
{
    return !pool.up ? "unreachable" : pool.writes ? "does not write" : NULL;
}

static void print_lending(const struct lending *l, struct buf *out)
{
    buf_printf(out, "{\"name\":\"%s\",\"connections\":%zu,\"lent\":%zu,\"waiting\":%zu}", l->name, l->count, l->out, l->waiting);
}

static void print_pools(struct buf *out)
{
    buf_printf(out, "[{\"name\":\"pg.shared\",\"connections\":%zu,\"ready\":%zu},", pool.shared_count, ready_count());
    print_lending(&pool.tx, out);
    buf_put_char(out, ',');
    print_lending(&pool.slow, out);
    for (int class = 0; class < WORKER_CLASSES; class ++) {
        struct worker_info w = worker_info((enum worker_class) class);

        buf_printf(out, ",{\"name\":\"worker.%s\",\"running\":%zu,\"waiting\":%zu,\"done\":%llu,\"refused\":%llu}", w.name,
                   w.running, w.waiting, (unsigned long long)w.done, (unsigned long long)w.refused);
    }
    buf_put(out, T("]\n"));
}

static int64_t measure_waiting(void)
{
    return (int64_t)pool.tx.waiting * 100 / config->pg_waiting_max;
}

static int64_t waiting_soft(void)
{
    return config->overload_waiting_soft;
}

static int64_t waiting_hard(void)
{
    return config->overload_waiting_hard;
}

static void before_metrics(void)
{
    metric_set(METRIC_PG_WAITING, (int64_t)(pool.tx.waiting + pool.slow.waiting));
}

static struct pg_connection *make_many(size_t count, int64_t timeout_ms, void (*changed)(struct pg_connection *c))
{
    struct pg_connection *all = must_zalloc(count * sizeof *all);

    for (size_t i = 0; i < count; i++) {
        pg_connection_init(&all[i], timeout_ms, changed);
        all[i].keep_open = true;
    }
    return all;
}

/* When all are made: who is refused at once tells so from within the opening, and the pool looks at every one of them. */
static void open_many(struct pg_connection *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pg_connection_open(&all[i]);
}

static void lending_start(struct lending *l, const char *name, int64_t count, int64_t timeout_ms, const int64_t *waiting_max)
{
    *l = (struct lending){ .name = name, .count = (size_t)count, .waiting_max = waiting_max };
    list_init(&l->idle);
    list_init(&l->waiters);
    l->all = make_many(l->count, timeout_ms, lent_changed);
}

void pg_start(void)
{
    static struct health_part health = { .name = "pg", .says = says };
    static struct list_view pools = { .name = "pools", .print = print_pools };
    static struct list_view statements = { .name = "statements", .print = statements_print };
    static struct metric_source metrics = { .before = before_metrics };
    static struct pressure pressure = {
        .name = "pg_waiting_percent", .measure = measure_waiting, .soft = waiting_soft, .hard = waiting_hard
    };

    timer_init(&pool.watch, on_watch);
    timer_init(&pool.probe_limit, on_probe_silent);
    timer_init(&pool.pulse, begin_pulse);
    pool.stopping = false;
    pool.writes = PROBLEM(STORE_UNAVAILABLE); /* until it has */
    pg_connection_init(&pool.probe, config->pg_read_ms, probe_changed);
    pool.shared_count = (size_t)config->pg_shared_connections;
    pool.shared = make_many(pool.shared_count, config->pg_read_ms, shared_changed);
    lending_start(&pool.tx, "pg.tx", config->pg_tx_connections, config->pg_tx_ms, &config->pg_waiting_max);
    lending_start(&pool.slow, "pg.slow", config->pg_slow_connections, config->pg_slow_ms, &config->pg_slow_waiting_max);
    open_many(pool.shared, pool.shared_count);
    open_many(pool.tx.all, pool.tx.count);
    open_many(pool.slow.all, pool.slow.count);
    timer_set_after(&pool.watch, WATCH_MS);
    health_part_add(&health);
    list_view_add(&pools);
    list_view_add(&statements);
    metric_source_add(&metrics);
    pressure_add(&pressure);
}

static void free_many(struct pg_connection **all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pg_connection_free(&(*all)[i]);
    free(*all);
    *all = NULL;
}

void pg_rest(void)
{
    pool.stopping = true;
    timer_clear(&pool.pulse);
}

static void abandon_many(struct pg_connection *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        all[i].keep_open = false;
        if (all[i].state != PG_CLOSED)
            pg_connection_close(&all[i]);
    }
}

void pg_abandon(void)
{
    abandon_many(pool.tx.all, pool.tx.count);
    abandon_many(pool.slow.all, pool.slow.count);
    abandon_many(pool.shared, pool.shared_count);
}

void pg_stop(void)
{
    CHECK(pool.tx.out == 0 && pool.slow.out == 0);
    watchers = NULL;
    pool.stopping = true;
    timer_clear(&pool.watch);
    timer_clear(&pool.probe_limit);
    timer_clear(&pool.pulse);
    pg_connection_free(&pool.probe);
    free_many(&pool.tx.all, pool.tx.count);
    free_many(&pool.slow.all, pool.slow.count);
    free_many(&pool.shared, pool.shared_count);
    pool.shared_count = pool.tx.count = pool.slow.count = 0;
}
