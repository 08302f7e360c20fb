/* What can be read in a text, and which texts look the same. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <utf8proc.h>

#include "madang/buf.h"
#include "madang/fold.h"
#include "madang/load.h"
#include "madang/shape.h"

#define CASE_BYTES 65536

static struct text read_case(struct arena *a, const char *path)
{
    struct text out;

    assert_true(file_load(a, path, CASE_BYTES, &out));
    return out;
}

/* The case is a list of JSON strings; each is wrapped to be an object of its own. */
struct line {
    struct text text;
};
static const struct field prose_fields[] = { FIELD(struct line, text, .len_min = 1, .prose = PROSE) };
static const struct shape prose_shape = SHAPE("Prose", struct line, prose_fields);
struct lines {
    LIST_OF(struct text) all;
};
static const struct field lines_fields[] = { FIELD_LIST(struct lines, all) };
static const struct shape lines_shape = SHAPE("Lines", struct lines, lines_fields);

static problem decode(struct arena *a, const struct shape *s, struct text json, void *out)
{
    struct shape_input in = { .json = json };
    struct field_faults faults;

    return shape_decode(s, a, &in, out, &faults);
}

static struct text wrapped(struct arena *a, const char *name, struct text json)
{
    return arena_printf(a, "{\"%s\":%.*s}", name, TEXT_ARG(json));
}

static struct text quoted(struct arena *a, struct text t)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_put_json_string(&b, t);
    return arena_buf(a, &b);
}

static void test_nothing_to_read(void **state)
{
    static const uint32_t more[] = { 0x2028, 0x2029,  0x2060,  0x2066,  0x061C,  0x034F,  0x115F, 0x1160, 0xFFA0, 0xFE0F,
                                     0x180E, 0xE0001, 0xE0061, 0xE0100, 0xE0FFF, 0x1D159, 0x205F, 0x1680, 0x85 };
    static const char *const seen[] = { ".", "0", "ㅋ", "👍", "\u3164a" };
    struct lines lines;
    struct line line;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    assert_null(decode(&a, &lines_shape, wrapped(&a, "all", read_case(&a, "tests/cases/blank.json")), &lines));
    assert_int_equal(lines.all.count, 11);
    for (size_t i = 0; i < lines.all.count; i++) {
        assert_true(text_is_blank(lines.all.at[i]));
        assert_ptr_equal(decode(&a, &prose_shape, wrapped(&a, "text", quoted(&a, lines.all.at[i])), &line),
                         PROBLEM(FIELDS_INVALID));
    }
    for (size_t i = 0; i < COUNT_OF(more); i++) {
        utf8proc_uint8_t bytes[4];

        assert_true(text_is_blank((struct text){ (char *)bytes, (size_t)utf8proc_encode_char((int32_t)more[i], bytes) }));
    }
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        assert_false(text_is_blank(text_of(seen[i])));
    assert_true(text_is_blank(T("")));
    arena_fini(&a);
}

static void test_titles(void **state)
{
    static const struct {
        struct text in, out;
    } rows[] = {
        { TEXT_INIT("상담 방"), TEXT_INIT("상담 방") },
        { TEXT_INIT("a\u202egnp.exe"), TEXT_INIT("agnp.exe") },
        { TEXT_INIT("a\u200b\u3164b\nc"), TEXT_INIT("ab c") },
        { TEXT_INIT("👩\u200d👧 ❤\ufe0f"), TEXT_INIT("👩\u200d👧 ❤\ufe0f") },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(text_is(text_title(&a, rows[i].in), rows[i].out));
    arena_fini(&a);
}

static void test_folds(void **state)
{
    static const struct {
        struct text in, out;
    } rows[] = {
        { TEXT_INIT("SUICIDE"), TEXT_INIT("suicide") },
        { TEXT_INIT("sui\u00adcide"), TEXT_INIT("suicide") },
        { TEXT_INIT("ｓｕｉｃｉｄｅ"), TEXT_INIT("suicide") },
        { TEXT_INIT("ѕuісіdе"), TEXT_INIT("suicide") }, /* five of them Cyrillic */
        { TEXT_INIT("ΡΑΥΡΑL Straße É"), TEXT_INIT("paupalstrassee") },
        { TEXT_INIT("죽고\u3000싶\u200b어\u2800요"), TEXT_INIT("죽고싶어요") },
        { TEXT_INIT("ㅈㅏㅅㅏㄹ"), TEXT_INIT("자살") },
        { TEXT_INIT("자ㅅㅏㄹㅎㅏ고 싶ㅇㅓ"), TEXT_INIT("자살하고싶어") },
        { TEXT_INIT("ㅋㅋ 하ㅏ"), TEXT_INIT("ᄏᄏ하ᅡ") },
        { TEXT_INIT(""), TEXT_INIT("") },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct text typed = text_fold_hangul(&a, text_fold(&a, rows[i].in));

        assert_int_equal(typed.len, rows[i].out.len);
        assert_true(text_is(typed, rows[i].out));
    }
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_read),
        cmocka_unit_test(test_titles),
        cmocka_unit_test(test_folds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
