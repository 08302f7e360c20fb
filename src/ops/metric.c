#include "madang/metric.h"

static int64_t values[METRIC_COUNT];
static struct metric_source *sources;

static const struct {
    const char *kind, *name, *says;
} rows[METRIC_COUNT] = {
#define X_METRIC(id, kind, name, says) [METRIC_##id] = { #kind, name, says },
#include "madang/rows.h"
};

void metric_add(enum metric m, int64_t by)
{
    values[m] += by;
}

void metric_set(enum metric m, int64_t to)
{
    values[m] = to;
}

void metric_source_add(struct metric_source *s)
{
    s->next = sources;
    sources = s;
}

void metrics_print(struct buf *out)
{
    for (struct metric_source *s = sources; s; s = s->next)
        if (s->before)
            s->before();
    for (size_t i = 0; i < METRIC_COUNT; i++)
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", rows[i].name, rows[i].says, rows[i].name, rows[i].kind,
                   rows[i].name, (long long)values[i]);
    for (struct metric_source *s = sources; s; s = s->next)
        if (s->print)
            s->print(out);
}

static uint64_t bucket_bound(size_t i)
{
    return UINT64_C(64) << i;
}

void histogram_add(struct histogram *h, uint64_t us)
{
    size_t i = 0;

    while (i < HISTOGRAM_BUCKETS - 1 && us > bucket_bound(i))
        i++;
    h->buckets[i]++;
    h->count++;
    h->total_us += us;
}

void histogram_print(const struct histogram *h, const char *name, const char *labels, struct buf *out)
{
    uint64_t below = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        below += h->buckets[i];
        buf_printf(out, "%s_bucket{%s,le=\"%.6f\"} %llu\n", name, labels, (double)bucket_bound(i) / 1e6,
                   (unsigned long long)below);
    }
    buf_printf(out, "%s_bucket{%s,le=\"+Inf\"} %llu\n%s_sum{%s} %.6f\n%s_count{%s} %llu\n", name, labels,
               (unsigned long long)h->count, name, labels, (double)h->total_us / 1e6, name, labels, (unsigned long long)h->count);
}
