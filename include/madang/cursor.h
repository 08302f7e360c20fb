/* base: cursor — a place in a list, as text: what a page calls `next`, and the one after it takes.
 *
 * It holds the key that the list is sorted by (a time to the microsecond, a number, or a text) and the id that decides between
 * rows of the same key: nothing is skipped, nothing comes twice, and a row that has gone takes no other along. It knows its list;
 * to clients it is opaque. Handlers use it through madang/page.h.
 */
#ifndef MADANG_CURSOR_H
#define MADANG_CURSOR_H

#include "madang/shape.h"

enum cursor_key {
    CURSOR_TIME = 1,
    CURSOR_NUMBER,
    CURSOR_TEXT,   /* of at most CURSOR_TEXT_MAX bytes */
    CURSOR_OLD = 8 /* beside one of them: what the list took before is good, too: "us-id", or the bare text */
};
#define CURSOR_TEXT_MAX 600
#define CURSOR_NAME_MAX 16 /* characters of such a bare text */

/* The member of the key is there, and the id; of no cursor, none. */
struct cursor {
    struct opt_instant at;
    struct opt_i64 number;
    struct opt_text text;
    struct opt_i64 id;
};

/* clang-format off */
#define CURSOR_LEN_MAX 1000
#define CURSOR .len_min = 1, .len_max = CURSOR_LEN_MAX, .check = cursor_is_fit, .pattern = "^[A-Za-z0-9._-]+$", \
    .says = "next of the page before."
/* clang-format on */
bool cursor_is_fit(struct text t); /* it has the characters of one; whether it is one of the list is for cursor_read() */
/* False: it is none of this list's. */
bool cursor_read(struct arena *a, struct text list, int key, struct text t, struct cursor *out);
struct text cursor_make(struct arena *a, struct text list, const struct cursor *at);

#endif
