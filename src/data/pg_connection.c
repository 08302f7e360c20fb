#include "pg_connection.h"

#include <unistd.h>

#include "madang/config.h"
#include "madang/fault.h"
#include "madang/log.h"
#include "madang/metric.h"
#include "madang/random.h"

#define CONNECT_MS 1500
#define RETRY_MS_MIN 50
#define RETRY_MS_MAX 1000

static void watch(struct pg_connection *c);

void pg_query_free(struct pg_query **q)
{
    PQclear((*q)->result);
    free(*q);
    *q = NULL;
}

/* Out of the connection's list, to whoever waits. */
static void query_end(struct pg_connection *c, struct pg_query *q)
{
    list_remove(&q->node);
    c->query_count--;
    statement_count(q->statement, q->lost || PQresultStatus(q->result) == PGRES_FATAL_ERROR);
    if (q->wait)
        wait_done(q->wait, NULL);
    else
        pg_query_free(&q);
}

static void on_poll_closed(uv_handle_t *h)
{
    free(h);
}

static void poll_drop(struct pg_connection *c)
{
    if (!c->poll)
        return;
    uv_poll_stop(c->poll);
    uv_close((uv_handle_t *)c->poll, on_poll_closed);
    c->poll = NULL;
}

static void retry_later(struct pg_connection *c)
{
    uint64_t delay = RETRY_MS_MIN << (c->failures < 5 ? c->failures : 5);

    c->failures++;
    timer_set_after(&c->timer, (uint64_t)random_jitter((int64_t)(delay < RETRY_MS_MAX ? delay : RETRY_MS_MAX)));
}

void pg_connection_lose_answer(struct pg_connection *c)
{
    usleep(20000);
    pg_connection_close(c);
}

void pg_connection_close(struct pg_connection *c)
{
    struct list *node;

    if (c->resolving) {
        c->resolving->data = NULL;
        uv_cancel((uv_req_t *)c->resolving);
        c->resolving = NULL;
    }
    timer_clear(&c->timer);
    poll_drop(c);
    PQfinish(c->pg);
    c->pg = NULL;
    c->state = PG_CLOSED;
    memset(c->prepared, 0, sizeof c->prepared);
    while ((node = c->queries.next) != &c->queries) {
        struct pg_query *q = CONTAINER_OF(node, struct pg_query, node);

        q->lost = true;
        query_end(c, q);
    }
    if (c->keep_open)
        retry_later(c);
    c->changed(c);
}

static void lose(struct pg_connection *c, const char *what)
{
    const char *why = c->pg ? PQerrorMessage(c->pg) : "";

    if (c->failures == 0)
        log_warn("pg", "%s: %.*s", what, (int)strcspn(why, "\n"), why);
    pg_connection_close(c);
}

static void keep_result(struct pg_query *q, PGresult *r)
{
    ExecStatusType now = PQresultStatus(q->result), then = PQresultStatus(r);

    if (q->result && (now == PGRES_FATAL_ERROR || then == PGRES_PIPELINE_ABORTED)) {
        PQclear(r);
        return;
    }
    PQclear(q->result);
    q->result = r;
}

/* The first result of a statement that was prepared on the way; a PREPARE that failed has to be done again. */
static void judge_prepare(struct pg_connection *c, struct pg_query *q, const PGresult *r)
{
    unsigned id = statement_id(q->statement);

    if (q->prepares && PQresultStatus(r) != PGRES_COMMAND_OK)
        c->prepared[id / 64] &= ~(UINT64_C(1) << id % 64);
    q->prepares = false;
}

/* Takes what has arrived; a query ends with its Sync. */
static void take_results(struct pg_connection *c)
{
    while (!list_is_empty(&c->queries) && !PQisBusy(c->pg)) {
        struct pg_query *q = CONTAINER_OF(c->queries.next, struct pg_query, node);
        PGresult *r = PQgetResult(c->pg);

        if (!r)
            continue; /* between two results of the pipeline */
        if (PQresultStatus(r) != PGRES_PIPELINE_SYNC) {
            judge_prepare(c, q, r);
            keep_result(q, r);
            continue;
        }
        PQclear(r);
        query_end(c, q);
    }
}

static void on_ready_socket(uv_poll_t *poll, int status, int events)
{
    struct pg_connection *c = poll->data;

    loop_event();
    if (status < 0) {
        lose(c, "connection lost");
        return;
    }
    if (events & UV_READABLE) {
        if (!PQconsumeInput(c->pg)) {
            lose(c, "connection lost");
            return;
        }
        take_results(c);
    }
    if (c->state == PG_READY)
        watch(c);
}

/* Flushes, and asks for what comes next. */
static void watch(struct pg_connection *c)
{
    int left = PQflush(c->pg);

    if (left < 0)
        lose(c, "connection lost");
    else
        uv_poll_start(c->poll, left ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_ready_socket);
}

static void become_ready(struct pg_connection *c)
{
    timer_clear(&c->timer);
    CHECK(PQsetnonblocking(c->pg, 1) == 0 && PQenterPipelineMode(c->pg) == 1);
    c->state = PG_READY;
    c->failures = 0;
    watch(c);
    if (c->state == PG_READY)
        c->changed(c);
}

static void on_connecting_socket(uv_poll_t *poll, int status, int events);

/* libpq may change its socket between steps (another address), so the watch is made anew each time. */
static void connect_step(struct pg_connection *c)
{
    PostgresPollingStatusType next = PQconnectPoll(c->pg);

    poll_drop(c);
    if (next == PGRES_POLLING_FAILED) {
        lose(c, "cannot connect");
        return;
    }
    c->poll = must_zalloc(sizeof *c->poll);
    c->poll->data = c;
    CHECK(uv_poll_init(loop_uv(), c->poll, PQsocket(c->pg)) == 0);
    if (next == PGRES_POLLING_OK)
        become_ready(c);
    else
        uv_poll_start(c->poll, next == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE, on_connecting_socket);
}

static void on_connecting_socket(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    connect_step(poll->data);
}

static void connect_to(struct pg_connection *c, const char *hostaddr)
{
    char options[200];
    int length = snprintf(options, sizeof options,
                          "-c statement_timeout=%lld -c lock_timeout=2000 -c idle_in_transaction_session_timeout=15000 "
                          "-c TimeZone=UTC -c DateStyle=ISO",
                          (long long)c->timeout_ms);
    const char *names[] = { "dbname", "application_name", "options", hostaddr ? "hostaddr" : NULL, NULL };
    const char *settings[] = { config->pg_url.at, "madangd", config->pg_pooler ? "" : options, hostaddr, NULL };

    CHECK(length > 0 && (size_t)length < sizeof options);
    c->state = PG_CONNECTING;
    c->pg = PQconnectStartParams(names, settings, 1);
    CHECK(c->pg != NULL);
    if (PQstatus(c->pg) == CONNECTION_BAD) {
        lose(c, "cannot connect");
        return;
    }
    timer_set_after(&c->timer, CONNECT_MS);
    c->poll = must_zalloc(sizeof *c->poll);
    c->poll->data = c;
    CHECK(uv_poll_init(loop_uv(), c->poll, PQsocket(c->pg)) == 0);
    uv_poll_start(c->poll, UV_WRITABLE, on_connecting_socket);
}

static void on_resolved(uv_getaddrinfo_t *r, int status, struct addrinfo *found)
{
    struct pg_connection *c = r->data;
    char address[64] = "";

    free(r);
    if (c) {
        c->resolving = NULL;
        if (status == 0 && found->ai_family == AF_INET)
            uv_ip4_name((const struct sockaddr_in *)(const void *)found->ai_addr, address, sizeof address);
        else if (status == 0)
            uv_ip6_name((const struct sockaddr_in6 *)(const void *)found->ai_addr, address, sizeof address);
        if (address[0])
            connect_to(c, address);
        else
            lose(c, "the host's name cannot be resolved");
    }
    uv_freeaddrinfo(found);
}

/* The host to resolve on the thread pool: a name, not a socket's folder, no hostaddr given. Caller frees. */
static char *host_to_resolve(void)
{
    PQconninfoOption *options = PQconninfoParse(config->pg_url.at, NULL), *o;
    char *host = NULL;

    for (o = options; o && o->keyword; o++) {
        if (strcmp(o->keyword, "hostaddr") == 0 && o->val && o->val[0]) {
            free(host);
            host = NULL;
            break;
        }
        if (strcmp(o->keyword, "host") == 0 && o->val && o->val[0] && o->val[0] != '/' && o->val[0] != '@')
            host = must_strdup(o->val);
    }
    PQconninfoFree(options);
    return host;
}

void pg_connection_open(struct pg_connection *c)
{
    char *host = host_to_resolve();
    int failed = 0;

    CHECK(c->state == PG_CLOSED);
    if (!host) {
        connect_to(c, NULL);
        return;
    }
    c->state = PG_RESOLVING;
    c->resolving = must_zalloc(sizeof *c->resolving);
    c->resolving->data = c;
    failed = uv_getaddrinfo(loop_uv(), c->resolving, on_resolved, host, NULL, NULL);
    free(host);
    CHECK(failed == 0);
}

static void on_timer(struct timer *t)
{
    struct pg_connection *c = CONTAINER_OF(t, struct pg_connection, timer);

    if (c->state == PG_CLOSED)
        pg_connection_open(c);
    else if (c->state != PG_READY)
        lose(c, "connecting takes too long");
}

void pg_connection_init(struct pg_connection *c, int64_t timeout_ms, void (*changed)(struct pg_connection *c))
{
    *c = (struct pg_connection){ .timeout_ms = timeout_ms, .changed = changed };
    list_init(&c->node);
    list_init(&c->queries);
    timer_init(&c->timer, on_timer);
}

bool pg_is_in_transaction(const struct pg_connection *c)
{
    PGTransactionStatusType status = PQtransactionStatus(c->pg);

    return status == PQTRANS_INTRANS || status == PQTRANS_ACTIVE || status == PQTRANS_INERROR;
}

static bool send_prepare(struct pg_connection *c, struct pg_query *q)
{
    unsigned id = statement_id(q->statement);

    if (config->pg_pooler) /* the next one may be carried out where this was never prepared */
        return true;
    if (c->prepared[id / 64] >> id % 64 & 1)
        return true;
    q->prepares = true;
    c->prepared[id / 64] |= UINT64_C(1) << id % 64;
    return PQsendPrepare(c->pg, q->statement->name, q->statement->sql, 0, NULL) == 1;
}

static bool send_values(struct pg_connection *c, const struct statement *s, struct values v)
{
    const char *texts[VALUES_MAX];
    struct arena scratch;
    bool sent;

    CHECK(v.count <= VALUES_MAX);
    arena_init(&scratch, 1 << 24);
    for (size_t i = 0; i < v.count; i++)
        texts[i] = value_cstr(&v.at[i], &scratch);
    if (config->pg_pooler)
        sent = PQsendQueryParams(c->pg, s->sql, (int)v.count, NULL, texts, NULL, NULL, 0) == 1;
    else
        sent = PQsendQueryPrepared(c->pg, s->name, (int)v.count, texts, NULL, NULL, 0) == 1;
    arena_fini(&scratch);
    return sent;
}

struct pg_query *pg_connection_send(struct pg_connection *c, const struct statement *s, struct values v)
{
    struct pg_query *q;

    if (c->state != PG_READY)
        return NULL;
    q = must_zalloc(sizeof *q);
    q->statement = s;
    q->sent_ms = clock_ms();
    list_append(&c->queries, &q->node);
    c->query_count++;
    metric_add(METRIC_PG_QUERIES, 1);
    if (!send_prepare(c, q) || !send_values(c, s, v) || PQpipelineSync(c->pg) != 1) {
        list_remove(&q->node);
        c->query_count--;
        pg_query_free(&q);
        lose(c, "cannot send");
        return NULL;
    }
    watch(c);
    return c->state == PG_READY ? q : NULL;
}
