/* A connection of its own, blocking: at start-up and for commands, where no loop runs. */
#ifndef MADANG_PG_NOW_H
#define MADANG_PG_NOW_H

#include <libpq-fe.h>

#include "madang/arena.h"

PGconn *pg_now_connect(bool to_write); /* NULL, and logged: nobody answers */
/* One attempt, without a word; to write, of several hosts that which writes. Never NULL: see PQstatus(). */
PGconn *pg_now_connect_once(bool to_write);
bool pg_now_is_restored(PGconn *pg); /* logged: a restore was begun and has not ended, nobody may use what is there */
/* False, and logged: Postgres refuses. *cell, unless NULL: the first column of the first row, or "". */
bool pg_now_run(PGconn *pg, const char *sql, const char **params, int count, struct text *cell, struct arena *a);

#endif
