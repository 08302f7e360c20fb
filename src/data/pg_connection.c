#include "pg_connection.h"

#include <unistd.h>

#include "madang/config.h"
#include "madang/fault.h"
#include "madang/log.h"
#include "madang/metric.h"
#include "madang/pg.h"
#include "madang/random.h"
#include "refusal.h"

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

    if (!places_all_tried(&c->places)) {
        timer_set_after(&c->timer, 1);
        return;
    }
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

    if (c->state == PG_READY ? !c->leaves : c->resolving)
        places_stop(&c->places); /* where it was well it is looked for again, by name */
    c->resolving = false;
    c->epoch++;
    timer_clear(&c->timer);
    poll_drop(c);
    PQfinish(c->pg);
    c->pg = NULL;
    c->state = PG_CLOSED;
    memset(c->prepared, 0, sizeof c->prepared);
    memset(c->stale, 0, sizeof c->stale);
    c->began = c->touched = false;
    while ((node = c->queries.next) != &c->queries) {
        struct pg_query *q = CONTAINER_OF(node, struct pg_query, node);

        q->lost = true;
        query_end(c, q);
    }
    if (c->keep_open)
        retry_later(c);
    c->changed(c);
}

void pg_connection_leave_place(struct pg_connection *c)
{
    log_warn("pg", "%s%s%s only reads: another place is looked for", c->here->name->host, c->here->address[0] ? " at " : "",
             c->here->address);
    c->leaves = true;
    pg_connection_close(c);
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

/* The results before the statement's own: of a DEALLOCATE and a PREPARE. What failed has to be done again. */
static void judge_prepare(struct pg_connection *c, struct pg_query *q, const PGresult *r)
{
    if (q->prepares && PQresultStatus(r) != PGRES_COMMAND_OK)
        statement_unset(c->prepared, q->statement);
    q->prepares -= q->prepares > 0;
}

/* What an answer to one of our statements can be; of anything else PQgetResult() might go on telling for ever. */
static bool is_expected(const PGresult *r)
{
    switch (PQresultStatus(r)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_FATAL_ERROR:
    case PGRES_PIPELINE_SYNC:
    case PGRES_PIPELINE_ABORTED:
        return true;
    default:
        return false;
    }
}

/* What a query's refusal means for its connection. */
static enum remedy judge_refusal(struct pg_connection *c, const struct pg_query *q)
{
    const struct refusal *why;

    if (PQresultStatus(q->result) != PGRES_FATAL_ERROR)
        return REMEDY_NONE;
    why = pg_refusal(text_of(PQresultErrorField(q->result, PG_DIAG_SQLSTATE)));
    if (why->remedy == REMEDY_PREPARE)
        statement_set(c->stale, q->statement);
    if (why->remedy == REMEDY_PREPARE || why->remedy == REMEDY_FORGOTTEN)
        statement_unset(c->prepared, q->statement);
    return why->remedy;
}

static bool changes_rows(const PGresult *r, struct text done)
{
    return (text_starts(done, T("INSERT")) || text_starts(done, T("UPDATE")) || text_starts(done, T("DELETE"))) &&
           !text_is(text_of(PQcmdTuples((PGresult *)(uintptr_t)r)), T("0"));
}

/* What changes nothing says nothing of whether the server can keep what is changed. */
static void note_kept(struct pg_connection *c, const struct pg_query *q)
{
    struct text done = text_of(PQcmdStatus(q->result));
    bool committed = text_is(done, T("COMMIT")), over = committed || text_is(done, T("ROLLBACK"));
    bool changed = changes_rows(q->result, done);

    if ((committed && c->touched) || (changed && !c->began))
        c->kept_ms = clock_ms();
    c->began = text_is(done, T("BEGIN")) || (c->began && !over);
    c->touched = c->began && (c->touched || changed);
}

/* False: the connection is gone. */
static bool query_done(struct pg_connection *c, struct pg_query *q)
{
    enum remedy remedy = judge_refusal(c, q);

    note_kept(c, q);
    query_end(c, q);
    if (remedy == REMEDY_MOVE)
        pg_connection_leave_place(c);
    else if (remedy == REMEDY_CONNECT)
        pg_connection_close(c);
    return c->state == PG_READY;
}

/* Takes what has arrived; a query ends with its Sync. One NULL stands between two results of the pipeline: a second one says that
 * libpq has nothing more to tell, whatever it thinks of being busy. */
static void take_results(struct pg_connection *c)
{
    unsigned nothing = 0;

    while (!list_is_empty(&c->queries) && !PQisBusy(c->pg)) {
        struct pg_query *q = CONTAINER_OF(c->queries.next, struct pg_query, node);
        PGresult *r = PQgetResult(c->pg);

        if (r ? !is_expected(r) : ++nothing > 1) {
            PQclear(r);
            lose(c, "what it answers makes no sense");
            return;
        }
        if (!r)
            continue;
        nothing = 0;
        if (PQresultStatus(r) != PGRES_PIPELINE_SYNC) {
            judge_prepare(c, q, r);
            keep_result(q, r);
            continue;
        }
        PQclear(r);
        if (!query_done(c, q))
            return;
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
    if (PQsetnonblocking(c->pg, 1) != 0 || PQenterPipelineMode(c->pg) != 1) {
        lose(c, "cannot connect");
        return;
    }
    c->state = PG_READY;
    c->failures = 0;
    c->leaves = false;
    watch(c);
    if (c->state == PG_READY)
        c->changed(c);
}

static void on_connecting_socket(uv_poll_t *poll, int status, int events);

/* False, and lost: the kernel watches no more. */
static bool poll_make(struct pg_connection *c)
{
    c->poll = must_zalloc(sizeof *c->poll);
    c->poll->data = c;
    if (uv_poll_init(loop_uv(), c->poll, PQsocket(c->pg)) == 0)
        return true;
    free(c->poll);
    c->poll = NULL;
    lose(c, "its socket cannot be watched");
    return false;
}

/* libpq may change its socket between steps (another address), so the watch is made anew each time. */
static void connect_step(struct pg_connection *c)
{
    PostgresPollingStatusType next = PQconnectPoll(c->pg);

    poll_drop(c);
    if (next == PGRES_POLLING_FAILED) {
        lose(c, "cannot connect");
        return;
    }
    if (!poll_make(c))
        return;
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

static void connect_to(struct pg_connection *c, const struct place *to)
{
    char options[200];
    int length = snprintf(options, sizeof options,
                          "-c statement_timeout=%lld -c lock_timeout=2000 -c idle_in_transaction_session_timeout=15000 "
                          "-c TimeZone=UTC -c DateStyle=ISO",
                          (long long)c->timeout_ms);
    /* What is empty leaves it to the URL. */
    const char *names[] = { "dbname", "application_name", "options", "host", "hostaddr", "port", NULL };
    const char *settings[] = { config->pg_url.at,
                               "madangd " MADANG_VERSION,
                               config->pg_pooler ? "" : options,
                               to->name->host,
                               to->address,
                               to->name->port,
                               NULL };

    CHECK(length > 0 && (size_t)length < sizeof options);
    c->here = to;
    c->state = PG_CONNECTING;
    c->pg = PQconnectStartParams(names, settings, 1);
    CHECK(c->pg != NULL);
    if (PQstatus(c->pg) == CONNECTION_BAD) {
        lose(c, "cannot connect");
        return;
    }
    timer_set_after(&c->timer, CONNECT_MS);
    if (poll_make(c))
        uv_poll_start(c->poll, UV_WRITABLE, on_connecting_socket);
}

static void on_place(struct places *p, const struct place *one)
{
    struct pg_connection *c = CONTAINER_OF(p, struct pg_connection, places);

    c->resolving = false;
    if (one)
        connect_to(c, one);
    else
        lose(c, "none of the hosts' names can be resolved");
}

/* What libpq makes of the URL; NULL: it cannot be understood. */
static PQconninfoOption *url_parse(void)
{
    return PQconninfoParse(config->pg_url.at, NULL);
}

static struct text option_of(const PQconninfoOption *o, const char *keyword)
{
    for (; o && o->keyword; o++)
        if (strcmp(o->keyword, keyword) == 0 && o->val)
            return text_of(o->val);
    return T("");
}

/* The hosts of the URL, each with its port (or the one port of all) and its address, if one is given. */
static void add_places(struct places *p, const PQconninfoOption *options)
{
    struct text hosts = option_of(options, "host"), ports = option_of(options, "port"), port = T("");
    struct text addresses = option_of(options, "hostaddr");
    bool given = addresses.len > 0, fits; /* pg_url_check() has counted them */

    do {
        struct text host = text_cut(hosts, ',', &hosts), address = text_cut(addresses, ',', &addresses);
        bool is_local = host.len == 0 || host.at[0] == '/' || host.at[0] == '@';
        char at[ADDRESS_TEXT_SIZE] = "";

        if (ports.len)
            port = text_cut(ports, ',', &ports);
        if (given && address.len < sizeof at)
            memcpy(at, address.at, address.len);
        fits = places_add(p, host, port, given || is_local ? at : NULL);
    } while (fits && (hosts.len || addresses.len));
}

static size_t names_in(struct text list)
{
    size_t n = list.len > 0;

    for (size_t i = 0; i < list.len; i++)
        n += list.at[i] == ',';
    return n;
}

/* As libpq judges them (its manual, 34.1.1.3), though that would be heard of when it connects alone. */
static const char *wrong_with_hosts(const PQconninfoOption *options)
{
    size_t hosts = names_in(option_of(options, "host")), addresses = names_in(option_of(options, "hostaddr"));
    size_t ports = names_in(option_of(options, "port")), places = hosts > addresses ? hosts : addresses;

    if (hosts && addresses && hosts != addresses)
        return "[pg] url: as many addresses (hostaddr) as hosts are needed";
    if (ports > 1 && ports != places)
        return "[pg] url: one port for all hosts is needed, or one for each";
    return places > PLACE_NAMES_MAX ? "[pg] url names more than sixteen hosts" : NULL;
}

bool pg_url_check(struct text *why)
{
    PQconninfoOption *options = url_parse();
    const char *wrong =
        options ? wrong_with_hosts(options) : "[pg] url is no connection URI, as postgresql://user@host:5432/database";

    PQconninfoFree(options);
    *why = text_of(wrong);
    return wrong == NULL;
}

void pg_connection_open(struct pg_connection *c)
{
    CHECK(c->state == PG_CLOSED);
    c->state = PG_RESOLVING;
    c->resolving = true;
    places_next(&c->places);
}

void pg_connection_open_beside(struct pg_connection *c, const struct pg_connection *other)
{
    CHECK(c->state == PG_CLOSED && other->here);
    connect_to(c, other->here);
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
    PQconninfoOption *options = url_parse();

    *c = (struct pg_connection){ .timeout_ms = timeout_ms, .changed = changed, .places.found = on_place };
    add_places(&c->places, options);
    PQconninfoFree(options);
    list_init(&c->node);
    list_init(&c->queries);
    timer_init(&c->timer, on_timer);
}

void pg_connection_free(struct pg_connection *c)
{
    c->keep_open = false;
    pg_connection_close(c);
    places_free(&c->places);
}

bool pg_is_in_transaction(const struct pg_connection *c)
{
    PGTransactionStatusType status = PQtransactionStatus(c->pg);

    return status == PQTRANS_INTRANS || status == PQTRANS_ACTIVE || status == PQTRANS_INERROR;
}

static bool send_prepare(struct pg_connection *c, struct pg_query *q)
{
    const struct statement *s = q->statement;
    char deallocate[100];

    if (config->pg_pooler) /* the next one may be carried out where this was never prepared */
        return true;
    if (statement_is_set(c->prepared, s))
        return true;
    if (statement_is_set(c->stale, s)) {
        CHECK(snprintf(deallocate, sizeof deallocate, "deallocate \"%s\"", s->name) < (int)sizeof deallocate);
        q->prepares++;
        statement_unset(c->stale, s);
        if (PQsendQueryParams(c->pg, deallocate, 0, NULL, NULL, NULL, NULL, 0) != 1)
            return false;
    }
    q->prepares++;
    statement_set(c->prepared, s);
    return PQsendPrepare(c->pg, s->name, s->sql, 0, NULL) == 1;
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
