/* Rules about people: how old somebody is, what can be read in a text, and which texts look the same. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "features/accounts/accounts_rules.h"
#include "madang/load.h"

#define CASE_BYTES 65536

static struct text read_case(struct arena *a, const char *path)
{
    struct text out;

    assert_true(file_load(a, path, CASE_BYTES, &out));
    return out;
}

/* A line of the case: "birth_date 2012-11-26 -> …", and whether fourteen years are full by then. */
static void test_age_by_the_day_in_korea(void **state)
{
    struct instant now;
    struct text all;
    struct arena a;
    int lines = 0;

    (void)state;
    arena_init(&a, 1 << 20);
    all = read_case(&a, "tests/cases/age.txt");
    assert_true(text_starts(all, T("the clock: 2026-11-25 20:00 UTC")));
    assert_true(instant_parse(T("2026-11-25T20:00:00Z"), &now));
    while (all.len) {
        struct text line = text_cut(all, '\n', &all), rest;
        struct date birth;

        if (!text_skip(&line, T("birth_date ")))
            continue;
        assert_true(date_parse(text_cut(line, ' ', &rest), &birth));
        assert_int_equal(age_at(birth, now) >= 14, text_starts(rest, T("-> 201")) || text_ends(rest, T("birthday")));
        lines++;
    }
    assert_int_equal(lines, 3);
    assert_int_equal(age_at((struct date){ 2012, 2, 29 }, (struct instant){ INT64_C(1772290800000000) - 1 }), 13);
    assert_int_equal(age_at((struct date){ 2012, 2, 29 }, (struct instant){ INT64_C(1772290800000000) }), 14); /* 1 March 2026 */
    assert_int_equal(age_at((struct date){ 1899, 12, 31 }, now), -1);
    assert_true(age_at((struct date){ 2026, 11, 27 }, now) < 0);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_age_by_the_day_in_korea),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
