/* data: migrate — what else a command wants to know of migrations: blocking, on its own connection. */
#ifndef MADANG_MIGRATE_H
#define MADANG_MIGRATE_H

#include <libpq-fe.h>

#include "madang/arena.h"

struct migration_counts {
    size_t known, missing, changed, unknown; /* unknown: applied, but of a later version than this */
};
bool migrations_count(PGconn *pg, struct migration_counts *out); /* false: there are none */
/* Whether this version has it, under whatever name it had before; `sum` as it is kept beside the name. */
bool migration_is_known(struct text name, struct text sum);
/* The lock that orders those who migrate; goes with the connection. */
bool migrate_lock(PGconn *pg);
bool migrate_on(PGconn *pg); /* applies them; the lock is held */

#endif
