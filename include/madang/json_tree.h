/* base: json_tree — JSON as a tree, for those who walk it: the decoding by shapes, and readers of what no shape can hold.
 *
 * Nodes and decoded strings live in the arena; a string without escapes is borrowed from the text. */
#ifndef MADANG_JSON_TREE_H
#define MADANG_JSON_TREE_H

#include "madang/shape.h"

enum json_kind { TREE_NULL, TREE_FALSE, TREE_TRUE, TREE_INTEGER, TREE_REAL, TREE_STRING, TREE_ARRAY, TREE_OBJECT };

struct json_tree {
    enum json_kind kind;
    struct text name;       /* of a member of an object */
    struct json_tree *next; /* its younger sibling */
    union {
        int64_t integer;
        double real;
        struct text string;
        struct {
            struct json_tree *first;
            size_t count;
        };
    };
};

/* Any value, not only an object; NULL: malformed (or more than JSON_DEPTH_MAX, JSON_MEMBERS_MAX). */
const struct json_tree *json_read(struct arena *a, struct text json);
/* The same of what is JSON but for what machines get wrong: of two members of one name json_get() finds the first; strings are
 * bytes, half characters and surrogates among them (three bytes each), without "\u0000"; numbers need not fit; NaN and infinities
 * are null. For answers of language models alone: whoever takes a string of it makes characters of it. */
const struct json_tree *json_read_leniently(struct arena *a, struct text json);
const struct json_tree *json_get(const struct json_tree *object, struct text name); /* NULL: absent, or no object */

#endif
