#include "presence_lease.h"

#include "madang/hub.h"
#include "madang/redis.h"

#define LEASE_MS ((int64_t)45000)

static struct script up_script = SCRIPT("presence_up.lua"), down_script = SCRIPT("presence_down.lua"),
                     renew_script = SCRIPT("presence_renew.lua"), sweep_script = SCRIPT("presence_sweep.lua");

static struct text members(struct call *c)
{
    return redis_key(c->arena, "presence");
}

static struct text latest(struct call *c)
{
    return redis_key(c->arena, "presence:latest");
}

problem lease_presence_up(struct call *c, int64_t account, bool *was_offline)
{
    struct redis_value out = { 0 };
    problem p = script_run(c, &up_script, VALUES(members(c), latest(c)), VALUES(account, node_name(), LEASE_MS), &out);

    *was_offline = out.number == 1;
    return p;
}

problem lease_presence_down(struct call *c, int64_t account, bool *is_offline)
{
    struct redis_value out = { 0 };
    problem p = script_run(c, &down_script, VALUES(members(c), latest(c), redis_key(c->arena, "nodes")),
                           VALUES(account, node_name()), &out);

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

problem lease_presence_sweep(struct call *c, struct account_ids *gone)
{
    struct redis_value out = { 0 };
    problem p = script_run(c, &sweep_script, VALUES(members(c), latest(c)), NO_VALUES, &out);

    gone->count = 0;
    gone->at = arena_array(c->arena, struct account_of, out.count);
    for (size_t i = 0; i < out.count; i++)
        if (text_to_i64(out.at[i].text, &gone->at[gone->count].account))
            gone->count++;
    return p;
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
