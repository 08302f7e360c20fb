/* Turns as Redis has them: their leases, who listens, and what was said so far. */
#ifndef MADANG_TAROT_LEASE_H
#define MADANG_TAROT_LEASE_H

#include "tarot_wire.h"

struct kept_turn {
    int64_t turn, chat;
    int64_t heard_ms; /* out: how long ago the chat was listened to anywhere; -1: not known */
};
struct lapsed_turns {
    int64_t *at;
    size_t count;
};
/* Keeps the leases for ten seconds; `lapsed` are those of nodes that are gone, told to one asker only, who may not want to know
 * (NULL). */
problem lease_turns_keep(struct call *c, struct kept_turn *turns, size_t count, const int64_t *listened, size_t listened_count,
                         struct lapsed_turns *lapsed) MUST_USE;
/* Gives a last lease to those that have none: lapsed if nobody keeps it. */
problem lease_turns_doubt(struct call *c, const int64_t *turns, size_t count) MUST_USE;
void lease_turn_end(struct arena *a, int64_t turn); /* with its text */
/* Appended without waiting; kept for ten minutes. False: Redis is away, nothing was appended. */
bool lease_text_append(struct arena *a, int64_t turn, struct text more);
problem lease_text(struct call *c, int64_t turn, struct text *out) MUST_USE;

#endif
