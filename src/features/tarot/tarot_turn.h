/* Turns: the reader speaks. A turn runs on the node that took the call, is kept as it comes, and ends once, in the database. */
#ifndef MADANG_TAROT_TURN_H
#define MADANG_TAROT_TURN_H

#include "tarot_store.h"

extern const struct event_def tarot_started_event, tarot_delta_event, tarot_ended_event, tarot_failed_event, tarot_spread_event,
    tarot_result_event;

struct text tarot_chat_topic(struct arena *a, int64_t chat);
/* Adds the row and the event; the reader begins to speak once the transaction is committed. TAROT_BUSY when it speaks already. */
problem tarot_turn_begin(struct tx *tx, const struct chat_row *chat, enum turn_kind kind, int64_t *turn) MUST_USE;
/* What a turn has said so far. Where it runs on another node a socket's call waits a moment, until everything is kept that was
 * said before the socket began to listen: what it hears then joins on without a hole. */
problem tarot_turn_text(struct call *c, int64_t turn, struct text *out) MUST_USE;
void tarot_turn_heard(struct call *c, int64_t chat);  /* somebody without a socket asks: that is listening, too */
void tarot_turn_stop(int64_t turn, struct text node); /* which it runs on */
extern const struct word_def tarot_turn_words[1];
void tarot_turn_listened(struct text chat, bool here);
int64_t tarot_utf16_length(struct text t);

void tarot_turns_start(void);
void tarot_turns_stop(void);
problem tarot_turns_sweep(struct call *c,
                          const void *payload) MUST_USE; /* a job: turns without a lease, whose node is gone too */

#endif
