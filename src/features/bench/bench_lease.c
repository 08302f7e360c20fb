#include "bench_lease.h"

#include "madang/redis.h"

#define HOLD_MS ((int64_t)1000)

problem lease_bench_hold(struct call *c, int64_t seat, bool *held)
{
    struct redis_value out = { 0 };
    struct text key = redis_key(c->arena, "bench:seat:%lld", (long long)seat);
    problem p = redis_do(c, &out, T("SET"), key, c->account, T("NX"), T("PX"), HOLD_MS);

    *held = out.kind == REDIS_TEXT;
    return p;
}
