/* Statements by number, and their counters; parameters as text. */
#include "pg_connection.h"

#include "madang/metric.h"
#include "madang/pg.h"

static const struct statement *known[STATEMENTS_MAX];
static struct {
    uint64_t calls, errors;
} counts[STATEMENTS_MAX];
static struct statement_table *tables;
static struct constraint_table *constraints;

void statements_add(struct statement_table *t)
{
    size_t all = t->count;

    for (const struct statement_table *other = tables; other; other = other->next)
        all += other->count;
    CHECK(all <= STATEMENTS_MAX * 3 / 4); /* of a table with open addressing */
    t->next = tables;
    tables = t;
}

void constraints_add(struct constraint_table *t)
{
    t->next = constraints;
    constraints = t;
}

const struct statement_table *statement_tables(void)
{
    return tables;
}

const struct constraint_table *constraint_tables(void)
{
    return constraints;
}

/* Open addressing by the row's address: rows are static. */
unsigned statement_id(const struct statement *s)
{
    unsigned at = (unsigned)((uintptr_t)s / sizeof(void *) * 2654435761u % STATEMENTS_MAX);

    for (unsigned step = 0; step < STATEMENTS_MAX; step++, at = (at + 1) % STATEMENTS_MAX) {
        if (!known[at])
            known[at] = s;
        if (known[at] == s)
            return at;
    }
    CHECK(false);
    return 0;
}

bool statement_is_set(const uint64_t *bits, const struct statement *s)
{
    unsigned id = statement_id(s);

    return bits[id / 64] >> id % 64 & 1;
}

void statement_set(uint64_t *bits, const struct statement *s)
{
    unsigned id = statement_id(s);

    bits[id / 64] |= UINT64_C(1) << id % 64;
}

void statement_unset(uint64_t *bits, const struct statement *s)
{
    unsigned id = statement_id(s);

    bits[id / 64] &= ~(UINT64_C(1) << id % 64);
}

void statement_count(const struct statement *s, bool failed)
{
    unsigned id = statement_id(s);

    counts[id].calls++;
    counts[id].errors += failed;
    if (failed)
        metric_add(METRIC_PG_ERRORS, 1);
}

void statements_print(struct buf *out)
{
    const char *before = "[";

    for (size_t i = 0; i < STATEMENTS_MAX; i++) {
        if (!known[i])
            continue;
        buf_printf(out, "%s{\"name\":\"%s\",\"calls\":%llu,\"errors\":%llu}", before, known[i]->name,
                   (unsigned long long)counts[i].calls, (unsigned long long)counts[i].errors);
        before = ",";
    }
    buf_put(out, *before == '[' ? T("[]\n") : T("]\n"));
}

struct value value_i64(int64_t v)
{
    return (struct value){ .kind = VALUE_I64, .i64 = v };
}

struct value value_int(int v)
{
    return value_i64(v);
}

struct value value_bool(bool v)
{
    return (struct value){ .kind = VALUE_BOOL, .flag = v };
}

struct value value_text(struct text v)
{
    return (struct value){ .kind = VALUE_TEXT, .text = v };
}

struct value value_json(struct json v)
{
    return value_text(v.text);
}

struct value value_instant(struct instant v)
{
    return (struct value){ .kind = VALUE_INSTANT, .instant = v };
}

struct value value_date(struct date v)
{
    return (struct value){ .kind = VALUE_DATE, .date = v };
}

struct value value_f64(double v)
{
    return (struct value){ .kind = VALUE_F64, .f64 = v };
}

struct value value_i64s(const int64_t *at, size_t count)
{
    return (struct value){ .kind = VALUE_I64S, .list = { at, count } };
}

struct value value_texts(const struct text *at, size_t count)
{
    return (struct value){ .kind = VALUE_TEXTS, .list = { at, count } };
}

struct value value_same(struct value v)
{
    return v;
}

static const struct value null_value = { .kind = VALUE_NULL };

struct value value_opt_i64(struct opt_i64 v)
{
    return v.is == PRESENT ? value_i64(v.value) : null_value;
}

struct value value_opt_text(struct opt_text v)
{
    return v.is == PRESENT ? value_text(v.value) : null_value;
}

struct value value_opt_date(struct opt_date v)
{
    return v.is == PRESENT ? value_date(v.value) : null_value;
}

struct value value_opt_instant(struct opt_instant v)
{
    return v.is == PRESENT ? value_instant(v.value) : null_value;
}

struct value value_opt_f64(struct opt_f64 v)
{
    return v.is == PRESENT ? value_f64(v.value) : null_value;
}

static void put_quoted(struct buf *b, struct text t)
{
    buf_put_char(b, '"');
    for (size_t i = 0; i < t.len; i++) {
        if (t.at[i] == '"' || t.at[i] == '\\')
            buf_put_char(b, '\\');
        buf_put_char(b, t.at[i]);
    }
    buf_put_char(b, '"');
}

/* As Postgres writes an array: every text in quotes, with a stroke before what would end it. */
static const char *list_cstr(const struct value *v, struct arena *a)
{
    struct buf b;

    buf_init(&b, 4u << 20);
    buf_put_char(&b, '{');
    for (size_t i = 0; i < v->list.count; i++) {
        if (i)
            buf_put_char(&b, ',');
        if (v->kind == VALUE_I64S)
            buf_put_i64(&b, ((const int64_t *)v->list.at)[i]);
        else
            put_quoted(&b, ((const struct text *)v->list.at)[i]);
    }
    buf_put_char(&b, '}');
    return arena_cstr(a, arena_buf(a, &b));
}

static const char *instant_cstr(struct instant at, struct arena *a)
{
    char *out = arena_alloc(a, INSTANT_TEXT_SIZE + 8);
    size_t length = instant_format((struct instant){ at.us / 1000000 * 1000000 }, out);

    CHECK(snprintf(out + length - 4, 12, "%06lldZ", (long long)(at.us % 1000000)) > 0); /* all six digits */
    return out;
}

const char *value_cstr(const struct value *v, struct arena *a)
{
    char *date;

    switch (v->kind) {
    case VALUE_I64:
        return arena_printf(a, "%lld", (long long)v->i64).at;
    case VALUE_BOOL:
        return v->flag ? "t" : "f";
    case VALUE_TEXT:
        return arena_cstr(a, v->text);
    case VALUE_INSTANT:
        return instant_cstr(v->instant, a);
    case VALUE_DATE:
        date = arena_alloc(a, DATE_TEXT_SIZE);
        date_format(v->date, date);
        return date;
    case VALUE_F64:
        return arena_printf(a, "%.17g", v->f64).at;
    case VALUE_I64S:
    case VALUE_TEXTS:
        return list_cstr(v, a);
    default:
        return NULL;
    }
}
