/* Me, my points, other people, suspension. */
#include "accounts_parts.h"
#include "accounts_rules.h"
#include "madang/audit.h"
#include "madang/files.h"
#include "madang/hub.h"
#include "madang/password.h"

static const struct field changed_fields[] = { FIELD(struct account_ref, account) };
static const struct shape changed_shape = SHAPE("MeChanged", struct account_ref, changed_fields);
const struct event_def me_changed_event = { "me.changed", &changed_shape, "account:{account}", true,
                                            "Something about me changed: read me.get again." };

static problem announce_me(struct tx *tx)
{
    struct account_ref data = { tx->call->account };

    return tx_announce(tx, topic_of(tx->call->arena, "account", data.account), &me_changed_event, &data);
}

static problem read_me(struct store_on on, struct me *out)
{
    problem p = me_read(on, out);

    if (!p)
        out->avatar_url = file_url_maybe(on.call, out->avatar, true);
    return p;
}

problem me_get(struct call *c)
{
    return read_me(store_on_call(c), c->out);
}

static problem onboarding_rules(struct call *c, const struct onboarding *in)
{
    struct me me;
    struct date birth;
    problem p = me_read(store_on_call(c), &me);

    if (p)
        return p;
    if (me.role.value != ROLE_NEWCOMER)
        return PROBLEM(ALREADY_MEMBER);
    if (me.birth_date.is != PRESENT && in->birth_date.is != PRESENT)
        return call_field_wrong(c, "/birth_date", "is missing", "필수 항목입니다");
    if (me.birth_date.is != PRESENT && !in->consents)
        return PROBLEM(CONSENT_REQUIRED);
    birth = me.birth_date.is == PRESENT ? me.birth_date.value : in->birth_date.value;
    return person_age_at(birth, clock_wall()) < AGE_MIN ? PROBLEM(UNDER_AGE) : NULL;
}

/* The role is in the access token, so the session goes on with a new one. */
problem me_onboard(struct call *c)
{
    const struct onboarding *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    bool done;
    problem p;

    if ((p = onboarding_rules(c, in)) || (p = tx_begin(c, &tx)) || (p = nickname_take(&tx, in->nickname)) ||
        (p = account_onboard(&tx, in, &done)))
        return p;
    if (!done)
        return PROBLEM(ALREADY_MEMBER);
    if (in->consents && (p = account_consents_add(&tx, c->account, in->consents)))
        return p;
    if ((p = points_book(&tx, c->account, POINTS_ONBOARDING, "onboarding", T("once"))) || (p = announce_me(&tx)) ||
        (p = tx_commit(&tx)))
        return p;
    session_token(c, c->account, ROLE_MEMBER, c->session, c->out);
    return NULL;
}

/* Each change that happens, and nothing else. */
static problem pay_for_nickname(struct tx *tx, const struct profile_changed *did)
{
    struct text reference = arena_printf(tx->call->arena, "change %lld", (long long)did->renames);

    return did->renamed ? points_book(tx, tx->call->account, POINTS_NICKNAME, "nickname", reference) : NULL;
}

/* The picture that was there is let go when another one, or none, takes its place. */
static problem change_avatar(struct tx *tx, const struct profile_change *in, struct opt_i64 old)
{
    problem p;

    if (in->avatar.is == PRESENT && (p = file_attach(tx, tx->call->account, in->avatar.value)))
        return p;
    if (old.is == PRESENT && in->avatar.is != ABSENT && (in->avatar.is == NULL_VALUE || in->avatar.value != old.value))
        return file_release(tx, old.value);
    return NULL;
}

problem me_update(struct call *c)
{
    const struct profile_change *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    struct profile_changed did;
    problem p;

    if (in->introduction.is == PRESENT && utf8_length(in->introduction.value) < 2)
        return call_field_wrong(c, "/introduction", "is too short", "너무 짧습니다");
    if ((p = tx_begin(c, &tx)) || (in->nickname.is == PRESENT && (p = nickname_take(&tx, in->nickname.value))) ||
        (p = account_profile_change(&tx, in, &did)) || (p = pay_for_nickname(&tx, &did)) ||
        (p = change_avatar(&tx, in, did.old_avatar)))
        return p;
    if ((p = announce_me(&tx)) || (p = read_me(store_on_tx(&tx), c->out))) /* whole before the commit keeps it for a replay */
        return p;
    return tx_commit(&tx);
}

problem me_points(struct call *c)
{
    const struct points_page *in = c->in;
    struct points_list *out = c->out;
    const struct points_entry *last;
    problem p = points_read(c, in, out);

    if (p)
        return p;
    last = page_cut(&out->entries, in->limit);
    out->next = last ? (struct opt_i64){ PRESENT, last->id } : (struct opt_i64){ NULL_VALUE, 0 };
    return NULL;
}

problem me_export(struct call *c)
{
    return account_export(c, c->out);
}

problem nickname_check(struct call *c)
{
    struct nickname_free *out = c->out;

    return nickname_free(store_on_call(c), ((const struct nickname_query *)c->in)->nickname, &out->available);
}

problem people_get(struct call *c)
{
    struct person *out = c->out;
    bool found;
    problem p = person_read(c, ((const struct account_ref *)c->in)->account, out, &found);

    if (p)
        return p;
    if (!found)
        return PROBLEM(ACCOUNT_NOT_FOUND);
    if (out->birth_date.is == PRESENT)
        out->age_band = (struct opt_text){ PRESENT, person_age_band(c->arena, out->birth_date.value, clock_wall()) };
    out->avatar_url = file_url_maybe(c, out->avatar, true);
    return NULL;
}

problem people_search(struct call *c)
{
    const struct search *in = c->in;
    struct found_list *out = c->out;
    const struct found *last;
    struct cursor from;
    problem p;

    if ((p = page_from(c, "/after", in->after, CURSOR_TEXT | CURSOR_OLD, &from)))
        return p;
    if (in->nickname.len == 0 || text_find(in->nickname, '%') >= 0 || text_find(in->nickname, '_') >= 0 ||
        text_find(in->nickname, '\\') >= 0)
        return NULL; /* no nickname has these */
    if ((p = people_find(c, in, &from, out)))
        return p;
    if ((last = page_cut(&out->people, in->limit)))
        out->next = page_next(c, last->nickname, last->account);
    for (size_t i = 0; i < out->people.count; i++)
        out->people.at[i].avatar_url = file_url_maybe(c, out->people.at[i].avatar, true);
    return NULL;
}

static void after_suspend(void *arg)
{
    hub_end_account(*(const int64_t *)arg, CLOSE_SUSPENDED);
}

static problem stand(struct tx *tx, int64_t account, const struct standing *becomes)
{
    struct standing was;
    bool found;
    problem p = account_suspend_row(tx, account, becomes, &was, &found);

    if (p)
        return p;
    if (!found)
        return PROBLEM(ACCOUNT_NOT_FOUND);
    return audit_note(tx, topic_of(tx->call->arena, "account", account), &account_standing_shape, &was, becomes);
}

problem account_suspend(struct tx *tx, int64_t account, struct instant until, struct text reason)
{
    int64_t *whom = arena_new(tx->call->arena, int64_t);
    problem p = stand(tx, account, &(struct standing){ { PRESENT, until }, { PRESENT, reason } });

    if (p)
        return p;
    *whom = account;
    tx_after(tx, after_suspend, whom); /* first, so that sockets are told why */
    return sessions_end_all(tx, account, T(""));
}

problem account_suspend_call(struct call *c)
{
    const struct suspension *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = account_suspend(&tx, in->account, in->until, in->reason)))
        return p;
    return tx_commit(&tx);
}

problem account_unsuspend_call(struct call *c)
{
    const struct account_ref *in = c->in;
    struct tx tx TX_SCOPE = { 0 };
    problem p;

    if ((p = tx_begin(c, &tx)) || (p = stand(&tx, in->account, &(struct standing){ .until = { .is = ABSENT } })))
        return p;
    return tx_commit(&tx);
}
