/* Friends, blocks, reports. */
#include "social_store.h"

static const char *const friendship_names[] = { "requested", "friends" };
static const struct words friendships = WORDS(friendship_names);
struct friendship_row {
    struct word state;
};
static const struct field friendship_fields[] = { FIELD(struct friendship_row, state, .words = &friendships) };
static const struct shape friendship_shape = SHAPE("FriendshipRow", struct friendship_row, friendship_fields);
static const struct move friendship_moves[] = { FROM(REQUESTED, FRIENDS) };
const struct machine friendship_machine =
    MACHINE("friendships", &friendships, friendship_moves, NULL,
            "Two people, from a request on; there is no row when it is rejected, taken back or over.");
static const struct move report_moves[] = { FROM(REPORT_OPEN, REPORT_ACCEPTED, REPORT_DISMISSED) };
const struct machine report_machine =
    MACHINE("reports", &report_states, report_moves, NULL, "What somebody tells the managers of another, and what they decide.");

static const struct statement pair_lock = {
    .name = "friend_pair_lock",
    .lane = LANE_TX,
    .sql = "select pg_advisory_xact_lock(hashtextextended('pair ' || least($1::bigint, $2::bigint) || ' ' ||"
           " greatest($1::bigint, $2::bigint), 0)) is not null as flag"
};

struct relation_row {
    struct opt_word relation;
};
static const struct field relation_fields[] = { FIELD(struct relation_row, relation, .words = &friend_ties) };
static const struct shape relation_shape = SHAPE("FriendRelationRow", struct relation_row, relation_fields);
static const struct statement relation = {
    .name = "friend_relation",
    .lane = LANE_READ,
    .row = &relation_shape,
    .sql = "select r.relation from account_members a left join account_relations r on r.account = $1 and r.other = a.id"
           " where a.id = $2"
};
static const struct statement friend_counts_sql = {
    .name = "friend_counts",
    .lane = LANE_TX,
    .row = &row_i64,
    .sql = "select greatest((select count(*) from friendships where state = 'friends' and $1 in (low, high)),"
           " (select count(*) from friendships where state = 'friends' and $2::bigint in (low, high))) as number"
};

static const struct statement request_count = {
    .name = "friend_request_count",
    .lane = LANE_TX,
    .row = &row_i64,
    .sql = "select count(*) as number from friendships where $1 in (low, high) and state = 'requested' and requester = $1"
};

/* A new request, or a crossing one that makes the two friends; anything else returns no row. Neither of the two is leaving: who
 * does waits for this, and takes it away. */
static const struct statement request = {
    .name = "friend_request",
    .lane = LANE_TX,
    .row = &friendship_shape,
    .sql = "insert into friendships as f (low, high, state, requester)"
           " select least($1::bigint, $2::bigint), greatest($1::bigint, $2::bigint), 'requested', $1"
           " from account_members a join account_members b on b.id = $2 where a.id = $1"
           " and not exists (select 1 from blocks where (blocker = $1 and blocked = $2) or (blocker = $2 and blocked = $1))"
           " for share of a, b"
           " on conflict on constraint friendships_pkey do update set state = 'friends', at = now()"
           " where f.state = 'requested' and f.requester = $2 returning f.state"
};
static const struct statement request_accept = {
    .name = "friend_accept",
    .lane = LANE_TX,
    .sql = "update friendships set state = 'friends', at = now() where low = least($1::bigint, $2::bigint)"
           " and high = greatest($1::bigint, $2::bigint) and state = 'requested' and requester = $2"
};
static const struct statement request_drop = {
    .name = "friend_request_drop",
    .lane = LANE_TX,
    .sql = "delete from friendships where low = least($1::bigint, $2::bigint) and high = greatest($1::bigint, $2::bigint)"
           " and state = 'requested' and requester = $1"
};
static const struct statement unfriend = {
    .name = "friend_drop",
    .lane = LANE_TX,
    .sql = "delete from friendships where low = least($1::bigint, $2::bigint) and high = greatest($1::bigint, $2::bigint)"
           " and state = 'friends'"
};
static const struct statement pair_drop = {
    .name = "friend_pair_drop",
    .lane = LANE_TX,
    .row = &friendship_shape,
    .sql = "delete from friendships where low = least($1::bigint, $2::bigint) and high = greatest($1::bigint, $2::bigint)"
           " returning state"
};
static const struct statement block = { .name = "block_add",
                                        .lane = LANE_TX,
                                        .sql = "insert into blocks (blocker, blocked) values ($1, $2) on conflict do nothing" };
static const struct statement unblock = {
    .name = "block_drop",
    .lane = LANE_TX,
    .sql = "delete from blocks where blocker = $1 and blocked = $2 returning blocked as number"
};

/* Friends before requests: they are told first. */
static const struct statement leave = {
    .name = "social_leave",
    .lane = LANE_TX,
    .row = &social_account_of_shape,
    .rows_max = LEAVE_MAX,
    .sql = "with f as (delete from friendships where (low, high) in (select low, high from friendships"
           "   where $1 in (low, high) order by state = 'friends' desc, low, high limit 200) returning low, high)"
           " select case when low = $1 then high else low end as account from f order by 1"
};
static const struct statement leave_blocks = {
    .name = "social_leave_blocks",
    .lane = LANE_TX,
    .sql = "delete from blocks where (blocker, blocked) in (select blocker, blocked from blocks where $1 in (blocker, blocked)"
           " limit 200)"
};

struct card_row {
    int64_t account;
    struct opt_text nickname;
    struct opt_i64 avatar;
    bool departed;
};
static const struct field card_row_fields[] = {
    FIELD(struct card_row, account),
    FIELD(struct card_row, nickname),
    FIELD(struct card_row, avatar),
    FIELD(struct card_row, departed),
};
static const struct shape card_row_shape = SHAPE("FriendCardRow", struct card_row, card_row_fields);
/* Held until the event that shows it is there: who leaves meanwhile waits, and then finds the event to be taken out of. */
static const struct statement card = {
    .name = "friend_card",
    .lane = LANE_TX,
    .row = &card_row_shape,
    .sql = "select id as account, nickname, avatar, departed from account_cards where id = $1 for share"
};

#define PEOPLE(condition)                                                                                              \
    "select c.id as account, c.nickname, c.avatar, r.at as since from " condition                                      \
    " join account_cards c on c.id = r.other where (coalesce($2, '') = '' or lower(c.nickname) like lower($2) || '%')" \
    " and c.nickname is not null"                                                                                      \
    " and ($3::text is null or (lower(c.nickname), c.id) > (lower($3), $4::bigint)) order by lower(c.nickname), c.id limit $5"
#define PAIRS(where) \
    "(select case when low = $1 then high else low end as other, at from friendships where $1 in (low, high) and " where ") r"
static const struct statement friends = {
    .name = "friends", .lane = LANE_READ, .row = &friend_row_shape, .rows_max = 101, .sql = PEOPLE(PAIRS("state = 'friends'"))
};
static const struct statement received = { .name = "friends_received",
                                           .lane = LANE_READ,
                                           .row = &friend_row_shape,
                                           .rows_max = 101,
                                           .sql = PEOPLE(PAIRS("state = 'requested' and requester <> $1")) };
static const struct statement sent = { .name = "friends_sent",
                                       .lane = LANE_READ,
                                       .row = &friend_row_shape,
                                       .rows_max = 101,
                                       .sql = PEOPLE(PAIRS("state = 'requested' and requester = $1")) };
static const struct statement blocked = { .name = "blocks_list",
                                          .lane = LANE_READ,
                                          .row = &friend_row_shape,
                                          .rows_max = 101,
                                          .sql = PEOPLE("(select blocked as other, at from blocks where blocker = $1) r") };
static const struct statement friend_ids_sql = {
    .name = "friend_ids",
    .lane = LANE_READ,
    .row = &social_account_of_shape,
    .rows_max = 2000,
    .sql = "select high as account from friendships where low = $1 and state = 'friends'"
           " union all select low from friendships where high = $1 and state = 'friends' limit 2000"
};

static const struct statement friends_of_sql = {
    .name = "friends_of",
    .lane = LANE_READ,
    .row = &friend_pair_shape,
    .rows_max = FRIENDS_OF_MAX * 2000,
    .sql = "select a.account, f.other from (select distinct unnest($1::bigint[]) as account) a cross join lateral"
           " (select high as other from friendships where low = a.account and state = 'friends'"
           "  union all select low from friendships where high = a.account and state = 'friends' limit 2000) f"
};

/* Only messages of the reported to the reporter may serve. */
static const struct field evidence_fields[] = {
    FIELD(struct report_evidence, room), FIELD(struct report_evidence, seq), FIELD(struct report_evidence, sender),
    FIELD(struct report_evidence, body), FIELD(struct report_evidence, at),
};
static const struct shape evidence_row_shape = SHAPE("ReportEvidenceRow", struct report_evidence, evidence_fields);
static const struct statement evidence = {
    .name = "report_evidence",
    .lane = LANE_READ,
    .row = &evidence_row_shape,
    .rows_max = 20,
    .sql = "select m.room, m.seq, m.sender, m.body, m.at from json_to_recordset($3::json) as x(room bigint, seq bigint)"
           " join dm_rooms r on r.id = x.room and $1 in (r.low, r.high)"
           " join dm_messages m on m.room = x.room and m.seq = x.seq and m.sender = $2 and not m.deleted limit 20"
};
static const struct statement report_add_sql = {
    .name = "report_add",
    .lane = LANE_TX,
    .row = &row_i64,
    .sql = "insert into reports (reporter, reported, reason, evidence) select $1, a.id, $3, $4::json from account_members a"
           " where a.id = $2 returning id as number"
};
static const struct statement reports = {
    .name = "reports",
    .lane = LANE_READ,
    .row = &report_row_shape,
    .rows_max = 101,
    .sql = "select r.id, r.reporter, r.reported, a.nickname as reporter_nickname, b.nickname as reported_nickname, r.reason,"
           " r.note, r.state, r.evidence, r.at, r.decided_at from reports r"
           " left join account_cards a on a.id = r.reporter left join account_cards b on b.id = r.reported"
           " where ($1::text[] = '{}' or r.state = any($1)) and ($2::bigint is null or r.id < $2) order by r.id desc limit $3"
};
static const struct statement report_decide_sql = {
    .name = "report_decide",
    .lane = LANE_TX,
    .row = &row_i64,
    .sql = "update reports set state = $2, decided_by = $3, decided_at = now(), note = $4 where id = $1 and state = 'open'"
           " returning reported as number"
};
static const struct statement report_exists_sql = { .name = "report_exists",
                                                    .lane = LANE_READ,
                                                    .row = &row_bool,
                                                    .sql = "select exists (select 1 from reports where id = $1) as flag" };

STATEMENT_TABLE(social_statements, &pair_lock, &relation, &friend_counts_sql, &request_count, &request, &request_accept,
                &request_drop, &unfriend, &pair_drop, &block, &unblock, &leave, &leave_blocks, &card, &friends, &received, &sent,
                &blocked, &friend_ids_sql, &friends_of_sql, &evidence, &report_add_sql, &reports, &report_decide_sql,
                &report_exists_sql);

static const struct constraint constraints[] = {
    { "reports_open_pair", PROBLEM_REPORT_OPEN },
    { "dm_messages_once", PROBLEM_MESSAGE_SENT },
};
struct constraint_table social_constraints = { .at = constraints, .count = COUNT_OF(constraints) };

problem friend_pair_lock(struct tx *tx, int64_t a, int64_t b)
{
    return store_exec(tx, &pair_lock, VALUES(a, b), NULL);
}

problem friend_relation(struct store_on on, int64_t account, int64_t other, enum tie *out, bool *exists)
{
    struct relation_row row = { .relation = { .is = ABSENT } };
    problem p = store_maybe(on, &relation, VALUES(account, other), &row, exists);

    *out = row.relation.is == PRESENT ? (enum tie)row.relation.value : STRANGERS;
    return p;
}

problem friend_counts(struct tx *tx, int64_t a, int64_t b, int64_t *most)
{
    return store_one(tx, &friend_counts_sql, VALUES(a, b), most);
}

problem friend_request_count(struct tx *tx, int64_t from, int64_t *count)
{
    return store_one(tx, &request_count, VALUES(from), count);
}

problem friend_request(struct tx *tx, int64_t from, int64_t to, enum friendship *state, bool *done)
{
    struct friendship_row row = { .state = { REQUESTED } };
    problem p = store_maybe(tx, &request, VALUES(from, to), &row, done);

    *state = (enum friendship)row.state.value;
    return p;
}

problem friend_accept(struct tx *tx, int64_t account, int64_t from, bool *done)
{
    return store_found(tx, &request_accept, VALUES(account, from), done);
}

problem friend_request_drop(struct tx *tx, int64_t requester, int64_t addressee, bool *done)
{
    return store_found(tx, &request_drop, VALUES(requester, addressee), done);
}

problem friend_drop(struct tx *tx, int64_t a, int64_t b, bool *done)
{
    return store_found(tx, &unfriend, VALUES(a, b), done);
}

problem block_add(struct tx *tx, int64_t blocker, int64_t who, bool *knew, enum friendship *was)
{
    struct friendship_row row = { .state = { REQUESTED } };
    problem p = store_maybe(tx, &pair_drop, VALUES(blocker, who), &row, knew);

    *was = (enum friendship)row.state.value;
    return p ? p : store_exec(tx, &block, VALUES(blocker, who), NULL);
}

problem block_drop(struct tx *tx, int64_t blocker, int64_t who, bool *done)
{
    return store_found(tx, &unblock, VALUES(blocker, who), done);
}

problem social_leave(struct tx *tx, int64_t account, struct account_ids *others)
{
    return store_many(tx, &leave, VALUES(account), others);
}

problem blocks_leave(struct tx *tx, int64_t account, int64_t *count)
{
    return store_exec(tx, &leave_blocks, VALUES(account), count);
}

problem friend_card(struct tx *tx, int64_t account, struct card *out, struct opt_i64 *avatar)
{
    struct card_row row = { 0 };
    problem p = store_one(tx, &card, VALUES(account), &row);

    *out = (struct card){ .account = account, .nickname = row.nickname, .departed = row.departed };
    *avatar = row.avatar;
    return p;
}

problem friends_page(struct call *c, enum people which, const struct people_page *in, const struct cursor *from,
                     struct friend_list *out)
{
    static const struct statement *const statements[] = { &friends, &received, &sent, &blocked };

    return store_many(c, statements[which], VALUES(c->account, in->nickname, from->text, from->id, in->limit + 1), &out->people);
}

problem friends_of(struct call *c, const int64_t *accounts, size_t count, struct friend_pairs *out)
{
    CHECK(count <= FRIENDS_OF_MAX);
    return store_many(c, &friends_of_sql, VALUES(value_i64s(accounts, count)), out);
}

problem friend_ids(struct call *c, int64_t account, struct account_ids *out)
{
    return store_many(c, &friend_ids_sql, VALUES(account), out);
}

problem report_add(struct tx *tx, const struct report_new *in, struct text json, int64_t *id, bool *done)
{
    *id = 0;
    return store_maybe(tx, &report_add_sql, VALUES(tx->call->account, in->account, in->reason, json), id, done);
}

problem report_evidence(struct call *c, const struct report_new *in, struct evidence_rows *out)
{
    struct text list = T("[");

    for (size_t i = 0; i < in->messages.count; i++)
        list = arena_printf(c->arena, "%.*s%s{\"room\":%lld,\"seq\":%lld}", TEXT_ARG(list), i ? "," : "",
                            (long long)in->messages.at[i].room, (long long)in->messages.at[i].seq);
    return store_many(c, &evidence, VALUES(c->account, in->account, arena_printf(c->arena, "%.*s]", TEXT_ARG(list))), out);
}

problem reports_read(struct call *c, const struct report_page *in, struct report_list *out)
{
    LIST_OF(struct text) states = { arena_array(c->arena, struct text, in->states.count + 1), 0 };

    if (in->state.is == PRESENT)
        states.at[states.count++] = text_of(report_states.names[in->state.value]);
    for (size_t i = 0; i < in->states.count; i++)
        states.at[states.count++] = text_of(report_states.names[in->states.at[i].value]);
    return store_many(c, &reports, VALUES(ALL_OF(states), in->before, in->limit + 1), &out->reports);
}

problem report_decide(struct tx *tx, int64_t report, enum report_state state, struct opt_text note, int64_t *reported, bool *done)
{
    *reported = 0;
    return store_maybe(tx, &report_decide_sql, VALUES(report, text_of(report_states.names[state]), tx->call->account, note),
                       reported, done);
}

problem report_exists(struct call *c, int64_t report, bool *exists)
{
    return store_one(c, &report_exists_sql, VALUES(report), exists);
}
