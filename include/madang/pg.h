/* data: pg — the connections to Postgres: start, stop, health. Features use madang/store.h. */
#ifndef MADANG_PG_H
#define MADANG_PG_H

#include "madang/buf.h"
#include "madang/store.h"

bool pg_url_check(struct text *why); /* whether [pg] url can be understood */
void pg_start(void);
void pg_rest(void);    /* nothing is asked of our own accord any more, so that what is on its way can be waited for */
void pg_abandon(void); /* closes every connection: who still waits for an answer hears that it is lost */
void pg_stop(void);    /* every statement must have ended */
/* Tells when Postgres came back, or went: who comes back may know less than before (a restored backup, a standby). */
struct pg_watcher {
    void (*changed)(bool up);
    struct pg_watcher *next;
};
void pg_watch(struct pg_watcher *w);
/* Applies the migrations, blocking: at start-up and for `madangd migrate`, before the loop runs. False: see the log. */
bool migrate_run(bool only_check);
/* PREPAREs and DESCRIBEs every statement against the database, blocking; logs each mistake. */
bool statements_check(void);
/* On a connection of its own, blocking, for commands: how many rows it touched; -1, and logged: it failed. `list` is a LIST_OF
 * its rows, in the arena, or NULL. */
int64_t statement_run_now(const struct statement *s, struct values v, struct arena *a, void *list);
void statements_print(struct buf *out); /* name, calls, errors: the operator's list */

#endif
