/* Shapes: every fault of an input at once, the three kinds of absence, encoding and the schema. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "data/pg_connection.h"
#include "madang/codec.h"
#include "madang/page.h"
#include "madang/redis.h"
#include "madang/shape.h"

enum colour { RED, GREEN };
static const char *const colour_names[] = { "red", "green" };
static const struct words colours = WORDS(colour_names);

struct inner {
    int64_t n;
};
static const struct field inner_fields[] = { FIELD(struct inner, n, .min = 1, .max = 9) };
static const struct shape inner_shape = SHAPE("Inner", struct inner, inner_fields);

struct sample {
    struct text name;
    int64_t times;
    bool loud;
    struct opt_text note;
    struct word colour;
    LIST_OF(struct inner) items;
    struct inner *maybe;
    struct opt_date day;
    struct counts seen;
    int64_t limit;
};
static const struct field fields[] = {
    FIELD(struct sample, name, .len_min = 1, .len_max = 4),
    FIELD(struct sample, times, .min = 1, .max = 9),
    FIELD(struct sample, loud),
    FIELD(struct sample, note),
    FIELD(struct sample, colour, .words = &colours),
    FIELD_LIST(struct sample, items, .shape = &inner_shape, .list_max = 2),
    FIELD_MAYBE(struct sample, maybe, .shape = &inner_shape),
    FIELD(struct sample, day),
    FIELD(struct sample, seen, .optional = true),
    FIELD(struct sample, limit, .min = 1, .max = 50, .optional = true, .otherwise = 20),
};
static const struct shape sample_shape = SHAPE("Sample", struct sample, fields);

static problem decode(struct arena *a, const char *json, struct sample *out, struct field_faults *faults)
{
    struct shape_input in = { .json = text_of(json) };

    return shape_decode(&sample_shape, a, &in, out, faults);
}

#define GOOD "{\"name\":\"한글\",\"times\":3,\"loud\":true,\"colour\":\"green\",\"items\":[{\"n\":1}]"

static void test_reals(void **state)
{
    static const struct field real_field[] = { { .name = "r", .name_len = 1, .kind = KIND_F64, .size = sizeof(double) } };
    static const struct shape real_shape = { .name = "Real", .size = sizeof(double), .fields = real_field, .count = 1 };
    static const struct {
        double value;
        struct text json;
    } rows[] = { { 0.5, TEXT_INIT("{\"r\":0.5}") },
                 { -0.0, TEXT_INIT("{\"r\":0}") },
                 { 1e300, TEXT_INIT("{\"r\":1.0000000000000001e+300}") } };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(text_is(shape_text(&real_shape, &rows[i].value, &a), rows[i].json));
    arena_fini(&a);
}

static void test_bounds_of_reals(void **state)
{
    struct spot {
        double lat;
        struct opt_f64 lng;
    };
    static const struct field spot_fields[] = { FIELD(struct spot, lat, .from = -90, .to = 90),
                                                FIELD(struct spot, lng, .from = -180, .to = 180) };
    static const struct shape shape = SHAPE("Spot", struct spot, spot_fields);
    static const struct {
        const char *json;
        bool good;
    } rows[] = {
        { "{\"lat\":90,\"lng\":-180}", true },  { "{\"lat\":-90.0}", true },
        { "{\"lat\":0,\"lng\":null}", true },   { "{\"lat\":90.0000001}", false },
        { "{\"lat\":1,\"lng\":180.5}", false }, { "{\"lat\":-91}", false },
        { "{\"lat\":1e308}", false },           { "{\"lat\":\"1\"}", false },
    };
    struct field_faults faults;
    struct spot s;
    struct arena a;
    struct buf b;

    (void)state;
    arena_init(&a, 1 << 20);
    shape_check(&shape);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct shape_input in = { .json = text_of(rows[i].json) };

        faults.count = 0;
        assert_int_equal(!shape_decode(&shape, &a, &in, &s, &faults), rows[i].good);
    }
    buf_init(&b, 4096);
    shape_schema(&shape, &b);
    assert_non_null(strstr(arena_buf(&a, &b).at, "\"lat\":{\"type\":\"number\",\"minimum\":-90,\"maximum\":90}"));
    arena_fini(&a);
}

static void test_lists_as_parameters(void **state)
{
    static const int64_t numbers[] = { 1, -2, INT64_MAX };
    static const struct text texts[] = { TEXT_INIT("plain"), TEXT_INIT("a \"b\" \\ c, {d}"), TEXT_INIT(""), TEXT_INIT("NULL") };
    struct value i = value_i64s(numbers, COUNT_OF(numbers)), t = value_texts(texts, COUNT_OF(texts)), none = value_texts(NULL, 0);
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    assert_string_equal(value_cstr(&i, &a), "{1,-2,9223372036854775807}");
    assert_string_equal(value_cstr(&t, &a), "{\"plain\",\"a \\\"b\\\" \\\\ c, {d}\",\"\",\"NULL\"}");
    assert_string_equal(value_cstr(&none, &a), "{}");
    arena_fini(&a);
}

static void test_good(void **state)
{
    struct field_faults faults;
    struct sample s;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    shape_check(&sample_shape);
    assert_null(
        decode(&a, GOOD ",\"note\":null,\"maybe\":{\"n\":2},\"day\":\"2024-02-29\",\"seen\":{\"room:1\":5}}", &s, &faults));
    assert_int_equal(s.note.is, NULL_VALUE);
    assert_int_equal(s.colour.value, GREEN);
    assert_int_equal(s.maybe->n, 2);
    assert_int_equal(s.day.value.day, 29);
    assert_int_equal(s.seen.at[0].count, 5);
    assert_int_equal(s.limit, 20);
    assert_true(text_is(shape_text(&sample_shape, &s, &a), T("{\"name\":\"한글\",\"times\":3,\"loud\":true,\"note\":null,"
                                                             "\"colour\":\"green\",\"items\":[{\"n\":1}],\"maybe\":{\"n\":2},"
                                                             "\"day\":\"2024-02-29\",\"seen\":{\"room:1\":5},\"limit\":20}")));
    assert_null(decode(&a, GOOD "}", &s, &faults));
    assert_int_equal(s.note.is, ABSENT);
    assert_null(s.maybe);
    arena_fini(&a);
}

static void test_all_faults_at_once(void **state)
{
    static const char *const pointers[] = { "/name",      "/times",         "/loud",  "/colour",
                                            "/items/1/n", "/items/2/extra", "/limit", "/what" };
    struct field_faults faults;
    struct sample s;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    assert_ptr_equal(decode(&a,
                            "{\"name\":\"12345\",\"times\":10,\"loud\":1,\"colour\":\"blue\",\"items\":[{\"n\":1},{\"n\":\"x\"}],"
                            "\"limit\":null,\"what\":1}",
                            &s, &faults),
                     PROBLEM(FIELDS_INVALID));
    assert_int_equal(faults.count, 7);
    for (size_t i = 0, k = 0; i < faults.count; i++, k++) {
        if (strcmp(pointers[k], "/items/2/extra") == 0)
            k++;
        assert_true(text_is(faults.at[i].pointer, text_of(pointers[k])));
        assert_true(strlen(faults.at[i].en) > 0 && strlen(faults.at[i].ko) > 0);
    }
    arena_fini(&a);
}

static void test_malformed(void **state)
{
    static const char *const rows[] = {
        "", "[]", "{", "{\"name\":\"a\",\"name\":\"b\"}", "{\"name\":\"\\ud800\"}", "{\"a\":\"\xff\"}", "null", "{}x"
    };
    struct field_faults faults;
    struct sample s;
    struct arena a;
    struct buf deep;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 1; i < COUNT_OF(rows); i++)
        assert_ptr_equal(decode(&a, rows[i], &s, &faults), PROBLEM(JSON_MALFORMED));
    buf_init(&deep, 1 << 20);
    for (int i = 0; i < 10000; i++)
        buf_put(&deep, T("{\"a\":"));
    buf_put_char(&deep, '\0');
    assert_ptr_equal(decode(&a, deep.at, &s, &faults), PROBLEM(JSON_MALFORMED));
    buf_fini(&deep);
    arena_fini(&a);
}

static void test_text_is_composed(void **state)
{
    struct field_faults faults;
    struct sample s;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    assert_null(decode(
        &a, "{\"name\":\"\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB\",\"times\":3,\"loud\":true,\"colour\":\"red\",\"items\":[]}", &s,
        &faults));
    assert_true(text_is(s.name, T("한")));
    arena_fini(&a);
}

static void test_columns(void **state)
{
    struct opt_i64 number = { 0 };
    struct instant at;
    bool flag;
    struct any_list list = { 0 };
    static const struct field number_field = { .name = "n", .name_len = 1, .kind = KIND_OPT_I64, .size = sizeof(struct opt_i64) };
    static const struct field instant_field = {
        .name = "at", .name_len = 2, .kind = KIND_INSTANT, .size = sizeof(struct instant)
    };
    static const struct field bool_field = { .name = "b", .name_len = 1, .kind = KIND_BOOL, .size = 1 };
    static const struct field list_field = {
        .name = "l", .name_len = 1, .kind = KIND_LIST, .item = KIND_I64, .size = sizeof(int64_t)
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    assert_true(field_from_column(&number_field, &a, T("-5"), &number) && number.is == PRESENT && number.value == -5);
    field_set_null(&number_field, &number);
    assert_int_equal(number.is, NULL_VALUE);
    assert_true(field_from_column(&instant_field, &a, T("2026-01-02 03:04:05.5+00"), &at));
    assert_true(field_from_column(&bool_field, &a, T("t"), &flag) && flag);
    assert_false(field_from_column(&bool_field, &a, T("x"), &flag));
    assert_true(field_from_column(&list_field, &a, T("[1, 2, 3]"), &list) && list.count == 3);
    assert_false(field_from_column(&list_field, &a, T("[1,"), &list));
    arena_fini(&a);
}

#define NUMBER(n)                           \
    {                                       \
        .kind = REDIS_NUMBER, .number = (n) \
    }
#define WORDS_OF(t)                                      \
    {                                                    \
        .kind = REDIS_TEXT, .text = { t, sizeof(t) - 1 } \
    }
#define REPLIES(array)                                              \
    {                                                               \
        .kind = REDIS_LIST, .at = (array), .count = COUNT_OF(array) \
    }

static void test_replies_by_name(void **state)
{
    struct redis_value one[] = { WORDS_OF("n"), NUMBER(1) }, two[] = { WORDS_OF("n"), WORDS_OF("2") },
                       items[] = { REPLIES(one), REPLIES(two) };
    struct redis_value members[] = { WORDS_OF("colour"), WORDS_OF("green"),    WORDS_OF("unknown"),
                                     NUMBER(1),          WORDS_OF("loud"),     NUMBER(1),
                                     WORDS_OF("items"),  REPLIES(items),       WORDS_OF("times"),
                                     WORDS_OF("7"),      WORDS_OF("name"),     WORDS_OF("한글"),
                                     WORDS_OF("note"),   { .kind = REDIS_NIL } };
    struct redis_value reply = REPLIES(members);
    struct sample out;
    struct arena a;

    (void)state;
    arena_init(&a, 65536);
    assert_null(redis_decode(&sample_shape, &a, &reply, &out));
    assert_true(text_is(out.name, T("한글")) && out.times == 7 && out.loud && out.colour.value == GREEN);
    assert_true(out.note.is == NULL_VALUE && out.items.count == 2 && out.items.at[0].n == 1 && out.items.at[1].n == 2);
    assert_true(redis_member(&reply, "times") == &members[9]);
    assert_null(redis_member(&reply, "other"));

    members[9] = (struct redis_value)WORDS_OF("many"); /* not a number */
    assert_ptr_equal(redis_decode(&sample_shape, &a, &reply, &out), PROBLEM(INTERNAL));
    members[9] = (struct redis_value){ .kind = REDIS_NIL }; /* not there, and has to be */
    assert_ptr_equal(redis_decode(&sample_shape, &a, &reply, &out), PROBLEM(INTERNAL));
    members[9] = (struct redis_value)NUMBER(7);
    members[1] = (struct redis_value)WORDS_OF("blue"); /* no such word */
    assert_ptr_equal(redis_decode(&sample_shape, &a, &reply, &out), PROBLEM(INTERNAL));
    members[1] = (struct redis_value)WORDS_OF("red");
    items[1] = (struct redis_value)NUMBER(1); /* no reply with names */
    assert_ptr_equal(redis_decode(&sample_shape, &a, &reply, &out), PROBLEM(INTERNAL));
    arena_fini(&a);
}

static struct text cursor_of(struct arena *a, const char *whole)
{
    return arena_printf(a, "c.%.*s", TEXT_ARG(base64url_encode(a, whole, strlen(whole))));
}

static void test_cursors(void **state)
{
    const struct cursor rows[] = {
        { .at = { PRESENT, { INT64_C(1767322845678901) } }, .id = { PRESENT, 7 } },
        { .at = { PRESENT, { -1 } }, .id = { PRESENT, 1 } },
        { .number = { PRESENT, INT64_MIN }, .id = { PRESENT, INT64_MAX } },
        { .text = { PRESENT, T("두 낱말, 그리고 - more \"of\" it") }, .id = { PRESENT, 3 } },
        { .text = { PRESENT, T("") }, .id = { PRESENT, 0 } },
    };
    static const int keys[] = { CURSOR_TIME, CURSOR_TIME, CURSOR_NUMBER, CURSOR_TEXT, CURSOR_TEXT };
    struct cursor back;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct text t = cursor_make(&a, T("things.list"), &rows[i]);

        assert_true(cursor_is_fit(t) && t.len <= CURSOR_LEN_MAX);
        assert_true(cursor_read(&a, T("things.list"), keys[i], t, &back));
        assert_int_equal(back.id.value, rows[i].id.value);
        assert_true(back.at.value.us == rows[i].at.value.us && back.number.value == rows[i].number.value);
        assert_true(text_is(back.text.value, rows[i].text.value) && back.text.is == rows[i].text.is);
        assert_false(cursor_read(&a, T("things.other"), keys[i] | CURSOR_OLD, t, &back));
        for (int key = CURSOR_TIME; key <= CURSOR_TEXT; key++)
            assert_true(key == keys[i] || !cursor_read(&a, T("things.list"), key, t, &back));
    }
    arena_fini(&a);
}

static void test_no_cursors(void **state)
{
    static const struct {
        const char *whole;
        int key;
    } rows[] = {
        { "x t 1", CURSOR_TIME },
        { "x t 1 ", CURSOR_TIME },
        { "x t 1 2 3", CURSOR_TIME },
        { "x t -a 2", CURSOR_TIME },
        { "x t 1 9223372036854775807", CURSOR_TIME }, /* no time that Postgres knows */
        { "x n 1 9223372036854775808", CURSOR_NUMBER },
        { "x", CURSOR_TEXT },
        { "", CURSOR_TEXT },
        { "x x 1 \xff", CURSOR_TEXT }, /* what Postgres would refuse as text */
    };
    static const struct {
        const char *t;
        int key;
        bool good;
    } old[] = {
        { "1767322845678901-7", CURSOR_TIME | CURSOR_OLD, true },
        { "1767322845678901-7", CURSOR_TIME, false },
        { "1767322845678901--7", CURSOR_TIME | CURSOR_OLD, false },
        { "-1-1", CURSOR_TIME | CURSOR_OLD, false },
        { "가나다", CURSOR_TEXT | CURSOR_OLD, true },
        { "가나다", CURSOR_TEXT, false },
        { "abcdefghijklmnopq", CURSOR_TEXT | CURSOR_OLD, false },
        { "1-1", CURSOR_NUMBER | CURSOR_OLD, false },
        { "c.%%", CURSOR_TEXT | CURSOR_OLD, false },
    };
    struct cursor out;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_false(cursor_read(&a, T("x"), rows[i].key, cursor_of(&a, rows[i].whole), &out));
    assert_true(cursor_read(&a, T("x"), CURSOR_TIME, cursor_of(&a, "x t 1 2"), &out));
    for (size_t i = 0; i < COUNT_OF(old); i++)
        assert_int_equal(cursor_read(&a, T("x"), old[i].key, text_of(old[i].t), &out), old[i].good);
    assert_false(cursor_is_fit(T("a b")));
    arena_fini(&a);
}

static void test_pages_are_cut(void **state)
{
    int64_t at[] = { 1, 2, 3 };
    LIST_OF(int64_t) list = { at, 3 };
    const int64_t *last;

    (void)state;
    assert_null(page_cut(&list, 3));
    last = page_cut(&list, 2);
    assert_non_null(last);
    assert_true(*last == 2 && list.count == 2);
    assert_null(page_cut(&list, 2));
}

/* --- one of several ---------------------------------------------------------------------------------------------------- */
enum op_kind { OP_ADD, OP_MOVE, OP_SET, OP_UNDO };
static const char *const op_names[] = { "add", "move", "set", "undo" };
static const struct words ops = WORDS(op_names);
struct op {
    struct word kind;
    int64_t id;
    union { /* one memory, one name on the wire where that is wanted */
        struct inner *item;
        int64_t to;
        struct opt_text text;
    };
    LIST_OF(int64_t) between;
};
static const struct field op_fields[] = {
    FIELD(struct op, kind, .words = &ops, .tag = true),
    FIELD(struct op, id, .min = 1),
    FIELD_MAYBE(struct op, item, .shape = &inner_shape, AS("value"), .when = IS(OP_ADD)),
    FIELD(struct op, to, .min = 1, .max = 9, .when = IS(OP_MOVE)),
    FIELD_LIST(struct op, between, .list_max = 2, .optional = true, .when = IS(OP_MOVE)),
    FIELD(struct op, text, .len_max = 3, AS("value"), .when = IS(OP_SET)),
};
static const struct shape op_shape = ONE_OF("Op", struct op, op_fields);
struct edit {
    LIST_OF(struct op) ops;
};
static const struct field edit_fields[] = { FIELD_LIST(struct edit, ops, .shape = &op_shape) };
static const struct shape edit_shape = SHAPE("Edit", struct edit, edit_fields);

struct either {
    int64_t id;
    struct inner *left, *right;
};
static const struct field either_fields[] = {
    FIELD(struct either, id),
    FIELD_MAYBE(struct either, left, .shape = &inner_shape, .when = ALTERNATIVE),
    FIELD_MAYBE(struct either, right, .shape = &inner_shape, .when = ALTERNATIVE),
};
static const struct shape either_shape = ONE_OF("Either", struct either, either_fields);

/* The pointers of all that is wrong, behind each other. */
static const char *faults_of(const struct shape *s, struct arena *a, const struct shape_input *in, void *out)
{
    struct field_faults faults = { .count = 0 };
    struct text all = T("");

    if (shape_decode(s, a, in, out, &faults) && faults.count == 0)
        return "no shape's fault";
    for (size_t i = 0; i < faults.count; i++)
        all = arena_printf(a, "%.*s%s%.*s", TEXT_ARG(all), i ? " " : "", TEXT_ARG(faults.at[i].pointer));
    return arena_printf(a, "%.*s", TEXT_ARG(all)).at;
}

static void test_one_of_by_tag(void **state)
{
    static const struct {
        const char *json, *wrong;
    } rows[] = {
        { "{\"ops\":[{\"kind\":\"add\",\"id\":1,\"value\":{\"n\":2}},{\"kind\":\"move\",\"id\":2,\"to\":3,\"between\":[1,2]},"
          "{\"kind\":\"set\",\"id\":3,\"value\":null},{\"kind\":\"set\",\"id\":3,\"value\":\"abc\"},{\"kind\":\"undo\",\"id\":4}]"
          "}",
          "" },
        { "{\"ops\":[{\"id\":1,\"to\":3,\"value\":true},{\"kind\":\"fly\",\"id\":1,\"to\":99},{\"kind\":null,\"id\":1},"
          "{\"kind\":\"fly\",\"id\":0,\"wings\":2}]}",
          "/ops/0/kind /ops/1/kind /ops/2/kind /ops/3/kind /ops/3/id /ops/3/wings" },
        { "{\"ops\":[{\"kind\":\"add\",\"id\":1},{\"kind\":\"add\",\"id\":1,\"value\":null},{\"kind\":\"add\",\"id\":1,\"value\":"
          "\"abc\"},"
          "{\"kind\":\"add\",\"id\":1,\"value\":{\"n\":99}},{\"kind\":\"move\",\"id\":1}]}",
          "/ops/0/value /ops/1/value /ops/2/value /ops/3/value/n /ops/4/to" },
        { "{\"ops\":[{\"kind\":\"move\",\"id\":1,\"to\":10,\"value\":1,\"between\":[1,2,3]},{\"kind\":\"undo\",\"id\":1,\"to\":1}"
          ","
          "{\"kind\":\"set\",\"id\":1,\"value\":\"abcd\"}]}",
          "/ops/0/to /ops/0/between /ops/0/value /ops/1/to /ops/2/value" },
    };
    struct edit e;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    shape_check(&edit_shape);
    shape_check(&op_shape);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(faults_of(&edit_shape, &a, &(struct shape_input){ .json = text_of(rows[i].json) }, &e),
                            rows[i].wrong);
    assert_string_equal(faults_of(&edit_shape, &a, &(struct shape_input){ .json = text_of(rows[0].json) }, &e), "");
    assert_true(e.ops.at[0].item->n == 2 && e.ops.at[1].to == 3 && e.ops.at[2].text.is == NULL_VALUE);
    assert_true(text_is(shape_text(&edit_shape, &e, &a), text_of(rows[0].json)));
    arena_fini(&a);
}

/* The tag may stand in the path. */
static void test_one_of_by_a_parameter(void **state)
{
    const struct pair pairs[] = { { T("kind"), T("move") }, { T("to"), T("3") } },
                      other[] = { { T("kind"), T("undo") }, { T("to"), T("3") } };
    struct shape_input in = { .json = T("{\"id\":1}"), .pairs = pairs, .pair_count = 2 };
    struct op o;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    assert_string_equal(faults_of(&op_shape, &a, &in, &o), "");
    assert_true(o.kind.value == OP_MOVE && o.to == 3);
    in.pairs = other;
    assert_string_equal(faults_of(&op_shape, &a, &in, &o), "/to");
    arena_fini(&a);
}

static void test_exactly_one(void **state)
{
    static const struct {
        const char *json, *wrong;
    } rows[] = {
        { "{\"id\":1,\"left\":{\"n\":1}}", "" },
        { "{\"id\":1,\"right\":{\"n\":1},\"left\":null}", "" },
        { "{\"id\":1}", "/left" },
        { "{\"left\":{\"n\":1},\"right\":{\"n\":99}}", "/id /right/n /left" },
        { "{\"id\":1,\"left\":null,\"right\":null}", "/left" },
    };
    struct either e;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    shape_check(&either_shape);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(faults_of(&either_shape, &a, &(struct shape_input){ .json = text_of(rows[i].json) }, &e),
                            rows[i].wrong);
    arena_fini(&a);
}

static void test_one_of_in_schemas(void **state)
{
    const char *schema;
    struct arena a;
    struct buf b;

    (void)state;
    arena_init(&a, 1 << 20);
    buf_init(&b, 8192);
    shape_schema(&op_shape, &b);
    schema = arena_buf(&a, &b).at;
    assert_non_null(strstr(schema, "{\"oneOf\":[{\"type\":\"object\",\"additionalProperties\":false,"
                                   "\"required\":[\"kind\",\"id\",\"value\"],\"properties\":{\"kind\":{\"const\":\"add\"},"));
    assert_non_null(strstr(schema, "\"value\":{\"$ref\":\"#/components/schemas/Inner\"}}},{"));
    assert_non_null(strstr(schema, "\"required\":[\"kind\",\"id\"],\"properties\":{\"kind\":{\"const\":\"undo\"}"));
    buf_init(&b, 8192);
    shape_schema(&either_shape, &b);
    schema = arena_buf(&a, &b).at;
    assert_non_null(strstr(schema, ",\"oneOf\":[{\"required\":[\"left\"],\"properties\":{\"left\":{\"type\":\"object\"}}},{"));
    arena_fini(&a);
}

/* --- text as it came, and lists in a query ------------------------------------------------------------------------------ */
#define DECOMPOSED "e\xcc\x81" /* é as two characters */
struct letters {
    struct text sent, kept;
};

static void test_raw_text(void **state)
{
    static const struct field letter_fields[] = { FIELD(struct letters, sent, .optional = true, .raw = true, .len_max = 2),
                                                  FIELD(struct letters, kept, .optional = true) };
    static const struct shape shape = SHAPE("Letters", struct letters, letter_fields);
    const struct pair with_nul[] = { { T("sent"), { "a\0b", 3 } } };
    struct letters l;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    shape_check(&shape);
    assert_string_equal(faults_of(&shape, &a,
                                  &(struct shape_input){ .json = T("{\"sent\":\"" DECOMPOSED "\",\"kept\":\"" DECOMPOSED "\"}") },
                                  &l),
                        "");
    assert_true(text_is(l.sent, T(DECOMPOSED)));
    assert_true(text_is(l.kept, T("é")));
    assert_string_equal(faults_of(&shape, &a, &(struct shape_input){ .json = T("{\"sent\":\"" DECOMPOSED "x\"}") }, &l), "/sent");
    assert_string_equal(faults_of(&shape, &a, &(struct shape_input){ .json = T("{\"sent\":\"\xff\"}") }, &l), "no shape's fault");
    assert_string_equal(faults_of(&shape, &a, &(struct shape_input){ .pairs = with_nul, .pair_count = 1 }, &l), "/sent");
    arena_fini(&a);
}

struct filter {
    LIST_OF(int64_t) ids;
    LIST_OF(struct word) colours;
    LIST_OF(struct text) names;
};
static const struct field filter_fields[] = {
    FIELD_LIST(struct filter, ids, .min = 1, .list_max = 3, .optional = true),
    FIELD_LIST(struct filter, colours, .words = &colours, .optional = true),
    FIELD_LIST(struct filter, names, .len_max = 4, .list_min = 1, .optional = true),
};
static const struct shape filter_shape = SHAPE("Filter", struct filter, filter_fields);

/* As exchange.c reads it: the value, decoded, and as it was sent. */
static const char *query(struct arena *a, const char *name, const char *raw, struct filter *out)
{
    struct pair pair = { .name = text_of(name), .raw = text_of(raw) };

    assert_true(percent_decode(a, pair.raw, true, &pair.value));
    return faults_of(&filter_shape, a, &(struct shape_input){ .pairs = &pair, .pair_count = 1 }, out);
}

static void test_lists_in_a_query(void **state)
{
    struct filter f;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    shape_check(&filter_shape);
    assert_string_equal(query(&a, "ids", "1,2,3", &f), "");
    assert_true(f.ids.count == 3 && f.ids.at[0] == 1 && f.ids.at[2] == 3);
    assert_string_equal(query(&a, "ids", "", &f), "");
    assert_int_equal(f.ids.count, 0);
    assert_string_equal(query(&a, "ids", "0,x,3", &f), "/ids/0 /ids/1");
    assert_string_equal(query(&a, "ids", "1,,2", &f), "/ids/1");
    assert_string_equal(query(&a, "ids", "1,2,3,4", &f), "/ids");
    assert_string_equal(query(&a, "ids", "1%2C2", &f), "/ids/0");
    assert_string_equal(query(&a, "colours", "green,blue,red", &f), "/colours/1");
    assert_string_equal(query(&a, "names", "a%2Cb,c+d,%ED%95%9C", &f), "");
    assert_true(f.names.count == 3 && text_is(f.names.at[0], T("a,b")) && text_is(f.names.at[1], T("c d")) &&
                text_is(f.names.at[2], T("한")));
    assert_string_equal(query(&a, "names", "", &f), "/names");
    assert_string_equal(query(&a, "names", "a,abcde", &f), "/names/1");
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reals),
        cmocka_unit_test(test_bounds_of_reals),
        cmocka_unit_test(test_lists_as_parameters),
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_all_faults_at_once),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_text_is_composed),
        cmocka_unit_test(test_cursors),
        cmocka_unit_test(test_no_cursors),
        cmocka_unit_test(test_pages_are_cut),
        cmocka_unit_test(test_one_of_by_tag),
        cmocka_unit_test(test_one_of_by_a_parameter),
        cmocka_unit_test(test_exactly_one),
        cmocka_unit_test(test_one_of_in_schemas),
        cmocka_unit_test(test_raw_text),
        cmocka_unit_test(test_lists_in_a_query),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_replies_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
