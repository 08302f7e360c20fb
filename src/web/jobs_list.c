/* What the operator sees of the jobs: how many of each kind wait, run and were given up; those given up, newest first. Asked for
 * every ten seconds beside the work itself, so that the list and the metrics cost the same whoever looks at them. */
#include "jobs.h"

#include "madang/health.h"
#include "madang/metric.h"

#define KINDS_MAX 256
#define DEAD_MAX 100
#define LIST_BYTES 65536

static const struct field kind_fields[] = {
    FIELD(struct kind_line, kind), FIELD(struct kind_line, waiting), FIELD(struct kind_line, running),
    FIELD(struct kind_line, dead), FIELD(struct kind_line, late_s),
};
static const struct shape kind_shape = SHAPE("JobKind", struct kind_line, kind_fields);

static const struct field dead_fields[] = {
    FIELD(struct dead_line, id),    FIELD(struct dead_line, kind), FIELD(struct dead_line, attempts),
    FIELD(struct dead_line, error), FIELD(struct dead_line, at),
};
static const struct shape dead_shape = SHAPE("DeadJob", struct dead_line, dead_fields);

/* Counted as far as that goes in a moment. */
const struct statement jobs_kinds = {
    .name = "jobs_kinds",
    .lane = LANE_SLOW,
    .row = &kind_shape,
    .rows_max = KINDS_MAX,
    .sql = "select kind, count(*) filter (where waits) as waiting, count(*) filter (where runs) as running,"
           " count(*) filter (where state = 'dead') as dead,"
           " coalesce(max(extract(epoch from now() - due)) filter (where waits and due <= now()), 0)::bigint as late_s"
           " from (select kind, state, due, state = 'waiting' and taken_until >= now() is not true as waits,"
           "         state = 'waiting' and taken_until >= now() as runs from jobs where state <> 'done' limit 100000) j"
           " group by kind order by kind limit 256"
};
const struct statement jobs_dead = { .name = "jobs_dead",
                                     .lane = LANE_SLOW,
                                     .row = &dead_shape,
                                     .rows_max = DEAD_MAX,
                                     .sql = "select id, kind, attempts, coalesce(last_error, '') as error, due as at"
                                            " from jobs where state = 'dead' order by due desc limit 100" };
STATEMENT_TABLE(jobs_list_statements, &jobs_kinds, &jobs_dead);

static struct buf kinds_seen, dead_seen;

/* An array of rows, as all lists are. */
static void keep(struct buf *out, const struct shape *s, const void *rows, size_t count)
{
    out->len = 0;
    buf_put_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_put_char(out, ',');
        shape_encode(s, (const char *)rows + i * s->size, out);
    }
    buf_put(out, T("]\n"));
}

problem jobs_look(struct call *c)
{
    LIST_OF(struct kind_line) kinds;
    LIST_OF(struct dead_line) dead;
    int64_t late = 0;
    problem p;

    if ((p = store_many(c, &jobs_kinds, NO_VALUES, &kinds)) || (p = store_many(c, &jobs_dead, NO_VALUES, &dead)))
        return p;
    for (size_t i = 0; i < kinds.count; i++)
        late = kinds.at[i].late_s > late ? kinds.at[i].late_s : late;
    metric_set(METRIC_JOBS_LATE, late);
    keep(&kinds_seen, &kind_shape, kinds.at, kinds.count);
    keep(&dead_seen, &dead_shape, dead.at, dead.count);
    return NULL;
}

static void print_kinds(struct buf *out)
{
    buf_put(out, kinds_seen.len ? buf_text(&kinds_seen) : T("[]\n"));
}

static void print_dead(struct buf *out)
{
    buf_put(out, dead_seen.len ? buf_text(&dead_seen) : T("[]\n"));
}

void jobs_list_start(void)
{
    static struct list_view kinds = { .name = "jobs", .print = print_kinds }, dead = { .name = "jobs-dead", .print = print_dead };

    buf_init(&kinds_seen, LIST_BYTES);
    buf_init(&dead_seen, LIST_BYTES);
    list_view_add(&kinds);
    list_view_add(&dead);
}

void jobs_list_stop(void)
{
    buf_fini(&kinds_seen);
    buf_fini(&dead_seen);
}
