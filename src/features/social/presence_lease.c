#include "presence_lease.h"

#include "madang/hub.h"
#include "madang/redis.h"

#define LEASE_MS ((int64_t)45000)
#define CLAIM_MS ((int64_t)10000) /* who took it upon himself to tell has told by then, or somebody else will */
#define GAP_MS ((int64_t)10000)   /* no node swept for so long: none could renew either … */
#define GRACE_MS ((int64_t)20000) /* … and each gets the time to, before anybody counts as gone */

static struct script up_script = SCRIPT("presence_up.lua"), down_script = SCRIPT("presence_down.lua"),
                     renew_script = SCRIPT("presence_renew.lua"), sweep_script = SCRIPT("presence_sweep.lua"),
                     told_script = SCRIPT("presence_told.lua"), untold_script = SCRIPT("presence_untold.lua");

static const struct field claim_fields[] = {
    FIELD(struct presence_claim, claim),
    FIELD_LIST(struct presence_claim, changes, .shape = &presence_change_shape),
};
static const struct shape claim_shape = SHAPE("PresenceClaim", struct presence_claim, claim_fields);

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

problem presence_lease_up(struct call *c, int64_t account, bool *was_offline)
{
    struct redis_value out = { 0 };
    problem p = script_run(c, &up_script, VALUES(members(c), latest(c), untold(c)),
                           VALUES(account, node_name(), LEASE_MS, CLAIM_MS), &out);

    *was_offline = out.number == 1;
    return p;
}

problem presence_lease_down(struct call *c, int64_t account, bool *is_offline)
{
    struct redis_value out = { 0 };
    problem p = script_run(c, &down_script, VALUES(members(c), latest(c), redis_key(c->arena, "nodes"), untold(c)),
                           VALUES(account, node_name(), CLAIM_MS), &out);

    *is_offline = out.number == 1;
    return p;
}

problem presence_lease_renew(struct call *c, const int64_t *accounts, size_t count)
{
    struct redis_value out;

    return script_run(c, &renew_script, VALUES(members(c), latest(c)), VALUES(node_name(), LEASE_MS, value_i64s(accounts, count)),
                      &out);
}

problem presence_lease_sweep(struct call *c, struct presence_claim *out)
{
    struct redis_value got = { 0 };
    problem p = script_run(c, &sweep_script, VALUES(members(c), latest(c), untold(c), redis_key(c->arena, "presence:sweeps")),
                           VALUES(CLAIM_MS, GAP_MS, GRACE_MS), &got);

    return p ? p : redis_decode(&claim_shape, c->arena, &got, out);
}

problem presence_lease_told(struct call *c, int64_t claim, const int64_t *accounts, size_t count)
{
    struct redis_value out;

    return script_run(c, &told_script, VALUES(untold(c)), VALUES(claim, value_i64s(accounts, count)), &out);
}

problem presence_lease_untold(struct call *c, const int64_t *accounts, size_t count)
{
    struct redis_value out;

    return script_run(c, &untold_script, VALUES(untold(c)), VALUES(value_i64s(accounts, count)), &out);
}

problem presence_lease_of(struct call *c, const int64_t *accounts, size_t count, bool *online)
{
    struct redis_value out = { 0 };
    int64_t now_ms = clock_wall().us / 1000;
    problem p = redis_do(c, &out, T("ZMSCORE"), latest(c), value_i64s(accounts, count));

    if (p)
        return p;
    for (size_t i = 0; i < count && i < out.count; i++) {
        double expiry = 0;

        /* Swept every second or so; our own clock only guards against a sweep that stopped, so an hour off does no harm. */
        online[i] = out.at[i].kind == REDIS_TEXT && text_to_f64(out.at[i].text, &expiry) && expiry > (double)(now_ms - 7200000);
    }
    return NULL;
}
