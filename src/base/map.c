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

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", with 1 and 3 rounds). */
uint64_t text_hash(struct text key)
{
    uint64_t v[4] = { seed_low ^ 0x736f6d6570736575u, seed_high ^ 0x646f72616e646f6du, seed_low ^ 0x6c7967656e657261u,
                      seed_high ^ 0x7465646279746573u };
    uint64_t word, last = (uint64_t)key.len << 56;
    size_t i;

    for (i = 0; i + 8 <= key.len; i += 8) {
        memcpy(&word, key.at + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    for (size_t j = i; j < key.len; j++)
        last |= (uint64_t)(unsigned char)key.at[j] << 8 * (j - i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int round = 0; round < 3; round++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
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

struct map_node *map_find(const struct map *m, struct text key)
{
    uint64_t hash;

    if (m->count == 0)
        return NULL;
    hash = text_hash(key);
    for (struct map_node *n = m->buckets[hash & (m->room - 1)]; n; n = n->next)
        if (n->hash == hash && text_is(n->key, key))
            return n;
    return NULL;
}

void map_add(struct map *m, struct map_node *node, struct text key)
{
    CHECK(!map_find(m, key));
    if (m->count >= m->room)
        grow(m);
    node->key = key;
    node->hash = text_hash(key);
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
