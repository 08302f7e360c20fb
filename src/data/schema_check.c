/* What the program says of its tables against what they are: statements, the words of enums, the moves of machines. Blocking,
 * before the loop runs. */
#include "madang/config.h"
#include "madang/log.h"
#include "madang/machine.h"
#include "madang/pg.h"
#include "pg_connection.h"
#include "pg_now.h"
#include "store_result.h"

/* {"a","b"}: words without quotes in them. */
static const char *array_of(struct arena *a, const struct words *w)
{
    struct text all = T("");

    for (size_t i = 0; i < w->count; i++)
        all = arena_printf(a, "%.*s%s\"%s\"", TEXT_ARG(all), i ? "," : "", w->names[i]);
    return arena_printf(a, "{%.*s}", TEXT_ARG(all)).at;
}

/* $1 the table, $2 the column, $3 the program's words. Finds what a CHECK of the column allows, when that is more. */
static const char others[] =
    "select array_to_string(allowed, ', ') from (select array_agg(m[1] order by m[1]) as allowed from pg_constraint c,"
    " regexp_matches(pg_get_constraintdef(c.oid), '''([^'']*)''::text', 'g') m where c.contype = 'c'"
    " and pg_get_constraintdef(c.oid) ~ '= ANY' and c.conrelid = $1 and c.conkey = array[$2::smallint]) c"
    " where not allowed <@ $3::text[]";

static bool column_fits(PGconn *pg, const char *what, Oid table, int column, const struct words *w)
{
    struct arena a;
    struct text allowed = T("");
    const char *params[3];
    bool ok;

    arena_init(&a, 65536);
    params[0] = arena_printf(&a, "%u", table).at;
    params[1] = arena_printf(&a, "%d", column).at;
    params[2] = array_of(&a, w);
    ok = pg_now_run(pg, others, params, 3, &allowed, &a);
    if (allowed.len)
        log_error("check", "%s: its column allows %.*s, and the program knows %s", what, TEXT_ARG(allowed), params[2]);
    arena_fini(&a);
    return ok && allowed.len == 0;
}

/* Enums that are read from a table's own column. */
static bool words_fit(PGconn *pg, const struct statement *s, const PGresult *described)
{
    bool fit = true;

    for (size_t i = 0; s->row && i < s->row->count; i++) {
        const struct field *f = &s->row->fields[i];
        int at = f->words ? PQfnumber(described, f->name) : -1;

        if (at >= 0 && PQftable(described, at) != InvalidOid)
            fit = column_fits(pg, s->name, PQftable(described, at), PQftablecol(described, at), f->words) && fit;
    }
    return fit;
}

/* $1 the table, $2 its states, $3 its moves: what of them the table does not have so. */
static const char otherwise[] =
    "select concat_ws(' and ', case when (select array_agg(m[1] order by m[1]) from pg_constraint c join pg_attribute a"
    "   on a.attrelid = c.conrelid and c.conkey = array[a.attnum],"
    "   regexp_matches(pg_get_constraintdef(c.oid), '''([^'']*)''::text', 'g') m"
    "   where c.contype = 'c' and c.conrelid = $1::regclass and a.attname = 'state')"
    "   is distinct from (select array_agg(w order by w) from unnest($2::text[]) w) then 'states' end,"
    "  case when not exists (select from pg_trigger t join pg_proc p on p.oid = t.tgfoid where t.tgrelid = $1::regclass"
    "   and p.proname = 'moves_only' and t.tgenabled <> 'D' and (select array_agg(x order by x)"
    "   from regexp_split_to_table(encode(t.tgargs, 'escape'), '\\\\000') x where x <> '')"
    "   = (select array_agg(w order by w) from unnest($3::text[]) w)) then 'moves' end)";

static const char *moves_of(struct arena *a, const struct machine *m)
{
    const char *names[MOVES_MAX];
    struct words all = { names, 0 };

    for (size_t i = 0; i < m->moves.count; i++)
        for (size_t k = 0; k < m->moves.at[i].count && all.count < MOVES_MAX; k++)
            names[all.count++] =
                arena_printf(a, "%s>%s", m->states->names[m->moves.at[i].from], m->states->names[m->moves.at[i].to[k]]).at;
    return array_of(a, &all);
}

static bool machines_fit(PGconn *pg)
{
    bool fit = true;

    for (const struct machine *const *m = machines(); *m; m++) {
        struct text wrong = T("");
        struct arena a;
        const char *params[3];

        arena_init(&a, 1 << 18);
        params[0] = (*m)->table;
        params[1] = array_of(&a, (*m)->states);
        params[2] = moves_of(&a, *m);
        fit = pg_now_run(pg, otherwise, params, 3, &wrong, &a) && wrong.len == 0 && fit;
        if (wrong.len)
            log_error("check", "%s: the table has other %.*s than the program", (*m)->table, TEXT_ARG(wrong));
        arena_fini(&a);
    }
    return fit;
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
    ok = PQresultStatus(r) == PGRES_COMMAND_OK && columns_fit(s, r) && words_fit(pg, s, r);
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
    ok = pg_now_run(
             pg,
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
            bool ok = pg_now_run(pg, "begin", NULL, 0, NULL, NULL) && check_statement(pg, t->at[i]);

            wrong += !ok;
            if (!pg_now_run(pg, "rollback", NULL, 0, NULL, NULL))
                return false;
        }
    log_at(wrong ? LOG_ERROR : LOG_INFO, "check", "%zu statements, %zu wrong", checked, wrong);
    return wrong == 0;
}

bool statements_check(void)
{
    PGconn *pg = pg_now_connect(false);
    bool ok = pg && !pg_now_is_restored(pg) && check_role(pg) && check_all(pg) && machines_fit(pg);

    PQfinish(pg);
    return ok;
}
