/* Tasks, waits, children, timers, thread-pool work. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "madang/worker.h"

static int steps[16], count;

static void step(int n)
{
    steps[count++] = n;
}

static struct timer tick;
static struct wait shared;

static void on_tick(struct timer *t)
{
    (void)t;
    step(2);
    wait_done(&shared, PROBLEM(CONFLICT));
}

static void never(struct wait *w)
{
    wait_done(w, NULL);
}

static void waiter(struct task *t, void *arg)
{
    (void)arg;
    step(1);
    wait_init(&shared, never);
    timer_init(&tick, on_tick);
    timer_set_after(&tick, 20);
    assert_ptr_equal(task_wait(t, &shared, 0), PROBLEM(CONFLICT));
    step(3);
}

static void test_a_wait_ends_with_its_result(void **state)
{
    (void)state;
    count = 0;
    task_start("waiter", 0, waiter, NULL);
    assert_int_equal(count, 0); /* nothing runs inside the call that started it */
    loop_run();
    assert_int_equal(count, 3);
    assert_int_equal(task_count(), 0);
}

static void late(struct task *t, void *arg)
{
    uint64_t began = clock_ms();
    struct wait w;

    (void)arg;
    wait_init(&w, never);
    assert_ptr_equal(task_wait(t, &w, clock_ms() + 50), PROBLEM(DEADLINE));
    assert_true(clock_ms() - began >= 50);
    assert_null(task_sleep(t, 20));
}

static void test_a_deadline_cancels(void **state)
{
    (void)state;
    task_start("late", 0, late, NULL);
    loop_run();
}

static bool let_go;
static struct wait *asked;
static struct timer release_timer;

static void ask(struct wait *w)
{
    asked = w; /* the subsystem still points into the frame */
}

static void on_release(struct timer *t)
{
    (void)t;
    let_go = true;
    wait_done(asked, NULL);
}

static void two_phase(struct task *t, void *arg)
{
    struct wait w;

    (void)arg;
    wait_init(&w, ask);
    timer_init(&release_timer, on_release);
    timer_set_after(&release_timer, 80);
    assert_ptr_equal(task_wait(t, &w, clock_ms() + 10), PROBLEM(DEADLINE));
    assert_true(let_go); /* it stayed parked until then */
}

static void test_cancelling_has_two_phases(void **state)
{
    (void)state;
    task_start("two-phase", 0, two_phase, NULL);
    loop_run();
}

static int children_done;

static void child(struct task *t, void *arg)
{
    problem p = task_sleep(t, (uint64_t)(uintptr_t)arg);

    assert_true(p == NULL || p == PROBLEM(CANCELLED));
    children_done += 1 + (p == PROBLEM(CANCELLED)) * 100;
}

static void parent(struct task *t, void *arg)
{
    struct scope s;

    (void)arg;
    scope_open(&s, t);
    for (uintptr_t i = 1; i <= 5; i++)
        scope_start(&s, "child", child, (void *)(i * 10));
    scope_join(&s);
    assert_int_equal(children_done, 5);
    children_done = 0;
    scope_open(&s, t);
    scope_start(&s, "child", child, (void *)100000);
    scope_cancel(&s);
    scope_join(&s);
    assert_int_equal(children_done, 101);
}

static void test_children_never_outlive_their_scope(void **state)
{
    (void)state;
    task_start("parent", 0, parent, NULL);
    loop_run();
    assert_int_equal(task_count(), 0);
}

static void slow(void *arg)
{
    uv_sleep(20);
    *(int *)arg += 1;
}

static void user(struct task *t, void *arg)
{
    int *refused = arg, done = 0;
    problem p = worker_run(t, WORKER_IMAGE, slow, &done);

    if (p == PROBLEM(OVERLOADED))
        ++*refused;
    else
        assert_int_equal(done, 1);
}

static void test_work_has_bounds(void **state)
{
    int refused = 0;

    (void)state;
    worker_limits(WORKER_IMAGE, 1, 2);
    for (int i = 0; i < 5; i++)
        task_start("user", 0, user, &refused);
    loop_run();
    assert_int_equal(refused, 2);
    assert_int_equal(worker_info(WORKER_IMAGE).done, 3);
}

static int fired;

struct alarm {
    struct timer timer;
    uint64_t at_ms;
};

static void on_fire(struct timer *t)
{
    const struct alarm *a = CONTAINER_OF(t, struct alarm, timer);

    assert_true(clock_ms() >= a->at_ms);
    assert_true(clock_ms() < a->at_ms + 5000); /* not forgotten for a round */
    fired++;
}

static void alarm_set(struct alarm *a, uint64_t after_ms)
{
    a->at_ms = clock_ms() + after_ms;
    timer_set(&a->timer, a->at_ms);
}

static void test_timers_of_all_lengths(void **state)
{
    static struct alarm alarms[200];

    (void)state;
    fired = 0;
    for (size_t i = 0; i < COUNT_OF(alarms); i++) {
        timer_init(&alarms[i].timer, on_fire);
        alarm_set(&alarms[i], i * 7 % 500);
    }
    for (size_t i = 0; i < COUNT_OF(alarms); i += 2)
        timer_clear(&alarms[i].timer);
    loop_run();
    assert_int_equal(fired, 100);
}

/* Later and later, then earlier again, cleared and set anew: none early, none twice, none lost. */
static void test_timers_put_off(void **state)
{
    static struct alarm alarms[200];

    (void)state;
    fired = 0;
    for (size_t i = 0; i < COUNT_OF(alarms); i++) {
        timer_init(&alarms[i].timer, on_fire);
        alarm_set(&alarms[i], i * 7 % 300);
        alarm_set(&alarms[i], 300 + i * 11 % 300);
        if (i % 4 == 1)
            alarm_set(&alarms[i], 40000); /* further than the wheel goes round */
        if (i % 2)
            alarm_set(&alarms[i], 100 + i * 13 % 400);
        if (i % 3)
            timer_clear(&alarms[i].timer);
        if (i % 3 == 1)
            alarm_set(&alarms[i], i * 3 % 200);
    }
    loop_run();
    assert_int_equal(fired, 134); /* all but those with i % 3 == 2 */
}

static void deep(struct task *t, void *arg)
{
    volatile char frame[3000];

    memset((char *)(uintptr_t)frame, (int)(uintptr_t)arg, sizeof frame);
    assert_null(task_sleep(t, 10 + (uintptr_t)arg % 20));
    for (size_t i = 0; i < sizeof frame; i++)
        assert_int_equal(frame[i], (char)(uintptr_t)arg);
}

static void test_many_stacks_keep_their_frames(void **state)
{
    (void)state;
    for (uintptr_t i = 0; i < 1000; i++)
        task_start("deep", 0, deep, (void *)(i % 100));
    assert_int_equal(task_count(), 1000);
    loop_run();
    assert_int_equal(task_count(), 0);
}

static int start(void **state)
{
    (void)state;
    loop_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    loop_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wait_ends_with_its_result),
        cmocka_unit_test(test_a_deadline_cancels),
        cmocka_unit_test(test_cancelling_has_two_phases),
        cmocka_unit_test(test_children_never_outlive_their_scope),
        cmocka_unit_test(test_work_has_bounds),
        cmocka_unit_test(test_timers_of_all_lengths),
        cmocka_unit_test(test_timers_put_off),
        cmocka_unit_test(test_many_stacks_keep_their_frames),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
