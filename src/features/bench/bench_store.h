/* What of the bench feature crosses the wire, and its one statement. */
#ifndef MADANG_BENCH_STORE_H
#define MADANG_BENCH_STORE_H

#include "madang/calls.h"

extern struct statement_table bench_statements;

struct bench_room {
    int64_t room;
};
struct bench_message {
    int64_t room;
    struct text body;
};
struct bench_said {
    struct text body;
};
struct bench_seat {
    int64_t seat;
};
struct bench_held {
    bool held;
};
struct bench_key {
    int64_t id;
};
struct bench_row {
    int64_t id;
    struct text name;
};
extern const struct shape bench_room_shape, bench_message_shape, bench_said_shape, bench_seat_shape, bench_held_shape,
    bench_key_shape, bench_row_shape;

problem bench_row_read(struct call *c, int64_t id, struct bench_row *out, bool *found) MUST_USE;

#endif
