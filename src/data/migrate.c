/* Migrations: blocking, before the loop runs. */
#include <libpq-fe.h>
#include <unistd.h>

#include "embedded.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/pg.h"
#include "madang/seal.h"
#include "pg_now.h"

#define LOCK_KEY "7237119" /* any number that only we use */
#define LOCK_TRIES 10      /* of a migration that could not get its table locks in 2 s */

enum applied { MISSING, APPLIED, CHANGED, UNKNOWN };

static enum applied look_up(PGconn *pg, const struct embedded *m, const char *sum, struct arena *a)
{
    const char *params[] = { m->name };
    struct text known;

    if (!pg_now_run(pg, "select checksum from migrations where name = $1", params, 1, &known, a))
        return UNKNOWN;
    if (known.len == 0)
        return MISSING;
    return text_is(known, text_of(sum)) ? APPLIED : CHANGED;
}

static bool record(PGconn *pg, const struct embedded *m, const char *sum)
{
    const char *params[] = { m->name, sum };

    return pg_now_run(pg, "insert into migrations (name, checksum) values ($1, $2)", params, 2, NULL, NULL);
}

/* In one transaction; a busy table's lock is asked for again, so that traffic is never held up for long. */
static bool apply(PGconn *pg, const struct embedded *m, const char *sum)
{
    for (int try = 0; try < LOCK_TRIES; try++) {
        if (pg_now_run(pg, "begin", NULL, 0, NULL, NULL) && pg_now_run(pg, m->text.at, NULL, 0, NULL, NULL) &&
            record(pg, m, sum) && pg_now_run(pg, "commit", NULL, 0, NULL, NULL)) {
            log_info("migrate", "applied %s", m->name);
            return true;
        }
        if (!pg_now_run(pg, "rollback", NULL, 0, NULL, NULL))
            return false;
        sleep(1);
    }
    return false;
}

/* "-- was: 0002_accounts.sql" in its first line: a database that has the file of that name has all of this one. */
static bool has_former(PGconn *pg, const struct embedded *m, struct arena *a)
{
    struct text line, former = text_cut(m->text, '\n', &line), known;
    const char *params[1];

    if (!text_starts(former, T("-- was: ")))
        return false;
    params[0] = arena_cstr(a, text_from(former, 8));
    return pg_now_run(pg, "select name from migrations where name = $1", params, 1, &known, a) && known.len;
}

static bool step(PGconn *pg, const struct embedded *m, bool only_check, struct arena *a)
{
    struct digest d = sha256(m->text);
    const char *sum = digest_hex(a, &d).at;

    switch (look_up(pg, m, sum, a)) {
    case APPLIED:
        return true;
    case CHANGED:
        log_error("migrate", "%s was changed after it had been applied", m->name);
        return false;
    case MISSING:
        if (has_former(pg, m, a))
            return only_check || record(pg, m, sum);
        if (only_check)
            log_error("migrate", "%s is not applied: run madangd migrate", m->name);
        return !only_check && apply(pg, m, sum);
    default:
        return false;
    }
}

static bool migrate(PGconn *pg, bool only_check)
{
    struct arena a;
    bool ok = true;

    arena_init(&a, 1 << 20);
    if (!only_check)
        ok = pg_now_run(pg,
                        "create table if not exists migrations (name text primary key, checksum text not null,"
                        " at timestamptz not null default now())",
                        NULL, 0, NULL, NULL);
    for (const struct embedded *m = embedded_migrations; ok && m->name; m++)
        ok = step(pg, m, only_check, &a);
    arena_fini(&a);
    return ok;
}

bool migrate_run(bool only_check)
{
    PGconn *pg = pg_now_connect(!only_check);
    bool ok;

    if (!pg)
        return false;
    if (config->pg_pooler && !only_check) {
        log_error("migrate", "[pg] pooler: migrations need Postgres itself, by another [pg] url");
        PQfinish(pg);
        return false;
    }
    /* The lock orders nodes that start together; it goes with the connection. */
    ok = only_check || pg_now_run(pg, "set lock_timeout = 0; select pg_advisory_lock(" LOCK_KEY "); set lock_timeout = 2000",
                                  NULL, 0, NULL, NULL);
    ok = ok && migrate(pg, only_check);
    PQfinish(pg);
    return ok;
}
