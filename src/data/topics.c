#include "topics.h"

#include "madang/store.h"

static const struct field kept_event_fields[] = {
    FIELD(struct kept_event, seq, .min = 1, .says = "Number on its topic."),
    FIELD(struct kept_event, ev, .says = "Name of the event."),
    FIELD(struct kept_event, data, .says = "What it carries."),
};
const struct shape kept_event_shape = SHAPE("KeptEvent", struct kept_event, kept_event_fields);

static const struct statement events_since = {
    .name = "topic_events_since",
    .lane = LANE_READ,
    .row = &kept_event_shape,
    .rows_max = TOPIC_EVENTS_MAX + 1,
    .sql = "select seq, ev, data from topic_log where topic = $1 and seq > $2 order by seq limit 501"
};

struct topic_head {
    struct text topic;
    int64_t head;
};
static const struct field topic_head_fields[] = {
    FIELD(struct topic_head, topic),
    FIELD(struct topic_head, head),
};
static const struct shape topic_head_shape = SHAPE("NamedHead", struct topic_head, topic_head_fields);
static const struct statement heads = { .name = "topic_heads",
                                        .lane = LANE_READ,
                                        .row = &topic_head_shape,
                                        .rows_max = 1000,
                                        .sql = "select topic, head from topics where topic = any ($1::text[])" };

static STATEMENT_TABLE(statements, &events_since, &heads);

void topics_start(void)
{
    statements_add(&statements);
    statements_add(&forget_statements);
}

problem topic_events_since(struct call *c, struct text topic, int64_t since, struct kept_events *out)
{
    return store_many(c, &events_since, VALUES(topic, since), out);
}

struct text topics_array(struct arena *a, const struct text *topics, size_t count)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_put_char(&b, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_put_char(&b, ',');
        buf_put_json_string(&b, topics[i]); /* topic names hold nothing that the two escapings disagree on */
    }
    buf_put_char(&b, '}');
    return arena_buf(a, &b);
}

problem topic_heads(struct call *c, const struct text *topics, size_t count, struct counts *out)
{
    struct {
        struct topic_head *at;
        size_t count;
    } rows;
    problem p = store_many(c, &heads, VALUES(topics_array(c->arena, topics, count)), &rows);

    if (p)
        return p;
    out->at = arena_array(c->arena, struct count_of, count);
    out->count = count;
    for (size_t i = 0; i < count; i++) {
        out->at[i] = (struct count_of){ topics[i], 0 };
        for (size_t k = 0; k < rows.count; k++)
            if (text_is(rows.at[k].topic, topics[i]))
                out->at[i].count = rows.at[k].head;
    }
    return NULL;
}
