/* data: store — Postgres as typed functions see it: statements, rows, transactions.
 *
 * A statement is a row of a table: text, what its result looks like, and which lane it takes. Its parameters are given by
 * VALUES(), whose kinds come from their C types. Rows are decoded by column name into the arena. All of this waits, hence
 * wants a call or a transaction as its first argument; store_one(c, …) runs on its own, store_one(&tx, …) inside the transaction.
 */
#ifndef MADANG_STORE_H
#define MADANG_STORE_H

#include "madang/call.h"
#include "madang/value.h"

enum lane {
    LANE_READ, /* shared pipelined connections, autocommit, reads only, statement_timeout 1 s */
    LANE_SLOW, /* reads that may take 5 s: their own few connections, so that they hold nobody else up */
    LANE_TX    /* a connection of one's own */
};

struct statement {
    const char *name; /* unique; also its name in Postgres */
    enum lane lane;
    const struct shape *row; /* NULL: no rows */
    size_t rows_max;         /* of store_many(); more are INTERNAL, and logged */
    const char *sql;
};

/* Rows of one column, whatever that is called: `.row = &row_i64`, and store_one(c, &s, v, &number). */
extern const struct shape row_i64, row_bool, row_text, row_opt_i64, row_opt_text;

/* How a feature or a platform part shows its statements: for PREPARE and DESCRIBE at start-up. */
struct statement_table {
    const struct statement *const *at;
    size_t count;
    struct statement_table *next;
};
void statements_add(struct statement_table *t);
/* At file scope: a table `name` of these statements. */
/* clang-format off */
#define STATEMENT_TABLE(name, ...) \
    struct statement_table name = { .at = (const struct statement *const[]){ __VA_ARGS__ }, \
                                    .count = sizeof((const struct statement *const[]){ __VA_ARGS__ }) / sizeof(void *) }
/* clang-format on */

/* A violated constraint means a problem of the caller's, not a bug. */
struct constraint {
    const char *name;
    enum problem_id problem;
};
struct constraint_table {
    const struct constraint *at;
    size_t count;
    struct constraint_table *next;
};
void constraints_add(struct constraint_table *t);
void store_start(void); /* adds the platform's own tables */

struct tx;
/* Where a statement runs. */
struct store_on {
    struct call *call;
    struct tx *tx;
};
struct store_on store_on_call(struct call *c);
struct store_on store_on_tx(struct tx *tx);
/* clang-format off */
#define STORE_ON(on) _Generic((on), struct call *: store_on_call, struct tx *: store_on_tx, struct store_on: store_on_same)(on)
/* clang-format on */
struct store_on store_on_same(struct store_on on);

/* Problems of all: STORE_UNAVAILABLE, DEADLINE, OVERLOADED, COMMIT_UNKNOWN (a lone write whose answer was lost), CONFLICT, what a
 * constraint stands for, INTERNAL (logged). */
problem store_run_one(struct store_on on, const struct statement *s, struct values v, void *row) MUST_USE;
problem store_run_maybe(struct store_on on, const struct statement *s, struct values v, void *row, bool *found) MUST_USE;
problem store_run_many(struct store_on on, const struct statement *s, struct values v, void *list) MUST_USE;
problem store_run_found(struct store_on on, const struct statement *s, struct values v, bool *found) MUST_USE;
problem store_run_exec(struct store_on on, const struct statement *s, struct values v, int64_t *rows) MUST_USE;
/* For sweeping: runs `s`, which deletes at most SWEEP_ROWS rows, again and again, each time on its own, until it finds fewer. */
problem store_sweep(struct call *c, const struct statement *s, struct values v) MUST_USE;
#define SWEEP_ROWS 5000
#define store_one(on, s, v, row) store_run_one(STORE_ON(on), s, v, row)                   /* exactly one row */
#define store_maybe(on, s, v, row, found) store_run_maybe(STORE_ON(on), s, v, row, found) /* one or none */
#define store_many(on, s, v, list) store_run_many(STORE_ON(on), s, v, list)               /* a LIST_OF, at most rows_max */
#define store_found(on, s, v, found) store_run_found(STORE_ON(on), s, v, found)           /* whether it touched a row */
#define store_exec(on, s, v, rows) store_run_exec(STORE_ON(on), s, v, rows) /* rows: how many it touched; may be NULL */

/* A transaction: rolled back behind us unless committed; leaving waits for that only when the call has a key. Nothing outside
 * may be waited for while it is open. */
struct tx {
    struct call *call;
    struct pg_connection *connection;
    uint64_t epoch; /* of the connection when it began: one that was lost and opened anew knows nothing of it */
    bool failed;
    struct list events;
};
#define TX_SCOPE __attribute__((cleanup(tx_leave)))
void tx_leave(struct tx *tx);
/* Also looks up the call's idempotency key: KEY_RUNNING, KEY_REUSED, or REPLAYED (hand it on: the door answers from the
 * stored answer). */
problem tx_begin(struct call *c, struct tx *tx) MUST_USE;
/* The next number of a topic, dense and in the order of commits: locks the topic's row until the end. */
problem tx_next(struct tx *tx, struct text topic, int64_t *number) MUST_USE;
/* After the commit, `data` goes out on the topic; numbered events are kept for resuming. `data` is encoded now. Never waits. */
void tx_publish(struct tx *tx, struct text topic, int64_t number, const struct event_def *e, const void *data);
problem tx_announce(struct tx *tx, struct text topic, const struct event_def *e, const void *data) MUST_USE; /* both */
/* Runs `after(arg)` once the commit has happened, also when nobody can say whether it has (COMMIT_UNKNOWN): for this process's
 * memory (close a socket, drop a cache), and harmless if it has not. `arg` in the call's arena. */
void tx_after(struct tx *tx, void (*after)(void *arg), void *arg);
problem tx_commit(struct tx *tx) MUST_USE;

/* Who sends what was published; the hub's, handed in by the app. number 0: not numbered. */
struct published {
    struct text topic;
    int64_t number;
    const struct event_def *event;
    struct text json;
    uint64_t but; /* a socket that does not get it; 0: all do */
};
/* `missed`: something may have been published on the topic, and its members are to look. */
void tx_set_publisher(void (*publish)(const struct published *p), void (*missed)(struct text topic));
/* Publishes at once, outside any transaction; for what is not kept (presence, typing). */
void publish_now(struct call *c, struct text topic, const struct event_def *e, const void *data);
/* The same to all but the socket that the call came by: relays and signals. */
void publish_to_others(struct call *c, struct text topic, const struct event_def *e, const void *data);

#endif
