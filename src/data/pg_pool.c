#include "pg_pool.h"

#include "madang/config.h"
#include "madang/fault.h"
#include "madang/health.h"
#include "madang/log.h"
#include "madang/metric.h"
#include "madang/overload.h"
#include "madang/pg.h"
#include "madang/worker.h"

#define WATCH_MS 250    /* how often overdue statements are looked for */
#define OVERDUE_MS 1200 /* a statement older than this makes us probe … */
#define PROBE_MS 500    /* … and a probe silent for this means that Postgres is gone */

struct waiter {
    struct list node;
    struct wait wait;
    struct pg_connection *got;
};

static struct {
    struct pg_connection *shared, *lent; /* arrays, as long as the settings say */
    size_t shared_count, lent_count;
    struct list idle;    /* connections for transactions, ready */
    struct list waiters; /* tasks that want one */
    size_t waiting, out;
    struct pg_connection probe;
    struct timer watch, probe_limit;
    bool up, running;
} pool;

static size_t ready_count(void)
{
    size_t n = 0;

    for (size_t i = 0; i < pool.shared_count; i++)
        n += pool.shared[i].state == PG_READY;
    return n;
}

static void refuse_waiters(void)
{
    struct list *node;

    while ((node = list_take_first(&pool.waiters)) != NULL)
        wait_done(&CONTAINER_OF(node, struct waiter, node)->wait, PROBLEM(STORE_UNAVAILABLE));
    pool.waiting = 0;
}

static void set_up(bool up)
{
    if (up == pool.up)
        return;
    pool.up = up;
    metric_set(METRIC_PG_UP, up);
    log_at(up ? LOG_INFO : LOG_ERROR, "pg", up ? "connected" : "gone: what needs it answers 503");
    if (!up)
        refuse_waiters();
}

static void shared_changed(struct pg_connection *c)
{
    (void)c;
    set_up(ready_count() > 0);
}

/* A connection for transactions became free, or ready: to the first in line. */
static void lend_next(struct pg_connection *c)
{
    struct list *node;
    struct waiter *w;

    if (c->state != PG_READY || c->lent)
        return;
    node = list_take_first(&pool.waiters);
    if (!node) {
        list_remove(&c->node);
        list_append(&pool.idle, &c->node);
        return;
    }
    w = CONTAINER_OF(node, struct waiter, node);
    pool.waiting--;
    list_remove(&c->node);
    c->lent = true;
    pool.out++;
    w->got = c;
    wait_done(&w->wait, NULL);
}

static void lent_changed(struct pg_connection *c)
{
    if (c->state == PG_READY)
        lend_next(c);
    else
        list_remove(&c->node);
}

struct pg_connection *pool_shared(void)
{
    struct pg_connection *best = NULL;

    for (size_t i = 0; i < pool.shared_count; i++) {
        struct pg_connection *c = &pool.shared[i];

        if (c->state == PG_READY && (!best || c->query_count < best->query_count))
            best = c;
    }
    return best;
}

static void cancel_waiter(struct wait *wait)
{
    struct waiter *w = CONTAINER_OF(wait, struct waiter, wait);

    if (!list_is_empty(&w->node)) {
        list_remove(&w->node);
        pool.waiting--;
    }
    wait_done(wait, NULL);
}

problem pool_lend(struct task *t, struct pg_connection **out)
{
    struct waiter w = { .got = NULL };
    struct list *node;
    problem p;

    if (FAULT(QUEUE_FULL))
        return PROBLEM(OVERLOADED);
    if ((node = list_take_first(&pool.idle)) != NULL) {
        *out = CONTAINER_OF(node, struct pg_connection, node);
        (*out)->lent = true;
        pool.out++;
        return NULL;
    }
    if (!pool.up)
        return PROBLEM(STORE_UNAVAILABLE);
    if (pool.waiting >= (size_t)config->pg_waiting_max)
        return PROBLEM(OVERLOADED);
    wait_init(&w.wait, cancel_waiter);
    list_append(&pool.waiters, &w.node);
    pool.waiting++;
    p = task_wait(t, &w.wait, 0);
    *out = w.got;
    return p;
}

void pool_return(struct pg_connection *c)
{
    CHECK(c->lent && pool.out > 0);
    c->lent = false;
    pool.out--;
    lend_next(c);
}

static bool is_overdue(const struct pg_connection *c, uint64_t now)
{
    return !list_is_empty(&c->queries) && now - CONTAINER_OF(c->queries.next, struct pg_query, node)->sent_ms > OVERDUE_MS;
}

static void on_watch(struct timer *t)
{
    uint64_t now = clock_ms();
    bool overdue = false;

    for (size_t i = 0; i < pool.shared_count; i++)
        overdue = overdue || is_overdue(&pool.shared[i], now);
    for (size_t i = 0; i < pool.lent_count; i++)
        overdue = overdue || is_overdue(&pool.lent[i], now);
    if (overdue && pool.probe.state == PG_CLOSED) {
        timer_set_after(&pool.probe_limit, PROBE_MS);
        pg_connection_open(&pool.probe);
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

/* Postgres does not even greet: every connection is given up, and connecting again tells when it is back. */
static void on_probe_silent(struct timer *t)
{
    (void)t;
    log_error("pg", "a probe was silent for %d ms", PROBE_MS);
    pg_connection_close(&pool.probe);
    for (size_t i = 0; i < pool.lent_count; i++)
        if (pool.lent[i].state != PG_CLOSED)
            pg_connection_close(&pool.lent[i]);
    for (size_t i = 0; i < pool.shared_count; i++)
        if (pool.shared[i].state != PG_CLOSED)
            pg_connection_close(&pool.shared[i]);
}

static const char *says(void)
{
    return pool.up ? NULL : "unreachable";
}

static void print_pools(struct buf *out)
{
    buf_printf(out, "[{\"name\":\"pg.shared\",\"connections\":%zu,\"ready\":%zu},", pool.shared_count, ready_count());
    buf_printf(out, "{\"name\":\"pg.tx\",\"connections\":%zu,\"lent\":%zu,\"waiting\":%zu}", pool.lent_count, pool.out,
               pool.waiting);
    for (int class = 0; class < WORKER_CLASSES; class ++) {
        struct worker_info w = worker_info((enum worker_class) class);

        buf_printf(out, ",{\"name\":\"worker.%s\",\"running\":%zu,\"waiting\":%zu,\"done\":%llu,\"refused\":%llu}", w.name,
                   w.running, w.waiting, (unsigned long long)w.done, (unsigned long long)w.refused);
    }
    buf_put(out, T("]\n"));
}

static int64_t measure_waiting(void)
{
    return (int64_t)pool.waiting * 100 / config->pg_waiting_max;
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
    metric_set(METRIC_PG_WAITING, (int64_t)pool.waiting);
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

void pg_start(void)
{
    static struct health_part health = { .name = "pg", .says = says };
    static struct list_view pools = { .name = "pools", .print = print_pools };
    static struct list_view statements = { .name = "statements", .print = statements_print };
    static struct metric_source metrics = { .before = before_metrics };
    static struct pressure pressure = {
        .name = "pg_waiting_percent", .measure = measure_waiting, .soft = waiting_soft, .hard = waiting_hard
    };

    list_init(&pool.idle);
    list_init(&pool.waiters);
    timer_init(&pool.watch, on_watch);
    timer_init(&pool.probe_limit, on_probe_silent);
    pg_connection_init(&pool.probe, config->pg_read_ms, probe_changed);
    pool.shared_count = (size_t)config->pg_shared_connections;
    pool.lent_count = (size_t)config->pg_tx_connections;
    pool.shared = make_many(pool.shared_count, config->pg_read_ms, shared_changed);
    pool.lent = make_many(pool.lent_count, config->pg_tx_ms, lent_changed);
    open_many(pool.shared, pool.shared_count);
    open_many(pool.lent, pool.lent_count);
    timer_set_after(&pool.watch, WATCH_MS);
    health_part_add(&health);
    list_view_add(&pools);
    list_view_add(&statements);
    metric_source_add(&metrics);
    pressure_add(&pressure);
}

static void close_many(struct pg_connection **all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (*all)[i].keep_open = false;
        pg_connection_close(&(*all)[i]);
    }
    free(*all);
    *all = NULL;
}

void pg_stop(void)
{
    CHECK(pool.out == 0);
    timer_clear(&pool.watch);
    timer_clear(&pool.probe_limit);
    pg_connection_close(&pool.probe);
    close_many(&pool.lent, pool.lent_count);
    close_many(&pool.shared, pool.shared_count);
    pool.shared_count = pool.lent_count = 0;
}
