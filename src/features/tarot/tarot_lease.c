#include "tarot_lease.h"

#include "madang/redis.h"

#define LEASE_MS ((int64_t)10000)
#define TEXT_MS ((int64_t)600000)

static struct script keep_script = SCRIPT("tarot_keep.lua"), doubt_script = SCRIPT("tarot_doubt.lua");

static struct text leases(struct arena *a)
{
    return redis_key(a, "tarot:turns");
}

static struct text text_key(struct arena *a, int64_t turn)
{
    return redis_key(a, "tarot:text:%lld", (long long)turn);
}

problem lease_turns_keep(struct call *c, struct kept_turn *turns, size_t count, const int64_t *listened, size_t listened_count,
                         struct lapsed_turns *lapsed)
{
    struct value *v = arena_array(c->arena, struct value, 3 + 2 * count + listened_count);
    struct redis_value out = { 0 };
    size_t n = 0;
    problem p;

    v[n++] = value_i64(LEASE_MS);
    v[n++] = value_i64((int64_t)count);
    v[n++] = value_i64(lapsed ? 50 : 0);
    for (size_t i = 0; i < count; i++) {
        v[n++] = value_i64(turns[i].turn);
        v[n++] = value_i64(turns[i].chat);
    }
    for (size_t i = 0; i < listened_count; i++)
        v[n++] = value_i64(listened[i]);
    p = script_run(c, &keep_script,
                   VALUES(leases(c->arena), redis_key(c->arena, "tarot:heard"), redis_key(c->arena, "tarot:kept")),
                   (struct values){ v, n }, &out);
    if (p || out.count < 2)
        return p;
    for (size_t i = 0; i < count && i < out.at[1].count; i++)
        turns[i].heard_ms = out.at[1].at[i].number;
    if (!lapsed)
        return NULL;
    lapsed->count = 0;
    lapsed->at = arena_array(c->arena, int64_t, out.at[0].count);
    for (size_t i = 0; i < out.at[0].count; i++)
        if (text_to_i64(out.at[0].at[i].text, &lapsed->at[lapsed->count]))
            lapsed->count++;
    return NULL;
}

problem lease_turns_doubt(struct call *c, const int64_t *turns, size_t count)
{
    struct value *v = arena_array(c->arena, struct value, count + 1);
    struct redis_value out;

    v[0] = value_i64(LEASE_MS);
    for (size_t i = 0; i < count; i++)
        v[i + 1] = value_i64(turns[i]);
    return script_run(c, &doubt_script, VALUES(leases(c->arena)), (struct values){ v, count + 1 }, &out);
}

void lease_turn_end(struct arena *a, int64_t turn)
{
    (void)redis_send(VALUES(T("ZREM"), leases(a), turn));
    (void)redis_send(VALUES(T("DEL"), text_key(a, turn)));
}

bool lease_text_append(struct arena *a, int64_t turn, struct text more)
{
    return redis_send(VALUES(T("APPEND"), text_key(a, turn), more)) &&
           redis_send(VALUES(T("PEXPIRE"), text_key(a, turn), TEXT_MS));
}

problem lease_text(struct call *c, int64_t turn, struct text *out)
{
    struct redis_value got = { 0 };
    problem p = redis_do(c, &got, T("GET"), text_key(c->arena, turn));

    *out = got.kind == REDIS_TEXT ? got.text : T("");
    return p;
}
