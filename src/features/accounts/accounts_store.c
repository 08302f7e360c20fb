#include "accounts_store.h"

#include "accounts_rules.h"
#include "madang/config.h"
#include "madang/pg.h"

static const struct field identity_fields[] = {
    FIELD(struct identity, id),
    FIELD(struct identity, role, .words = &account_roles),
    FIELD(struct identity, locale, .words = &account_locales),
    FIELD(struct identity, password),
    FIELD(struct identity, suspended),
};
static const struct shape identity_shape = SHAPE("AccountIdentity", struct identity, identity_fields);
#define IDENTITY "a.id, a.role, a.locale, a.password, coalesce(a.suspended_until > now(), false) as suspended"

static const struct statement by_email = { .name = "account_by_email",
                                           .lane = LANE_READ,
                                           .row = &identity_shape,
                                           .sql =
                                               "select " IDENTITY " from accounts a where a.email = $1 and a.left_at is null" };
static const struct statement by_id = { .name = "account_by_id",
                                        .lane = LANE_READ,
                                        .row = &identity_shape,
                                        .sql = "select " IDENTITY " from accounts a where a.id = $1 and a.left_at is null" };
static const struct statement by_provider = { .name = "account_by_provider",
                                              .lane = LANE_READ,
                                              .row = &identity_shape,
                                              .sql = "select " IDENTITY " from identities i join accounts a on a.id = i.account"
                                                     " where i.provider = $1 and i.subject = $2 and a.left_at is null" };

static const struct statement account_add_sql = {
    .name = "account_add",
    .lane = LANE_TX,
    .row = &row_i64,
    .sql = "insert into accounts (role, email, password, birth_date, locale, expires_at)"
           " values ($1, $2, $3, $4, $5, now() + nullif($6::bigint, 0) * interval '1 s') returning id"
};

/* Only a guest that has not ended becomes a newcomer: its rows elsewhere stay its own. */
static const struct statement guest_upgrade_sql = {
    .name = "guest_upgrade",
    .lane = LANE_TX,
    .sql = "update accounts set role = 'newcomer', email = $2, password = $3, birth_date = $4, locale = $5, expires_at = null"
           " where id = $1 and role = 'guest' and left_at is null"
};

static const struct statement guest_lock_sql = {
    .name = "guest_lock",
    .lane = LANE_TX,
    .sql = "select id from accounts where id = $1 and role = 'guest' and left_at is null for update",
};
static const struct statement identity_add = { .name = "account_identity_add",
                                               .lane = LANE_TX,
                                               .sql = "insert into identities (provider, subject, account) values ($1, $2, $3)" };
/* Only while the session that asked for it stands: who was put out meanwhile gets no other way in. */
static const struct statement identity_join = {
    .name = "account_identity_join",
    .lane = LANE_TX,
    .sql = "insert into identities (provider, subject, account) select $1, $2, s.account from sessions s"
           " join accounts a on a.id = s.account and a.left_at is null"
           " where s.id = $4 and s.account = $3 and s.ended_at is null and s.expires_at > now() for share of s, a"
           " returning account as id"
};
static const struct statement consents_add = {
    .name = "account_consents_add",
    .lane = LANE_TX,
    .sql = "insert into consents (account, kind, version) values ($1, 'terms', $2), ($1, 'privacy', $3)"
           " on conflict do nothing"
};
/* What was checked before the transaction is compared again under the row's lock; null: nothing was. */
static const struct statement password_set = {
    .name = "account_password_set",
    .lane = LANE_TX,
    .sql = "update accounts set password = $2 where id = $1 and left_at is null and ($3::text is null or password = $3)"
           ""
};
static const struct statement email_set = {
    .name = "account_email_set",
    .lane = LANE_TX,
    .sql = "update accounts set email = $2 where id = $1 and left_at is null and email is not distinct from $3"
           " and password = $4"
};
/* Who logs in is held as he was found, until the session is there: a change of the password then finds it and ends it. */
static const struct statement account_hold_sql = {
    .name = "account_hold",
    .lane = LANE_TX,
    .sql = "select id from accounts where id = $1 and left_at is null and ($2::text is null or password = $2) for share"
};

static const struct statement email_of = {
    .name = "account_email_of", .lane = LANE_READ, .row = &row_opt_text, .sql = "select email from accounts where id = $1"
};

/* Only while the address is the account's: one that changes at the same moment waits, or is waited for. */
static const struct statement password_token_add = {
    .name = "account_password_token_add",
    .lane = LANE_TX,
    .sql = "insert into password_tokens (hash, account, expires_at) select $1, a.id, now() + interval '30 minutes'"
           " from accounts a where a.id = $2 and a.email = $3 and a.left_at is null for share of a returning account as id"
};
/* Single use. The account's lock comes first, as for everybody who ends its links, so that two links used at once do not wait
 * for each other; the second finds its row gone. */
static const struct statement password_token_use = {
    .name = "account_password_token_use",
    .lane = LANE_TX,
    .row = &row_i64,
    .sql = "with a as (select a.id from accounts a join password_tokens k on k.account = a.id where k.hash = $1 for update of a)"
           " delete from password_tokens t using a where t.hash = $1 and t.used_at is null and t.expires_at > now()"
           " returning t.account as id"
};
/* After the change itself, in the same transaction: its lock has let every link that was on its way be seen. */
static const struct statement password_tokens_end = { .name = "account_password_tokens_end",
                                                      .lane = LANE_TX,
                                                      .sql = "delete from password_tokens where account = $1" };

static const struct field family_fields[] = {
    FIELD(struct family, id),        FIELD(struct family, current),
    FIELD(struct family, previous),  FIELD(struct family, sealed),
    FIELD(struct family, account),   FIELD(struct family, generation),
    FIELD(struct family, left_s),    FIELD(struct family, role, .words = &account_roles),
    FIELD(struct family, suspended),
};
static const struct shape family_shape = SHAPE("SessionFamily", struct family, family_fields);
#define FAMILY                                                                                                             \
    "s.id, s.current, s.previous, s.sealed, s.account, s.generation, extract(epoch from s.expires_at - now())::bigint as " \
    "left_s,"                                                                                                              \
    " a.role, coalesce(a.suspended_until > now(), false) as suspended"

static const struct statement session_add_sql = { .name = "session_add",
                                                  .lane = LANE_TX,
                                                  .sql =
                                                      "insert into sessions (id, account, current, device, address, expires_at)"
                                                      " values ($1, $2, $3, $4, $5, now() + $6 * interval '1 s')" };
static const struct statement session_load_sql = {
    .name = "session_load",
    .lane = LANE_READ,
    .row = &family_shape,
    .sql = "select " FAMILY " from sessions s join accounts a on a.id = s.account"
           " where s.id = $1 and s.ended_at is null and s.expires_at > now() and a.left_at is null"
};
static const struct statement session_follow_sql = {
    .name = "session_follow",
    .lane = LANE_TX,
    .row = &family_shape,
    .sql = "update sessions s set generation = greatest(s.generation, $2),"
           " current = case when $2 > s.generation then $3 else s.current end,"
           " previous = case when $2 > s.generation then $4 else s.previous end,"
           " sealed = case when $2 > s.generation then $5 else s.sealed end,"
           " used_at = now(),"
           " expires_at = case when $2 >= s.generation then now() + $6 * interval '1 s' else s.expires_at end"
           " from accounts a where s.id = $1 and a.id = s.account and a.left_at is null and s.ended_at is null"
           " and s.expires_at > now() returning " FAMILY
};
static const struct statement session_end = {
    .name = "session_end",
    .lane = LANE_TX,
    .sql = "update sessions set ended_at = now() where id = $2 and account = $1 and ended_at is null returning account as id"
};

/* In the order of their ends, so that who asks goes on behind the last one. */
static const struct field ended_lately_fields[] = {
    FIELD(struct ended_lately, id),
    FIELD(struct ended_lately, at),
    FIELD(struct ended_lately, suspended),
};
static const struct shape ended_lately_shape = SHAPE("SessionsEndedLately", struct ended_lately, ended_lately_fields);
static const struct statement sessions_ended_lately_sql = {
    .name = "sessions_ended_lately",
    .lane = LANE_READ,
    .row = &ended_lately_shape,
    .rows_max = ENDED_LATELY_MAX,
    .sql = "select s.id, s.ended_at as at, coalesce(a.suspended_until > now(), false) as suspended"
           " from sessions s join accounts a on a.id = s.account"
           " where (s.ended_at, s.id) > ($1::timestamptz, $2) and s.ended_at > now() - $3 * interval '1 s'"
           " order by s.ended_at, s.id limit 200"
};

static const struct field ended_fields[] = { FIELD(struct ended, id) };
static const struct shape ended_shape = SHAPE("SessionEnded", struct ended, ended_fields);
static const struct statement sessions_end_sql = {
    .name = "sessions_end",
    .lane = LANE_TX,
    .row = &ended_shape,
    .rows_max = 10000,
    .sql = "update sessions set ended_at = now() where account = $1 and id <> $2 and ended_at is null returning id"
};
/* Ends the oldest beyond the allowed number. */
static const struct statement sessions_trim = {
    .name = "sessions_trim",
    .lane = LANE_TX,
    .sql = "update sessions set ended_at = now() where id in (select id from sessions where account = $1"
           " and ended_at is null order by used_at desc offset $2)"
};
static const struct statement sessions_list = {
    .name = "sessions_list",
    .lane = LANE_READ,
    .row = &session_row_shape,
    .rows_max = 1000,
    .sql = "select id, device, address, created_at, used_at, id = $2 as current from sessions"
           " where account = $1 and ended_at is null and expires_at > now() order by used_at desc limit 1000"
};

static const struct statement me_get = {
    .name = "me",
    .lane = LANE_READ,
    .row = &me_row_shape,
    .sql = "select a.id, a.points, a.role, a.locale, a.email, a.nickname, a.introduction, a.avatar, a.birth_date, a.gender,"
           " a.region, to_json(a.interests) as interests, a.password is not null as has_password,"
           " (select coalesce(json_agg(provider order by provider), '[]') from identities where account = a.id) as providers"
           " from accounts a where a.id = $1 and a.left_at is null"
};
static const struct statement onboard = {
    .name = "account_onboard",
    .lane = LANE_TX,
    .sql = "update accounts set role = 'member', nickname = $2, birth_date = coalesce(birth_date, $3), gender = $4,"
           " region = $5, introduction = $6, interests = $7"
           " where id = $1 and role = 'newcomer' and left_at is null"
};

static const struct field changed_fields[] = {
    FIELD(struct profile_changed, old_avatar),
    FIELD(struct profile_changed, renamed),
    FIELD(struct profile_changed, renames),
};
static const struct shape changed_shape = SHAPE("MeProfileChanged", struct profile_changed, changed_fields);
/* $n null leaves as it is; the flags $8 and $9 clear. The old avatar comes back, so that its file can be let go, and the number
 * of this change of the nickname, which only the row's lock gives out: what is paid for is the change, not the request. */
static const struct statement profile_change = {
    .name = "account_profile_change",
    .lane = LANE_TX,
    .row = &changed_shape,
    .sql = "update accounts a set nickname = coalesce($2, a.nickname),"
           " renames = a.renames + (case when $2 is distinct from a.nickname and $2 is not null then 1 else 0 end), gender = "
           "coalesce($3, a.gender),"
           " region = coalesce($4, a.region), locale = coalesce($5, a.locale),"
           " interests = coalesce(nullif($6::text[], '{}'), case when $7 then '{}'::text[] else a.interests end),"
           " introduction = case when $8 then null else coalesce($9, a.introduction) end,"
           " avatar = case when $10 then null else coalesce($11, a.avatar) end"
           " from (select id, avatar, nickname from accounts where id = $1 for update) old"
           " where a.id = old.id and a.left_at is null returning old.avatar as old_avatar,"
           " a.nickname is distinct from old.nickname as renamed, a.renames"
};

/* As nickname_fold(); the index accounts_nickname_fold has it. */
#define NICKNAME_FOLD "lower(translate(nickname, 'I10', 'llo'))"
static const struct statement nickname_free_sql = {
    .name = "nickname_free",
    .lane = LANE_READ,
    .row = &row_bool,
    .sql = "select not exists (select 1 from accounts where id <> $3 and (lower(nickname) = lower($1) or " NICKNAME_FOLD
           " = $2)) as flag"
};
/* Names that look the same come one after the other; the look itself is a statement of its own, to see who came before. No unique
 * index: there may be some that look the same from before. */
static const struct statement nickname_lock = {
    .name = "nickname_lock",
    .lane = LANE_TX,
    .sql = "select pg_advisory_xact_lock(hashtextextended('nickname ' || $1, 0)) is not null as flag"
};

/* The view account_relations is the social feature's; without it nobody is related. */
static const struct statement person_get = {
    .name = "person",
    .lane = LANE_READ,
    .row = &person_row_shape,
    .sql =
        "select a.id, a.nickname, a.introduction, a.gender, a.region, to_json(a.interests) as interests, a.birth_date, a.avatar,"
        " case when a.id = $2 then 'self' else coalesce(r.relation, 'none') end as relation, false as departed"
        " from accounts a left join account_relations r on r.account = $2 and r.other = a.id"
        " where a.id = $1 and a.left_at is null and a.role not in ('guest', 'newcomer')"
        " and coalesce(r.relation, '') <> 'blocking'"
};
static const struct statement people = {
    .name = "people",
    .lane = LANE_READ,
    .row = &people_found_shape,
    .rows_max = 51,
    .sql = "select a.id as account, a.nickname, a.avatar from accounts a"
           " where lower(a.nickname) like lower($2) || '%' and a.left_at is null and a.id <> $1"
           " and ($3::text is null or (lower(a.nickname), a.id) > (lower($3), $4::bigint))"
           " and not exists (select 1 from account_relations r where r.account = $1 and r.other = a.id"
           "                 and r.relation in ('blocked', 'blocking'))"
           " order by lower(a.nickname), a.id limit $5"
};

/* One statement: the entry, and the balance only if the entry is new. The CHECK on the balance refuses going below zero. */
static const struct statement points_add = {
    .name = "points_add",
    .lane = LANE_TX,
    .sql = "with entry as (insert into points (account, amount, reason, reference) values ($1, $2, $3, $4)"
           " on conflict on constraint points_once do nothing returning amount)"
           " update accounts set points = points + entry.amount from entry where id = $1"
};
static const struct statement points_list = {
    .name = "points_list",
    .lane = LANE_READ,
    .row = &points_entry_shape,
    .rows_max = 101,
    .sql = "select id, amount, reason, reference, at from points where account = $1 and ($2::bigint is null or id < $2)"
           " order by id desc limit $3"
};
static const struct statement points_balance = {
    .name = "points_balance", .lane = LANE_READ, .row = &row_i64, .sql = "select points as id from accounts where id = $1"
};

/* Personal data goes at once; the row stays, so that messages have a departed sender. */
static const struct statement leave_account = {
    .name = "account_leave",
    .lane = LANE_TX,
    .row = &row_opt_i64,
    .sql =
        "update accounts a set role = 'guest', email = null, password = null, nickname = null, birth_date = null, gender = null,"
        " region = null, introduction = null, interests = '{}', avatar = null, points = 0, suspended_until = null,"
        " suspended_for = null, expires_at = null, left_at = now()"
        " from accounts old where a.id = $1 and old.id = a.id and a.left_at is null returning old.avatar"
};
/* A session that has ended stays for a week, as any other, without what tells of a person: a node that was not told of the end
 * finds it there. */
static const struct statement leave_rest = {
    .name = "account_leave_rest",
    .lane = LANE_TX,
    .sql = "with i as (delete from identities where account = $1), c as (delete from consents where account = $1),"
           " t as (delete from password_tokens where account = $1), p as (delete from points where account = $1)"
           " update sessions set device = '', address = '', current = '', previous = '', sealed = '',"
           " ended_at = coalesce(ended_at, now()) where account = $1"
};

static const struct statement export_all = {
    .name = "account_export",
    .lane = LANE_SLOW,
    .row = &account_export_shape,
    .sql = "select to_json(a)::jsonb - 'password' as account,"
           " (select coalesce(json_agg(json_build_object('device', device, 'address', address, 'at', created_at)), '[]')"
           "    from sessions where account = a.id) as sessions,"
           " (select coalesce(json_agg(json_build_object('amount', amount, 'reason', reason, 'at', at)), '[]')"
           "    from points where account = a.id) as points,"
           " (select coalesce(json_agg(json_build_object('kind', kind, 'version', version, 'at', at)), '[]')"
           "    from consents where account = a.id) as consents"
           " from accounts a where a.id = $1 and a.left_at is null"
};

/* Answers how it was. */
static const struct statement suspend = {
    .name = "account_suspend",
    .lane = LANE_TX,
    .row = &account_standing_shape,
    .sql = "with was as (select id, suspended_until, suspended_for from accounts where id = $1 and left_at is null "
           " and role <> 'admin' for update)"
           " update accounts a set suspended_until = $2, suspended_for = nullif($3, '') from was where a.id = was.id"
           " returning was.suspended_until as until, was.suspended_for as reason"
};
static const struct statement is_avatar = { .name = "account_is_avatar",
                                            .lane = LANE_READ,
                                            .row = &row_bool,
                                            .sql = "select exists (select 1 from accounts where avatar = $1)" };
static const struct statement promote = {
    .name = "account_promote",
    .lane = LANE_TX,
    .sql = "update accounts set role = $2 where email = lower($1) and role in ('member', 'manager', 'admin') and left_at is null"
};
/* Days 0: no longer. Who is an admin loses the role first. */
static const struct statement suspend_email = {
    .name = "account_suspend_email",
    .lane = LANE_TX,
    .row = &row_i64,
    .sql =
        "with who as (update accounts set suspended_until = case when $2 > 0 then now() + $2 * interval '1 day' end,"
        "   suspended_for = nullif($3, '') where email = lower($1) and left_at is null and role <> 'admin' returning id),"
        " ended as (update sessions set ended_at = now() where account in (select id from who) and ended_at is null and $2 > 0)"
        " select id from who"
};
static const struct field line_fields[] = {
    FIELD(struct account_line, id),    FIELD(struct account_line, role),      FIELD(struct account_line, nickname),
    FIELD(struct account_line, email), FIELD(struct account_line, suspended),
};
static const struct shape line_shape = SHAPE("AccountLine", struct account_line, line_fields);
static const struct statement accounts_list = {
    .name = "accounts_list",
    .lane = LANE_READ,
    .row = &line_shape,
    .rows_max = 1000,
    .sql = "select id, role, coalesce(nickname, '') as nickname, coalesce(email, '') as email,"
           " coalesce(suspended_until > now(), false) as suspended from accounts"
           " where left_at is null and role <> 'guest' and ($1 = '' or role = $1 or strpos(lower(nickname), lower($1)) > 0"
           " or strpos(email, lower($1)) > 0) order by id limit 1000"
};
static const struct statement sweep_sessions = {
    .name = "sessions_sweep",
    .lane = LANE_TX,
    .sql = "delete from sessions where ctid = any (array(select ctid from sessions"
           " where expires_at < now() - interval '1 day' or ended_at < now() - interval '7 days' limit 5000))"
};
static const struct statement sweep_tokens = { .name = "account_password_tokens_sweep",
                                               .lane = LANE_TX,
                                               .sql = "delete from password_tokens where ctid = any (array("
                                                      "select ctid from password_tokens where expires_at < now() limit 5000))" };
static const struct statement guests_ended_sql = {
    .name = "guests_ended",
    .lane = LANE_READ,
    .row = &row_i64,
    .rows_max = 100,
    .sql = "select id from accounts where role = 'guest' and left_at is null and expires_at < now() - interval '7 days'"
           " order by expires_at, id limit 100"
};
static const struct statement guest_end_sql = {
    .name = "guest_end",
    .lane = LANE_TX,
    .sql = "delete from accounts where id = $1 and role = 'guest' and left_at is null and expires_at < now() - interval '7 days'"
};

STATEMENT_TABLE(accounts_statements, &by_email, &by_id, &by_provider, &account_add_sql, &guest_upgrade_sql, &guest_lock_sql,
                &identity_add, &identity_join, &consents_add, &password_set, &email_set, &email_of, &account_hold_sql,
                &password_token_add, &password_token_use, &password_tokens_end, &session_add_sql, &session_load_sql,
                &session_follow_sql, &sessions_ended_lately_sql, &session_end, &sessions_end_sql, &sessions_trim, &sessions_list,
                &me_get, &onboard, &profile_change, &nickname_free_sql, &nickname_lock, &person_get, &people, &points_add,
                &points_list, &points_balance, &leave_account, &leave_rest, &export_all, &suspend, &is_avatar, &promote,
                &suspend_email, &accounts_list, &sweep_sessions, &sweep_tokens, &guests_ended_sql, &guest_end_sql);

static const struct constraint constraints[] = {
    { "accounts_email_key", PROBLEM_EMAIL_TAKEN },
    { "accounts_nickname_key", PROBLEM_NICKNAME_TAKEN },
    { "accounts_points_check", PROBLEM_POINTS_SHORT },
    { "identities_pkey", PROBLEM_OAUTH_LINKED },
};
struct constraint_table accounts_constraints = { .at = constraints, .count = COUNT_OF(constraints) };

problem account_by_email(struct store_on on, struct text email, struct identity *out, bool *found)
{
    return store_maybe(on, &by_email, VALUES(email), out, found);
}

problem account_by_id(struct store_on on, int64_t account, struct identity *out, bool *found)
{
    return store_maybe(on, &by_id, VALUES(account), out, found);
}

problem account_by_provider(struct store_on on, struct text provider, struct text subject, struct identity *out, bool *found)
{
    return store_maybe(on, &by_provider, VALUES(provider, subject), out, found);
}

static struct text word_text(const struct words *w, int value)
{
    return text_of(w->names[value]);
}

static struct opt_text opt_word_text(const struct words *w, struct opt_word value)
{
    return value.is == PRESENT ? (struct opt_text){ PRESENT, word_text(w, value.value) } : (struct opt_text){ ABSENT, T("") };
}

problem account_add(struct tx *tx, enum role role, struct opt_text email, struct opt_text password, struct opt_date birth,
                    enum locale locale, int64_t guest_s, int64_t *id)
{
    return store_one(tx, &account_add_sql,
                     VALUES(text_of(role_names[role]), email, password, birth, word_text(&account_locales, (int)locale), guest_s),
                     id);
}

problem guest_lock(struct tx *tx, int64_t account, bool *is_guest)
{
    return store_found(tx, &guest_lock_sql, VALUES(account), is_guest);
}

problem guest_upgrade(struct tx *tx, int64_t account, struct text email, struct text password, struct date birth,
                      enum locale locale, bool *done)
{
    return store_found(tx, &guest_upgrade_sql, VALUES(account, email, password, birth, word_text(&account_locales, (int)locale)),
                       done);
}

problem account_identity_add(struct tx *tx, struct text provider, struct text subject, int64_t account)
{
    return store_exec(tx, &identity_add, VALUES(provider, subject, account), NULL);
}

problem account_identity_join(struct tx *tx, struct text provider, struct text subject, int64_t account, struct text session,
                              bool *done)
{
    return store_found(tx, &identity_join, VALUES(provider, subject, account, session), done);
}

problem account_consents_add(struct tx *tx, int64_t account, const struct consent_versions *v)
{
    return store_exec(tx, &consents_add, VALUES(account, v->terms, v->privacy), NULL);
}

/* What was mailed to whoever could read the mailbox then is good no more. */
static problem end_links(struct tx *tx, int64_t account, bool done)
{
    return done ? store_exec(tx, &password_tokens_end, VALUES(account), NULL) : NULL;
}

problem account_password_set(struct tx *tx, int64_t account, struct text hash, struct opt_text was, bool *done)
{
    problem p = store_found(tx, &password_set, VALUES(account, hash, was), done);

    return p ? p : end_links(tx, account, *done);
}

problem account_password_rehash(struct call *c, int64_t account, struct text was, struct text hash)
{
    struct opt_text guard = { PRESENT, was };
    bool done;

    return store_found(c, &password_set, VALUES(account, hash, guard), &done);
}

problem account_email_set(struct tx *tx, int64_t account, struct text email, struct text was, struct text password, bool *done)
{
    struct opt_text before = { was.len ? PRESENT : NULL_VALUE, was };
    problem p = store_found(tx, &email_set, VALUES(account, email, before, password), done);

    return p ? p : end_links(tx, account, *done);
}

problem account_hold(struct tx *tx, int64_t account, struct opt_text password, bool *held)
{
    return store_found(tx, &account_hold_sql, VALUES(account, password), held);
}

problem account_email_of(struct store_on on, int64_t account, struct text *email)
{
    struct opt_text known = { .is = ABSENT };
    bool found;
    problem p = store_maybe(on, &email_of, VALUES(account), &known, &found);

    *email = known.value;
    return p;
}

problem account_password_token_add(struct tx *tx, struct text hash, int64_t account, struct text email, bool *done)
{
    return store_found(tx, &password_token_add, VALUES(hash, account, email), done);
}

problem account_password_token_use(struct tx *tx, struct text hash, int64_t *account, bool *found)
{
    *account = 0;
    return store_maybe(tx, &password_token_use, VALUES(hash), account, found);
}

problem session_add(struct tx *tx, const struct family *f, struct text device, struct text address)
{
    problem p = store_exec(tx, &session_add_sql, VALUES(f->id, f->account, f->current, device, address, f->left_s), NULL);

    return p ? p : store_exec(tx, &sessions_trim, VALUES(f->account, config->session_per_account), NULL);
}

problem session_load(struct call *c, struct text id, struct family *out, bool *found)
{
    return store_maybe(c, &session_load_sql, VALUES(id), out, found);
}

problem session_follow(struct call *c, const struct family *f, struct family *out, bool *found)
{
    return store_maybe(c, &session_follow_sql, VALUES(f->id, f->generation, f->current, f->previous, f->sealed, f->left_s), out,
                       found);
}

problem sessions_ended_lately(struct call *c, const struct ended_lately *from, int64_t life_s, struct ended_lately_list *out)
{
    return store_many(c, &sessions_ended_lately_sql, VALUES(from->at, from->id, life_s), out);
}

problem session_store_end(struct store_on on, int64_t account, struct text id, bool *found)
{
    return store_found(on, &session_end, VALUES(account, id), found);
}

problem sessions_end(struct store_on on, int64_t account, struct text keep, struct ended_list *out)
{
    return store_many(on, &sessions_end_sql, VALUES(account, keep), out);
}

problem sessions_of(struct call *c, struct session_list *out)
{
    return store_many(c, &sessions_list, VALUES(c->account, c->session), &out->sessions);
}

problem me_read(struct store_on on, struct me *out)
{
    bool found;
    problem p = store_maybe(on, &me_get, VALUES(on.call->account), out, &found);

    return p ? p : found ? NULL : PROBLEM(TOKEN_INVALID);
}

static struct value words_value(struct arena *a, const struct words *w, const struct word *at, size_t count)
{
    struct text *names = arena_array(a, struct text, count);

    for (size_t i = 0; i < count; i++)
        names[i] = text_of(w->names[at[i].value]);
    return value_texts(names, count);
}

problem account_onboard(struct tx *tx, const struct onboarding *in, bool *done)
{
    return store_found(tx, &onboard,
                       VALUES(tx->call->account, in->nickname, in->birth_date, opt_word_text(&account_genders, in->gender),
                              word_text(&account_regions, in->region.value), in->introduction,
                              words_value(tx->call->arena, &account_interests, in->interests.at, in->interests.count)),
                       done);
}

problem account_profile_change(struct tx *tx, const struct profile_change *in, struct profile_changed *out)
{
    struct value list = words_value(tx->call->arena, &account_interests, in->interests.at, in->interests.count);

    return store_one(tx, &profile_change,
                     VALUES(tx->call->account, in->nickname, opt_word_text(&account_genders, in->gender),
                            opt_word_text(&account_regions, in->region), opt_word_text(&account_locales, in->locale), list,
                            in->clear_interests.is == PRESENT && in->clear_interests.value, in->introduction.is == NULL_VALUE,
                            in->introduction, in->avatar.is == NULL_VALUE, in->avatar),
                     out);
}

problem nickname_free(struct store_on on, struct text nickname, bool *is_free)
{
    return store_one(on, &nickname_free_sql, VALUES(nickname, nickname_fold(on.call->arena, nickname), on.call->account),
                     is_free);
}

problem nickname_take(struct tx *tx, struct text nickname)
{
    bool is_free = false;
    problem p = store_exec(tx, &nickname_lock, VALUES(nickname_fold(tx->call->arena, nickname)), NULL);

    if (p || (p = nickname_free(store_on_tx(tx), nickname, &is_free)))
        return p;
    return is_free ? NULL : PROBLEM(NICKNAME_TAKEN);
}

problem person_read(struct call *c, int64_t account, struct person *out, bool *found)
{
    return store_maybe(c, &person_get, VALUES(account, c->account), out, found);
}

problem people_find(struct call *c, const struct search *in, const struct cursor *from, struct found_list *out)
{
    return store_many(c, &people, VALUES(c->account, in->nickname, from->text, from->id, in->limit + 1), &out->people);
}

problem points_book(struct tx *tx, int64_t account, int64_t amount, const char *reason, struct text reference)
{
    return store_exec(tx, &points_add, VALUES(account, amount, text_of(reason), reference), NULL);
}

problem points_read(struct call *c, const struct points_page *in, struct points_list *out)
{
    problem p = store_one(c, &points_balance, VALUES(c->account), &out->balance);

    return p ? p : store_many(c, &points_list, VALUES(c->account, in->before, in->limit + 1), &out->entries);
}

problem account_leave(struct tx *tx, int64_t account, struct opt_i64 *avatar)
{
    return store_one(tx, &leave_account, VALUES(account), avatar);
}

problem account_leave_rest(struct tx *tx, int64_t account)
{
    return store_exec(tx, &leave_rest, VALUES(account), NULL);
}

problem account_export(struct call *c, struct account_export *out)
{
    return store_one(c, &export_all, VALUES(c->account), out);
}

problem account_suspend_row(struct tx *tx, int64_t account, const struct standing *becomes, struct standing *was, bool *found)
{
    return store_maybe(tx, &suspend, VALUES(account, becomes->until, becomes->reason), was, found);
}

problem accounts_sweep(struct call *c)
{
    problem p;

    p = store_sweep(c, &sweep_sessions, NO_VALUES);
    return p ? p : store_sweep(c, &sweep_tokens, NO_VALUES);
}

problem guests_ended(struct call *c, struct guest_rows *out)
{
    return store_many(c, &guests_ended_sql, NO_VALUES, out);
}

problem guest_end(struct tx *tx, int64_t account)
{
    return store_exec(tx, &guest_end_sql, VALUES(account), NULL);
}

problem account_is_avatar(struct call *c, int64_t file, bool *yes)
{
    return store_one(c, &is_avatar, VALUES(file), yes);
}

problem account_promote(struct tx *tx, struct text email, struct text role)
{
    return store_exec(tx, &promote, VALUES(email, role), NULL);
}

int64_t account_promote_now(struct arena *a, struct text email, struct text role)
{
    return statement_run_now(&promote, VALUES(email, role), a, NULL);
}

int64_t account_suspend_now(struct arena *a, struct text email, int64_t days, struct text why)
{
    return statement_run_now(&suspend_email, VALUES(email, days, why), a, NULL);
}

int64_t accounts_now(struct arena *a, struct text word, struct account_lines *out)
{
    return statement_run_now(&accounts_list, VALUES(word), a, out);
}
