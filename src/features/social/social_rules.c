#include "social_rules.h"

bool client_id_is_valid(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        char c = t.at[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'))
            return false;
    }
    return t.len >= 8 && t.len <= 64;
}

problem request_refusal(struct text relation)
{
    if (text_is(relation, T("friend")))
        return PROBLEM(FRIEND_ALREADY);
    if (text_is(relation, T("sent")))
        return PROBLEM(FRIEND_REQUESTED);
    if (text_is(relation, T("blocked")) || text_is(relation, T("blocking")))
        return PROBLEM(BLOCKED);
    return NULL;
}
