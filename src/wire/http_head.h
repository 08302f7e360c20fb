/* wire: http_head — the strict reading of a request's head (RFC 9112), before llhttp sees it.
 *
 * Whatever two readers could understand in two ways is refused here: bare CR or LF, folded lines, blanks before the colon, two
 * Content-Lengths, Content-Length beside Transfer-Encoding, codings other than one chunked, several Hosts. Pure; fuzzed.
 */
#ifndef MADANG_HTTP_HEAD_H
#define MADANG_HTTP_HEAD_H

#include "madang/shape.h"

#define HEAD_FIELDS_MAX 500 /* the bound of [http] fields_max */
struct head_limits {
    size_t target_bytes, fields_max;
};

struct head_facts {
    struct text method, target, host;
    struct text path, query; /* of a target in origin or absolute form, or "*"; empty until the head was found good */
    bool http10, chunked, has_length, expects_continue, keep_alive, closes;
    int64_t length;
    size_t fields;
};

/* `head` runs from the request line's first byte to behind the empty line. NULL, or what to answer before closing. `fields`, with
 * room for limits->fields_max, gets facts.fields of them in their order: names in lower case (changed where they stand, so `head`
 * is the caller's own), values trimmed. */
problem head_read(char *head, size_t len, const struct head_limits *limits, struct head_facts *out, struct pair *fields) MUST_USE;
/* Where the head ends (behind its empty line); 0 while it has not. `from`: where looking may begin. */
size_t head_end(struct text bytes, size_t from);

#endif
