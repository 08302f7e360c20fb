/* base: pool — blocks of one size that are kept for the next taker.
 *
 * For what a turn needs by the dozen and gives back at its end: malloc() keeps seven of a size at hand and then begins to split
 * and to join. At most `max` are kept, and of those that nobody needs only a few. Under the sanitizers none is, so that they see
 * each use.
 */
#ifndef MADANG_POOL_H
#define MADANG_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct pool {
    size_t size, max, count;
    size_t idle; /* the fewest that were kept since the last tidying */
    void *kept;
    struct pool *next; /* of all that have kept something */
    bool listed;
};
/* Of blocks as large as `type`, as the initialiser of a static. */
#define POOL_OF(type, most)                 \
    {                                       \
        .size = sizeof(type), .max = (most) \
    }

void *pool_take(struct pool *p); /* not zeroed */
void pool_give(struct pool *p, void *block);
/* Gives back what nobody needed since the last time, in all of them; true: it is worth coming again. */
bool pools_tidy(void);
void pools_free(void); /* all that is kept, in all of them */

#endif
