/* What the files of shape share: faults, and one value between its text form and its member. */
#ifndef MADANG_SHAPE_VALUE_H
#define MADANG_SHAPE_VALUE_H

#include "madang/shape.h"

#define INTEGER_MAX ((INT64_C(1) << 53) - 1) /* what a JSON number keeps exact everywhere: RFC 8259 §6 */
#define TEXT_LEN_MAX 200
#define LIST_LEN_MAX 100

enum fault {
    FAULT_NONE,
    FAULT_TYPE,
    FAULT_MISSING,
    FAULT_UNKNOWN,
    FAULT_SMALL,
    FAULT_LARGE,
    FAULT_SHORT,
    FAULT_LONG,
    FAULT_FORM,
    FAULT_WORD,
    FAULT_ONE
};

void fault_add(struct field_faults *f, struct text pointer, enum fault fault);
enum fault integer_check(const struct field *f, int64_t value);
enum fault real_check(const struct field *f, double value);
enum fault text_check(const struct field *f, struct text t);
/* Whether the member is there when the tag is `word` (IS(), or 0: not known); in a shape without a tag all are. */
bool field_is_in(const struct field *f, int word);
bool field_is_needed(const struct field *f);          /* not optional, and not null */
const struct field *shape_tag(const struct shape *s); /* of a ONE_OF; NULL when it has none */
struct text text_nfc(struct arena *a, struct text t); /* t is valid UTF-8 */
bool word_find(const struct words *w, struct text t, int *out);
const struct words *field_words(const struct field *f);
bool kind_is_opt(enum field_kind kind);
enum field_kind kind_plain(enum field_kind kind); /* without the opt_ */
/* Where the value of the member lies; an opt_ is marked as present. */
void *opt_open(const struct field *f, enum field_kind kind, void *member);
/* `trusted`: it comes from our own database, bounds are not checked and JSON is taken as it is. */
enum fault scalar_parse(const struct field *f, enum field_kind kind, struct arena *a, struct text t, bool trusted, void *member);

#endif
