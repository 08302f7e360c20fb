#include "store_result.h"

#include "madang/log.h"
#include "pg_connection.h"
#include "refusal.h"

static problem constraint_problem(struct text name)
{
    if (name.len == 0)
        return NULL;
    for (const struct constraint_table *t = constraint_tables(); t; t = t->next)
        for (size_t i = 0; i < t->count; i++)
            if (text_is(text_of(t->at[i].name), name))
                return &problem_table[t->at[i].problem];
    return NULL;
}

static problem error_problem(const struct statement *s, const PGresult *r)
{
    struct text state = text_of(PQresultErrorField(r, PG_DIAG_SQLSTATE));
    struct text message = text_of(PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
    const struct refusal *why = pg_refusal(state);
    problem p = constraint_problem(text_of(PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME)));

    if (p)
        return p;
    log_at(why->level, "pg", "%s: %.*s (%.*s)", s->name, TEXT_ARG(message), TEXT_ARG(state));
    return &problem_table[why->problem];
}

bool result_wants_again(const PGresult *r)
{
    enum remedy remedy;

    if (PQresultStatus(r) != PGRES_FATAL_ERROR)
        return false;
    remedy = pg_refusal(text_of(PQresultErrorField(r, PG_DIAG_SQLSTATE)))->remedy;
    return remedy == REMEDY_PREPARE || remedy == REMEDY_FORGOTTEN;
}

problem result_problem(const struct statement *s, const PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);

    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return NULL;
    return error_problem(s, r);
}

/* A lone column stands in no struct and goes by no name. */
#define ROW_OF(type, kind_of)                                                                                \
    const struct shape row_##type = {                                                                        \
        "Row_" #type, sizeof(kind_of),                                                                       \
        (const struct field[]){ { .name = "", .kind = KIND_OF(*(kind_of *)0), .size = sizeof(kind_of) } }, 1 \
    }
ROW_OF(i64, int64_t);
ROW_OF(bool, bool);
ROW_OF(text, struct text);
ROW_OF(opt_i64, struct opt_i64);
ROW_OF(opt_text, struct opt_text);

static bool is_lone(const struct shape *row)
{
    return row && row->fields[0].name[0] == '\0';
}

/* A field's column, sought from where it is in a statement that names them in their order; -1: there is none. */
static int column_of(const PGresult *r, const char *name, int first)
{
    int columns = PQnfields(r);

    if (name[0] == '\0')
        return columns == 1 ? 0 : -1;
    for (int i = 0; i < columns; i++) {
        int column = first + i < columns ? first + i : first + i - columns;

        if (strcmp(PQfname(r, column), name) == 0)
            return column;
    }
    return -1;
}

problem row_decode(const struct statement *s, const PGresult *r, int row, struct arena *a, void *out)
{
    int next = 0;

    memset(out, 0, s->row->size);
    for (size_t i = 0; i < s->row->count; i++) {
        const struct field *f = &s->row->fields[i];
        int column = column_of(r, f->name, next);
        void *member = (char *)out + f->offset;
        struct text value;
        bool ok;

        if (column < 0) { /* statements_check() has seen that only an optional field lacks its column */
            if (!f->optional && !field_may_be_null(f))
                return PROBLEM(INTERNAL);
            continue;
        }
        next = column + 1;
        value = (struct text){ PQgetvalue(r, row, column), (size_t)PQgetlength(r, row, column) };
        if (PQgetisnull(r, row, column)) {
            ok = field_may_be_null(f);
            if (ok)
                field_set_null(f, member);
        } else {
            ok = field_from_column(f, a, value, member);
        }
        if (!ok && arena_is_over(a))
            return PROBLEM(OVERLOADED);
        if (!ok) {
            log_error("pg", "%s: column %s does not fit its field", s->name, f->name);
            return PROBLEM(INTERNAL);
        }
    }
    return NULL;
}

problem rows_decode(const struct statement *s, const PGresult *r, struct arena *a, struct any_list *out)
{
    int count = PQntuples(r);
    problem p;

    *out = (struct any_list){ 0 };
    if ((size_t)count > s->rows_max) { /* data is not code: no reason to end everybody's connections */
        log_error("pg", "%s: %d rows, and at most %zu are expected", s->name, count, s->rows_max);
        return PROBLEM(INTERNAL);
    }
    out->at = arena_alloc(a, (size_t)count * s->row->size);
    for (int i = 0; i < count; i++, out->count++)
        if ((p = row_decode(s, r, i, a, (char *)out->at + (size_t)i * s->row->size)))
            return p;
    return NULL;
}

/* Object ids of types as Postgres's catalogue fixes them (pg_type.dat). */
enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_JSON = 114,
    OID_FLOAT8 = 701,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIMESTAMPTZ = 1184,
    OID_UUID = 2950,
    OID_JSONB = 3802
};

static bool oid_is_text(Oid type)
{
    return type == OID_TEXT || type == OID_VARCHAR || type == OID_UUID;
}

static bool oid_is_json(Oid type)
{
    return type == OID_JSON || type == OID_JSONB;
}

static bool type_fits(enum field_kind kind, Oid type)
{
    switch ((int)kind) {
    case KIND_BOOL:
    case KIND_OPT_BOOL:
        return type == OID_BOOL;
    case KIND_I64:
    case KIND_OPT_I64:
        return type == OID_INT8 || type == OID_INT4 || type == OID_INT2;
    case KIND_F64:
    case KIND_OPT_F64:
        return type == OID_FLOAT8;
    case KIND_TEXT:
    case KIND_OPT_TEXT:
    case KIND_WORD:
    case KIND_OPT_WORD:
        return oid_is_text(type);
    case KIND_INSTANT:
    case KIND_OPT_INSTANT:
        return type == OID_TIMESTAMPTZ;
    case KIND_DATE:
    case KIND_OPT_DATE:
        return type == OID_DATE;
    default:
        return oid_is_json(type);
    }
}

bool columns_fit(const struct statement *s, const PGresult *described)
{
    bool fit = true;

    for (size_t i = 0; s->row && i < s->row->count; i++) {
        const struct field *f = &s->row->fields[i];
        int column = column_of(described, f->name, 0);

        if (column < 0 && (f->optional || field_may_be_null(f)))
            continue;
        if (column >= 0 && type_fits(f->kind, PQftype(described, column)))
            continue;
        log_error("check", "%s: column %s %s", s->name, f->name, column < 0 ? "is missing" : "has another type");
        fit = false;
    }
    for (int i = 0; s->row && !is_lone(s->row) && i < PQnfields(described); i++) {
        size_t k = 0;

        while (k < s->row->count && strcmp(s->row->fields[k].name, PQfname(described, i)) != 0)
            k++;
        if (k == s->row->count) {
            log_error("check", "%s: column %s has no field", s->name, PQfname(described, i));
            fit = false;
        }
    }
    return fit;
}
