/* base: shape — a C struct described once, field by field.
 *
 * From a shape come JSON decoding (every fault of the input at once), JSON encoding, the decoding of a Postgres row
 * by column name, and the JSON Schema in the served documents. The kind of a field is read off the member's
 * C type by _Generic, so struct and description cannot disagree:
 *
 *     struct greeting { struct text name; int64_t times; struct opt_text note; };
 *     static const struct field greeting_fields[] = {
 *         FIELD(struct greeting, name, .len_max = 40, .says = "Whom to greet."),
 *         FIELD(struct greeting, times, .min = 1, .max = 9),
 *         FIELD(struct greeting, note, .len_max = 200),
 *     };
 *     const struct shape greeting_shape = SHAPE("Greeting", struct greeting, greeting_fields);
 *
 * Plain members must be present and not null; opt_ members may be absent or null; `.optional` lets a plain member stay
 * out (it then keeps `.otherwise`). Decoded text lies in the arena, and is normalised to NFC; `.raw` text stays as it came.
 *
 * ONE_OF() is a struct of which some members exclude each other: see there.
 */
#ifndef MADANG_SHAPE_H
#define MADANG_SHAPE_H

#include "madang/arena.h"
#include "madang/buf.h"
#include "madang/clock.h"
#include "madang/problem.h"

enum presence { ABSENT, NULL_VALUE, PRESENT };

/* clang-format off */
struct opt_bool { enum presence is; bool value; };
struct opt_i64 { enum presence is; int64_t value; };
struct opt_f64 { enum presence is; double value; };
struct opt_text { enum presence is; struct text value; };
struct opt_instant { enum presence is; struct instant value; };
struct opt_date { enum presence is; struct date value; };
struct word { int value; }; /* an enum's value; the field names its table of words */
struct opt_word { enum presence is; int value; };
struct json { struct text text; };                                 /* encoded already, by a shape, and trusted */
struct count_of { struct text name; int64_t count; };
struct counts { struct count_of *at; size_t count; };              /* {"name": number, …} */
#define LIST_OF(type) struct { type *at; size_t count; }

enum field_kind {
    KIND_BOOL, KIND_I64, KIND_F64, KIND_TEXT, KIND_INSTANT, KIND_DATE, KIND_WORD,
    KIND_OPT_BOOL, KIND_OPT_I64, KIND_OPT_F64, KIND_OPT_TEXT, KIND_OPT_INSTANT, KIND_OPT_DATE, KIND_OPT_WORD,
    KIND_JSON, KIND_COUNTS,
    KIND_STRUCT, /* a struct inside, described by .shape */
    KIND_MAYBE,  /* a pointer to such a struct; NULL when absent */
    KIND_LIST
};

#define KIND_OF(lvalue) \
    _Generic((lvalue), bool: KIND_BOOL, int64_t: KIND_I64, double: KIND_F64, struct text: KIND_TEXT, \
        struct instant: KIND_INSTANT, struct date: KIND_DATE, struct word: KIND_WORD, \
        struct opt_bool: KIND_OPT_BOOL, struct opt_i64: KIND_OPT_I64, struct opt_f64: KIND_OPT_F64, \
        struct opt_text: KIND_OPT_TEXT, \
        struct opt_instant: KIND_OPT_INSTANT, struct opt_date: KIND_OPT_DATE, struct opt_word: KIND_OPT_WORD, \
        struct json: KIND_JSON, struct counts: KIND_COUNTS, default: KIND_STRUCT)
/* clang-format on */

struct words {
    const char *const *names; /* indexed by the enum */
    size_t count;
};
/* clang-format off */
#define WORDS(array) { (array), COUNT_OF(array) }
/* clang-format on */

/* Text that is for people. What has nothing to read in it decodes as the empty text, which len_min then judges. */
enum prose {
    NO_PROSE,
    PROSE,
    TITLE /* one line that stands among other people's: as text_title() makes it */
};

struct field {
    const char *name;
    size_t name_len;
    enum field_kind kind, item; /* item: of a list */
    size_t offset, size;        /* size: of the member, of a list's item, of what a MAYBE points to */
    const struct shape *shape;
    const struct words *words;
    int64_t min, max, otherwise;  /* of integers; both bounds 0: no bound but 2^53 */
    double from, to;              /* of doubles, both included; both 0: no bound */
    size_t len_min, len_max;      /* of text, in code points; len_max 0: 200 */
    size_t list_min, list_max;    /* list_max 0: 100 */
    bool (*check)(struct text t); /* of text: a rule that lengths cannot say … */
    const char *pattern, *format; /* … and how the schema says it */
    enum prose prose;
    bool optional, secret;
    bool raw; /* of text: not normalised, for what is compared, signed or counted byte by byte elsewhere */
    bool tag; /* of a ONE_OF: its word says which members there are … */
    int when; /* … and a member with a `when` is there for that word alone */
    const char *says;
};

static inline struct text field_name(const struct field *f)
{
    return (struct text){ f->name, f->name_len };
}

/* clang-format off */
#define FIELD(type, member, ...) \
    { .name = #member, .name_len = sizeof(#member) - 1, .kind = KIND_OF(((type *)0)->member), .offset = offsetof(type, member), \
      .size = sizeof(((type *)0)->member), __VA_ARGS__ }
#define FIELD_LIST(type, member, ...) \
    { .name = #member, .name_len = sizeof(#member) - 1, .kind = KIND_LIST, .item = KIND_OF(*((type *)0)->member.at), \
      .offset = offsetof(type, member), .size = sizeof(*((type *)0)->member.at), __VA_ARGS__ }
#define FIELD_MAYBE(type, member, ...) \
    { .name = #member, .name_len = sizeof(#member) - 1, .kind = KIND_MAYBE, .offset = offsetof(type, member), \
      .size = sizeof(*((type *)0)->member), __VA_ARGS__ }
/* clang-format on */

struct shape {
    const char *name; /* of the schema; unique */
    size_t size;
    const struct field *fields;
    size_t count;
    bool choice; /* a ONE_OF */
};
/* A tagged union: {"kind": "move", "to": 3}. The tag is a word and stands before what hangs on it; the members of the other words
 * are not known in it, and may share its memory (a union) and its name on the wire (AS). A MAYBE of a word must be there.
 *
 *     FIELD(struct op, kind, .words = &kinds, .tag = true),
 *     FIELD(struct op, to, .min = 1, .when = IS(OP_MOVE)),
 *     FIELD(struct op, text, AS("value"), .when = IS(OP_SET)), FIELD_MAYBE(struct op, spot, .shape = …, AS("value"), .when = …),
 *     const struct shape op_shape = ONE_OF("Op", struct op, op_fields);
 *
 * Without a tag: exactly one of the MAYBEs that are an .when = ALTERNATIVE is there. */
/* clang-format off */
#define IS(word) ((word) + 1)
#define ALTERNATIVE (-1)
#define AS(text) .name = (text), .name_len = sizeof(text) - 1
#define SHAPE(name, type, fields) { (name), sizeof(type), (fields), COUNT_OF(fields) }
#define ONE_OF(name, type, fields) { (name), sizeof(type), (fields), COUNT_OF(fields), .choice = true }
/* clang-format on */

/* what every LIST_OF looks like */
struct any_list {
    void *at;
    size_t count;
};

/* A fault of one field: where (a JSON pointer), and what is wrong in both languages. */
struct field_fault {
    struct text pointer;
    const char *en, *ko;
};
#define FIELD_FAULTS_MAX 32
struct field_faults {
    struct field_fault at[FIELD_FAULTS_MAX];
    size_t count;
};
void field_fault_add(struct field_faults *f, struct text pointer, const char *en, const char *ko);

struct pair {
    struct text name, value;
    struct text raw; /* of a query: the value before it was decoded, in which a comma is one between items */
};
struct shape_input {
    struct text json;         /* the body; empty when there is none */
    const struct pair *pairs; /* path and query parameters, percent-decoded */
    size_t pair_count;
    bool open; /* members that the shape does not know are passed over: for answers of outside services */
};

/* NULL, JSON_MALFORMED, OVERLOADED (the arena is full) or FIELDS_INVALID (then `faults` says which). `out` is s->size bytes. */
problem shape_decode(const struct shape *s, struct arena *a, const struct shape_input *in, void *out,
                     struct field_faults *faults) MUST_USE;
/* The same in two steps, for messages with an envelope: parsed once, a member decoded by its shape. A tree lives as long as
 * the arena; NULL stands for a member that is not there. */
struct json_tree;
problem json_parse(struct arena *a, struct text json, const struct json_tree **out) MUST_USE;
const struct json_tree *json_member(const struct json_tree *t, const char *name);
size_t json_members(const struct json_tree *t); /* of an object; 0 for anything else */
bool json_is_i64(const struct json_tree *t, int64_t *out);
bool json_is_text(const struct json_tree *t, struct text *out); /* borrowed from the tree */
problem shape_decode_tree(const struct shape *s, struct arena *a, const struct json_tree *t, void *out,
                          struct field_faults *faults) MUST_USE;
/* Decodes one value from text as Postgres writes it; false when it does not fit the field. */
bool field_from_column(const struct field *f, struct arena *a, struct text value, void *member) MUST_USE;
void field_set_null(const struct field *f, void *member);
bool field_may_be_null(const struct field *f);

void shape_encode(const struct shape *s, const void *value, struct buf *out);
struct text shape_text(const struct shape *s, const void *value, struct arena *a); /* "", and the arena is over: too long */
/* The schema of a shape (others by $ref); shape_visit() walks all that it refers to, itself included, children first. */
void shape_schema(const struct shape *s, struct buf *out);
void shape_visit(const struct shape *s, void (*visit)(const struct shape *s, void *arg), void *arg);
void shape_check(const struct shape *s); /* aborts on a description that cannot be right; at start-up */

/* What is nested deeper, and an object with more members, counts as malformed. */
#define JSON_DEPTH_MAX 32
#define JSON_MEMBERS_MAX 512

#endif
