/* providers: mail — one letter, sent by a job after the transaction that wanted it. */
#ifndef MADANG_MAIL_H
#define MADANG_MAIL_H

#include "madang/calls.h"

struct mail {
    struct text to, subject, body;
};

/* With the transaction, or on its own. A later letter with the same key goes instead of one that still waits; empty: none. */
problem mail_queue(struct store_on on, const struct mail *m, struct text key) MUST_USE;
problem mail_drop(struct store_on on, struct text key) MUST_USE; /* it is not sent any more, if it waits */

extern const struct feature mail_feature;

#endif
