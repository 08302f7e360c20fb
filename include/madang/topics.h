/* data: topics — the numbered events of a topic, kept for those who were away. */
#ifndef MADANG_TOPICS_H
#define MADANG_TOPICS_H

#include "madang/store.h"

/* Events kept for a topic after `since`, ascending. */
struct kept_event {
    int64_t seq;
    struct text ev;
    struct json data;
};
struct kept_events {
    struct kept_event *at;
    size_t count;
};
extern const struct shape kept_event_shape;
/* What was missed of topics: their events behind `since` up to `head`, at most TOPIC_EVENTS_MAX together. */
struct missed_topic {
    struct text topic;
    int64_t since, head;
    struct kept_events events;
    bool complete; /* false: these are not all, or `since` is beyond the head (a restored backup): the state is to be read anew */
};
problem topics_events_since(struct call *c, struct missed_topic *topics, size_t count) MUST_USE;
problem topic_heads(struct call *c, const struct text *topics, size_t count, struct counts *out) MUST_USE;
#define TOPIC_EVENTS_MAX 500 /* more than these are not replayed */

#endif
