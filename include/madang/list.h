/* base: list — a doubly linked ring whose nodes live inside what they link; it allocates nothing.
 *
 * A node that is in no list points to itself after list_init() or list_remove(), so removing twice is harmless.
 */
#ifndef MADANG_LIST_H
#define MADANG_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define CONTAINER_OF(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_append(struct list *l, struct list *node)
{
    node->prev = l->prev;
    node->next = l;
    l->prev->next = node;
    l->prev = node;
}

static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

static inline struct list *list_take_first(struct list *l)
{
    struct list *first = l->next;

    if (first == l)
        return NULL;
    list_remove(first);
    return first;
}

/* Moves every node of `from` behind those of `to`. */
static inline void list_splice(struct list *to, struct list *from)
{
    struct list *node;

    while ((node = list_take_first(from)) != NULL)
        list_append(to, node);
}

#define list_each(node, l) for (struct list *node = (l)->next; node != (l); node = node->next)
/* The body may remove `node`, and nothing else. */
#define list_each_safe(node, l) \
    for (struct list *node = (l)->next, *node##_next = node->next; node != (l); node = node##_next, node##_next = node->next)

#endif
