/* base: text — a piece of text as pointer and length.
 *
 * A struct text never owns what it points to; whoever hands it out says how long it lives. It is not
 * NUL-terminated unless it came from arena_text() or a literal. The empty text is { "", 0 } or { NULL, 0 }.
 */
#ifndef MADANG_TEXT_H
#define MADANG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "madang/check.h"

struct text {
    const char *at;
    size_t len;
};

/* A literal as a text, as an expression and as an initialiser of a static. */
#define T(literal) ((struct text){ "" literal "", sizeof(literal) - 1 })
/* clang-format off */
#define TEXT_INIT(literal) { "" literal "", sizeof(literal) - 1 }
/* clang-format on */
/* For printf's "%.*s". */
#define TEXT_ARG(t) (int)(t).len, (t).at ? (t).at : ""

struct text text_of(const char *string); /* borrows; NULL is the empty text */
bool text_is(struct text a, struct text b);
bool text_is_nocase(struct text a, struct text b);        /* ASCII case only */
bool media_type_is(struct text header, struct text type); /* by its essence: without parameters, in whatever case */
bool text_starts(struct text t, struct text prefix);
bool text_skip(struct text *t, struct text prefix); /* takes it off the front; false, and nothing taken, without it */
bool text_ends(struct text t, struct text suffix);
int text_compare(struct text a, struct text b);
struct text text_trim(struct text t); /* spaces and tabs at both ends */
struct text text_from(struct text t, size_t offset);
struct text text_until(struct text t, size_t length);
/* Splits at the first `separator`: returns what is before it and leaves the rest in *rest (empty at the end). */
struct text text_cut(struct text t, char separator, struct text *rest);
/* As text_cut at the last separator; without one, returns t and leaves *rest empty. */
struct text text_cut_last(struct text t, char separator, struct text *rest);
ptrdiff_t text_find(struct text t, char c); /* -1 when absent */

/* Eight bytes at a time: not 0 when one of them is below n (at most 128), or is c. Which one it tells only of the first. */
static inline uint64_t bytes_below(uint64_t eight, unsigned char n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);

    return (eight - ones * n) & ~eight & ones << 7;
}
static inline uint64_t bytes_are(uint64_t eight, unsigned char c)
{
    return bytes_below(eight ^ UINT64_C(0x0101010101010101) * c, 1);
}

/* Whole text as a decimal number, an optional '-' in front; false on anything else or overflow. */
/* The number in decimal digits; borrows `out`. */
struct text text_i64(int64_t value, char out[static 24]);
bool text_to_i64(struct text t, int64_t *out) MUST_USE;
bool text_to_f64(struct text t, double *out) MUST_USE;

/* Well-formed UTF-8 (RFC 3629): no overlong form, no surrogate, at most U+10FFFF. */
bool utf8_is_valid(struct text t);
/* The same over pieces: `state` begins at 0; false as soon as no continuation can mend it. */
bool utf8_feed(uint32_t *state, struct text piece);
bool utf8_is_complete(uint32_t state);
size_t utf8_length(struct text t); /* code points of valid UTF-8 */

#endif
