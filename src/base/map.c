#include "madang/map.h"

static uint64_t seed_low = 0x736f6d6570736575u, seed_high = 0x646f72616e646f6du;

void map_seed(const unsigned char seed[16])
{
    memcpy(&seed_low, seed, 8);
    memcpy(&seed_high, seed + 8, 8);
}

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

struct sip {
    uint64_t a, b, c, d;
};

__attribute__((always_inline)) static inline struct sip sip_round(struct sip v)
{
    v.a += v.b;
    v.b = rotate(v.b, 13) ^ v.a;
    v.a = rotate(v.a, 32);
    v.c += v.d;
    v.d = rotate(v.d, 16) ^ v.c;
    v.a += v.d;
    v.d = rotate(v.d, 21) ^ v.a;
    v.c += v.b;
    v.b = rotate(v.b, 17) ^ v.c;
    v.c = rotate(v.c, 32);
    return v;
}

__attribute__((always_inline)) static inline struct sip sip_word(struct sip v, uint64_t word)
{
    v.d ^= word;
    v = sip_round(v);
    v.a ^= word;
    return v;
}

/* The key's last bytes, fewer than eight, with its length behind them. */
static uint64_t sip_tail(struct text key)
{
    size_t rest = key.len % 8;
    uint64_t tail = (uint64_t)key.len << 56;

    for (size_t i = 0; i < rest; i++)
        tail |= (uint64_t)(unsigned char)key.at[key.len - rest + i] << 8 * i;
    return tail;
}

/* SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", with 1 and 3 rounds). */
uint64_t text_hash(struct text key)
{
    struct sip v = { seed_low ^ 0x736f6d6570736575u, seed_high ^ 0x646f72616e646f6du, seed_low ^ 0x6c7967656e657261u,
                     seed_high ^ 0x7465646279746573u };

    for (size_t i = 0; i + 8 <= key.len; i += 8) {
        uint64_t word;

        memcpy(&word, key.at + i, 8);
        v = sip_word(v, word);
    }
    v = sip_word(v, sip_tail(key));
    v.c ^= 0xff;
    for (int round = 0; round < 3; round++)
        v = sip_round(v);
    return v.a ^ v.b ^ v.c ^ v.d;
}

static void grow(struct map *m)
{
    size_t room = m->room ? m->room * 2 : 16;
    struct map_node **buckets = must_zalloc(room * sizeof *buckets);

    for (size_t i = 0; i < m->room; i++)
        for (struct map_node *n = m->buckets[i], *next; n; n = next) {
            next = n->next;
            n->next = buckets[n->hash & (room - 1)];
            buckets[n->hash & (room - 1)] = n;
        }
    free(m->buckets);
    m->buckets = buckets;
    m->room = room;
    m->first = 0;
}

void map_fini(struct map *m)
{
    free(m->buckets);
    *m = (struct map){ 0 };
}

static struct map_node *find(const struct map *m, struct text key, uint64_t hash)
{
    for (struct map_node *n = m->buckets[hash & (m->room - 1)]; n; n = n->next)
        if (n->hash == hash && text_is(n->key, key))
            return n;
    return NULL;
}

struct map_node *map_find(const struct map *m, struct text key)
{
    return m->count ? find(m, key, text_hash(key)) : NULL;
}

void map_add(struct map *m, struct map_node *node, struct text key)
{
    if (m->count >= m->room)
        grow(m);
    node->key = key;
    node->hash = text_hash(key);
    CHECK(!find(m, key, node->hash));
    node->next = m->buckets[node->hash & (m->room - 1)];
    m->buckets[node->hash & (m->room - 1)] = node;
    if ((node->hash & (m->room - 1)) < m->first)
        m->first = node->hash & (m->room - 1);
    m->count++;
}

void map_remove(struct map *m, struct map_node *node)
{
    struct map_node **at;

    CHECK(m->count > 0);
    for (at = &m->buckets[node->hash & (m->room - 1)]; *at != node; at = &(*at)->next)
        CHECK(*at != NULL);
    *at = node->next;
    m->count--;
}

struct map_node *map_next(struct map *m, const struct map_node *after)
{
    size_t i = m->first;

    if (after) {
        if (after->next)
            return after->next;
        i = (after->hash & (m->room - 1)) + 1;
    }
    while (i < m->room && !m->buckets[i])
        i++;
    if (!after)
        m->first = i; /* so that taking one after the other until none is left looks at each bucket once */
    return i < m->room ? m->buckets[i] : NULL;
}
