#include "social_rules.h"

bool dm_client_id_is_valid(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        char c = t.at[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'))
            return false;
    }
    return t.len >= 8 && t.len <= 64;
}

static const char *const tie_names[] = { "", "friend", "sent", "received", "blocking", "blocked" };
const struct words friend_ties = WORDS(tie_names);

bool friend_tie_is_block(enum tie r)
{
    return r == BLOCKING || r == BLOCKED;
}

problem friend_request_refusal(enum tie r)
{
    if (friend_tie_is_block(r))
        return PROBLEM(BLOCKED);
    return r == FRIEND ? PROBLEM(FRIEND_ALREADY) : r == SENT ? PROBLEM(FRIEND_REQUESTED) : NULL;
}
