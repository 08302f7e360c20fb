#include "limits.h"

#include "madang/address.h"
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/map.h"
#include "madang/redis.h"

#define BUCKETS_MAX 100000

struct bucket {
    struct map_node node;
    struct list by_use; /* least recently used first */
    double tokens;
    uint64_t at_ms;
    char key[];
};

static struct map buckets;
static struct list by_use = { &by_use, &by_use };
static struct script bucket_script = SCRIPT("limit.lua");

static void bucket_free(struct bucket *b)
{
    map_remove(&buckets, &b->node);
    list_remove(&b->by_use);
    free(b);
}

void limits_stop(void)
{
    while (!list_is_empty(&by_use))
        bucket_free(CONTAINER_OF(by_use.next, struct bucket, by_use));
    map_fini(&buckets);
}

static struct bucket *bucket_get(struct text key, int64_t capacity)
{
    struct map_node *n = map_find(&buckets, key);
    struct bucket *b;

    if (n) {
        b = CONTAINER_OF(n, struct bucket, node);
    } else {
        if (buckets.count >= BUCKETS_MAX)
            bucket_free(CONTAINER_OF(by_use.next, struct bucket, by_use));
        b = must_zalloc(sizeof *b + key.len + 1);
        memcpy(b->key, key.at, key.len);
        b->tokens = (double)capacity;
        b->at_ms = loop_ms();
        list_init(&b->by_use);
        map_add(&buckets, &b->node, (struct text){ b->key, key.len });
    }
    list_remove(&b->by_use);
    list_append(&by_use, &b->by_use);
    return b;
}

/* Milliseconds to wait; 0: a token was taken. */
static int64_t take_here(struct text key, int64_t capacity, int64_t per_ms)
{
    struct bucket *b = bucket_get(key, capacity);
    uint64_t now = loop_ms();
    double rate = (double)capacity / (double)per_ms;

    b->tokens += (double)(now - b->at_ms) * rate;
    if (b->tokens > (double)capacity)
        b->tokens = (double)capacity;
    b->at_ms = now;
    if (b->tokens < 1)
        return (int64_t)((1 - b->tokens) / rate) + 1;
    b->tokens -= 1;
    return 0;
}

struct text address_network(struct arena *a, struct text address)
{
    struct address person;

    if (!address_parse(address, &person))
        return address;
    if (address_is_ipv4(&person) && text_find(address, ':') < 0)
        return address; /* these have one spelling */
    if (address_is_ipv4(&person))
        return address_print(&person, arena_alloc(a, ADDRESS_TEXT));
    person = address_person(&person);
    return hex_encode(a, person.bytes, 8);
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
    return l->setting ? *(const int64_t *)(const void *)((const char *)config + l->setting) : l->count;
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
