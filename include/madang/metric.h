/* ops: metric — counters and gauges as one table (src/ops/metrics.def), printed for Prometheus.
 *
 * A counter only grows; a gauge is set or asked for at scraping time. Labelled families (calls, pools) print themselves
 * through metric_source_add(), so that label values stay few.
 */
#ifndef MADANG_METRIC_H
#define MADANG_METRIC_H

#include "madang/buf.h"

enum metric {
#define X_METRIC(id, kind, name, says) METRIC_##id,
#include "madang/rows.h"
    METRIC_COUNT
};

void metric_add(enum metric m, int64_t by);
void metric_set(enum metric m, int64_t to);

/* print() writes whole families in the text format; before() refreshes gauges. Either may be NULL. */
struct metric_source {
    void (*before)(void);
    void (*print)(struct buf *out);
    struct metric_source *next;
};
void metric_source_add(struct metric_source *s); /* `s` must outlive the process's serving */
void metrics_print(struct buf *out);

/* A histogram of microseconds in powers of two from 64 µs to about 4 s. */
#define HISTOGRAM_BUCKETS 17
struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS], count, total_us;
};
void histogram_add(struct histogram *h, uint64_t us);
void histogram_print(const struct histogram *h, const char *name, const char *labels, struct buf *out);

#endif
