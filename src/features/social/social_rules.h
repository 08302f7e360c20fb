/* Pure decisions of the social feature. */
#ifndef MADANG_SOCIAL_RULES_H
#define MADANG_SOCIAL_RULES_H

#include "madang/problem.h"

bool client_id_is_valid(struct text t); /* ^[A-Za-z0-9_-]{8,64}$ */
/* Why a friend request cannot be made, from what the two are to each other; NULL when it can. */
problem request_refusal(struct text relation);

#endif
