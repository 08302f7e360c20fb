#include "door.h"

#include "limits.h"
#include "madang/config.h"
#include "madang/fault.h"
#include "madang/health.h"
#include "madang/log.h"
#include "madang/metric.h"
#include "madang/overload.h"
#include "madang/random.h"
#include "madang/seal.h"
#include "wire/exchange.h"

#define SHED_RETRY_S 4 /* who was refused comes back spread over this */

struct problem_fault {
    struct text pointer, detail;
};
static const struct field problem_fault_fields[] = {
    FIELD(struct problem_fault, pointer, .says = "JSON pointer to the field."),
    FIELD(struct problem_fault, detail, .says = "What is wrong with it."),
};
static const struct shape problem_fault_shape = SHAPE("FieldFault", struct problem_fault, problem_fault_fields);

struct problem_body {
    struct text type, title, code, request_id;
    int64_t status;
    bool retry;
    struct opt_i64 retry_after;
    LIST_OF(struct problem_fault) errors;
};
static const struct field problem_fields[] = {
    FIELD(struct problem_body, type, .says = "Always about:blank; code tells what it is."),
    FIELD(struct problem_body, title, .says = "One sentence for a person, in the language asked for."),
    FIELD(struct problem_body, status, .min = 200, .max = 599),
    FIELD(struct problem_body, code, .says = "Stable name of the problem."),
    FIELD(struct problem_body, retry, .says = "Whether the same request may succeed later."),
    FIELD(struct problem_body, retry_after, .min = 0, .max = 86400, .says = "Seconds to wait before it."),
    FIELD_LIST(struct problem_body, errors, .shape = &problem_fault_shape, .list_max = FIELD_FAULTS_MAX),
    FIELD(struct problem_body, request_id, .says = "To quote when asking for help."),
};
const struct shape problem_shape = SHAPE("Problem", struct problem_body, problem_fields);

/* Running figures of each row, by its index in the table. */
struct call_stats {
    const struct call_def *def;
    uint64_t ok, refused, failed;
    struct histogram time;
};
#define CALLS_MAX 512
static struct call_stats stats[CALLS_MAX];

problem door_identify(struct call *c, struct text token)
{
    struct claims claims;
    problem p = token_verify(token, TOKEN_OF_REQUEST, &claims);

    if (p)
        return p;
    c->account = claims.account;
    c->role = claims.role;
    c->session = arena_text(c->arena, text_of(claims.session));
    return NULL;
}

problem door_authorise(const struct call *c, const struct call_def *d)
{
    if ((int)c->role >= (int)d->who) /* both are in the same order */
        return NULL;
    if (c->role == ROLE_NOBODY)
        return PROBLEM(UNAUTHENTICATED);
    return c->role == ROLE_NEWCOMER && d->who == WHO_MEMBER ? PROBLEM(ONBOARDING_REQUIRED) : PROBLEM(FORBIDDEN);
}

static bool is_declared(const struct call_def *d, problem p)
{
    static const enum problem_id platform[] = {
        PROBLEM_FIELDS_INVALID,
        PROBLEM_JSON_MALFORMED,
        PROBLEM_RATE_LIMITED,
        PROBLEM_INTERNAL,
        PROBLEM_CANCELLED,
        PROBLEM_DEADLINE,
        PROBLEM_STORE_UNAVAILABLE,
        PROBLEM_LEASES_UNAVAILABLE,
        PROBLEM_COMMIT_UNKNOWN,
        PROBLEM_CONFLICT,
        PROBLEM_OVERLOADED,
        PROBLEM_DRAINING,
        PROBLEM_KEY_RUNNING,
        PROBLEM_KEY_REUSED,
        PROBLEM_REPLAYED,
        PROBLEM_UNAUTHENTICATED,
        PROBLEM_TOKEN_INVALID,
        PROBLEM_FORBIDDEN,
        PROBLEM_ONBOARDING_REQUIRED,
        PROBLEM_SUSPENDED,
        PROBLEM_ORIGIN_REFUSED,
        PROBLEM_BODY_TOO_LARGE,
        PROBLEM_REQUEST_MALFORMED,
        PROBLEM_REQUEST_TIMEOUT,
        PROBLEM_MEDIA_TYPE_UNSUPPORTED,
    };

    for (size_t i = 0; i < COUNT_OF(platform); i++)
        if (p == &problem_table[platform[i]])
            return true;
    for (size_t i = 0; i < CALL_PROBLEMS_MAX && d->problems[i]; i++)
        if (p == d->problems[i])
            return true;
    return false;
}

problem door_overloaded(struct call *c)
{
    metric_add(METRIC_SHED, 1);
    return call_retry_after(c, PROBLEM(OVERLOADED), 1 + (int64_t)random_below(SHED_RETRY_S));
}

problem door_admit(struct call *c)
{
    enum overload now = overload_now();

    if (now == OVERLOAD_NONE || c->def->shed == SHED_NEVER || (now == OVERLOAD_SOFT && c->def->shed != SHED_AT_SOFT))
        return NULL;
    return door_overloaded(c);
}

/* What a key stands for, whichever door and in whatever spelling it came: who lost an answer may ask by the other door. */
static struct text fingerprint(struct call *c)
{
    struct digest d = sha256(arena_join(c->arena, text_of(c->name), T("\n"), shape_text(c->def->in, c->in, c->arena)));

    return arena_join(c->arena, FINGERPRINT, digest_hex(c->arena, &d));
}

problem door_run(struct call *c)
{
    problem p;

    if (c->key.len && c->def->in)
        c->fingerprint = fingerprint(c);
    if ((p = limits_check(c)))
        return p;
    c->audit = c->def->audit ? AUDIT_WANTED : AUDIT_NONE;
    p = c->def->raw ? c->def->raw(c) : c->def->run(c);
    if (!p && arena_is_over(c->arena))
        p = PROBLEM(OVERLOADED);
    if (p && !is_declared(c->def, p)) {
        log_error("call", "%s answered %s, which its row does not declare", c->name, p->code);
        CHECK(!config->debug_faults); /* under test this is a failure */
    }
    return p;
}

int64_t door_retry_after(const struct call *c, problem p)
{
    if (!p->retry)
        return 0;
    return c && c->retry_after_s ? c->retry_after_s : p->status == 429 ? 5 : 1;
}

struct text door_problem_json(struct call *c, problem p)
{
    struct problem_body b = { .type = T("about:blank"),
                              .title = text_of(c->korean ? p->ko : p->en),
                              .code = text_of(p->code),
                              .status = p->status,
                              .retry = p->retry,
                              .request_id = call_request_id(c) };
    struct text json;

    if (door_retry_after(c, p))
        b.retry_after = (struct opt_i64){ PRESENT, door_retry_after(c, p) };
    if (p == PROBLEM(FIELDS_INVALID)) {
        b.errors.count = c->faults.count;
        b.errors.at = arena_array(c->arena, struct problem_fault, c->faults.count);
        for (size_t i = 0; i < c->faults.count; i++)
            b.errors.at[i] =
                (struct problem_fault){ c->faults.at[i].pointer, text_of(c->korean ? c->faults.at[i].ko : c->faults.at[i].en) };
    }
    json = shape_text(&problem_shape, &b, c->arena);
    return json.len ? json
                    : T("{\"type\":\"about:blank\",\"title\":\"The server is busy.\",\"status\":503,\"code\":\"overloaded\","
                        "\"retry\":true,\"retry_after\":1,\"request_id\":\"-\"}");
}

static struct text break_reply(struct call *c, struct text json)
{
    ptrdiff_t comma = text_find(json, ',');

    if (FAULT(REPLY_FIELD_ADD) && json.len > 2)
        return arena_printf(c->arena, "{\"never_declared\":1,%.*s", TEXT_ARG(text_from(json, 1)));
    if (FAULT(REPLY_FIELD_DROP) && comma > 0)
        return arena_printf(c->arena, "{%.*s", TEXT_ARG(text_from(json, (size_t)comma + 1)));
    return json;
}

struct text door_output(struct call *c)
{
    if (c->replay.len)
        return c->replay;
    return c->out_shape ? break_reply(c, shape_text(c->out_shape, c->out, c->arena)) : T("");
}

/* The q of a language range, in thousandths; 0 when it is not asked for. */
static int quality(struct text list, struct text language)
{
    int best = 0;

    while (list.len) {
        struct text params, range = text_trim(text_cut(text_cut(list, ',', &list), ';', &params));
        double q = 1;

        if (!text_is_nocase(text_until(range, range.len < 2 ? range.len : 2), language))
            continue;
        params = text_trim(params);
        if (text_starts(params, T("q=")) && !text_to_f64(text_from(params, 2), &q))
            q = 0;
        q = q > 1 ? 1 : q;
        best = q * 1000 > best ? (int)(q * 1000) : best;
    }
    return best;
}

bool language_is_korean(struct text accept)
{
    return quality(accept, T("ko")) > quality(accept, T("en"));
}

static struct call_stats *stats_of(const struct call_def *d)
{
    for (size_t at = (uintptr_t)d / sizeof(void *) * 2654435761u % CALLS_MAX;; at = (at + 1) % CALLS_MAX) {
        if (!stats[at].def)
            stats[at].def = d;
        if (stats[at].def == d)
            return &stats[at];
    }
}

static void log_access(struct call *c, problem p, uint64_t us)
{
    struct text took = arena_printf(c->arena, "%llu", (unsigned long long)us);
    struct text account = arena_printf(c->arena, "%lld", (long long)c->account);
    struct pair fields[] = {
        { T("result"), p ? text_of(p->code) : T("ok") },
        { T("us"), took },
        { T("account"), account },
        { T("address"), call_address(c) },
        { T("door"), c->http ? T("rest") : T("ws") },
        { T("request"), call_request_id(c) },
        { T("trace"), c->trace_id },
    };

    log_write(LOG_INFO, "access", fields, COUNT_OF(fields) - (c->trace_id.len == 0), "%s", c->name);
}

void door_count(struct call *c, problem p, uint64_t began_us)
{
    uint64_t us = clock_us() - began_us;
    struct call_stats *s;

    if (!c->def)
        return;
    s = stats_of(c->def);
    histogram_add(&s->time, us);
    s->ok += !p;
    s->failed += p && p->status >= 500;
    s->refused += p && p->status < 500;
    if (config->log_access && log_wants(LOG_INFO))
        log_access(c, p, us);
}

void door_print_metrics(struct buf *out)
{
    char labels[100];

    buf_put(out, T("# HELP madang_calls_total Calls answered.\n# TYPE madang_calls_total counter\n"));
    for (size_t i = 0; i < CALLS_MAX; i++)
        if (stats[i].def)
            buf_printf(out,
                       "madang_calls_total{call=\"%s\",result=\"ok\"} %llu\n"
                       "madang_calls_total{call=\"%s\",result=\"refused\"} %llu\n"
                       "madang_calls_total{call=\"%s\",result=\"failed\"} %llu\n",
                       stats[i].def->name, (unsigned long long)stats[i].ok, stats[i].def->name,
                       (unsigned long long)stats[i].refused, stats[i].def->name, (unsigned long long)stats[i].failed);
    buf_put(out, T("# HELP madang_call_seconds Time to answer.\n# TYPE madang_call_seconds histogram\n"));
    for (size_t i = 0; i < CALLS_MAX; i++)
        if (stats[i].def && snprintf(labels, sizeof labels, "call=\"%s\"", stats[i].def->name) > 0)
            histogram_print(&stats[i].time, "madang_call_seconds", labels, out);
}

static void print_calls(struct buf *out)
{
    for (size_t i = 0; i < calls_count(); i++) {
        const struct call_def *d = call_at(i);
        const struct call_stats *s = stats_of(d);

        buf_printf(out, "%s{\"name\":\"%s\",\"rest\":\"%s %s\",\"ok\":%llu,\"refused\":%llu,\"failed\":%llu}", i ? "," : "[",
                   d->name, d->rest.path ? method_names[d->rest.method] : "-", d->rest.path ? d->rest.path : "",
                   (unsigned long long)s->ok, (unsigned long long)s->refused, (unsigned long long)s->failed);
    }
    buf_put(out, calls_count() ? T("]\n") : T("[]\n"));
}

/* What cannot be answered is found now, not when somebody meets it. */
static void check_statuses(void)
{
    for (size_t i = 0; i < PROBLEM_COUNT; i++)
        CHECK(exchange_has_status(problem_table[i].status));
    for (size_t i = 0; i < calls_count(); i++)
        CHECK(call_at(i)->status == 0 || exchange_has_status(call_at(i)->status));
}

int64_t door_call_ms(const struct call_def *d)
{
    return d->deadline_ms ? d->deadline_ms : config->http_call_ms;
}

void door_start(void)
{
    static struct metric_source metrics = { .print = door_print_metrics };
    static struct list_view calls = { .name = "calls", .print = print_calls };

    check_statuses();
    metric_source_add(&metrics);
    list_view_add(&calls);
}
