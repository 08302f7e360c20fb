/* A connection of its own, blocking: at start-up and for commands, where no loop runs. */
#ifndef MADANG_PG_NOW_H
#define MADANG_PG_NOW_H

#include <libpq-fe.h>

#include "madang/arena.h"

PGconn *pg_now_connect(bool to_write); /* NULL, and logged: nobody answers */
/* False, and logged: Postgres refuses. *cell, unless NULL: the first column of the first row, or "". */
bool pg_now_run(PGconn *pg, const char *sql, const char **params, int count, struct text *cell, struct arena *a);

#endif
