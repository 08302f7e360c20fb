/* Pure decisions of the social feature. */
#ifndef MADANG_SOCIAL_RULES_H
#define MADANG_SOCIAL_RULES_H

#include "madang/shape.h"

bool dm_client_id_is_valid(struct text t); /* ^[A-Za-z0-9_-]{8,64}$ */
/* What another is to me: account_relations' words; nothing there are STRANGERS. */
enum tie { STRANGERS, FRIEND, SENT, RECEIVED, BLOCKING, BLOCKED };
extern const struct words friend_ties;
bool friend_tie_is_block(enum tie r); /* by either of the two */
/* Why a friend request cannot be made, from what the two are to each other; NULL when it can. */
problem friend_request_refusal(enum tie r);

#endif
