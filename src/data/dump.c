#include "dump.h"

#include <libpq-fe.h>

#include "madang/config.h"
#include "madang/objects_held.h"
#include "migrate.h"
#include "pg_now.h"
#include "pg_tool.h"

#define ROWS_AT_ONCE "1000"

static bool told(PGconn *pg)
{
    fprintf(stderr, "Postgres: %s", PQerrorMessage(pg));
    return false;
}

static bool run(PGconn *pg, const char *sql)
{
    PGresult *r = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(r);

    PQclear(r);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || told(pg);
}

/* One value; "" for null. */
static bool ask(PGconn *pg, const char *sql, char *out, size_t size)
{
    PGresult *r = PQexec(pg, sql);
    bool ok = PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1;

    if (ok)
        snprintf(out, size, "%s", PQgetvalue(r, 0, 0));
    PQclear(r);
    return ok || told(pg);
}

/* That which writes: on a standby nothing could be held. */
static bool connect_whole(struct dump *d)
{
    *d = (struct dump){ .pg = NULL };
    if (config->pg_pooler) {
        fputs("[pg] pooler: this needs Postgres itself, by another [pg] url\n", stderr);
        return false;
    }
    d->pg = pg_now_connect_once(true);
    return (PQstatus(d->pg) == CONNECTION_OK || told(d->pg)) &&
           run(d->pg, "set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set lock_timeout = 0;"
                      " set timezone = 'UTC'; set datestyle = 'ISO'");
}

/* The hold before the moment: what is removed afterwards is named by rows of that moment. The stamp before it, too: who was
 * answered by then is seen by it. */
bool dump_begin(struct dump *d)
{
    return connect_whole(d) && run(d->pg, "select pg_advisory_lock_shared(" OBJECTS_HOLD_KEY ")") &&
           ask(d->pg, "select to_char(clock_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')", d->stamp, sizeof d->stamp) &&
           run(d->pg, "begin isolation level repeatable read read only") &&
           ask(d->pg, "select pg_export_snapshot()", d->snapshot, sizeof d->snapshot);
}

static bool each_row(const PGresult *r, dump_row *each, void *arg)
{
    const char *cells[8] = { NULL };
    bool ok = true;

    for (int i = 0; ok && i < PQntuples(r); i++) {
        for (int k = 0; k < PQnfields(r) && k < (int)COUNT_OF(cells); k++)
            cells[k] = PQgetvalue(r, i, k);
        ok = each(cells, arg);
    }
    return ok;
}

bool dump_rows(struct dump *d, const char *sql, dump_row *each, void *arg)
{
    char declare[2000];
    bool ok, more = true;

    CHECK(snprintf(declare, sizeof declare, "declare dumped no scroll cursor for %s", sql) < (int)sizeof declare);
    ok = run(d->pg, declare);
    while (ok && more) {
        PGresult *r = PQexec(d->pg, "fetch " ROWS_AT_ONCE " from dumped");

        ok = PQresultStatus(r) == PGRES_TUPLES_OK ? each_row(r, each, arg) : told(d->pg);
        more = PQntuples(r) > 0;
        PQclear(r);
    }
    return ok && run(d->pg, "close dumped");
}

bool dump_write(struct dump *d, const char *path)
{
    char snapshot[100], file[1100];
    const char *args[] = {
        "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--exclude-schema=" RESTORE_MARK, snapshot, file, NULL
    };

    snprintf(snapshot, sizeof snapshot, "--snapshot=%s", d->snapshot);
    CHECK(snprintf(file, sizeof file, "--file=%s", path) < (int)sizeof file);
    return pg_tool_run(d->pg, args, path);
}

bool dump_let_go(struct dump *d)
{
    return run(d->pg, "commit");
}

bool dump_still_holds(struct dump *d)
{
    return run(d->pg, "select 1");
}

void dump_end(struct dump *d)
{
    PQfinish(d->pg);
    d->pg = NULL;
}

/* --- putting one back -------------------------------------------------------------------------------------------------- */
#define OURS                                                                                                    \
    "c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'" \
    " and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')"

static bool look(struct dump *d, const char *stamp, enum dump_target *out)
{
    char tables[40], mark[80];

    if (!ask(d->pg, "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where " OURS, tables,
             sizeof tables) ||
        !ask(d->pg,
             "select coalesce((select obj_description(oid, 'pg_namespace') from pg_namespace"
             " where nspname = '" RESTORE_MARK "'), '')",
             mark, sizeof mark))
        return false;
    if (strcmp(mark, stamp) == 0)
        *out = strcmp(tables, "0") == 0 ? TARGET_BEGUN : TARGET_FILLED;
    else
        *out = strcmp(tables, "0") == 0 ? TARGET_EMPTY : TARGET_OTHER;
    return true;
}

/* Nodes that start wait for the lock; those that run are seen by the names of their connections. */
bool dump_into(struct dump *d, const char *stamp, enum dump_target *out)
{
    char nodes[40];

    if (!connect_whole(d) ||
        !ask(d->pg,
             "select count(*) from pg_stat_activity where application_name ~ '^madangd [0-9]' and datname = current_database()",
             nodes, sizeof nodes))
        return false;
    if (strcmp(nodes, "0") != 0) {
        fputs("nodes are at work on this database: stop them first\n", stderr);
        return false;
    }
    return migrate_lock(d->pg) && run(d->pg, "set lock_timeout = 0") && look(d, stamp, out);
}

/* By name before the first goes, since one takes others along. */
bool dump_empty(struct dump *d)
{
    return run(
        d->pg,
        "do $$ declare o text; begin"
        " foreach o in array coalesce((select array_agg(format('drop %s if exists %s cascade', case c.relkind when 'v' then"
        " 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table' else 'table' end,"
        " c.oid::regclass) order by c.relkind = 'S') from pg_class c join pg_namespace n on n.oid = c.relnamespace where " OURS
        "), '{}') loop execute o; end loop;"
        " foreach o in array coalesce((select array_agg(format('drop routine if exists %s cascade', p.oid::regprocedure))"
        " from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname !~ '^pg_' and n.nspname <>"
        " 'information_schema' and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and"
        " d.objid = p.oid and d.deptype = 'e')), '{}') loop execute o; end loop;"
        " end $$;"
        " drop schema if exists " RESTORE_MARK);
}

bool dump_mark(struct dump *d, const char *stamp)
{
    char sql[300];

    snprintf(sql, sizeof sql, "create schema if not exists " RESTORE_MARK "; comment on schema " RESTORE_MARK " is '%s'", stamp);
    return run(d->pg, sql);
}

bool dump_read(struct dump *d, const char *path)
{
    char into[300];
    const char *args[] = { "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", into, path,
                           NULL };

    snprintf(into, sizeof into, "--dbname=%s", PQdb(d->pg));
    return pg_tool_run(d->pg, args, NULL);
}

bool dump_finish(struct dump *d)
{
    return migrate_on(d->pg) && run(d->pg, "analyze") && run(d->pg, "drop schema " RESTORE_MARK);
}
