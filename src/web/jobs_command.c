/* madangd jobs: what waits, runs and was given up; the latter tried again, or thrown away. */
#include <inttypes.h>
#include <stdio.h>

#include "jobs.h"
#include "madang/pg.h"

#define COMMAND_BYTES (8u << 20)

static const struct statement job_retry = {
    .name = "jobs_retry",
    .lane = LANE_TX,
    .sql = "update jobs set state = 'waiting', attempts = 0, due = now(), last_error = null"
           " where state = 'dead' and ($1 = 'all' or kind = $1 or id::text = $1)"
           " and not exists (select from jobs o where o.kind = jobs.kind and o.key = jobs.key and o.state = 'waiting')"
};
static const struct statement job_throw = { .name = "jobs_throw",
                                            .lane = LANE_TX,
                                            .sql = "delete from jobs"
                                                   " where state = 'dead' and ($1 = 'all' or kind = $1 or id::text = $1)" };
STATEMENT_TABLE(jobs_command_statements, &job_retry, &job_throw);

static int list_kinds(struct arena *a)
{
    LIST_OF(struct kind_line) kinds;

    if (statement_run_now(&jobs_kinds, NO_VALUES, a, &kinds) < 0)
        return FAILED;
    printf("%-28s %8s %8s %8s %10s\n", "kind", "waiting", "running", "dead", "late");
    for (size_t i = 0; i < kinds.count; i++) {
        const struct kind_line *k = &kinds.at[i];

        printf("%-28.*s %8" PRId64 " %8" PRId64 " %8" PRId64 " %8" PRId64 " s\n", TEXT_ARG(k->kind), k->waiting, k->running,
               k->dead, k->late_s);
    }
    return DONE;
}

static int list_dead(struct arena *a)
{
    LIST_OF(struct dead_line) dead;
    char at[INSTANT_TEXT_SIZE];

    if (statement_run_now(&jobs_dead, NO_VALUES, a, &dead) < 0)
        return FAILED;
    for (size_t i = 0; i < dead.count; i++) {
        instant_format(dead.at[i].at, at);
        printf("%10" PRId64 "  %-28.*s %s  after %" PRId64 " attempts: %.*s\n", dead.at[i].id, TEXT_ARG(dead.at[i].kind), at,
               dead.at[i].attempts, TEXT_ARG(dead.at[i].error));
    }
    return DONE;
}

static int change(const struct statement *s, const char *which, const char *done, struct arena *a)
{
    int64_t rows = statement_run_now(s, VALUES(text_of(which)), a, NULL);

    if (rows >= 0)
        printf("%" PRId64 " %s\n", rows, done);
    return rows > 0 ? DONE : FAILED;
}

int jobs_command(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    struct arena a;
    int status = USAGE;

    arena_init(&a, COMMAND_BYTES);
    if (count == 1)
        status = list_kinds(&a);
    else if (count == 2 && strcmp(what, "dead") == 0)
        status = list_dead(&a);
    else if (count == 3 && strcmp(what, "retry") == 0)
        status = change(&job_retry, arguments[2], "wait again", &a);
    else if (count == 3 && strcmp(what, "drop") == 0)
        status = change(&job_throw, arguments[2], "thrown away", &a);
    arena_fini(&a);
    return status;
}
