/* providers: mail — one letter, sent by a job after the transaction that wanted it. */
#ifndef MADANG_MAIL_H
#define MADANG_MAIL_H

#include "madang/calls.h"

struct mail {
    struct text to, subject, body;
};

/* With the transaction, or on its own. */
problem mail_queue(struct store_on on, const struct mail *m) MUST_USE;

extern const struct feature mail_feature;

#endif
