#include "jobs.h"

#include "madang/health.h"
#include "madang/config.h"
#include "madang/hub.h"
#include "madang/log.h"
#include "madang/metric.h"
#include "madang/random.h"

#define LOOK_MS 1000
#define RUN_S 50         /* what a job has unless its kind says more */
#define LEASE_SPARE_S 10 /* of its lease when its time is over, so that it has ended when another node may take it */
#define ROUND_MAX 64     /* taken at once in one lane */
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

/* Of each kind what is due first, then of all of them: a lane does not read through what waits for another. */
static const struct statement job_take = {
    .name = "job_take",
    .lane = LANE_TX,
    .row = &taken_shape,
    .rows_max = ROUND_MAX,
    .sql = "update jobs set taken_by = $1, taken_until = now() + interval '60 s', attempts = attempts + 1"
           " from (select j.id from unnest($3::text[]) k cross join lateral (select id, due from jobs where state = 'waiting'"
           "       and kind = k and due <= now() and (taken_until is null or taken_until < now())"
           "       order by due limit $2 for update skip locked) j order by j.due limit $2) d"
           " where jobs.id = d.id returning jobs.id, jobs.attempts, jobs.kind, jobs.payload"
};

/* Longer than its lease: before it begins, and whenever it is prolonged. */
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

/* Tried again, or given up; neither when a later one of its key waits, which is then done instead. */
static const struct statement job_failed = {
    .name = "job_failed",
    .lane = LANE_TX,
    .sql = "with mine as (select id, kind, key from jobs where id = $1 and taken_by = $2 and attempts = $3),"
           " later as (select 1 from jobs j join mine on j.kind = mine.kind and j.key = mine.key and j.id <> mine.id"
           "            where j.state = 'waiting' and j.taken_by is null),"
           " gone as (delete from jobs where id in (select id from mine) and exists (select from later))"
           " update jobs set state = case when $4 then 'dead' else 'waiting' end, last_error = $5, taken_by = null,"
           " taken_until = null, due = now() + $6 * interval '1 s'"
           " where id in (select id from mine) and not exists (select from later)"
};

static const struct statement job_insert = {
    .name = "job_insert",
    .lane = LANE_TX,
    .sql = "insert into jobs (kind, payload, due, key) values ($1, $2, now() + $3 * interval '1 ms', $4)"
           " on conflict (kind, key) where state = 'waiting' and taken_by is null and key is not null"
           " do update set payload = excluded.payload, due = excluded.due, attempts = 0, last_error = null"
};
static const struct statement job_take_back = {
    .name = "job_take_back",
    .lane = LANE_TX,
    .sql = "delete from jobs where kind = $1 and key = $2 and state = 'waiting' and taken_by is null"
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

static STATEMENT_TABLE(statements, &job_take, &job_hold, &job_done, &job_failed, &job_insert, &job_take_back, &job_period,
                       &jobs_sweep, &dead_sweep, &keys_sweep, &log_sweep);

/* A job that runs. */
struct job_run {
    const struct job_def *def;
    struct taken row;
    uint64_t held_ms; /* when its time began */
};

static int64_t running[JOB_LANES];
static bool stopping;
static struct task *looker;
static struct wait *sleep_wait; /* cut short when a job was added here */

static void wake(void *unused)
{
    (void)unused;
    if (sleep_wait && !sleep_wait->is_done)
        wait_done(sleep_wait, NULL);
}

static const struct job_def *job_find(struct text kind)
{
    for (size_t f = 0; f < feature_count; f++)
        for (size_t i = 0; i < features[f]->jobs.count; i++)
            if (text_is(text_of(features[f]->jobs.at[i].kind), kind))
                return &features[f]->jobs.at[i];
    return NULL;
}

problem job_queue(struct store_on on, const char *kind, const void *payload, struct job_options o)
{
    const struct job_def *found = job_find(text_of(kind));
    struct opt_text key = { .is = o.key.len ? PRESENT : ABSENT, .value = o.key };
    problem p;

    CHECK(found && found->payload);
    p = store_exec(on, &job_insert, VALUES(text_of(kind), shape_text(found->payload, payload, on.call->arena), o.due_ms, key),
                   NULL);
    if (!p && on.tx)
        tx_after(on.tx, wake, NULL);
    else if (!p)
        wake(NULL);
    return p;
}

problem job_drop(struct store_on on, const char *kind, struct text key)
{
    return store_exec(on, &job_take_back, VALUES(text_of(kind), key), NULL);
}

static int64_t run_s(const struct job_def *d)
{
    return d->run_s ? d->run_s : RUN_S;
}

static problem hold(struct call *c, struct job_run *r)
{
    int64_t rows;
    problem p = store_exec(c, &job_hold, VALUES(r->row.id, node_name(), r->row.attempts, run_s(r->def) + LEASE_SPARE_S), &rows);

    if (p || rows == 0)
        return p ? p : PROBLEM(CONFLICT);
    r->held_ms = clock_ms();
    task_set_deadline(c->task, r->held_ms + (uint64_t)run_s(r->def) * 1000);
    return NULL;
}

problem job_prolong(struct call *c)
{
    CHECK(c->job);
    return clock_ms() < c->job->held_ms + (uint64_t)run_s(c->job->def) * 1000 / 4 ? NULL : hold(c, c->job);
}

static problem run_taken(struct call *c)
{
    struct job_run *r = c->job;
    struct shape_input in = { .json = r->row.payload.text };
    void *payload = NULL;
    problem p = NULL;

    c->name = r->def->kind;
    if (r->def->payload) {
        payload = arena_alloc(c->arena, r->def->payload->size);
        if ((p = shape_decode(r->def->payload, c->arena, &in, payload, &c->faults)))
            return p;
    }
    if (r->def->run_s)
        p = hold(c, r);
    return p ? p : r->def->run(c, payload);
}

/* Periodic work is tried again no later than it would come round anyway, and is never dead. */
static problem keep_failed(struct call *c, problem why)
{
    const struct job_def *d = c->job->def;
    const struct taken *job = &c->job->row;
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

static void finish(struct call *c, problem failed)
{
    const struct taken *job = &c->job->row;
    problem p;

    metric_add(failed ? METRIC_JOBS_FAILED : METRIC_JOBS_DONE, 1);
    p = failed ? keep_failed(c, failed)
               : store_exec(c, &job_done, VALUES(job->id, node_name(), job->attempts, c->job->def->every_s), NULL);
    if (p)
        log_warn("job", "%.*s %lld cannot be finished: %s", TEXT_ARG(job->kind), (long long)job->id, p->code);
}

static void run_job(struct task *t, void *arg)
{
    struct job_run *r = arg;
    struct arena a;
    struct call c;
    problem p;

    arena_init(&a, 64u << 20);
    c = call_of_our_own(t, &a, "job");
    c.job = r;
    p = run_taken(&c);
    task_set_deadline(t, clock_ms() + 5000);
    finish(&c, p);
    arena_fini(&a);
    free((void *)(uintptr_t)r->row.kind.at);
    free((void *)(uintptr_t)r->row.payload.text.at);
    running[r->def->lane]--;
    free(r);
    wake(NULL);
}

static struct text own(struct text t)
{
    char *copy = must_alloc(t.len + 1);

    memcpy(copy, t.at, t.len);
    copy[t.len] = '\0';
    return (struct text){ copy, t.len };
}

/* Another kind is of a newer node, or of a feature that is switched off here: it waits. Empty: the lane has none. */
static struct text kinds_of(enum job_lane lane, struct arena *a)
{
    struct buf b;

    buf_init(&b, 65536);
    for (size_t f = 0; f < feature_count; f++)
        for (size_t i = 0; i < features[f]->jobs.count; i++)
            if (features[f]->jobs.at[i].lane == lane)
                buf_printf(&b, "%c%s", b.len ? ',' : '{', features[f]->jobs.at[i].kind);
    if (b.len)
        buf_put_char(&b, '}');
    return arena_buf(a, &b);
}

static void begin_job(const struct taken *row)
{
    const struct job_def *def = job_find(row->kind);
    struct job_run *r;

    if (!def) { /* nobody asked for such a one: its lease lapses, and it is looked at again */
        log_error("job", "%.*s %lld: no kind is called that", TEXT_ARG(row->kind), (long long)row->id);
        return;
    }
    r = must_alloc(sizeof *r);
    *r = (struct job_run){ .def = def, .row = *row, .held_ms = clock_ms() };
    r->row.kind = own(row->kind);
    r->row.payload.text = own(row->payload.text);
    running[r->def->lane]++;
    task_start("job", clock_ms() + RUN_S * 1000, run_job, r);
}

static int64_t at_once(enum job_lane lane)
{
    const int64_t most[JOB_LANES] = { config->jobs_house_at_once, config->jobs_mail_at_once, config->jobs_money_at_once,
                                      config->jobs_media_at_once };

    return most[lane];
}

static void take_due(struct call *c, enum job_lane lane)
{
    int64_t room = at_once(lane) - running[lane];
    struct text kinds = kinds_of(lane, c->arena);
    LIST_OF(struct taken) found;

    if (room <= 0 || kinds.len == 0 ||
        store_many(c, &job_take, VALUES(node_name(), room < ROUND_MAX ? room : ROUND_MAX, kinds), &found))
        return;
    for (size_t i = 0; i < found.count; i++)
        begin_job(&found.at[i]);
}

/* Every ten seconds. */
static bool is_time(int64_t *last_look)
{
    int64_t now = clock_wall_seconds() / 10, last = *last_look;

    *last_look = now;
    return now != last;
}

static void insert_periods(struct call *c)
{
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
        if (is_time(&last_look)) {
            insert_periods(&c);
            jobs_look(&c);
        }
        for (int lane = 0; lane < JOB_LANES; lane++)
            take_due(&c, (enum job_lane)lane);
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
static const struct command commands[] = {
    { .name = "jobs",
      .run = jobs_command,
      .takes = "[dead | retry ID|KIND|all | drop ID|KIND|all]",
      .says = "what waits, runs and was given up; the latter tried again or thrown away" },
};
const struct feature jobs_feature = {
    .name = "jobs",
    .jobs = LIST(jobs),
    .commands = LIST(commands),
    .statements = TABLES(&statements, &jobs_list_statements, &jobs_command_statements),
    .free = jobs_list_stop,
};

void jobs_start(void)
{
    jobs_list_start();
    stopping = false;
    looker = task_start("jobs.look", 0, look, NULL);
}

void jobs_stop(void)
{
    stopping = true;
    if (looker)
        task_cancel(looker);
}
