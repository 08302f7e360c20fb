#include "pg_now.h"

#include <unistd.h>

#include "madang/config.h"
#include "madang/log.h"
#include "madang/objects_held.h"
#include "madang/pg.h"
#include "pg_connection.h"
#include "store_result.h"

#define CONNECT_TRIES 20 /* half a second apart */

/* To write, of several hosts that which writes: the URL comes behind what it may say otherwise. */
PGconn *pg_now_connect_once(bool to_write)
{
    const char *names[] = { "target_session_attrs", "dbname", "application_name", "connect_timeout", "options", NULL };
    const char *options = config->pg_pooler ? "" : "-c lock_timeout=2000 -c client_min_messages=warning";
    const char *settings[] = { to_write ? "read-write" : "any", config->pg_url.at, "madangd migrate", "5", options, NULL };
    PGconn *pg = PQconnectdbParams(names, settings, 1);

    CHECK(pg != NULL);
    return pg;
}

/* Postgres may be starting beside us (a boot, an upgrade): it gets some seconds. */
PGconn *pg_now_connect(bool to_write)
{
    PGconn *pg = pg_now_connect_once(to_write);

    for (int i = 0; i < CONNECT_TRIES && PQstatus(pg) != CONNECTION_OK; i++) {
        if (i == 0)
            log_warn("migrate", "cannot connect, trying again: %s", PQerrorMessage(pg));
        usleep(500000);
        PQfinish(pg);
        pg = pg_now_connect_once(to_write);
    }
    if (PQstatus(pg) == CONNECTION_OK)
        return pg;
    log_error("migrate", "cannot connect: %s", PQerrorMessage(pg));
    PQfinish(pg);
    return NULL;
}

bool pg_now_run(PGconn *pg, const char *sql, const char **params, int count, struct text *cell, struct arena *a)
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

/* What is in the database then is not all of it, or nothing. */
bool pg_now_is_restored(PGconn *pg)
{
    struct arena a;
    struct text found;
    bool yes;

    arena_init(&a, 4096);
    yes =
        !pg_now_run(pg, "select nspname from pg_namespace where nspname = '" RESTORE_MARK "'", NULL, 0, &found, &a) || found.len;
    arena_fini(&a);
    if (yes)
        log_error("migrate", "madangd restore was begun and has not ended: begin it again");
    return yes;
}

int64_t statement_run_now(const struct statement *s, struct values v, struct arena *a, void *list)
{
    PGconn *pg = pg_now_connect(true);
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
