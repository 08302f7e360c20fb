/* What the benchmarks call where the product has nothing as bare: rooms, relays, a row, a lease. Built with -DMADANG_BENCH=ON
 * alone; through the same table, authorisation, limits, shapes and hub as everything else. */
#include "bench.h"

#include "bench_lease.h"
#include "bench_store.h"
#include "madang/hub.h"

static const struct event_def said = { "bench.said", &bench_said_shape, "bench:{room}", false, "Somebody said something." };

static struct text topic(struct call *c, int64_t room)
{
    return topic_of(c->arena, "bench", room);
}

static problem join(struct call *c)
{
    struct text name = topic(c, ((const struct bench_room *)c->in)->room);

    return hub_listen(c, name);
}

static problem say(struct call *c)
{
    const struct bench_message *in = c->in;
    struct text to = topic(c, in->room);

    if (!hub_is_member(c->socket, to))
        return PROBLEM(FORBIDDEN);
    publish_now(c, to, &said, &(struct bench_said){ in->body });
    return NULL;
}

static problem relay(struct call *c)
{
    const struct bench_message *in = c->in;
    struct text to = topic(c, in->room);

    if (!hub_is_member(c->socket, to))
        return PROBLEM(FORBIDDEN);
    publish_to_others(c, to, &said, &(struct bench_said){ in->body });
    return NULL;
}

static problem hold(struct call *c)
{
    return lease_bench_hold(c, ((const struct bench_seat *)c->in)->seat, &((struct bench_held *)c->out)->held);
}

static problem row(struct call *c)
{
    bool found;
    problem p = bench_row_read(c, ((const struct bench_key *)c->in)->id, c->out, &found);

    return p ? p : found ? NULL : PROBLEM(ACCOUNT_NOT_FOUND);
}

/* clang-format off */
static const struct call_def calls[] = {
    { .name = "bench.join", .doors = SOCKET_ONLY, .who = WHO_GUEST, .in = &bench_room_shape, .run = join,
      .says = "This socket joins a room." },
    { .name = "bench.say", .doors = SOCKET_ONLY, .who = WHO_GUEST, .in = &bench_message_shape, .run = say,
      .limits = { PER_ACCOUNT(1000000, SECONDS(1)) }, .says = "To everybody in a room of mine." },
    { .name = "bench.relay", .doors = SOCKET_ONLY, .who = WHO_GUEST, .in = &bench_message_shape, .run = relay,
      .limits = { PER_ACCOUNT(1000000, SECONDS(1)) }, .says = "To the others in a room of mine." },
    { .name = "bench.hold", .rest = POST("/api/v1/bench/seats/{seat}"), .who = WHO_GUEST, .in = &bench_seat_shape,
      .out = &bench_held_shape, .run = hold, .limits = { PER_ACCOUNT(1000000, SECONDS(1)) },
      .says = "Holds a seat for a second." },
    { .name = "bench.row", .rest = GET("/api/v1/bench/rows/{id}"), .who = WHO_GUEST, .in = &bench_key_shape,
      .out = &bench_row_shape, .run = row, .limits = { PER_ACCOUNT(1000000, SECONDS(1)) },
      .problems = { PROBLEM(ACCOUNT_NOT_FOUND) }, .says = "One row by its key." },
};
/* clang-format on */
static const struct event_def *const events[] = { &said };

const struct feature bench_feature = {
    .name = "bench",
    .calls = LIST(calls),
    .events = LIST(events),
    .statements = TABLES(&bench_statements),
};
