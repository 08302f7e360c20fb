/* data: pg_pool — which connection a statement takes, and whether Postgres is there at all. */
#ifndef MADANG_PG_POOL_H
#define MADANG_PG_POOL_H

#include "pg_connection.h"

/* The shared connection with the least on it. STORE_UNAVAILABLE, OVERLOADED. */
problem pool_shared(struct pg_connection **out) MUST_USE;
/* A connection of one's own; waits in line. STORE_UNAVAILABLE, OVERLOADED, DEADLINE. */
problem pool_lend(struct task *t, enum lane lane, struct pg_connection **out) MUST_USE;
/* Gives it back, whatever its state; what is still on its way goes on. */
void pool_return(struct pg_connection *c);

extern struct statement_table pool_statements;

#endif
