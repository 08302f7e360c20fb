#include "madang/store.h"

#include "madang/fault.h"
#include "madang/log.h"
#include "pg_pool.h"
#include "store_result.h"

struct store_on store_on_call(struct call *c)
{
    return (struct store_on){ .call = c };
}

struct store_on store_on_tx(struct tx *tx)
{
    return (struct store_on){ .call = tx->call, .tx = tx };
}

struct store_on store_on_same(struct store_on on)
{
    return on;
}

struct waiting {
    struct wait wait;
    struct pg_query *query;
};

/* Lets go at once: the connection throws the late result away. */
static void cancel_query(struct wait *w)
{
    struct waiting *waiting = CONTAINER_OF(w, struct waiting, wait);

    waiting->query->wait = NULL;
    waiting->query = NULL;
    wait_done(w, NULL);
}

/* Sends and waits for the result. *out is NULL when the wait was given up or the connection is gone. */
static problem run_on(struct call *c, struct pg_connection *connection, const struct statement *s, struct values v,
                      struct pg_query **out)
{
    struct waiting w = { .query = pg_connection_send(connection, s, v) };
    problem p;

    *out = NULL;
    if (!w.query)
        return PROBLEM(STORE_UNAVAILABLE);
    wait_init(&w.wait, cancel_query);
    w.query->wait = &w.wait;
    if (FAULT(QUERY_LOST))
        pg_connection_lose_answer(connection);
    p = task_wait(c->task, &w.wait, 0);
    if (p && w.query) { /* done and given up in the same turn */
        pg_query_free(&w.query);
        return p;
    }
    *out = w.query;
    return p;
}

static problem run_in_tx(struct tx *tx, const struct statement *s, struct values v, struct pg_query **out)
{
    problem p;

    *out = NULL;
    if (tx->failed || tx->epoch != tx->connection->epoch) { /* what was begun is not there any more */
        tx->failed = true;
        return PROBLEM(STORE_UNAVAILABLE);
    }
    p = run_on(tx->call, tx->connection, s, v, out);
    if (p || (*out)->lost || PQresultStatus((*out)->result) == PGRES_FATAL_ERROR)
        tx->failed = true;
    else if (!pg_is_in_transaction(tx->connection)) /* BEGIN itself failed: nothing may be done outside */
        tx->failed = true;
    return p;
}

static problem run_alone(struct call *c, const struct statement *s, struct values v, struct pg_query **out)
{
    struct pg_connection *connection;
    problem p;

    *out = NULL;
    if (s->lane == LANE_READ)
        return (p = pool_shared(&connection)) ? p : run_on(c, connection, s, v, out);
    if ((p = pool_lend(c->task, s->lane, &connection)))
        return p;
    p = run_on(c, connection, s, v, out);
    pool_return(connection);
    return p;
}

static void free_query(void *arg)
{
    struct pg_query *q = arg;

    pg_query_free(&q);
}

/* Once, to its result, which lives as long as the call. */
static problem run_once(struct store_on on, const struct statement *s, struct values v, PGresult **out)
{
    struct pg_query *q;
    problem p = on.tx ? run_in_tx(on.tx, s, v, &q) : run_alone(on.call, s, v, &q);

    if (p)
        return p;
    arena_defer(on.call->arena, free_query, q);
    if (q->lost)
        return on.tx || s->lane != LANE_TX ? PROBLEM(STORE_UNAVAILABLE) : PROBLEM(COMMIT_UNKNOWN);
    *out = q->result;
    return NULL;
}

/* Runs it and sorts out what went wrong. */
static problem run(struct store_on on, const struct statement *s, struct values v, PGresult **out)
{
    problem p;

    if (arena_is_over(on.call->arena)) /* what it was given may be short */
        return PROBLEM(OVERLOADED);
    if (FAULT(QUERY_FAILS))
        return PROBLEM(STORE_UNAVAILABLE);
    if ((p = run_once(on, s, v, out)))
        return p;
    if (result_wants_again(*out)) {
        if (on.tx) /* which is over by this; who begins it again finds the statement prepared anew */
            return PROBLEM(STORE_UNAVAILABLE);
        if ((p = run_once(on, s, v, out)))
            return p;
    }
    return result_problem(s, *out);
}

problem store_run_maybe(struct store_on on, const struct statement *s, struct values v, void *row, bool *found)
{
    PGresult *r;
    problem p;

    *found = false;
    if ((p = run(on, s, v, &r)))
        return p;
    if (PQntuples(r) > 1) {
        log_error("pg", "%s: %d rows where one was expected", s->name, PQntuples(r));
        return PROBLEM(INTERNAL);
    }
    *found = PQntuples(r) == 1;
    return *found ? row_decode(s, r, 0, on.call->arena, row) : NULL;
}

problem store_run_one(struct store_on on, const struct statement *s, struct values v, void *row)
{
    bool found;
    problem p = store_run_maybe(on, s, v, row, &found);

    if (p || found)
        return p;
    log_error("pg", "%s: no row where one was expected", s->name);
    return PROBLEM(INTERNAL);
}

problem store_run_many(struct store_on on, const struct statement *s, struct values v, void *list)
{
    PGresult *r;
    problem p;

    *(struct any_list *)list = (struct any_list){ 0 };
    return (p = run(on, s, v, &r)) ? p : rows_decode(s, r, on.call->arena, list);
}

problem store_run_exec(struct store_on on, const struct statement *s, struct values v, int64_t *rows)
{
    PGresult *r;
    problem p = run(on, s, v, &r);

    if (!p && rows && !text_to_i64(text_of(PQcmdTuples(r)), rows))
        *rows = 0;
    return p;
}

problem store_run_found(struct store_on on, const struct statement *s, struct values v, bool *found)
{
    int64_t rows = 0;
    problem p = store_run_exec(on, s, v, &rows);

    *found = !p && rows > 0;
    return p;
}

problem store_sweep(struct call *c, const struct statement *s, struct values v)
{
    int64_t rows = SWEEP_ROWS;
    problem p = NULL;

    while (!p && rows >= SWEEP_ROWS)
        p = store_exec(c, s, v, &rows);
    return p;
}
