#include "presence_lease.h"

#include "madang/hub.h"
#include "madang/redis.h"

#define LEASE_MS ((int64_t)45000)
#define CLAIM_MS ((int64_t)10000) /* who took it upon himself to tell has told by then, or somebody else will */
#define GAP_MS ((int64_t)10000)   /* no node swept for so long: none could renew either … */
#define GRACE_MS ((int64_t)20000) /* … and each gets the time to, before anybody counts as gone */

static struct script up_script = SCRIPT("presence_up.lua"), down_script = SCRIPT("presence_down.lua"),
                     renew_script = SCRIPT("presence_renew.lua"), sweep_script = SCRIPT("presence_sweep.lua"),
                     told_script = SCRIPT("presence_told.lua");

static struct text members(struct call *c)
{
    return redis_key(c->arena, "presence");
}

static struct text latest(struct call *c)
{
    return redis_key(c->arena, "presence:latest");
}

/* Accounts whose friends have to be told, by when somebody else may. */
static struct text untold(struct call *c)
{
    return redis_key(c->arena, "presence:untold");
}

problem lease_presence_up(struct call *c, int64_t account, bool *was_offline)
{
    struct redis_value out = { 0 };
    problem p = script_run(c, &up_script, VALUES(members(c), latest(c), untold(c)),
                           VALUES(account, node_name(), LEASE_MS, CLAIM_MS), &out);

    *was_offline = out.number == 1;
    return p;
}

problem lease_presence_down(struct call *c, int64_t account, bool *is_offline)
{
    struct redis_value out = { 0 };
    problem p = script_run(c, &down_script, VALUES(members(c), latest(c), redis_key(c->arena, "nodes"), untold(c)),
                           VALUES(account, node_name(), CLAIM_MS), &out);

    *is_offline = out.number == 1;
    return p;
}

problem lease_presence_renew(struct call *c, const int64_t *accounts, size_t count)
{
    struct value *v = arena_array(c->arena, struct value, count + 2);
    struct redis_value out;

    v[0] = value_text(node_name());
    v[1] = value_i64(LEASE_MS);
    for (size_t i = 0; i < count; i++)
        v[2 + i] = value_i64(accounts[i]);
    return script_run(c, &renew_script, VALUES(members(c), latest(c)), (struct values){ v, count + 2 }, &out);
}

problem lease_presence_sweep(struct call *c, struct presence_claim *out)
{
    struct redis_value got = { 0 };
    problem p = script_run(c, &sweep_script, VALUES(members(c), latest(c), untold(c), redis_key(c->arena, "presence:sweeps")),
                           VALUES(CLAIM_MS, GAP_MS, GRACE_MS), &got);

    *out = (struct presence_claim){ .changes = { arena_array(c->arena, struct presence_change, got.count / 2), 0 } };
    if (p || got.count == 0)
        return p;
    out->claim = got.at[0].number;
    for (size_t i = 1; i + 1 < got.count; i += 2)
        out->changes.at[out->changes.count++] = (struct presence_change){ got.at[i].number, got.at[i + 1].number == 1 };
    return NULL;
}

problem lease_presence_told(struct call *c, int64_t claim, const struct presence_change *told, size_t count)
{
    struct value *v = arena_array(c->arena, struct value, count + 1);
    struct redis_value out;

    v[0] = value_i64(claim);
    for (size_t i = 0; i < count; i++)
        v[1 + i] = value_i64(told[i].account);
    return script_run(c, &told_script, VALUES(untold(c)), (struct values){ v, count + 1 }, &out);
}

problem lease_presence_untold(struct call *c, const int64_t *accounts, size_t count)
{
    struct value *v = arena_array(c->arena, struct value, 2 * count + 2);
    struct redis_value out;

    v[0] = value_text(T("ZADD"));
    v[1] = value_text(untold(c));
    for (size_t i = 0; i < count; i++) {
        v[2 + 2 * i] = value_i64(0);
        v[3 + 2 * i] = value_i64(accounts[i]);
    }
    return redis_run(c, (struct values){ v, 2 * count + 2 }, &out);
}

problem lease_presence_of(struct call *c, const int64_t *accounts, size_t count, bool *online)
{
    struct value *v = arena_array(c->arena, struct value, count + 2);
    struct redis_value out = { 0 };
    int64_t now_ms = clock_wall().us / 1000;
    problem p;

    v[0] = value_text(T("ZMSCORE"));
    v[1] = value_text(latest(c));
    for (size_t i = 0; i < count; i++)
        v[2 + i] = value_i64(accounts[i]);
    if ((p = redis_run(c, (struct values){ v, count + 2 }, &out)))
        return p;
    for (size_t i = 0; i < count && i < out.count; i++) {
        double expiry = 0;

        /* Swept every second or so; our own clock only guards against a sweep that stopped, so an hour off does no harm. */
        online[i] = out.at[i].kind == REDIS_TEXT && text_to_f64(out.at[i].text, &expiry) && expiry > (double)(now_ms - 7200000);
    }
    return NULL;
}
