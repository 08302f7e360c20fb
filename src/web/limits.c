#include "limits.h"

#include "madang/address.h"
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/map.h"
#include "madang/redis.h"

/* Who took lately: a table of sets of 128 bytes, into one of which each falls by his hash. A bucket that is full again says
 * nothing and gives its place away; in a set where none is, the one that is full first does. 2 MB at most. */
#define SETS 16384
#define SET_SIZE 8

struct bucket {
    uint64_t whose;   /* keyed hash of limit and person */
    uint64_t full_us; /* of loop_ms(): every token is there again */
};

static struct bucket (*sets)[SET_SIZE];
static struct script bucket_script = SCRIPT("limit.lua");

void limits_stop(void)
{
    free(sets);
    sets = NULL;
}

static struct bucket *bucket_get(uint64_t whose)
{
    struct bucket *set, *found;

    if (!sets)
        sets = must_zalloc(SETS * sizeof *sets);
    set = found = sets[whose % SETS];
    for (struct bucket *b = set; b < set + SET_SIZE; b++) {
        if (b->whose == whose)
            return b;
        if (b->full_us < found->full_us)
            found = b;
    }
    *found = (struct bucket){ .whose = whose };
    return found;
}

/* Milliseconds to wait; 0: a token was taken. */
static int64_t take_here(struct text key, int64_t capacity, int64_t per_ms)
{
    struct bucket *b = bucket_get(text_hash(key));
    uint64_t now = loop_ms() * 1000, token = (uint64_t)(per_ms * 1000 / capacity);
    uint64_t after = (b->full_us > now ? b->full_us : now) + token, latest = now + token * (uint64_t)capacity;

    if (after > latest)
        return (int64_t)((after - latest + 999) / 1000);
    b->full_us = after;
    return 0;
}

struct text call_network(struct call *c)
{
    return address_network(c->arena, call_address(c));
}

/* What the process counts by: the row's limit itself, and whose it is. */
static int64_t take_local(struct call *c, const struct limit *l, int64_t capacity)
{
    struct text address;
    char key[sizeof l + 64];
    size_t len = sizeof l;

    memcpy(key, &l, sizeof l);
    if (l->by == BY_ACCOUNT) {
        memcpy(key + len, &c->account, sizeof c->account);
        len += sizeof c->account;
    } else {
        address = call_network(c);
        address.len = address.len < 63 ? address.len : 63;
        key[len++] = 'i';
        memcpy(key + len, address.at, address.len);
        len += address.len;
    }
    return take_here((struct text){ key, len }, capacity, l->per_ms);
}

static int64_t count_of(const struct limit *l)
{
    return l->setting ? config_i64(l->setting) : l->count;
}

static int64_t take(struct call *c, const struct limit *l)
{
    int64_t capacity = count_of(l) * config->limits_scale;
    struct redis_value wait;
    struct text whose;
    char digits[24];

    if (!l->cluster)
        return take_local(c, l, capacity);
    whose = l->by == BY_ACCOUNT ? arena_join(c->arena, T("a"), text_i64(c->account, digits))
                                : arena_join(c->arena, T("i"), call_network(c));
    if (!script_run(c, &bucket_script, VALUES(redis_key(c->arena, "limit:%s:%.*s", c->name, TEXT_ARG(whose))),
                    VALUES(capacity, l->per_ms), &wait))
        return wait.number;
    return take_local(c, l, capacity);
}

static problem check(struct call *c, bool account_alone)
{
    for (size_t i = 0; i < CALL_LIMITS_MAX; i++) {
        const struct limit *l = &c->def->limits[i];
        bool counts = l->by == BY_ACCOUNT ? c->account != 0 : l->by == BY_ADDRESS && !account_alone;
        int64_t wait = counts ? take(c, l) : 0;

        if (wait > 0)
            return call_retry_after(c, PROBLEM(RATE_LIMITED), (wait + 999) / 1000);
    }
    return NULL;
}

problem limits_check(struct call *c)
{
    return check(c, false);
}

problem limits_check_account(struct call *c)
{
    return check(c, true);
}
