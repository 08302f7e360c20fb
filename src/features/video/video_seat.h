/* The places in rooms whose sockets are on this node: it keeps their leases, and notices when a socket goes or a place is lost.
 * A socket has one place at the most. */
#ifndef MADANG_VIDEO_SEAT_H
#define MADANG_VIDEO_SEAT_H

#include "video_lease.h"

extern const struct event_def video_joined_event, video_away_event, video_left_event, video_signal_event, video_closed_event;

/* Each person hears a topic of its own, and another one after each join: who was sent away, or came back elsewhere, hears
 * nothing more of the room. Everything for one person is on it, hence in order. */
struct text video_seat_topic(struct arena *a, struct text code, const struct seat *s);

/* The calling socket has this place from now on, until it leaves. */
void video_seat_hold(struct call *c, struct text code, const struct seat *s);
/* The room as it is, and the calling socket's place in it; VIDEO_NOT_IN. */
problem video_seat_mine(struct call *c, struct text code, struct room *out, const struct seat **mine) MUST_USE;
bool video_seat_is_in(uint64_t socket, struct text code);
void video_seat_forget(uint64_t socket); /* here; in the room it stays */
/* The calling socket's place, if it has one; the others are told. */
problem video_seat_give_up(struct call *c) MUST_USE;

/* To all in the room but one: somebody arrived, or is gone (with the host the room is). The room is closed for all, or one. */
void video_tell_arrival(struct call *c, const struct room *r, const struct seat *who);
void video_tell_departure(struct call *c, const struct room *before, const struct seat *who, enum leaving why);
void video_tell_closed(struct call *c, const struct room *r, const struct seat *but, enum closing why); /* but NULL: to all */
void video_tell_closed_one(struct call *c, struct text code, const struct seat *whom, enum closing why);

void video_seats_start(void);
void video_seats_stop(void);
void video_seats_free(void);
void video_seats_closed(uint64_t socket); /* a socket is gone */
extern const struct word_def video_seat_words[1];

#endif
