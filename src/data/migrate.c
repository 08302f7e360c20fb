/* Migrations and the check of all statements: blocking, before the loop runs. */
#include <libpq-fe.h>
#include <unistd.h>

#include "embedded.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/objects_held.h"
#include "madang/pg.h"
#include "madang/seal.h"
#include "migrate.h"
#include "pg_connection.h"
#include "store_result.h"

#define LOCK_KEY "7237119" /* any number that only we use */
#define CONNECT_TRIES 20   /* half a second apart */
#define LOCK_TRIES 10      /* of a migration that could not get its table locks in 2 s */

/* To write, of several hosts that which writes: the URL comes behind what it may say otherwise. */
PGconn *migrate_connect(bool to_write)
{
    const char *names[] = { "target_session_attrs", "dbname", "application_name", "connect_timeout", "options", NULL };
    const char *options = config->pg_pooler ? "" : "-c lock_timeout=2000 -c client_min_messages=warning";
    const char *settings[] = { to_write ? "read-write" : "any", config->pg_url.at, "madangd migrate", "5", options, NULL };
    PGconn *pg = PQconnectdbParams(names, settings, 1);

    CHECK(pg != NULL);
    return pg;
}

/* Postgres may be starting beside us (a boot, an upgrade): it gets some seconds. */
static PGconn *connect_now(bool to_write)
{
    PGconn *pg = migrate_connect(to_write);

    for (int i = 0; i < CONNECT_TRIES && PQstatus(pg) != CONNECTION_OK; i++) {
        if (i == 0)
            log_warn("migrate", "cannot connect, trying again: %s", PQerrorMessage(pg));
        usleep(500000);
        PQfinish(pg);
        pg = migrate_connect(to_write);
    }
    if (PQstatus(pg) == CONNECTION_OK)
        return pg;
    log_error("migrate", "cannot connect: %s", PQerrorMessage(pg));
    PQfinish(pg);
    return NULL;
}

static bool run(PGconn *pg, const char *sql, const char **params, int count, struct text *cell, struct arena *a)
{
    PGresult *r = count ? PQexecParams(pg, sql, count, NULL, params, NULL, NULL, 0) : PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(r);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

    if (!ok)
        log_error("migrate", "%s", PQerrorMessage(pg));
    if (ok && cell)
        *cell = PQntuples(r) ? arena_text(a, text_of(PQgetvalue(r, 0, 0))) : T("");
    PQclear(r);
    return ok;
}

enum applied { MISSING, APPLIED, CHANGED, UNKNOWN };

static enum applied look_up(PGconn *pg, const struct embedded *m, const char *sum, struct arena *a)
{
    const char *params[] = { m->name };
    struct text known;

    if (!run(pg, "select checksum from migrations where name = $1", params, 1, &known, a))
        return UNKNOWN;
    if (known.len == 0)
        return MISSING;
    return text_is(known, text_of(sum)) ? APPLIED : CHANGED;
}

static bool record(PGconn *pg, const struct embedded *m, const char *sum)
{
    const char *params[] = { m->name, sum };

    return run(pg, "insert into migrations (name, checksum) values ($1, $2)", params, 2, NULL, NULL);
}

/* In one transaction; a busy table's lock is asked for again, so that traffic is never held up for long. */
static bool apply(PGconn *pg, const struct embedded *m, const char *sum)
{
    for (int try = 0; try < LOCK_TRIES; try++) {
        if (run(pg, "begin", NULL, 0, NULL, NULL) && run(pg, m->text.at, NULL, 0, NULL, NULL) && record(pg, m, sum) &&
            run(pg, "commit", NULL, 0, NULL, NULL)) {
            log_info("migrate", "applied %s", m->name);
            return true;
        }
        if (!run(pg, "rollback", NULL, 0, NULL, NULL))
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
    return run(pg, "select name from migrations where name = $1", params, 1, &known, a) && known.len;
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
        ok = run(pg,
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
    return run(pg, "set lock_timeout = 0; select pg_advisory_lock(" LOCK_KEY "); set lock_timeout = 2000", NULL, 0, NULL, NULL);
}

bool migrate_on(PGconn *pg)
{
    return migrate(pg, false);
}

/* What is in the database then is not all of it, or nothing. */
static bool is_being_restored(PGconn *pg)
{
    struct arena a;
    struct text found;
    bool yes;

    arena_init(&a, 4096);
    yes = !run(pg, "select nspname from pg_namespace where nspname = '" RESTORE_MARK "'", NULL, 0, &found, &a) || found.len;
    arena_fini(&a);
    if (yes)
        log_error("migrate", "madangd restore was begun and has not ended: begin it again");
    return yes;
}

bool migrate_run(bool only_check)
{
    PGconn *pg = connect_now(!only_check);
    bool ok;

    if (!pg)
        return false;
    if (config->pg_pooler && !only_check) {
        log_error("migrate", "[pg] pooler: migrations need Postgres itself, by another [pg] url");
        PQfinish(pg);
        return false;
    }
    /* The lock orders nodes that start together; it goes with the connection. */
    ok = (only_check || migrate_lock(pg)) && !is_being_restored(pg) && migrate(pg, only_check);
    PQfinish(pg);
    return ok;
}

static bool check_statement(PGconn *pg, const struct statement *s)
{
    PGresult *r = PQprepare(pg, "", s->sql, 0, NULL);
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;

    if (!ok)
        log_error("check", "%s: %s", s->name, PQerrorMessage(pg));
    PQclear(r);
    if (!ok)
        return false;
    r = PQdescribePrepared(pg, "");
    ok = PQresultStatus(r) == PGRES_COMMAND_OK && columns_fit(s, r);
    PQclear(r);
    return ok;
}

/* Through a pooler a connection cannot be given settings: the role has to have them. */
static bool check_role(PGconn *pg)
{
    struct arena a;
    struct text found;
    bool ok;

    if (!config->pg_pooler)
        return true;
    arena_init(&a, 4096);
    ok = run(pg,
             "select 'well' where current_setting('TimeZone') in ('UTC', 'Etc/UTC') and current_setting('DateStyle') like 'ISO%'"
             " and current_setting('statement_timeout') <> '0'",
             NULL, 0, &found, &a) &&
         found.len;
    if (!ok)
        log_error("check",
                  "[pg] pooler: the role needs TimeZone UTC, DateStyle ISO and a statement_timeout (alter role … set …)");
    arena_fini(&a);
    return ok;
}

/* In one transaction, which a pooler leaves on one connection; a mistake ends it. */
static bool check_all(PGconn *pg)
{
    size_t checked = 0, wrong = 0;

    for (const struct statement_table *t = statement_tables(); t; t = t->next)
        for (size_t i = 0; i < t->count; i++, checked++) {
            bool ok = run(pg, "begin", NULL, 0, NULL, NULL) && check_statement(pg, t->at[i]);

            wrong += !ok;
            if (!run(pg, "rollback", NULL, 0, NULL, NULL))
                return false;
        }
    log_at(wrong ? LOG_ERROR : LOG_INFO, "check", "%zu statements, %zu wrong", checked, wrong);
    return wrong == 0;
}

bool statements_check(void)
{
    PGconn *pg = connect_now(false);
    bool ok = pg && !is_being_restored(pg) && check_role(pg) && check_all(pg);

    PQfinish(pg);
    return ok;
}

int64_t statement_run_now(const struct statement *s, struct values v, struct arena *a, void *list)
{
    PGconn *pg = connect_now(true);
    const char *params[VALUES_MAX];
    int64_t rows = -1;
    PGresult *r;

    if (!pg)
        return -1;
    for (size_t i = 0; i < v.count; i++)
        params[i] = value_cstr(&v.at[i], a);
    r = PQexecParams(pg, s->sql, (int)v.count, NULL, params, NULL, NULL, 0);
    if (!text_to_i64(text_of(PQcmdTuples(r)), &rows))
        log_error("pg", "%s: %s", s->name, PQerrorMessage(pg));
    else if (list && rows_decode(s, r, a, list))
        rows = -1;
    PQclear(r);
    PQfinish(pg);
    return rows;
}
