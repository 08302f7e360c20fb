#include "madang/audit.h"

#include "madang/config.h"
#include "madang/fault.h"

static const struct field entry_fields[] = {
    FIELD(struct audit_entry, id),
    FIELD(struct audit_entry, at),
    FIELD(struct audit_entry, account, .says = "Whose act it was."),
    FIELD(struct audit_entry, call, .says = "By which call."),
    FIELD(struct audit_entry, object, .says = "To what: its kind and number."),
    FIELD(struct audit_entry, before, .says = "How it was; null: it was not there."),
    FIELD(struct audit_entry, after, .says = "How it is since; null: it is gone."),
    FIELD(struct audit_entry, request, .says = "As the log has it."),
};
const struct shape audit_entry_shape = SHAPE("AuditEntry", struct audit_entry, entry_fields);

static const struct statement add = {
    .name = "audit_add",
    .lane = LANE_TX,
    .sql = "insert into audit (account, call, object, before, after, request) values ($1, $2, $3, $4::json, $5::json, $6)"
};
static const struct statement list = {
    .name = "audit_list",
    .lane = LANE_READ,
    .row = &audit_entry_shape,
    .rows_max = 101,
    .sql = "select id, at, account, call, object, coalesce(before, 'null') as before, coalesce(after, 'null') as after, request"
           " from audit where ($1::bigint is null or id < $1) and ($2::bigint is null or account = $2)"
           " and ($3::text is null or object = $3) order by id desc limit $4"
};
static const struct statement sweep = { .name = "audit_sweep",
                                        .lane = LANE_TX,
                                        .sql = "delete from audit where ctid = any (array("
                                               "select ctid from audit where at < now() - $1 * interval '1 day' limit 5000))" };
STATEMENT_TABLE(audit_statements, &add, &list, &sweep);

static struct opt_text as_json(struct call *c, const struct shape *shape, const void *what)
{
    return what ? (struct opt_text){ PRESENT, shape_text(shape, what, c->arena) } : (struct opt_text){ .is = ABSENT };
}

problem audit_note(struct tx *tx, struct text object, const struct shape *shape, const void *before, const void *after)
{
    struct call *c = tx->call;
    problem p;

    if (FAULT(AUDIT_FORGET))
        return NULL;
    p = store_exec(
        tx, &add,
        VALUES(c->account, text_of(c->name), object, as_json(c, shape, before), as_json(c, shape, after), call_request_id(c)),
        NULL);
    if (!p)
        c->audit = AUDIT_NOTED;
    return p;
}

problem audit_read(struct call *c, struct opt_i64 before, struct opt_i64 account, struct opt_text object, int64_t limit,
                   struct audit_list *out)
{
    return store_many(c, &list, VALUES(before, account, object, limit + 1), &out->entries);
}

problem audit_sweep(struct call *c)
{
    return config->audit_days ? store_sweep(c, &sweep, VALUES(config->audit_days)) : NULL;
}
