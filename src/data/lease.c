#include "madang/lease.h"

static struct script keep_script = SCRIPT("lease_keep.lua"), doubt_script = SCRIPT("lease_doubt.lua");

static const struct field lapsed_fields[] = { FIELD_LIST(struct lapsed, things) };
static const struct shape lapsed_shape = SHAPE("Lapsed", struct lapsed, lapsed_fields);

problem lease_keep(struct call *c, const struct lease *l, struct value mine, struct lapsed *lapsed)
{
    struct redis_value out = { 0 };
    problem p = script_run(c, &keep_script, VALUES(redis_key(c->arena, "%s", l->things), redis_key(c->arena, "%s", l->rounds)),
                           VALUES(l->ms, (int64_t)(lapsed ? LAPSED_MAX : 0), mine), &out);

    return p || !lapsed ? p : redis_decode(&lapsed_shape, c->arena, &out, lapsed);
}

problem lease_doubt(struct call *c, const struct lease *l, struct value things)
{
    struct redis_value out;

    return script_run(c, &doubt_script, VALUES(redis_key(c->arena, "%s", l->things)), VALUES(l->ms, things), &out);
}

void lease_drop(struct arena *a, const struct lease *l, struct value thing)
{
    (void)redis_send(VALUES(T("ZREM"), redis_key(a, "%s", l->things), thing));
}
