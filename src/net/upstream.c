#include "upstream.h"

#include "madang/fault.h"
#include "madang/health.h"
#include "madang/metric.h"

#define UPSTREAMS_MAX 16
#define AT_ONCE 64

static struct upstream upstreams[UPSTREAMS_MAX];

static struct upstream *upstream_of(const char *name)
{
    for (size_t i = 0; i < UPSTREAMS_MAX; i++) {
        if (!upstreams[i].name)
            upstreams[i].name = name;
        if (strcmp(upstreams[i].name, name) == 0)
            return &upstreams[i];
    }
    CHECK(false);
    return NULL;
}

problem upstream_enter(struct call *c, const char *name, size_t at_once, struct upstream **out)
{
    struct upstream *u = upstream_of(name);

    CHECK(!task_foreign_is_forbidden(c->task));
    if (arena_is_over(c->arena) || u->running >= (at_once ? at_once : AT_ONCE) || FAULT(QUEUE_FULL))
        return PROBLEM(OVERLOADED);
    if (!breaker_admits(&u->breaker, clock_ms()))
        return call_retry_after(c, PROBLEM(UPSTREAM_UNAVAILABLE), BREAKER_OPEN_MS / 1000);
    u->running++;
    *out = u;
    return NULL;
}

void upstream_leave(struct upstream *u, bool failed, enum upstream_verdict verdict)
{
    u->running--;
    u->ok += !failed;
    u->failed += failed;
    if (verdict == UPSTREAM_UNTOLD)
        u->breaker.probing = false;
    else
        breaker_note(&u->breaker, verdict == UPSTREAM_ILL, clock_ms());
    metric_add(failed ? METRIC_OUTBOUND_FAILED : METRIC_OUTBOUND, 1);
}

static void print_upstreams(struct buf *out)
{
    buf_put_char(out, '[');
    for (size_t i = 0; i < UPSTREAMS_MAX && upstreams[i].name; i++)
        buf_printf(out, "%s{\"name\":\"%s\",\"running\":%zu,\"ok\":%llu,\"failed\":%llu,\"open\":%s}", i ? "," : "",
                   upstreams[i].name, upstreams[i].running, (unsigned long long)upstreams[i].ok,
                   (unsigned long long)upstreams[i].failed, upstreams[i].breaker.failures >= BREAKER_FAILURES ? "true" : "false");
    buf_put(out, T("]\n"));
}

void upstreams_start(void)
{
    static struct list_view view = { .name = "upstreams", .print = print_upstreams };

    list_view_add(&view);
}
