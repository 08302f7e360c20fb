/* data: pg_connection — one connection to Postgres in pipeline mode, driven by the loop.
 *
 * Statements are sent at once and answered in order; each has a Sync of its own, so that one's error leaves the next alone.
 * A query is on its own: who waits for it may let go at any time (its deadline), the late result is then thrown away.
 */
#ifndef MADANG_PG_CONNECTION_H
#define MADANG_PG_CONNECTION_H

#include <libpq-fe.h>

#include "madang/store.h"
#include "places.h"

/* Statements have small numbers, given as they are first seen. */
#define STATEMENTS_MAX 512

enum pg_state { PG_CLOSED, PG_RESOLVING, PG_CONNECTING, PG_READY };

struct pg_query {
    struct list node;
    const struct statement *statement;
    struct wait *wait; /* NULL: nobody waits any more */
    PGresult *result;  /* the first error, or the last good result */
    unsigned prepares; /* so many results are still to come before its own: of a DEALLOCATE, of a PREPARE */
    bool lost;
    uint64_t sent_ms;
};

struct pg_connection {
    struct list node; /* of its owner */
    enum pg_state state;
    PGconn *pg;
    uv_poll_t *poll;
    struct places places;
    const struct place *here; /* since it connects or is connected; of a probe, another connection's */
    uint64_t epoch;           /* one more each time it is lost: what was begun before is not there any more */
    bool resolving;
    struct list queries; /* sent, oldest first */
    size_t query_count;
    struct timer timer;                     /* gives up connecting, or tries again */
    uint64_t prepared[STATEMENTS_MAX / 64]; /* a bit for each statement that is prepared here … */
    uint64_t stale[STATEMENTS_MAX / 64];    /* … and for each that is no good any more and must be deallocated first */
    int64_t timeout_ms;                     /* statement_timeout */
    unsigned failures;
    bool lent, keep_open;                     /* keep_open: connect again when lost */
    bool leaves;                              /* its server only reads */
    bool began, touched;                      /* in a transaction, which has changed rows */
    uint64_t kept_ms;                         /* when it was last told that changed rows are kept; 0: never */
    void (*changed)(struct pg_connection *c); /* READY, or lost; may send, must not free */
};

void pg_connection_init(struct pg_connection *c, int64_t timeout_ms, void (*changed)(struct pg_connection *c));
void pg_connection_open(struct pg_connection *c); /* at the next place that the URL may mean */
void pg_connection_open_beside(struct pg_connection *c, const struct pg_connection *other); /* at the place of the other one */
/* Its server only reads: what is on its way is lost, and the next place is tried. */
void pg_connection_leave_place(struct pg_connection *c);
void pg_connection_free(struct pg_connection *c);
/* All queries end as lost. Opens again by itself when keep_open. */
void pg_connection_close(struct pg_connection *c);
/* For the fault switches: what was sent gets its time to arrive, the answer is never read. */
void pg_connection_lose_answer(struct pg_connection *c);
bool pg_is_in_transaction(const struct pg_connection *c);
/* Sends it; the query is the connection's until it ends, then the waiter's if one waits (pg_query_free), else freed.
 * NULL: lost. */
struct pg_query *pg_connection_send(struct pg_connection *c, const struct statement *s, struct values v);
void pg_query_free(struct pg_query **q);

unsigned statement_id(const struct statement *s);
bool statement_is_set(const uint64_t *bits, const struct statement *s);
void statement_set(uint64_t *bits, const struct statement *s);
void statement_unset(uint64_t *bits, const struct statement *s);
const struct statement_table *statement_tables(void);
const struct constraint_table *constraint_tables(void);
void statement_count(const struct statement *s, bool failed);

/* A value as libpq wants it: NUL-terminated text in the arena, NULL for null. */
const char *value_cstr(const struct value *v, struct arena *a);

#endif
