/* At most one event in so many milliseconds for each topic, and then the latest. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "madang/pace.h"
#include "madang/store.h"

#define EVERY_MS 200
#define SAYS_MS 1000
#define TOPICS 50

struct count {
    int64_t is;
};
static const struct field count_fields[] = { FIELD(struct count, is) };
static const struct shape count_shape = SHAPE("Count", struct count, count_fields);
static const struct event_def count_event = { "test.count", &count_shape, "test:{id}", false, "A count." };

static int64_t now[TOPICS], told[TOPICS];
static size_t events[TOPICS];
static uint64_t last_ms[TOPICS];
static bool quiet;

static size_t topic_number(struct text topic)
{
    int64_t n = -1;

    assert_true(text_skip(&topic, T("test:")) && text_to_i64(topic, &n) && n >= 0 && n < TOPICS);
    return (size_t)n;
}

static const void *make(struct call *c, struct text topic)
{
    struct count *out = arena_new(c->arena, struct count);

    out->is = now[topic_number(topic)];
    return quiet ? NULL : out;
}
static struct pace pace = { .every_ms = EVERY_MS, .event = &count_event, .make = make };

static void on_publish(const struct published *p)
{
    size_t i = topic_number(p->topic);

    assert_true(events[i] == 0 || clock_ms() >= last_ms[i] + EVERY_MS);
    last_ms[i] = clock_ms();
    events[i]++;
    told[i] = now[i];
}

static void say(size_t i)
{
    char name[16];

    now[i]++;
    pace_say(&pace, (struct text){ name, (size_t)snprintf(name, sizeof name, "test:%zu", i) });
}

static struct timer talk;
static uint64_t began_ms;

/* Topic 0 hundreds of times, the others once each, spread over the time. */
static void on_talk(struct timer *t)
{
    uint64_t past = clock_ms() - began_ms;

    say(0);
    for (size_t i = 1; i < TOPICS; i++)
        if (now[i] == 0 && past >= i * SAYS_MS / TOPICS)
            say(i);
    if (past < SAYS_MS)
        timer_set_after(t, 1);
}

static void on_end(struct timer *t)
{
    (void)t;
}

static void run(uint64_t ms)
{
    struct timer end;

    timer_init(&end, on_end);
    timer_set_after(&end, ms);
    while (timer_is_set(&end))
        uv_run(loop_uv(), UV_RUN_ONCE);
}

static void latest_and_no_more(void **state)
{
    (void)state;
    loop_start();
    tx_set_publisher(on_publish, NULL);
    pace_start(&pace);
    began_ms = clock_ms();
    timer_init(&talk, on_talk);
    timer_set_after(&talk, 1);
    run(SAYS_MS + 3 * EVERY_MS);
    for (size_t i = 0; i < TOPICS; i++)
        assert_int_equal(told[i], now[i]);
    assert_true(now[0] > 10 && events[0] >= 2 && (int64_t)events[0] < now[0]);
    for (size_t i = 1; i < TOPICS; i++)
        assert_int_equal(events[i], 1);
    assert_int_equal(pace.topics.count, 0); /* nothing is remembered for longer than it matters */

    say(3);
    last_ms[3] = 0;
    pace_now(&pace, T("test:3"));
    assert_int_equal(told[3], now[3]);
    pace_now(&pace, T("test:3")); /* nothing waits */
    assert_int_equal(events[3], 2);
    say(3);
    last_ms[3] = 0;
    pace_stop(&pace); /* what waits is told */
    assert_int_equal(told[3], now[3]);
    loop_close();
}

static void nothing_to_say(void **state)
{
    size_t before = events[1];

    (void)state;
    loop_start();
    pace_start(&pace);
    quiet = true;
    say(1);
    run(50);
    assert_int_equal(events[1], before);
    quiet = false;
    pace_stop(&pace);
    loop_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(latest_and_no_more), cmocka_unit_test(nothing_to_say) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
