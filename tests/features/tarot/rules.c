/* What of a reading others may see. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <unistd.h>

#include "features/tarot/tarot_public.h"
#include "madang/buf.h"

#define LINES 20
#define PATIENCE_S 60 /* of a loop that all others wait for; it took minutes */

static struct text again_and_again(struct arena *a, struct text what, size_t count)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    while (count--)
        buf_put(&b, what);
    return arena_buf(a, &b);
}

/* Whoever gets the reader to say one thing over and over, having said it, must not hold everybody up with each view. */
static void test_said_over_and_over(void **state)
{
    struct tarot_line lines[LINES];
    struct arena a;

    (void)state;
    arena_init(&a, 64 << 20);
    for (size_t i = 0; i < LINES; i++)
        lines[i] = (struct tarot_line){ .by = { BY_VISITOR }, .body = again_and_again(&a, T("ㅋ"), 1000) };
    alarm(PATIENCE_S);
    assert_true(text_is(tarot_reading_for_others(&a, again_and_again(&a, T("ㅋ"), 20000), lines, LINES, T("")), T("")));
    alarm(0);
    arena_fini(&a);
}

static void test_what_stays(void **state)
{
    static const struct {
        struct text reading, said, out;
    } rows[] = {
        { TEXT_INIT("The Sun shines. You lost your red umbrella on Monday. Rest."), TEXT_INIT("I lost my red umbrella on Monday"),
          TEXT_INIT("The Sun shines. Rest.") },
        { TEXT_INIT("The Sun shines. Rest."), TEXT_INIT("I lost my red umbrella on Monday"), TEXT_INIT("The Sun shines. Rest.") },
        { TEXT_INIT("haha haha haha haha haha haha. Rest. haha haha haha haha haha haha."),
          TEXT_INIT("haha haha haha haha haha haha haha"), TEXT_INIT("Rest. ") },
        { TEXT_INIT("An answer: yesyes. Rest."), TEXT_INIT("yesyes"), TEXT_INIT("Rest.") },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tarot_line line = { .by = { BY_VISITOR }, .body = rows[i].said };
        struct text out = tarot_reading_for_others(&a, rows[i].reading, &line, 1, T(""));

        assert_int_equal(out.len, rows[i].out.len);
        assert_true(text_is(out, rows[i].out));
    }
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_stays), cmocka_unit_test(test_said_over_and_over) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
