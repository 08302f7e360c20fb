#include "bench_store.h"

static const struct field room_fields[] = { FIELD(struct bench_room, room, .min = 1) };
const struct shape bench_room_shape = SHAPE("BenchRoom", struct bench_room, room_fields);
static const struct field message_fields[] = { FIELD(struct bench_message, room, .min = 1),
                                               FIELD(struct bench_message, body, .len_max = 1000) };
const struct shape bench_message_shape = SHAPE("BenchMessage", struct bench_message, message_fields);
static const struct field said_fields[] = { FIELD(struct bench_said, body) };
const struct shape bench_said_shape = SHAPE("BenchSaid", struct bench_said, said_fields);
static const struct field seat_fields[] = { FIELD(struct bench_seat, seat, .min = 1) };
const struct shape bench_seat_shape = SHAPE("BenchSeat", struct bench_seat, seat_fields);
static const struct field held_fields[] = { FIELD(struct bench_held, held) };
const struct shape bench_held_shape = SHAPE("BenchHeld", struct bench_held, held_fields);
static const struct field key_fields[] = { FIELD(struct bench_key, id, .min = 1) };
const struct shape bench_key_shape = SHAPE("BenchKey", struct bench_key, key_fields);
static const struct field row_fields[] = { FIELD(struct bench_row, id), FIELD(struct bench_row, name) };
const struct shape bench_row_shape = SHAPE("BenchRow", struct bench_row, row_fields);

static const struct statement row = { .name = "bench_row",
                                      .lane = LANE_READ,
                                      .row = &bench_row_shape,
                                      .sql = "select id, coalesce(nickname, '') as name from account_cards where id = $1" };

STATEMENT_TABLE(bench_statements, &row);

problem bench_row_read(struct call *c, int64_t id, struct bench_row *out, bool *found)
{
    return store_maybe(c, &row, VALUES(id), out, found);
}
