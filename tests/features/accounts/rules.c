/* Rules about people: how old somebody is, what may be a name and an address, how long a wrong password is paid for. */
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
        assert_int_equal(person_age_at(birth, now) >= 14, text_starts(rest, T("-> 201")) || text_ends(rest, T("birthday")));
        lines++;
    }
    assert_int_equal(lines, 3);
    assert_int_equal(person_age_at((struct date){ 2012, 2, 29 }, (struct instant){ INT64_C(1772290800000000) - 1 }), 13);
    assert_int_equal(person_age_at((struct date){ 2012, 2, 29 }, (struct instant){ INT64_C(1772290800000000) }),
                     14); /* 1 March 2026 */
    assert_int_equal(person_age_at((struct date){ 1899, 12, 31 }, now), -1);
    assert_true(person_age_at((struct date){ 2026, 11, 27 }, now) < 0);
    arena_fini(&a);
}

static void test_names_paths_addresses(void **state)
{
    static const struct {
        struct text in;
        bool ok;
    } nicknames[] = {
        { TEXT_INIT("ab"), true },   { TEXT_INIT("마당Madang1"), true },
        { TEXT_INIT("a"), false },   { TEXT_INIT("01234567890123456"), false },
        { TEXT_INIT("a b"), false }, { TEXT_INIT("ㅁㅁ"), false },
        { TEXT_INIT("a_b"), false },
    };
    static const struct {
        struct text in;
        bool ok;
    } paths[] = {
        { TEXT_INIT("/"), true },        { TEXT_INIT("/chats/3?x=1"), true },          { TEXT_INIT("//evil.example"), false },
        { TEXT_INIT("/\\evil"), false }, { TEXT_INIT("https://evil.example"), false }, { TEXT_INIT(""), false },
        { TEXT_INIT("/a\nb"), false },
    };
    static const struct {
        struct text in;
        bool ok;
    } emails[] = {
        { TEXT_INIT("a@b.kr"), true },    { TEXT_INIT("a.b+c@d-e.co.kr"), true },        { TEXT_INIT("a@b"), false },
        { TEXT_INIT("@b.kr"), false },    { TEXT_INIT("a@b.kr\r\nBcc: c@d.kr"), false }, { TEXT_INIT("a b@c.kr"), false },
        { TEXT_INIT("a@b@c.kr"), false },
    };
    struct instant now;
    struct arena a;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(nicknames); i++)
        assert_int_equal(nickname_is_valid(nicknames[i].in), nicknames[i].ok);
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        assert_int_equal(oauth_return_path_is_ours(paths[i].in), paths[i].ok);
    for (size_t i = 0; i < COUNT_OF(emails); i++)
        assert_int_equal(account_email_is_valid(emails[i].in), emails[i].ok);
    arena_init(&a, 1 << 20);
    assert_true(instant_parse(T("2026-11-19T15:00:00Z"), &now)); /* the 20th, in Korea */
    assert_string_equal(person_age_band(&a, (struct date){ 1996, 11, 21 }, now).at, "20s late");
    assert_string_equal(person_age_band(&a, (struct date){ 1996, 11, 20 }, now).at, "30s early");
    assert_int_equal(login_failure_wait_s(4, 5), 0);
    assert_int_equal(login_failure_wait_s(5, 5), 30);
    assert_int_equal(login_failure_wait_s(50, 5), 900);
    arena_fini(&a);
}

static void test_what_looks_the_same(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    assert_true(text_is(nickname_fold(&a, T("I1l0O")), nickname_fold(&a, T("lllOo"))));
    assert_false(text_is(nickname_fold(&a, T("마당1")), nickname_fold(&a, T("마당2"))));
    assert_true(text_is(account_email_normal(&a, T("Ab.C@Example.COM")), T("ab.c@example.com")));
    arena_fini(&a);
}

static void test_codes_and_sessions(void **state)
{
    (void)state;
    assert_true(code_six_digits(T("012345")));
    assert_false(code_six_digits(T("12345")) || code_six_digits(T("1234567")) || code_six_digits(T("12345a")) ||
                 code_six_digits(T("")));
    assert_true(session_id_is_valid(T("abcDEF-_0123456789abcd")));
    assert_false(session_id_is_valid(T("abcDEF-_0123456789abc")) || session_id_is_valid(T("abcDEF*_0123456789abcd")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_age_by_the_day_in_korea),
        cmocka_unit_test(test_names_paths_addresses),
        cmocka_unit_test(test_what_looks_the_same),
        cmocka_unit_test(test_codes_and_sessions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
