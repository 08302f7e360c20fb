/* base: cursor — a place in a list by time, newest first, as text: what a page calls `next`, and the one after it takes.
 *
 * The time is exact to the microsecond, and the id decides between rows of the same one: nothing is skipped, nothing comes twice.
 * To clients it is opaque.
 */
#ifndef MADANG_CURSOR_H
#define MADANG_CURSOR_H

#include "madang/shape.h"

struct cursor {
    struct opt_instant at;
    struct opt_i64 id;
};

/* clang-format off */
#define CURSOR .len_min = 3, .len_max = 40, .check = cursor_is_valid, .pattern = "^[0-9]{1,16}-[0-9]{1,16}$"
/* clang-format on */
bool cursor_is_valid(struct text t);
struct cursor cursor_of(struct opt_text t); /* of a valid one, or none: both members absent */
struct opt_text cursor_text(struct arena *a, struct instant at, int64_t id);

#endif
