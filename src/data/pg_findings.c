/* What is wrong with Postgres, asked of itself. */
#include <inttypes.h>
#include <libpq-fe.h>

#include "madang/config.h"
#include "madang/finding.h"
#include "madang/objects_held.h"
#include "madang/pg.h"
#include "migrate.h"
#include "pg_now.h"
#include "store_findings.h"

#define VERSION_MIN 14
#define SKEW_WARN_MS 1000
#define SKEW_FAIL_MS 30000
#define OWN_CONNECTIONS 2 /* of a node: one that probes, one that migrates */
#define JOBS_LATE_S 600

/* One value as text in `out`; false when it cannot be had. */
static bool ask(PGconn *pg, const char *sql, char *out, size_t size)
{
    PGresult *r = PQexec(pg, sql);
    bool ok = PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1 && !PQgetisnull(r, 0, 0);

    snprintf(out, size, "%s", ok ? PQgetvalue(r, 0, 0) : PQresultErrorMessage(r));
    PQclear(r);
    return ok;
}

static int64_t ask_number(PGconn *pg, const char *sql)
{
    char answer[200];
    int64_t number;

    return ask(pg, sql, answer, sizeof answer) && text_to_i64(text_of(answer), &number) ? number : -1;
}

static void look_at_version(PGconn *pg)
{
    int version = PQserverVersion(pg);
    char encoding[200];

    if (version / 10000 < VERSION_MIN)
        finding(FOUND_FAIL, "pg.version", "upgrade it to 14 or later", "Postgres %s", PQparameterStatus(pg, "server_version"));
    else
        finding(FOUND_OK, "pg.version", NULL, "Postgres %s", PQparameterStatus(pg, "server_version"));
    if (!ask(pg, "select current_setting('server_encoding')", encoding, sizeof encoding) || strcmp(encoding, "UTF8") != 0)
        finding(FOUND_FAIL, "pg.encoding", "make the database anew with encoding UTF8", "the database's encoding is %s",
                encoding);
}

/* Tried, and taken back. */
static void look_at_writing(PGconn *pg)
{
    char why[400] = "";
    bool begun = ask(pg, "select current_setting('transaction_read_only') = 'off' and not pg_is_in_recovery()", why, sizeof why);

    if (begun && strcmp(why, "t") != 0) {
        finding(FOUND_FAIL, "pg.writing", "name the primary in [pg] url (target_session_attrs=read-write)",
                "this server, or this role, only reads");
        return;
    }
    PQclear(PQexec(pg, "begin"));
    if (ask(pg, "create table madang_doctor (x int); insert into madang_doctor values (1) returning x", why, sizeof why))
        finding(FOUND_OK, "pg.writing", NULL, "takes writes, and the role may make tables");
    else
        finding(FOUND_FAIL, "pg.writing", "give the role the right to create in its schema, or the disk some room", "%s", why);
    PQclear(PQexec(pg, "rollback"));
}

static const struct durability {
    const char *name, *good;
    enum finding otherwise;
} durability[] = {
    { "fsync", "on", FOUND_FAIL },
    { "full_page_writes", "on", FOUND_WARN },
    { "synchronous_commit", "off", FOUND_WARN }, /* anything but this */
};

static void look_at_durability(PGconn *pg)
{
    char sql[100], is[100];
    bool well = true;

    for (size_t i = 0; i < COUNT_OF(durability); i++) {
        const struct durability *d = &durability[i];

        snprintf(sql, sizeof sql, "select current_setting('%s')", d->name);
        if (!ask(pg, sql, is, sizeof is) || (strcmp(is, d->good) == 0) == (strcmp(d->good, "on") == 0))
            continue;
        well = false;
        finding(d->otherwise, "pg.durability", "set it on in postgresql.conf", "%s is %s: what was acknowledged may be lost",
                d->name, is);
    }
    if (well)
        finding(FOUND_OK, "pg.durability", NULL, "what is committed is on the disk");
}

static void look_at_pooler(PGconn *pg)
{
    bool seen = ask_number(pg, "select pg_backend_pid()") != PQbackendPID(pg);
    char answer[100];

    if (seen && !config->pg_pooler)
        finding(FOUND_FAIL, "pg.pooler", "set [pg] pooler = true, or name Postgres itself in [pg] url",
                "a pooler stands in between");
    if (!config->pg_pooler)
        return;
    if (config->pg_migrate_at_start)
        finding(FOUND_FAIL, "pg.pooler", "set [pg] migrate_at_start = false", "migrations cannot go through a pooler");
    if (!ask(pg,
             "select current_setting('TimeZone') in ('UTC', 'Etc/UTC') and current_setting('DateStyle') like 'ISO%' and"
             " current_setting('statement_timeout') <> '0'",
             answer, sizeof answer) ||
        strcmp(answer, "t") != 0)
        finding(FOUND_FAIL, "pg.role", "alter role … set timezone = 'UTC', set datestyle = 'ISO', set statement_timeout = '5s'",
                "behind a pooler the role itself needs these settings");
    else
        finding(FOUND_OK, "pg.role", NULL, "its settings are those that a pooler needs");
}

static void look_at_connections(PGconn *pg)
{
    int64_t most = ask_number(pg, "select current_setting('max_connections')::int"
                                  " - current_setting('superuser_reserved_connections')::int");
    int64_t others = ask_number(pg, "select count(*) from pg_stat_activity where backend_type = 'client backend'"
                                    " and application_name not like 'madangd %'");
    int64_t wants = config->pg_shared_connections + config->pg_tx_connections + config->pg_slow_connections + OWN_CONNECTIONS;

    if (most < 0 || others < 0 || config->pg_pooler)
        return;
    if (wants + others > most)
        finding(FOUND_FAIL, "pg.connections", "raise max_connections, or lower [pg] tx_connections",
                "a node takes %" PRId64 " connections, others have %" PRId64 ", of %" PRId64 " that there are", wants, others,
                most);
    else
        finding(FOUND_OK, "pg.connections", NULL,
                "a node takes %" PRId64 " of %" PRId64 " connections: room for %" PRId64 " nodes", wants, most,
                (most - others) / wants);
}

static void look_at_clock(PGconn *pg)
{
    int64_t before = clock_wall().us, there = ask_number(pg, "select (extract(epoch from clock_timestamp()) * 1000000)::bigint");
    int64_t after = clock_wall().us, skew_ms = (there - before - (after - before) / 2) / 1000;
    int64_t size = skew_ms < 0 ? -skew_ms : skew_ms;

    if (there < 0)
        return;
    if (size > SKEW_WARN_MS)
        finding(size > SKEW_FAIL_MS ? FOUND_FAIL : FOUND_WARN, "pg.clock", "let both follow a time server (chrony)",
                "Postgres's clock is %" PRId64 " ms %s this machine's", size, skew_ms < 0 ? "behind" : "before");
    else
        finding(FOUND_OK, "pg.clock", NULL, "runs with this machine's (%" PRId64 " ms)", skew_ms);
}

static void look_at_migrations(PGconn *pg)
{
    struct migration_counts n;

    if (ask_number(pg, "select 1 from pg_namespace where nspname = '" RESTORE_MARK "'") == 1)
        finding(FOUND_FAIL, "pg.restore", "begin it again: madangd restore FOLDER", "a restore was begun and has not ended");
    else if (!migrations_count(pg, &n))
        finding(FOUND_WARN, "pg.migrations", "madangd migrate, or start a node with [pg] migrate_at_start", "none is applied");
    else if (n.changed)
        finding(FOUND_FAIL, "pg.migrations", "run the version that made this database", "%zu are not those that were applied",
                n.changed);
    else if (n.unknown)
        finding(FOUND_WARN, "pg.migrations", "upgrade this node", "%zu are of a later version than this", n.unknown);
    else if (n.missing)
        finding(FOUND_WARN, "pg.migrations", "madangd migrate, or start a node with [pg] migrate_at_start", "%zu are not applied",
                n.missing);
    else
        finding(FOUND_OK, "pg.migrations", NULL, "all %zu are applied", n.known);
}

static void look_at_jobs(PGconn *pg)
{
    int64_t dead = ask_number(pg, "select count(*) from jobs where state = 'dead'");
    int64_t late = ask_number(pg, "select coalesce(extract(epoch from now() - min(due)), 0)::bigint from jobs"
                                  " where state = 'waiting' and due < now()");

    if (dead < 0)
        return; /* no table: told above */
    if (dead)
        finding(FOUND_WARN, "jobs.dead", "madangd jobs dead, then madangd jobs retry or drop", "%" PRId64 " jobs were given up",
                dead);
    else
        finding(FOUND_OK, "jobs.dead", NULL, "no job was given up");
    if (late > JOBS_LATE_S)
        finding(FOUND_WARN, "jobs.late", "see whether a node runs, and whether [jobs] …_at_once is enough",
                "a job has been due for %" PRId64 " s", late);
}

/* By the names that nodes give their connections. */
static void look_at_nodes(PGconn *pg)
{
    char versions[400];

    if (!ask(pg,
             "select coalesce(string_agg(distinct split_part(application_name, ' ', 2), ', '), '') from pg_stat_activity"
             " where application_name ~ '^madangd [0-9]' and datname = current_database()",
             versions, sizeof versions))
        return;
    if (versions[0] == '\0')
        finding(FOUND_OK, "nodes", NULL, "none is connected to this database");
    else if (strcmp(versions, MADANG_VERSION) == 0)
        finding(FOUND_OK, "nodes", NULL, "those that run are of this version, %s", versions);
    else
        finding(FOUND_WARN, "nodes", "end the upgrade: restart the nodes of the other version",
                "nodes of version %s run, this is " MADANG_VERSION, versions);
}

static void look(PGconn *pg)
{
    look_at_version(pg);
    look_at_writing(pg);
    look_at_durability(pg);
    look_at_pooler(pg);
    look_at_connections(pg);
    look_at_clock(pg);
    look_at_migrations(pg);
    look_at_jobs(pg);
    look_at_nodes(pg);
}

void pg_findings(void)
{
    struct text why;
    PGconn *pg;

    if (!pg_url_check(&why)) {
        finding(FOUND_FAIL, "pg", "correct [pg] url", "%.*s", TEXT_ARG(why));
        return;
    }
    pg = pg_now_connect_once(false);
    if (PQstatus(pg) == CONNECTION_OK)
        look(pg);
    else
        finding(FOUND_FAIL, "pg", "start it, or correct [pg] url", "cannot be reached: %s", PQerrorMessage(pg));
    PQfinish(pg);
}
