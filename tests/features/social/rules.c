/* What a client may call a message, and who may be asked. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "features/social/social_rules.h"

static void test_client_ids(void **state)
{
    static const struct {
        struct text in;
        bool ok;
    } rows[] = {
        { TEXT_INIT("abcdEF-_"), true },
        { TEXT_INIT("abcdefg"), false },
        { TEXT_INIT(""), false },
        { TEXT_INIT("abcdefg h"), false },
        { TEXT_INIT("abcdefg\n"), false },
        { TEXT_INIT("가나다라마바사아"), false },
        { TEXT_INIT("0123456789012345678901234567890123456789012345678901234567890123"), true },
        { TEXT_INIT("01234567890123456789012345678901234567890123456789012345678901234"), false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(dm_client_id_is_valid(rows[i].in), rows[i].ok);
}

static void test_requests(void **state)
{
    (void)state;
    assert_null(friend_request_refusal(STRANGERS));
    assert_null(friend_request_refusal(RECEIVED)); /* both want it: it is made */
    assert_ptr_equal(friend_request_refusal(FRIEND), PROBLEM(FRIEND_ALREADY));
    assert_ptr_equal(friend_request_refusal(SENT), PROBLEM(FRIEND_REQUESTED));
    assert_ptr_equal(friend_request_refusal(BLOCKED), PROBLEM(BLOCKED));
    assert_ptr_equal(friend_request_refusal(BLOCKING), PROBLEM(BLOCKED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_ids),
        cmocka_unit_test(test_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
