#include "madang/forget.h"

#include "topics.h"

static const struct statement rewrite = { .name = "log_rewrite",
                                          .lane = LANE_TX,
                                          .sql = "update topic_log set ev = $3, data = $4 where topic = $1 and seq = $2" };
static const struct statement rewrite_about = {
    .name = "log_rewrite_about",
    .lane = LANE_TX,
    .sql = "update topic_log set ev = $4, data = $5 where topic = $1 and data->>$2::text = $3::bigint::text"
};
static const struct statement drop = { .name = "log_drop",
                                       .lane = LANE_TX,
                                       .sql = "delete from topic_log where topic = any ($1::text[])" };
/* The index topic_log_other finds them; no other event has a member of that name. */
static const struct statement forget_person = {
    .name = "log_forget_person",
    .lane = LANE_TX,
    .sql = "update topic_log set data = (data::jsonb || jsonb_build_object('other', jsonb_build_object('account', $1::bigint,"
           " 'nickname', null, 'avatar_url', null, 'departed', true)))::json where data->'other'->>'account' = $1::bigint::text"
};
static const struct statement answers = { .name = "answers_drop",
                                          .lane = LANE_TX,
                                          .sql = "delete from idempotency_keys where account = $1" };
static const struct statement answers_about = {
    .name = "answers_drop_about",
    .lane = LANE_TX,
    .sql = "delete from idempotency_keys where account = $1 and call = $2 and answer->>$3::text = $4::bigint::text"
};

STATEMENT_TABLE(forget_statements, &rewrite, &rewrite_about, &drop, &forget_person, &answers, &answers_about);

problem log_rewrite(struct tx *tx, struct text topic, int64_t number, const struct event_def *e, const void *data)
{
    struct text json = shape_text(e->data, data, tx->call->arena);

    return store_exec(tx, &rewrite, VALUES(topic, number, text_of(e->name), json), NULL);
}

problem log_rewrite_about(struct tx *tx, struct text topic, const char *name, int64_t value, const struct event_def *e,
                          const void *data)
{
    struct text json = shape_text(e->data, data, tx->call->arena);

    return store_exec(tx, &rewrite_about, VALUES(topic, text_of(name), value, text_of(e->name), json), NULL);
}

problem log_drop(struct tx *tx, const struct text *topics, size_t count)
{
    return count ? store_exec(tx, &drop, VALUES(value_texts(topics, count)), NULL) : NULL;
}

problem log_forget_person(struct tx *tx, int64_t account)
{
    return store_exec(tx, &forget_person, VALUES(account), NULL);
}

problem answers_drop(struct tx *tx, int64_t account)
{
    return store_exec(tx, &answers, VALUES(account), NULL);
}

problem answers_drop_about(struct tx *tx, int64_t account, const char *call, const char *name, int64_t value)
{
    return store_exec(tx, &answers_about, VALUES(account, text_of(call), text_of(name), value), NULL);
}
