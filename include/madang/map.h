/* base: map — a hash table keyed by text, its nodes inside what it holds.
 *
 * The key is borrowed from the node's owner and must stay unchanged while the node is in a map. Hashing is keyed
 * with a random seed (SipHash-1-3), so that outside keys cannot be chosen to collide. Only the bucket array is
 * allocated; it grows, never shrinks.
 */
#ifndef MADANG_MAP_H
#define MADANG_MAP_H

#include "madang/list.h"
#include "madang/text.h"

struct map_node {
    struct map_node *next;
    uint64_t hash;
    struct text key;
};

struct map {
    struct map_node **buckets;
    size_t room, count;
    size_t first; /* no bucket before this one holds a node */
};

uint64_t text_hash(struct text t);           /* the keyed hash itself */
void map_seed(const unsigned char seed[16]); /* once, before the first map is used */
void map_fini(struct map *m);                /* frees the buckets; the nodes are their owners' */
struct map_node *map_find(const struct map *m, struct text key);
/* Adds the node under the key, which must not be there yet. */
void map_add(struct map *m, struct map_node *node, struct text key);
void map_remove(struct map *m, struct map_node *node);
/* Walks every node: begin with NULL. The map must not change during the walk. */
struct map_node *map_next(struct map *m, const struct map_node *after);

#endif
