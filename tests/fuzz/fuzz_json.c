/* JSON by shape: what is decoded encodes to something that decodes to the same. */
#include "madang/shape.h"

static const char *const colour_names[] = { "red", "green" };
static const struct words colours = WORDS(colour_names);
struct inner {
    int64_t n;
    struct opt_text t;
};
static const struct field inner_fields[] = { FIELD(struct inner, n), FIELD(struct inner, t) };
static const struct shape inner_shape = SHAPE("Inner", struct inner, inner_fields);
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
    FIELD_MAYBE(struct outer, maybe, .shape = &inner_shape),
};
static const struct shape outer_shape = SHAPE("Outer", struct outer, outer_fields);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shape_input in = { .json = { (const char *)data, size } };
    struct field_faults faults;
    struct text once, twice;
    struct outer o;
    struct arena a;

    arena_init(&a, 1 << 24);
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
