/* What managers did, for managers to read: madang/audit.h. */
#include "audit_list.h"

#include "madang/audit.h"
#include "madang/page.h"

struct audit_page {
    struct opt_i64 before, account;
    struct opt_text object;
    int64_t limit;
};
static const struct field page_fields[] = {
    FIELD(struct audit_page, before, .min = 1, .says = "next of the page before."),
    FIELD(struct audit_page, account, .min = 1, .says = "Of this one alone."),
    FIELD(struct audit_page, object, .len_min = 1, .len_max = 100, .says = "To this one alone: \"account:12\"."),
    FIELD(struct audit_page, limit, .min = 1, .max = 100, .optional = true, .otherwise = 50),
};
static const struct shape page_shape = SHAPE("AuditPage", struct audit_page, page_fields);
static const struct field list_fields[] = {
    FIELD_LIST(struct audit_list, entries, .shape = &audit_entry_shape),
    FIELD(struct audit_list, next),
};
static const struct shape list_shape = SHAPE("AuditEntries", struct audit_list, list_fields);

static problem list(struct call *c)
{
    const struct audit_page *in = c->in;
    struct audit_list *out = c->out;
    const struct audit_entry *last;
    problem p = audit_read(c, in->before, in->account, in->object, in->limit, out);

    if (!p && (last = page_cut(&out->entries, in->limit)))
        out->next = (struct opt_i64){ PRESENT, last->id };
    return p;
}

static problem sweep(struct call *c, const void *payload)
{
    (void)payload;
    return audit_sweep(c);
}

/* clang-format off */
static const struct call_def calls[] = {
    { .name = "audit.list", .rest = GET("/api/v1/manage/audit"), .who = WHO_MANAGER, .in = &page_shape, .out = &list_shape,
      .run = list, .limits = { PER_ACCOUNT(100, SECONDS(10)) },
      .says = "What managers did, newest first: who, by which call, to what, and how that was before and after." },
};
/* clang-format on */
static const struct job_def jobs[] = { { .kind = "audit.sweep", .run = sweep, .every_s = 86400 } };

const struct feature audit_feature = {
    .name = "audit", .calls = LIST(calls), .jobs = LIST(jobs), .statements = TABLES(&audit_statements)
};
