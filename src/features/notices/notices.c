/* Notices: posted by managers, told to everybody connected. */
#include "madang/calls.h"

#include "madang/audit.h"
#include "madang/forget.h"
#include "madang/hub.h"
#include "madang/page.h"
#include "notices_store.h"

static const struct event_def posted = { "notice.posted", &notice_shape, "notices", true, "A notice was posted." },
                              edited = { "notice.edited", &notice_shape, "notices", true, "A notice was changed." },
                              deleted = { "notice.deleted", &notice_ref_shape, "notices", true, "A notice was taken away." };

static problem notices_list(struct call *c)
{
    const struct notice_page *in = c->in;
    struct notice_list *out = c->out;
    const struct notice *last;
    problem p = notices_read(c, in, out);

    if (!p && (last = page_cut(&out->notices, in->limit)))
        out->next = (struct opt_i64){ PRESENT, last->notice };
    return p;
}

static problem notices_get(struct call *c)
{
    bool found;
    problem p = notice_get(c, ((const struct notice_ref *)c->in)->notice, c->out, &found);

    return p ? p : found ? NULL : PROBLEM(NOTICE_NOT_FOUND);
}

static problem note(struct tx *tx, const struct notice *before, const struct notice *after)
{
    return audit_note(tx, topic_of(tx->call->arena, "notice", before ? before->notice : after->notice), &notice_shape, before,
                      after);
}

static problem notices_post(struct call *c)
{
    struct tx tx TX_SCOPE = { 0 };
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = notice_add(&tx, c->in, c->out)) || (p = note(&tx, NULL, c->out)) ||
        (p = tx_announce(&tx, T("notices"), &posted, c->out)))
        return p;
    return tx_commit(&tx);
}

static problem notices_edit(struct call *c)
{
    const struct notice_edit *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    struct notice before;
    bool found;
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = notice_lock(&tx, in->notice, &before, &found)))
        return p;
    if (!found)
        return PROBLEM(NOTICE_NOT_FOUND);
    if ((p = notice_edit(&tx, in, c->out)) || (p = note(&tx, &before, c->out)) ||
        (p = tx_announce(&tx, T("notices"), &edited, c->out)))
        return p;
    return tx_commit(&tx);
}

/* What told of it before, and the answer to who posted it, tell no more of it than that it is gone. */
static problem forget_notice(struct tx *tx, const struct notice_ref *notice, int64_t author)
{
    problem p = log_rewrite_about(tx, T("notices"), "notice", notice->notice, &deleted, notice);

    return p ? p : answers_drop_about(tx, author, "notices.post", "notice", notice->notice);
}

static problem notices_delete(struct call *c)
{
    const struct notice_ref *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    struct notice before;
    int64_t author;
    bool found;
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = notice_lock(&tx, in->notice, &before, &found)))
        return p;
    if (!found)
        return PROBLEM(NOTICE_NOT_FOUND);
    if ((p = notice_delete(&tx, in->notice, &author)) || (p = note(&tx, &before, NULL)) || (p = forget_notice(&tx, in, author)) ||
        (p = tx_announce(&tx, T("notices"), &deleted, in)))
        return p;
    return tx_commit(&tx);
}

static problem topics(struct call *c, struct topic_list *out)
{
    (void)c;
    if (out->count < TOPIC_LIST_MAX)
        out->at[out->count++] = T("notices");
    return NULL;
}

/* clang-format off */
static const struct call_def calls[] = {
    { .name = "notices.list", .rest = GET("/api/v1/notices"), .in = &notice_page_shape, .out = &notice_list_shape,
      .run = notices_list,
      .limits = { PER_ADDRESS(100, SECONDS(10)) }, .says = "Notices, newest first." },
    { .name = "notices.get", .rest = GET("/api/v1/notices/{notice}"), .in = &notice_ref_shape, .out = &notice_shape,
      .run = notices_get,
      .limits = { PER_ADDRESS(100, SECONDS(10)) }, .problems = { PROBLEM(NOTICE_NOT_FOUND) }, .says = "A notice." },
    { .name = "notices.post", .rest = POST("/api/v1/notices"), .who = WHO_MANAGER, .audit = true, .in = &notice_new_shape,
      .out = &notice_shape,
      .run = notices_post, .once = BY_KEY, .status = 201, .says = "Posts a notice." },
    { .name = "notices.edit", .rest = PUT("/api/v1/notices/{notice}"), .who = WHO_MANAGER, .audit = true,
      .in = &notice_edit_shape,
      .out = &notice_shape,
      .run = notices_edit, .problems = { PROBLEM(NOTICE_NOT_FOUND) }, .says = "Changes a notice." },
    { .name = "notices.delete", .rest = DELETE("/api/v1/notices/{notice}"), .who = WHO_MANAGER, .audit = true,
      .in = &notice_ref_shape,
      .run = notices_delete, .problems = { PROBLEM(NOTICE_NOT_FOUND) }, .says = "Takes a notice away." },
};
/* clang-format on */

static const struct event_def *const events[] = { &posted, &edited, &deleted };

const struct feature notices_feature = {
    .name = "notices",
    .calls = LIST(calls),
    .events = LIST(events),
    .statements = TABLES(&notices_statements),
    .topics = topics,
};
