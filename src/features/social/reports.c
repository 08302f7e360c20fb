/* Reports, and the managers' side of them. */
#include "madang/audit.h"
#include "madang/files.h"
#include "social_parts.h"

static const struct field evidence_list_fields[] = {
    FIELD(struct report_evidence, room),   FIELD(struct report_evidence, seq),
    FIELD(struct report_evidence, sender), FIELD(struct report_evidence, body, .len_max = 2000),
    FIELD(struct report_evidence, at),
};
static const struct shape evidence_one_shape = SHAPE("ReportEvidenceKept", struct report_evidence, evidence_list_fields);

/* The text as it is now: what its writer deletes later stays readable for who decides. */
static struct text evidence_json(struct arena *a, const struct evidence_rows *rows)
{
    struct text out = T("[");

    for (size_t i = 0; i < rows->count; i++)
        out = arena_printf(a, "%.*s%s%s", TEXT_ARG(out), i ? "," : "",
                           arena_cstr(a, shape_text(&evidence_one_shape, &rows->at[i], a)));
    return arena_printf(a, "%.*s]", TEXT_ARG(out));
}

problem reports_add(struct call *c)
{
    const struct report_new *in = c->in;
    struct evidence_rows rows = { 0 };
    struct tx tx TX_SCOPE = { 0 };
    bool done;
    problem p;

    if (in->account == c->account)
        return PROBLEM(FRIEND_SELF);
    if (in->messages.count && (p = report_evidence(c, in, &rows)))
        return p;
    if (rows.count != in->messages.count)
        return PROBLEM(REPORT_MESSAGE);
    if ((p = tx_begin(c, &tx)) ||
        (p = report_add(&tx, in, evidence_json(c->arena, &rows), &((struct report_id *)c->out)->report, &done)))
        return p;
    return done ? tx_commit(&tx) : PROBLEM(ACCOUNT_NOT_FOUND);
}

problem reports_list(struct call *c)
{
    const struct report_page *in = c->in;
    struct report_list *out = c->out;
    const struct report *last;
    problem p = reports_read(c, in, out);

    if (!p && (last = page_cut(&out->reports, in->limit)))
        out->next = (struct opt_i64){ PRESENT, last->id };
    return p;
}

static problem undecided(struct call *c, int64_t report)
{
    bool exists;
    problem p = report_exists(c, report, &exists);

    return p ? p : exists ? PROBLEM(REPORT_CLOSED) : PROBLEM(REPORT_NOT_FOUND);
}

/* As the audit log has it. */
struct decision {
    struct word state;
    struct opt_text note;
};
static const struct field decision_fields[] = {
    FIELD(struct decision, state, .words = &report_states),
    FIELD(struct decision, note),
};
static const struct shape decision_shape = SHAPE("ReportDecision", struct decision, decision_fields);

static problem decide(struct tx *tx, int64_t report, enum report_state state, struct opt_text note, int64_t *reported, bool *done)
{
    const struct decision open = { .state = { REPORT_OPEN } }, decided = { { (int)state }, note };
    problem p = report_decide(tx, report, state, note, reported, done);

    if (p || !*done)
        return p;
    return audit_note(tx, topic_of(tx->call->arena, "report", report), &decision_shape, &open, &decided);
}

problem reports_accept(struct call *c)
{
    const struct report_accept *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    int64_t reported;
    bool done;
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = decide(&tx, in->report, REPORT_ACCEPTED, in->note, &reported, &done)))
        return p;
    if (!done)
        return undecided(c, in->report);
    if ((p = account_suspend(&tx, reported, in->until, in->note.is == PRESENT ? in->note.value : T("report"))))
        return p;
    return tx_commit(&tx);
}

problem reports_dismiss(struct call *c)
{
    const struct report_dismiss *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    int64_t reported;
    bool done;
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = decide(&tx, in->report, REPORT_DISMISSED, in->note, &reported, &done)))
        return p;
    return done ? tx_commit(&tx) : undecided(c, in->report);
}
