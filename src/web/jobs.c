#include "jobs.h"

#include "madang/health.h"
#include "madang/config.h"
#include "madang/hub.h"
#include "madang/log.h"
#include "madang/metric.h"
#include "madang/random.h"

#define LOOK_MS 1000
#define TAKE_MAX 8
#define RUN_MS 50000 /* below the lease, so that a job has ended when another node may take it */
#define LEASE_SPARE_S 10
#define ATTEMPTS_MAX 10
#define RETRY_S_MAX 3600

struct taken {
    int64_t id, attempts;
    struct text kind;
    struct json payload;
};
static const struct field taken_fields[] = {
    FIELD(struct taken, id),
    FIELD(struct taken, attempts),
    FIELD(struct taken, kind),
    FIELD(struct taken, payload),
};
static const struct shape taken_shape = SHAPE("TakenJob", struct taken, taken_fields);

static const struct statement job_take = {
    .name = "job_take",
    .lane = LANE_TX,
    .row = &taken_shape,
    .rows_max = TAKE_MAX,
    .sql = "update jobs set taken_by = $1, taken_until = now() + interval '60 s', attempts = attempts + 1"
           " from (select id from jobs where state = 'waiting' and due <= now()"
           "       and (taken_until is null or taken_until < now()) and kind = any ($3::text[])"
           "       order by due limit $2 for update skip locked) d"
           " where jobs.id = d.id returning jobs.id, jobs.attempts, jobs.kind, jobs.payload"
};

/* Longer than its lease: before it begins. */
static const struct statement job_hold = { .name = "job_hold",
                                           .lane = LANE_TX,
                                           .sql = "update jobs set taken_until = now() + $4 * interval '1 s'"
                                                  " where id = $1 and taken_by = $2 and attempts = $3" };

/* Queued work leaves no row behind. Periodic work has one row for its kind, whose time moves on, whether it went well or not; it
 * is never given up. Rows with another period are of versions that have one for each time: they stay, done, or a node of such a
 * version would insert them again. */
static const struct statement job_done = {
    .name = "job_done",
    .lane = LANE_TX,
    .sql = "with gone as (delete from jobs where id = $1 and taken_by = $2 and attempts = $3 and period is null)"
           " update jobs set state = case when period = 'each' then state else 'done' end, taken_by = null, taken_until = null,"
           " attempts = 0, last_error = null, due = case when period = 'each' then now() + $4 * interval '1 s' else due end"
           " where id = $1 and taken_by = $2 and attempts = $3 and period is not null"
};

static const struct statement job_failed = {
    .name = "job_failed",
    .lane = LANE_TX,
    .sql = "update jobs set state = case when $4 then 'dead' else 'waiting' end, last_error = $5, taken_by = null,"
           " taken_until = null, due = now() + $6 * interval '1 s' where id = $1 and taken_by = $2 and attempts = $3"
};

static const struct statement job_insert = {
    .name = "job_insert",
    .lane = LANE_TX,
    .sql = "insert into jobs (kind, payload, due) values ($1, $2, now() + $3 * interval '1 ms')"
};

/* Also when it is to come round sooner than it was, and when a node of a version that has a row for each time took this one for
 * such a row: done with, or given up as of a kind it does not know. */
static const struct statement job_period = {
    .name = "job_period",
    .lane = LANE_TX,
    .sql = "insert into jobs (kind, payload, period) values ($1, '{}', 'each') on conflict (kind, period) do update"
           " set state = 'waiting', attempts = case jobs.state when 'waiting' then jobs.attempts else 0 end,"
           " due = case jobs.state when 'dead' then now() else now() + $2 * interval '1 s' end"
           " where jobs.state <> 'waiting' or jobs.due > now() + $2 * interval '1 s'"
};

static const struct statement jobs_sweep = {
    .name = "jobs_sweep",
    .lane = LANE_TX,
    .sql = "delete from jobs where ctid = any (array("
           "select ctid from jobs where state = 'done' and at < now() - interval '2 days' limit 5000))"
};
/* What was given up is kept for who looks into it, but not for ever: a letter has somebody's address and words. */
static const struct statement dead_sweep = {
    .name = "jobs_dead_sweep",
    .lane = LANE_TX,
    .sql = "delete from jobs where ctid = any (array("
           "select ctid from jobs where state = 'dead' and due < now() - $1 * interval '1 day' limit 5000))"
};
static const struct statement keys_sweep = {
    .name = "keys_sweep",
    .lane = LANE_TX,
    .sql = "delete from idempotency_keys where ctid = any (array("
           "select ctid from idempotency_keys where at < now() - interval '24 hours' limit 5000))"
};
static const struct statement log_sweep = {
    .name = "topic_log_sweep",
    .lane = LANE_TX,
    .sql = "delete from topic_log where ctid = any (array("
           "select ctid from topic_log where at < now() - $1 * interval '1 day' limit 5000))"
};

static STATEMENT_TABLE(statements, &job_take, &job_hold, &job_done, &job_failed, &job_insert, &job_period, &jobs_sweep,
                       &dead_sweep, &keys_sweep, &log_sweep);

static bool stopping;
static struct task *looker;
static struct wait *sleep_wait; /* cut short when a job was added here */
static size_t running;

static void wake(void *unused)
{
    (void)unused;
    if (sleep_wait && !sleep_wait->is_done)
        wait_done(sleep_wait, NULL);
}

problem job_add(struct store_on on, const char *kind, const void *payload, int64_t due_ms)
{
    const struct job_def *found = NULL;
    problem p;

    for (size_t f = 0; f < feature_count && !found; f++)
        for (size_t i = 0; i < features[f]->jobs.count && !found; i++)
            if (strcmp(features[f]->jobs.at[i].kind, kind) == 0)
                found = &features[f]->jobs.at[i];
    CHECK(found && found->payload);
    p = store_exec(on, &job_insert, VALUES(text_of(kind), shape_text(found->payload, payload, on.call->arena), due_ms), NULL);
    if (!p && on.tx)
        tx_after(on.tx, wake, NULL);
    else if (!p)
        wake(NULL);
    return p;
}

static const struct job_def *job_find(struct text kind)
{
    for (size_t f = 0; f < feature_count; f++)
        for (size_t i = 0; i < features[f]->jobs.count; i++)
            if (text_is(text_of(features[f]->jobs.at[i].kind), kind))
                return &features[f]->jobs.at[i];
    return NULL;
}

static problem run_taken(struct call *c, const struct job_def *d, const struct taken *job)
{
    struct shape_input in = { .json = job->payload.text };
    void *payload = NULL;
    problem p = NULL;

    c->name = d->kind;
    if (d->payload) {
        payload = arena_alloc(c->arena, d->payload->size);
        if ((p = shape_decode(d->payload, c->arena, &in, payload, &c->faults)))
            return p;
    }
    if (d->run_s) {
        p = store_exec(c, &job_hold, VALUES(job->id, node_name(), job->attempts, d->run_s + LEASE_SPARE_S), NULL);
        task_set_deadline(c->task, clock_ms() + (uint64_t)d->run_s * 1000);
    }
    return p ? p : d->run(c, payload);
}

/* Periodic work is tried again no later than it would come round anyway, and is never dead. */
static problem keep_failed(struct call *c, const struct job_def *d, const struct taken *job, problem why)
{
    int64_t delay = random_jitter(INT64_C(1) << (job->attempts < 12 ? job->attempts : 12));
    int64_t most = d->every_s ? d->every_s : RETRY_S_MAX;
    bool final = why == d->final, spent = job->attempts >= (d->attempts_max ? d->attempts_max : ATTEMPTS_MAX);
    bool dead = !d->every_s && (final || spent);

    log_at(spent && !final ? LOG_ERROR : LOG_WARN, "job", "%.*s %lld failed (%s), attempt %lld%s", TEXT_ARG(job->kind),
           (long long)job->id, why->code, (long long)job->attempts,
           !dead   ? ""
           : final ? "; refused for good"
                   : "; given up");
    if (dead && !final)
        metric_add(METRIC_JOBS_DEAD, 1);
    return store_exec(c, &job_failed,
                      VALUES(job->id, node_name(), job->attempts, dead, text_of(why->code), delay < most ? delay : most), NULL);
}

static void finish(struct call *c, const struct job_def *d, const struct taken *job, problem failed)
{
    problem p;

    metric_add(failed ? METRIC_JOBS_FAILED : METRIC_JOBS_DONE, 1);
    p = failed ? keep_failed(c, d, job, failed)
               : store_exec(c, &job_done, VALUES(job->id, node_name(), job->attempts, d->every_s), NULL);
    if (p)
        log_warn("job", "%.*s %lld cannot be finished: %s", TEXT_ARG(job->kind), (long long)job->id, p->code);
}

static void run_job(struct task *t, void *arg)
{
    struct taken *job = arg;
    const struct job_def *d = job_find(job->kind);
    struct arena a;
    struct call c;
    problem p;

    arena_init(&a, 64u << 20);
    c = call_of_our_own(t, &a, "job");
    p = run_taken(&c, d, job);
    task_set_deadline(t, clock_ms() + 5000);
    finish(&c, d, job, p);
    arena_fini(&a);
    free((void *)(uintptr_t)job->kind.at);
    free((void *)(uintptr_t)job->payload.text.at);
    free(job);
    running--;
    wake(NULL);
}

static struct text own(struct text t)
{
    char *copy = must_alloc(t.len + 1);

    memcpy(copy, t.at, t.len);
    copy[t.len] = '\0';
    return (struct text){ copy, t.len };
}

/* Another kind is of a newer node, or of a feature that is switched off here: it waits. */
static struct text kinds_known(struct arena *a)
{
    struct buf b;

    buf_init(&b, 65536);
    for (size_t f = 0; f < feature_count; f++)
        for (size_t i = 0; i < features[f]->jobs.count; i++)
            buf_printf(&b, "%c%s", b.len ? ',' : '{', features[f]->jobs.at[i].kind);
    buf_put_char(&b, '}');
    return arena_buf(a, &b);
}

static void take_due(struct call *c)
{
    struct {
        struct taken *at;
        size_t count;
    } jobs;

    if (running >= TAKE_MAX ||
        store_many(c, &job_take, VALUES(node_name(), (int64_t)(TAKE_MAX - running), kinds_known(c->arena)), &jobs))
        return;
    for (size_t i = 0; i < jobs.count; i++) {
        struct taken *job = must_alloc(sizeof *job);

        *job = jobs.at[i];
        job->kind = own(job->kind);
        job->payload.text = own(job->payload.text);
        running++;
        task_start("job", clock_ms() + RUN_MS, run_job, job);
    }
}

static void insert_periods(struct call *c, int64_t *last_look)
{
    int64_t now = clock_wall_seconds();

    if (now / 10 == *last_look)
        return;
    *last_look = now / 10;
    for (size_t f = 0; f < feature_count; f++)
        for (size_t i = 0; i < features[f]->jobs.count; i++) {
            const struct job_def *d = &features[f]->jobs.at[i];

            if (d->every_s && store_exec(c, &job_period, VALUES(text_of(d->kind), d->every_s), NULL))
                return;
        }
}

static void cancel_sleep(struct wait *w)
{
    wait_done(w, NULL);
}

static void look(struct task *t, void *arg)
{
    int64_t last_look = 0;
    struct arena a;
    struct call c;
    struct wait w;

    (void)arg;
    while (!stopping && !task_is_cancelled(t)) {
        problem p;

        arena_init(&a, 1 << 22);
        c = call_of_our_own(t, &a, "jobs.look");
        task_set_deadline(t, clock_ms() + 5000);
        insert_periods(&c, &last_look);
        take_due(&c);
        arena_fini(&a);
        task_set_deadline(t, 0);
        wait_init(&w, cancel_sleep);
        sleep_wait = &w;
        p = task_wait(t, &w, clock_ms() + LOOK_MS);
        sleep_wait = NULL;
        if (p == PROBLEM(CANCELLED))
            break;
    }
    looker = NULL;
}

static problem sweep(struct call *c, const void *payload)
{
    problem p;

    (void)payload;
    if ((p = store_sweep(c, &jobs_sweep, NO_VALUES)) || (p = store_sweep(c, &keys_sweep, NO_VALUES)) ||
        (p = store_sweep(c, &dead_sweep, VALUES(config->jobs_dead_days))))
        return p;
    return store_sweep(c, &log_sweep, VALUES(config->social_log_days));
}

static const struct job_def jobs[] = { { .kind = "platform.sweep", .run = sweep, .every_s = 3600 } };
const struct feature jobs_feature = { .name = "jobs", .jobs = LIST(jobs), .statements = TABLES(&statements) };

void jobs_start(void)
{
    stopping = false;
    looker = task_start("jobs.look", 0, look, NULL);
}

void jobs_stop(void)
{
    stopping = true;
    if (looker)
        task_cancel(looker);
}
