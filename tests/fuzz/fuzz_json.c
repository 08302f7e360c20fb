/* JSON: our reader takes and refuses what jansson does and reads the same values; what is decoded by shape encodes to something
 * that decodes to the same. */
#include <jansson.h>

#include "madang/json_tree.h"

static const char *const colour_names[] = { "red", "green" };
static const struct words colours = WORDS(colour_names);
struct inner {
    int64_t n;
    struct opt_text t;
};
static const struct field inner_fields[] = { FIELD(struct inner, n), FIELD(struct inner, t) };
static const struct shape inner_shape = SHAPE("Inner", struct inner, inner_fields);
enum op_kind { OP_ADD, OP_MOVE, OP_UNDO };
static const char *const op_names[] = { "add", "move", "undo" };
static const struct words ops = WORDS(op_names);
struct op {
    struct word kind;
    union {
        struct inner *item;
        int64_t to;
    };
};
static const struct field op_fields[] = {
    FIELD(struct op, kind, .words = &ops, .tag = true),
    FIELD_MAYBE(struct op, item, .shape = &inner_shape, AS("value"), .when = IS(OP_ADD)),
    FIELD(struct op, to, AS("value"), .when = IS(OP_MOVE)),
};
static const struct shape op_shape = ONE_OF("Op", struct op, op_fields);
struct outer {
    struct text name;
    bool flag;
    double f;
    struct opt_i64 o;
    struct opt_instant at;
    struct opt_date day;
    struct opt_word colour;
    struct counts seen;
    LIST_OF(struct inner) items;
    LIST_OF(struct op) ops;
    struct text bytes;
    struct inner *maybe;
};
static const struct field outer_fields[] = {
    FIELD(struct outer, name, .optional = true),
    FIELD(struct outer, flag, .optional = true),
    FIELD(struct outer, f, .optional = true),
    FIELD(struct outer, o),
    FIELD(struct outer, at),
    FIELD(struct outer, day),
    FIELD(struct outer, colour, .words = &colours),
    FIELD(struct outer, seen, .optional = true),
    FIELD_LIST(struct outer, items, .shape = &inner_shape, .optional = true),
    FIELD_LIST(struct outer, ops, .shape = &op_shape, .optional = true),
    FIELD(struct outer, bytes, .raw = true, .optional = true),
    FIELD_MAYBE(struct outer, maybe, .shape = &inner_shape),
};
static const struct shape outer_shape = SHAPE("Outer", struct outer, outer_fields);

static void same(const struct json_tree *ours, json_t *theirs);

static void same_members(const struct json_tree *ours, json_t *theirs)
{
    CHECK(ours->count == json_object_size(theirs));
    for (const struct json_tree *t = ours->first; t; t = t->next) {
        json_t *other = json_object_getn(theirs, t->name.at, t->name.len);

        CHECK(other != NULL);
        same(t, other);
    }
}

static void same(const struct json_tree *ours, json_t *theirs)
{
    size_t i = 0;

    switch (ours->kind) {
    case TREE_NULL:
        CHECK(json_is_null(theirs));
        return;
    case TREE_FALSE:
        CHECK(json_is_false(theirs));
        return;
    case TREE_TRUE:
        CHECK(json_is_true(theirs));
        return;
    case TREE_INTEGER:
        CHECK(json_is_integer(theirs) && json_integer_value(theirs) == ours->integer);
        return;
    case TREE_REAL:
        CHECK(json_is_real(theirs) && json_real_value(theirs) == ours->real);
        return;
    case TREE_STRING:
        CHECK(json_is_string(theirs));
        CHECK(text_is(ours->string, (struct text){ json_string_value(theirs), json_string_length(theirs) }));
        return;
    case TREE_ARRAY:
        CHECK(json_is_array(theirs) && json_array_size(theirs) == ours->count);
        for (const struct json_tree *t = ours->first; t; t = t->next)
            same(t, json_array_get(theirs, i++));
        return;
    case TREE_OBJECT:
        CHECK(json_is_object(theirs));
        same_members(ours, theirs);
    }
}

static size_t depth_of(const uint8_t *data, size_t size)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;

    for (size_t i = 0; i < size; i++) {
        if (in_string) {
            i += data[i] == '\\';
            in_string = i >= size || data[i] != '"';
        } else if (data[i] == '"') {
            in_string = true;
        } else if (data[i] == '{' || data[i] == '[') {
            deepest = ++depth > deepest ? depth : deepest;
        } else if (depth && (data[i] == '}' || data[i] == ']')) {
            depth--;
        }
    }
    return deepest;
}

/* Within our own limits. */
static void compare(struct arena *a, const uint8_t *data, size_t size)
{
    const struct json_tree *ours = json_read(a, (struct text){ (const char *)data, size });
    json_error_t error;
    json_t *theirs;

    CHECK(!ours || json_read_leniently(a, (struct text){ (const char *)data, size }));
    if (memchr(data, 0, size)) { /* jansson passes some over */
        CHECK(!ours);
        return;
    }
    if (depth_of(data, size) > JSON_DEPTH_MAX || size > 1500) /* 512 members are longer than that */
        return;
    theirs = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    CHECK((ours != NULL) == (theirs != NULL));
    if (ours)
        same(ours, theirs);
    json_decref(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shape_input in = { .json = { (const char *)data, size } };
    struct field_faults faults;
    struct text once, twice;
    struct outer o;
    struct arena a;

    arena_init(&a, 1 << 24);
    compare(&a, data, size);
    if (size && !shape_decode(&outer_shape, &a, &in, &o, &faults)) {
        once = shape_text(&outer_shape, &o, &a);
        in.json = once;
        if (o.name.at) {
            CHECK(!shape_decode(&outer_shape, &a, &in, &o, &faults));
            twice = shape_text(&outer_shape, &o, &a);
            CHECK(text_is(once, twice));
        }
    }
    arena_fini(&a);
    return 0;
}
