#include "madang/fault.h"
#include "madang/log.h"
#include "madang/store.h"
#include "pg_pool.h"
#include "store_result.h"
#include "topics.h"

#define ROLLBACK_MS 200

static const struct statement begin = { .name = "tx_begin", .lane = LANE_TX, .sql = "begin" };
static const struct statement commit = { .name = "tx_commit", .lane = LANE_TX, .sql = "commit" };
static const struct statement rollback = { .name = "tx_rollback", .lane = LANE_TX, .sql = "rollback" };

/* The row's lock makes numbers dense and visible in order. */
static const struct statement topic_next = { .name = "topic_next",
                                             .lane = LANE_TX,
                                             .row = &row_i64,
                                             .sql = "insert into topics (topic, head) values ($1, 1)"
                                                    " on conflict (topic) do update set head = topics.head + 1 returning head" };

static const struct statement topic_keep = { .name = "topic_keep",
                                             .lane = LANE_TX,
                                             .sql = "insert into topic_log (topic, seq, ev, data) values ($1, $2, $3, $4)" };

/* One row always; the join tells whether a twin has been, the lock whether one is at work. */
struct key_state {
    bool locked;
    struct opt_text fingerprint, answer;
};
static const struct field key_state_fields[] = {
    FIELD(struct key_state, locked),
    FIELD(struct key_state, fingerprint),
    FIELD(struct key_state, answer),
};
static const struct shape key_state_shape = SHAPE("KeyState", struct key_state, key_state_fields);
static const struct statement key_look = {
    .name = "key_look",
    .lane = LANE_TX,
    .row = &key_state_shape,
    .sql = "select k.key is not null or pg_try_advisory_xact_lock(hashtextextended($2 || ' ' || $3, $1::bigint)) as locked,"
           " k.fingerprint, k.answer::text as answer"
           " from (select 1) one left join idempotency_keys k on k.account = $1 and k.call = $2 and k.key = $3"
};

static const struct statement key_keep = {
    .name = "key_keep",
    .lane = LANE_TX,
    .sql = "insert into idempotency_keys (account, call, key, fingerprint, answer) values ($1, $2, $3, $4, $5::json)"
};

static const struct statement key_find = { .name = "key_find",
                                           .lane = LANE_READ,
                                           .row = &key_state_shape,
                                           .sql = "select true as locked, fingerprint, answer::text as answer"
                                                  " from idempotency_keys where account = $1 and call = $2 and key = $3" };

static const struct constraint constraints[] = { { "idempotency_keys_pkey", PROBLEM_KEY_RUNNING } };

static STATEMENT_TABLE(statements, &topic_next, &topic_keep, &key_look, &key_keep, &key_find);
static struct constraint_table constraint_names = { .at = constraints, .count = COUNT_OF(constraints) };

void store_start(void)
{
    statements_add(&statements);
    statements_add(&pool_statements);
    constraints_add(&constraint_names);
    topics_start();
}

struct outgoing {
    struct list node;
    struct published event;
    void (*after)(void *arg);
    void *arg;
};

static void (*publisher)(const struct published *p);
static void (*tell_missed)(struct text topic);

void tx_set_publisher(void (*publish)(const struct published *p), void (*missed)(struct text topic))
{
    publisher = publish;
    tell_missed = missed;
}

/* Sends within the transaction; NULL: its connection was lost since it began. */
static struct pg_query *send_in_tx(struct tx *tx, const struct statement *s, struct values v)
{
    return tx->epoch == tx->connection->epoch ? pg_connection_send(tx->connection, s, v) : NULL;
}

static problem key_check(struct call *c, struct tx *tx)
{
    struct key_state k;
    problem p = store_one(tx, &key_look, VALUES(c->account, text_of(c->name), c->key), &k);

    if (p)
        return p;
    if (!k.locked)
        return PROBLEM(KEY_RUNNING);
    if (k.fingerprint.is != PRESENT)
        return NULL;
    if (!text_is(k.fingerprint.value, c->fingerprint) && text_starts(k.fingerprint.value, FINGERPRINT))
        return PROBLEM(KEY_REUSED);
    c->replay = k.answer.value;
    return PROBLEM(REPLAYED);
}

problem tx_begin(struct call *c, struct tx *tx)
{
    problem p;

    CHECK(!tx->connection);
    *tx = (struct tx){ .call = c };
    list_init(&tx->events);
    if ((p = pool_lend(c->task, LANE_TX, &tx->connection)))
        return p;
    tx->epoch = tx->connection->epoch;
    task_foreign_forbid(c->task, 1);
    if (!send_in_tx(tx, &begin, NO_VALUES)) {
        tx->failed = true;
        return PROBLEM(STORE_UNAVAILABLE);
    }
    return c->key.len ? key_check(c, tx) : NULL;
}

static void release(struct tx *tx)
{
    task_foreign_forbid(tx->call->task, -1);
    pool_return(tx->connection);
    tx->connection = NULL;
}

problem tx_next(struct tx *tx, struct text topic, int64_t *number)
{
    return store_one(tx, &topic_next, VALUES(topic), number);
}

void tx_publish(struct tx *tx, struct text topic, int64_t number, const struct event_def *e, const void *data)
{
    struct arena *a = tx->call->arena;
    struct outgoing *o = arena_new(a, struct outgoing);

    CHECK(e->numbered || number == 0);
    if (e->numbered && number <= 0) { /* so the database said */
        log_error("pg", "event %s of %.*s: no number", e->name, TEXT_ARG(topic));
        tx->failed = true;
        return;
    }
    o->event = (struct published){ arena_text(a, topic), number, e, shape_text(e->data, data, a) };
    list_append(&tx->events, &o->node);
    if (number && !send_in_tx(tx, &topic_keep, VALUES(topic, number, text_of(e->name), o->event.json)))
        tx->failed = true; /* otherwise a failure shows at the commit, which then rolls back */
}

problem tx_announce(struct tx *tx, struct text topic, const struct event_def *e, const void *data)
{
    int64_t number;
    problem p = tx_next(tx, topic, &number);

    if (!p)
        tx_publish(tx, topic, number, e, data);
    return p;
}

void tx_after(struct tx *tx, void (*after)(void *arg), void *arg)
{
    struct outgoing *o = arena_new(tx->call->arena, struct outgoing);

    o->after = after;
    o->arg = arg;
    list_append(&tx->events, &o->node);
}

static void send_out(struct tx *tx)
{
    if (!list_is_empty(&tx->events) && FAULT(DIE_AFTER_COMMIT))
        abort();
    list_each (node, &tx->events) {
        struct outgoing *o = CONTAINER_OF(node, struct outgoing, node);

        if (o->after)
            o->after(o->arg);
        else if (publisher)
            publisher(&o->event);
    }
}

/* Nobody knows whether it happened. Who follows a topic it would have told is sent to look, and what was to be ended or dropped
 * in this process is: either does no harm when it did not happen. */
static void send_out_doubt(struct tx *tx)
{
    struct text last = T("");

    list_each (node, &tx->events) {
        struct outgoing *o = CONTAINER_OF(node, struct outgoing, node);

        if (o->after)
            o->after(o->arg);
        else if (tell_missed && !text_is(o->event.topic, last))
            tell_missed(last = o->event.topic);
    }
}

/* Whether a commit whose answer was lost did happen: the key's row tells. */
static problem look_again(struct tx *tx)
{
    struct call *c = tx->call;
    struct key_state k;
    bool found = false;

    if (c->key.len && !store_maybe(c, &key_find, VALUES(c->account, text_of(c->name), c->key), &k, &found) && found) {
        send_out(tx);
        return NULL;
    }
    send_out_doubt(tx);
    return PROBLEM(COMMIT_UNKNOWN);
}

struct waiting {
    struct wait wait;
    struct pg_query *query;
};

static void let_go(struct wait *w)
{
    struct waiting *waiting = CONTAINER_OF(w, struct waiting, wait);

    waiting->query->wait = NULL;
    waiting->query = NULL;
    wait_done(w, NULL);
}

/* What is committed is told, even when who asked has gone meanwhile: only the deadline lets go of a commit on its way. Of one
 * whose caller was cancelled, Postgres' statement_timeout or the pool's probe makes an end. */
static void let_go_late(struct wait *w)
{
    if (w->stopped != PROBLEM(CANCELLED))
        let_go(w);
}

/* Who tries again at once with the same key must not find the lock of what was given up. */
void tx_leave(struct tx *tx)
{
    struct waiting w = { .query = NULL };

    if (!tx->connection)
        return;
    w.query = send_in_tx(tx, &rollback, NO_VALUES);
    if (w.query && tx->call->key.len) {
        wait_init(&w.wait, let_go);
        w.query->wait = &w.wait;
        if (task_wait(tx->call->task, &w.wait, clock_ms() + ROLLBACK_MS))
            log_info("pg", "%s: the rollback is not waited for any longer", tx->call->name);
        if (w.query)
            pg_query_free(&w.query);
    }
    release(tx);
}

static problem commit_result(struct tx *tx, struct pg_query *q)
{
    problem p = NULL;

    if (!q || q->lost)
        p = PROBLEM(COMMIT_UNKNOWN);
    else if (PQresultStatus(q->result) != PGRES_COMMAND_OK)
        p = result_problem(&commit, q->result);
    else if (!text_is(text_of(PQcmdStatus(q->result)), T("COMMIT"))) {
        log_warn("pg", "%s: a statement sent without waiting failed; rolled back", tx->call->name);
        p = PROBLEM(CONFLICT);
    }
    if (q)
        pg_query_free(&q);
    return p;
}

problem tx_commit(struct tx *tx)
{
    struct call *c = tx->call;
    struct waiting w = { .query = NULL };
    problem p;

    if (tx->failed)
        return PROBLEM(STORE_UNAVAILABLE);
    if (arena_is_over(c->arena))
        return PROBLEM(OVERLOADED);
    if (c->audit == AUDIT_WANTED) {
        log_error("audit", "%s: what it did was not noted; rolled back", c->name);
        return PROBLEM(INTERNAL);
    }
    if (c->key.len) {
        struct text answer = c->out_shape ? shape_text(c->out_shape, c->out, c->arena) : T("{}");

        if ((p = store_exec(tx, &key_keep, VALUES(c->account, text_of(c->name), c->key, c->fingerprint, answer), NULL)))
            return p;
    }
    if (!(w.query = send_in_tx(tx, &commit, NO_VALUES)))
        return PROBLEM(STORE_UNAVAILABLE);
    wait_init(&w.wait, let_go_late);
    w.query->wait = &w.wait;
    if (FAULT(COMMIT_UNKNOWN))
        pg_connection_lose_answer(tx->connection);
    p = task_wait(c->task, &w.wait, 0);
    if (!w.query)
        log_warn("pg", "%s: waiting for the commit ended: %s", c->name, p->code);
    p = commit_result(tx, w.query);
    release(tx);
    if (p == PROBLEM(COMMIT_UNKNOWN))
        return look_again(tx);
    if (!p)
        send_out(tx);
    return p;
}

static void publish_but(struct call *c, struct text topic, const struct event_def *e, const void *data, uint64_t but)
{
    struct published p = { topic, 0, e, shape_text(e->data, data, c->arena), but };

    CHECK(!e->numbered);
    if (publisher && p.json.len)
        publisher(&p);
}

void publish_now(struct call *c, struct text topic, const struct event_def *e, const void *data)
{
    publish_but(c, topic, e, data, 0);
}

void publish_to_others(struct call *c, struct text topic, const struct event_def *e, const void *data)
{
    publish_but(c, topic, e, data, c->socket);
}
