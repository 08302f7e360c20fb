/* Timers on a machine that has been up for long: around the end of 32 bits of ticks. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "madang/loop.h"

#define TICK_MS 16
#define ALARMS 400

uint64_t __real_clock_ms(void);
uint64_t __wrap_clock_ms(void);
static uint64_t shift_ms;

uint64_t __wrap_clock_ms(void)
{
    return __real_clock_ms() + shift_ms;
}

static struct alarm {
    struct timer timer;
    uint64_t at_ms;
    bool fired;
} alarms[ALARMS];
static size_t left;

static void on_fire(struct timer *t)
{
    struct alarm *a = CONTAINER_OF(t, struct alarm, timer);

    assert_true(clock_ms() >= a->at_ms);
    a->fired = true;
    left--;
}

/* Half of them beyond the end, some put off over it, some called nearer again. */
static void set_all(void)
{
    uint64_t now = clock_ms();

    for (size_t i = 0; i < ALARMS; i++) {
        struct alarm *a = &alarms[i];

        timer_init(&a->timer, on_fire);
        a->at_ms = now + 10 + i;
        if (i % 3 == 1)
            timer_set(&a->timer, now + 1);
        if (i % 3 == 2)
            timer_set(&a->timer, now + 20000 + i);
        timer_set(&a->timer, a->at_ms);
    }
    left = ALARMS;
}

static void run_at(uint64_t uptime_ms)
{
    static struct timer far;

    shift_ms = uptime_ms - __real_clock_ms();
    loop_start();
    set_all();
    timer_init(&far, on_fire);
    timer_set(&far, clock_ms() + (UINT64_C(1) << 40)); /* 34 years: it may not come first */
    while (left)
        uv_run(loop_uv(), UV_RUN_ONCE);
    timer_clear(&far);
    for (size_t i = 0; i < ALARMS; i++)
        assert_true(alarms[i].fired);
    loop_close();
}

static void test_end_of_ticks(void **state)
{
    static const uint64_t ends[] = { UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(1) << 33 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        run_at(ends[i] * TICK_MS - ALARMS / 2);
    run_at(TICK_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_end_of_ticks) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
