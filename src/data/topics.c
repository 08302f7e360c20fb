#include "topics.h"

#include "madang/store.h"

static const struct field kept_event_fields[] = {
    FIELD(struct kept_event, seq, .min = 1, .says = "Number on its topic."),
    FIELD(struct kept_event, ev, .says = "Name of the event."),
    FIELD(struct kept_event, data, .says = "What it carries."),
};
const struct shape kept_event_shape = SHAPE("KeptEvent", struct kept_event, kept_event_fields);

/* An event of one of several topics. */
struct missed_event {
    int64_t which, seq;
    struct text ev;
    struct json data;
};
static const struct field missed_event_fields[] = {
    FIELD(struct missed_event, which),
    FIELD(struct missed_event, seq),
    FIELD(struct missed_event, ev),
    FIELD(struct missed_event, data),
};
static const struct shape missed_event_shape = SHAPE("MissedEvent", struct missed_event, missed_event_fields);
/* No more of a topic is read than could be told of it: numbers are dense, so the first ones of each are enough. */
static const struct statement events_since = {
    .name = "topic_events_since",
    .lane = LANE_READ,
    .row = &missed_event_shape,
    .rows_max = TOPIC_EVENTS_MAX,
    .sql = "select w.which, l.seq, l.ev, l.data"
           " from unnest($1::text[], $2::bigint[], $3::bigint[]) with ordinality as w (topic, since, head, which)"
           " join topic_log l on l.topic = w.topic and l.seq > w.since and l.seq <= least(w.head, w.since + 500)"
           " order by w.which, l.seq limit 500"
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

struct missed_rows {
    struct missed_event *at;
    size_t count;
};

/* The rows of topic `which`, which come next; dense they are all that was wanted, since numbers have no holes. */
static size_t take_rows(struct call *c, const struct missed_rows *rows, size_t from, int64_t which, struct missed_topic *t)
{
    size_t n = 0;

    while (from + n < rows->count && rows->at[from + n].which == which)
        n++;
    t->events.at = arena_array(c->arena, struct kept_event, n);
    for (t->events.count = 0; t->events.count < n; t->events.count++) {
        const struct missed_event *e = &rows->at[from + t->events.count];

        t->events.at[t->events.count] = (struct kept_event){ e->seq, e->ev, e->data };
    }
    t->complete = t->since <= t->head && n == (size_t)(t->head - t->since);
    return n;
}

problem topics_events_since(struct call *c, struct missed_topic *topics, size_t count)
{
    struct text *names = arena_array(c->arena, struct text, count);
    int64_t *since = arena_array(c->arena, int64_t, count), *heads_at = arena_array(c->arena, int64_t, count);
    struct missed_rows rows;
    size_t taken = 0;
    problem p;

    for (size_t i = 0; i < count; i++) {
        names[i] = topics[i].topic;
        since[i] = topics[i].since;
        heads_at[i] = topics[i].head;
    }
    p = store_many(c, &events_since, VALUES(value_texts(names, count), value_i64s(since, count), value_i64s(heads_at, count)),
                   &rows);
    for (size_t i = 0; !p && i < count; i++)
        taken += take_rows(c, &rows, taken, (int64_t)i + 1, &topics[i]);
    return p;
}

problem topic_heads(struct call *c, const struct text *topics, size_t count, struct counts *out)
{
    struct {
        struct topic_head *at;
        size_t count;
    } rows;
    problem p = store_many(c, &heads, VALUES(value_texts(topics, count)), &rows);

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
