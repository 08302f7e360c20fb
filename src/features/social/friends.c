/* Friends, requests and blocks. */
#include "madang/config.h"
#include "madang/files.h"
#include "madang/hub.h"
#include "social_parts.h"
#include "social_rules.h"

const struct event_def friend_requested_event = { "friend.requested", &friend_change_shape, "account:{account}", true,
                                                  "Somebody asked me, or I asked (mine)." },
                       friend_accepted_event = { "friend.accepted", &friend_change_shape, "account:{account}", true,
                                                 "We are friends now." },
                       friend_rejected_event = { "friend.rejected", &friend_change_shape, "account:{account}", true,
                                                 "A request was rejected." },
                       friend_cancelled_event = { "friend.cancelled", &friend_change_shape, "account:{account}", true,
                                                  "A request was taken back." },
                       friend_removed_event = { "friend.removed", &friend_change_shape, "account:{account}", true,
                                                "We are friends no more." };

static problem tell_one(struct tx *tx, const struct event_def *e, int64_t whom, int64_t about, bool mine)
{
    struct friend_change change = { .mine = mine };
    struct opt_i64 avatar;
    problem p = friend_card(tx, about, &change.other, &avatar);

    if (p)
        return p;
    change.other.avatar_url = file_url_maybe(tx->call, avatar, true);
    return tx_announce(tx, topic_of(tx->call->arena, "account", whom), e, &change);
}

/* Both learn it, on all their devices. Topics are always taken in the order of their accounts, so that two that act at once
 * do not wait for each other in a circle. */
static problem tell_both(struct tx *tx, const struct event_def *e, int64_t actor, int64_t other)
{
    int64_t first = actor < other ? actor : other, second = actor < other ? other : actor;
    problem p = tell_one(tx, e, first, second, first == actor);

    return p ? p : tell_one(tx, e, second, first, second == actor);
}

static problem begin_pair(struct call *c, struct tx *tx, int64_t other)
{
    problem p;

    if (other == c->account)
        return PROBLEM(FRIEND_SELF);
    return (p = tx_begin(c, tx)) ? p : friend_pair_lock(tx, c->account, other);
}

static problem list_of(struct call *c, enum people which)
{
    const struct people_page *in = c->in;
    struct friend_list *out = c->out;
    const struct friend *last;
    struct cursor from;
    problem p;

    if ((p = page_from(c, "/after", in->after, CURSOR_TEXT | CURSOR_OLD, &from)) || (p = friends_page(c, which, in, &from, out)))
        return p;
    if ((last = page_cut(&out->people, in->limit)))
        out->next = page_next(c, last->nickname.value, last->account);
    for (size_t i = 0; i < out->people.count; i++)
        out->people.at[i].avatar_url = file_url_maybe(c, out->people.at[i].avatar, true);
    return NULL;
}

problem friends_list(struct call *c)
{
    struct friend_list *out = c->out;
    problem p = list_of(c, PEOPLE_FRIENDS);
    int64_t *accounts;
    bool *online, known;

    if (p || out->people.count == 0)
        return p;
    accounts = arena_array(c->arena, int64_t, out->people.count);
    online = arena_array(c->arena, bool, out->people.count);
    for (size_t i = 0; i < out->people.count; i++)
        accounts[i] = out->people.at[i].account;
    if ((p = presence_of(c, accounts, out->people.count, online, &known)))
        return p;
    for (size_t i = 0; known && i < out->people.count; i++)
        out->people.at[i].online = (struct opt_bool){ PRESENT, online[i] };
    return NULL;
}

problem friends_received(struct call *c)
{
    return list_of(c, PEOPLE_RECEIVED);
}

problem friends_sent(struct call *c)
{
    return list_of(c, PEOPLE_SENT);
}

problem blocks_list(struct call *c)
{
    return list_of(c, PEOPLE_BLOCKED);
}

static problem check_room_for_friends(struct tx *tx, int64_t other)
{
    int64_t most;
    problem p = friend_counts(tx, tx->call->account, other, &most);

    return p ? p : most >= config->social_friends_max ? PROBLEM(FRIEND_LIMIT) : NULL;
}

/* Answering somebody else's is no request more. */
static problem check_room_for_request(struct tx *tx, enum tie relation)
{
    int64_t count;
    problem p;

    if (relation == RECEIVED)
        return NULL;
    p = friend_request_count(tx, tx->call->account, &count);
    return p ? p : count >= config->social_requests_max ? PROBLEM(FRIEND_REQUESTS) : NULL;
}

static problem become_friends(struct tx *tx, int64_t other)
{
    struct call *c = tx->call;
    problem p = tell_both(tx, &friend_accepted_event, c->account, other);

    if (p || (p = tx_commit(tx)))
        return p;
    presence_pair(c, c->account, other, true);
    return NULL;
}

problem friends_request(struct call *c)
{
    const struct account_of *in = c->in;
    struct friend_state *out = c->out;
    struct tx tx TX_SCOPE = { 0 };
    enum tie relation;
    enum friendship state;
    bool exists, done;
    problem p;

    if ((p = begin_pair(c, &tx, in->account)) ||
        (p = friend_relation(store_on_tx(&tx), c->account, in->account, &relation, &exists)))
        return p;
    if (!exists)
        return PROBLEM(ACCOUNT_NOT_FOUND);
    if ((p = friend_request_refusal(relation)) || (p = check_room_for_friends(&tx, in->account)) ||
        (p = check_room_for_request(&tx, relation)) || (p = friend_request(&tx, c->account, in->account, &state, &done)))
        return p;
    if (!done)
        return PROBLEM(CONFLICT);
    out->state = state == FRIENDS ? T("friend") : T("sent");
    if (state == FRIENDS)
        return become_friends(&tx, in->account);
    if ((p = tell_both(&tx, &friend_requested_event, c->account, in->account)))
        return p;
    return tx_commit(&tx);
}

problem friends_accept(struct call *c)
{
    const struct account_of *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    bool done;
    problem p;

    if ((p = begin_pair(c, &tx, in->account)) || (p = check_room_for_friends(&tx, in->account)) ||
        (p = friend_accept(&tx, c->account, in->account, &done)))
        return p;
    return done ? become_friends(&tx, in->account) : PROBLEM(FRIEND_REQUEST_NOT_FOUND);
}

static problem drop_request(struct call *c, int64_t other, bool mine)
{
    struct tx tx TX_SCOPE = { 0 };
    bool done;
    problem p;

    if ((p = begin_pair(c, &tx, other)) ||
        (p = friend_request_drop(&tx, mine ? c->account : other, mine ? other : c->account, &done)))
        return p;
    if (!done)
        return PROBLEM(FRIEND_REQUEST_NOT_FOUND);
    if ((p = tell_both(&tx, mine ? &friend_cancelled_event : &friend_rejected_event, c->account, other)))
        return p;
    return tx_commit(&tx);
}

problem friends_reject(struct call *c)
{
    return drop_request(c, ((const struct account_of *)c->in)->account, false);
}

problem friends_cancel(struct call *c)
{
    return drop_request(c, ((const struct account_of *)c->in)->account, true);
}

problem friends_remove(struct call *c)
{
    const struct account_of *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    bool done;
    problem p;

    if ((p = begin_pair(c, &tx, in->account)) || (p = friend_drop(&tx, c->account, in->account, &done)))
        return p;
    if (!done)
        return PROBLEM(FRIEND_NOT_FOUND);
    if ((p = tell_both(&tx, &friend_removed_event, c->account, in->account)) || (p = tx_commit(&tx)))
        return p;
    presence_pair(c, c->account, in->account, false);
    return NULL;
}

problem blocks_add(struct call *c)
{
    const struct account_of *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    enum tie relation;
    enum friendship was;
    bool exists, knew;
    problem p;

    if ((p = begin_pair(c, &tx, in->account)) ||
        (p = friend_relation(store_on_tx(&tx), c->account, in->account, &relation, &exists)))
        return p;
    if (!exists)
        return PROBLEM(ACCOUNT_NOT_FOUND);
    if ((p = block_add(&tx, c->account, in->account, &knew, &was)))
        return p;
    if (knew && (p = tell_both(&tx, &friend_removed_event, c->account, in->account)))
        return p; /* the other sees a friend go, not a block */
    if ((p = tx_commit(&tx)))
        return p;
    if (knew && was == FRIENDS)
        presence_pair(c, c->account, in->account, false);
    return NULL;
}

problem blocks_remove(struct call *c)
{
    const struct account_of *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    bool done;
    problem p;

    if ((p = begin_pair(c, &tx, in->account)) || (p = block_drop(&tx, c->account, in->account, &done)))
        return p;
    return done ? tx_commit(&tx) : PROBLEM(BLOCK_NOT_FOUND);
}

/* In the order of their accounts, as everywhere. */
problem friends_leave(struct tx *tx, int64_t account, bool *more)
{
    struct friend_change gone = { .other = { .account = account, .departed = true } };
    struct account_ids others;
    int64_t blocks;
    problem p = social_leave(tx, account, &others);

    for (size_t i = 0; !p && i < others.count; i++)
        p = tx_announce(tx, topic_of(tx->call->arena, "account", others.at[i].account), &friend_removed_event, &gone);
    if (p || (p = blocks_leave(tx, account, &blocks)))
        return p;
    *more = *more || others.count == LEAVE_MAX || blocks == LEAVE_MAX;
    return NULL;
}
