/* Migrations: blocking, before the loop runs. */
#include <libpq-fe.h>
#include <unistd.h>

#include "embedded.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/pg.h"
#include "madang/seal.h"
#include "migrate.h"
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
static struct text former_name(const struct embedded *m)
{
    struct text rest, line = text_cut(m->text, '\n', &rest);

    return text_skip(&line, T("-- was: ")) ? line : T("");
}

static bool has_former(PGconn *pg, const struct embedded *m, struct arena *a)
{
    struct text former = former_name(m), known;
    const char *params[] = { arena_cstr(a, former) };

    if (former.len == 0)
        return false;
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

static bool is_kept_as(const struct embedded *m, struct text sum)
{
    struct digest d = sha256(m->text);
    struct arena a;
    bool same;

    arena_init(&a, 4096);
    same = text_is(digest_hex(&a, &d), sum);
    arena_fini(&a);
    return same;
}

bool migration_is_known(struct text name, struct text sum)
{
    for (const struct embedded *m = embedded_migrations; m->name; m++)
        if (text_is(former_name(m), name) || (text_is(text_of(m->name), name) && is_kept_as(m, sum)))
            return true;
    return false;
}

static bool is_name(struct text name)
{
    bool found = false;

    for (const struct embedded *m = embedded_migrations; m->name && !found; m++)
        found = text_is(text_of(m->name), name) || text_is(former_name(m), name);
    return found;
}

static bool is_applied(const PGresult *r, const struct embedded *m)
{
    bool found = false;

    for (int i = 0; i < PQntuples(r) && !found; i++) {
        struct text name = text_of(PQgetvalue(r, i, 0));

        found = text_is(text_of(m->name), name) || text_is(former_name(m), name);
    }
    return found;
}

bool migrations_count(PGconn *pg, struct migration_counts *out)
{
    PGresult *r = PQexec(pg, "select name, checksum from migrations");
    bool ok = PQresultStatus(r) == PGRES_TUPLES_OK;

    *out = (struct migration_counts){ .known = 0 };
    for (const struct embedded *m = embedded_migrations; ok && m->name; m++) {
        out->known++;
        out->missing += !is_applied(r, m);
    }
    for (int i = 0; ok && i < PQntuples(r); i++) {
        struct text name = text_of(PQgetvalue(r, i, 0)), sum = text_of(PQgetvalue(r, i, 1));

        out->unknown += !is_name(name);
        out->changed += is_name(name) && !migration_is_known(name, sum);
    }
    PQclear(r);
    return ok;
}

bool migrate_lock(PGconn *pg)
{
    return pg_now_run(pg, "set lock_timeout = 0; select pg_advisory_lock(" LOCK_KEY "); set lock_timeout = 2000", NULL, 0, NULL,
                      NULL);
}

bool migrate_on(PGconn *pg)
{
    return migrate(pg, false);
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
    ok = (only_check || migrate_lock(pg)) && !pg_now_is_restored(pg) && migrate(pg, only_check);
    PQfinish(pg);
    return ok;
}
