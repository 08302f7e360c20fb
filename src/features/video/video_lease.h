/* Consultation rooms as Redis has them. A room is a hash that ends with its last use; in it each person has a place, whose lease
 * is kept by the node that has the socket. A place outlives its socket by [video] grace_ms. */
#ifndef MADANG_VIDEO_LEASE_H
#define MADANG_VIDEO_LEASE_H

#include "video_wire.h"

struct seat {
    int64_t account, order, joins; /* order: who came earlier; joins: how often this person has come */
    struct text peer, page;
};
struct room {
    struct text code, title, password; /* password: its hash */
    int64_t host;
    struct seat seats[PEERS_MAX];
    size_t count;
};
const struct seat *video_room_seat(const struct room *r, int64_t account); /* NULL: has none */
const struct seat *video_room_peer(const struct room *r, struct text peer);

problem video_room(struct call *c, struct text code, struct room *out, bool *found) MUST_USE;
/* *made false: there is one of this code. */
problem video_room_open(struct call *c, const struct room *r, bool *made) MUST_USE;
struct room_codes {
    struct text *at;
    size_t count;
};
problem video_rooms_of(struct call *c, int64_t host, struct room_codes *out) MUST_USE; /* some may be gone */
problem video_rooms_forget(struct call *c, int64_t host) MUST_USE;
/* VIDEO_NOT_FOUND, VIDEO_FULL, VIDEO_KICKED. `peer`: the name to take when it has none yet. */
problem video_seat_take(struct call *c, struct text code, struct text peer, struct text page, struct room *out) MUST_USE;

/* The place is given up; with the host's, the room. *left false: it did not apply (any more). `before`: the room as it was. */
problem video_seat_leave(struct call *c, struct text code, int64_t account, int64_t joins, struct room *before,
                         bool *left) MUST_USE;
problem video_seat_lapse(struct call *c, struct text code, int64_t account, struct room *before, bool *left) MUST_USE;
problem video_seat_kick(struct call *c, struct text code, int64_t account, struct room *before, bool *left) MUST_USE;
problem video_room_close(struct call *c, struct text code, int64_t host, struct room *before, bool *left) MUST_USE;

struct kept_seat {
    struct text code;
    int64_t account, joins;
    bool lost; /* out: it is no longer so */
};
struct lapsed_seats {
    struct {
        struct text code;
        int64_t account;
    } * at;
    size_t count;
};
problem video_seats_keep(struct call *c, struct kept_seat *seats, size_t count, struct lapsed_seats *lapsed) MUST_USE;

/* One more try at a password: RATE_LIMITED, with the seconds to wait, when there were too many. */
problem video_try(struct call *c, struct text code) MUST_USE;
void video_tries_forget(struct call *c, struct text code); /* the last one was right */

#endif
