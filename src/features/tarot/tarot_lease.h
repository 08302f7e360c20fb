/* Turns as Redis has them: their leases, who listens, and what was said so far. */
#ifndef MADANG_TAROT_LEASE_H
#define MADANG_TAROT_LEASE_H

#include "madang/lease.h"
#include "tarot_wire.h"

extern const struct lease tarot_turn_lease; /* of turns, by their number */

struct ages {
    LIST_OF(int64_t) ages; /* ms; -1: not known */
};
/* Notes which chats are listened to here, and tells when those asked for were last listened to anywhere. */
problem tarot_chats_heard(struct call *c, const struct tarot_ids *listened, const struct tarot_ids *asked,
                          struct ages *out) MUST_USE;

void tarot_turn_lease_end(struct arena *a, int64_t turn); /* with its text */
/* Appended without waiting; kept for ten minutes. False: Redis is away, nothing was appended. */
bool tarot_turn_text_append(struct arena *a, int64_t turn, struct text more);
problem tarot_turn_text_kept(struct call *c, int64_t turn, struct text *out) MUST_USE;

#endif
