/* data: forget — logged events and kept answers lose what must be gone.
 *
 * An event that was told is kept for who catches up, and an answer for who asks twice; neither may outlive what it tells of. All
 * of this belongs into the transaction that takes the thing itself away. Numbers stay, so that topics stay dense.
 */
#ifndef MADANG_FORGET_H
#define MADANG_FORGET_H

#include "madang/store.h"

/* The event of this number is, from now on, `e` with `data`. */
problem log_rewrite(struct tx *tx, struct text topic, int64_t number, const struct event_def *e, const void *data) MUST_USE;
/* So is each event of a topic whose data has this value under this name; for topics that are short. */
problem log_rewrite_about(struct tx *tx, struct text topic, const char *name, int64_t value, const struct event_def *e,
                          const void *data) MUST_USE;
/* The events of topics that nobody may follow any more. */
problem log_drop(struct tx *tx, const struct text *topics, size_t count) MUST_USE;
/* In every event that shows a person as its `other`, a departed one stands there. */
problem log_forget_person(struct tx *tx, int64_t account) MUST_USE;
/* Answers kept for repetitions: all of an account, or those of a call whose answer has this value under this name. */
problem answers_drop(struct tx *tx, int64_t account) MUST_USE;
problem answers_drop_about(struct tx *tx, int64_t account, const char *call, const char *name, int64_t value) MUST_USE;

#endif
