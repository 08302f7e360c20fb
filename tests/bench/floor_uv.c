/* The floors above the bare epoll loop: the same on libuv, and on libuv with libpq.
 *
 * floor_uv PORT [CONNINFO]. GET /json: a constant. GET /row: one row of `rows` by its key, pipelined on two connections, a sync
 * after each query. Sends a whole answer for each chunk read. Not a server: a measure.
 */
#include <libpq-fe.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define BODY "{\"name\":\"madang\",\"version\":\"0.1.0\",\"kakao\":false,\"google\":false}"
#define POOL 2
#define WAITING 4096

struct client {
    uv_tcp_t tcp;
    unsigned asked; /* queries under way: it is not freed before they are answered */
    bool closed;
};

struct store {
    PGconn *pg;
    uv_poll_t poll;
    struct client *waiting[WAITING]; /* in the order of their queries */
    unsigned first, last;
};

static char buffer[65536];
static struct store stores[POOL];
static unsigned turn;
static bool with_store;

static void on_alloc(uv_handle_t *h, size_t wanted, uv_buf_t *b)
{
    (void)h;
    (void)wanted;
    *b = uv_buf_init(buffer, sizeof buffer);
}

static void say(struct client *to, const char *body, int len)
{
    char text[600];
    int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%.*s",
                     len, len, body);
    uv_buf_t b = uv_buf_init(text, (unsigned)n);

    if (!to->closed)
        uv_try_write((uv_stream_t *)&to->tcp, &b, 1);
}

static void query(struct client *from)
{
    static unsigned key;
    struct store *s = &stores[turn++ % POOL];
    char id[20];
    const char *values[1] = { id };

    snprintf(id, sizeof id, "%u", 1 + key++ % 10000);
    if (!PQsendQueryPrepared(s->pg, "row", 1, values, NULL, NULL, 0) || !PQpipelineSync(s->pg)) {
        fprintf(stderr, "%s", PQerrorMessage(s->pg));
        exit(1);
    }
    from->asked++;
    s->waiting[s->last++ % WAITING] = from;
}

static void give_up(struct client *c)
{
    if (--c->asked == 0 && c->closed)
        free(c);
}

static void on_rows(uv_poll_t *poll, int status, int events)
{
    struct store *s = poll->data;
    PGresult *r;
    int nulls = 0;

    (void)status;
    (void)events;
    PQconsumeInput(s->pg);
    while (!PQisBusy(s->pg) && s->first != s->last) {
        r = PQgetResult(s->pg);
        if (!r) {
            if (++nulls > 1)
                return;
            continue;
        }
        nulls = 0;
        if (PQresultStatus(r) == PGRES_TUPLES_OK) {
            char body[300];
            int n = snprintf(body, sizeof body, "{\"id\":%s,\"name\":\"%s\"}", PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1));

            say(s->waiting[s->first % WAITING], body, n);
        } else if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
            give_up(s->waiting[s->first++ % WAITING]);
        }
        PQclear(r);
    }
}

static void open_stores(const char *conninfo)
{
    for (int i = 0; i < POOL; i++) {
        struct store *s = &stores[i];

        s->pg = PQconnectdb(conninfo);
        if (PQstatus(s->pg) != CONNECTION_OK) {
            fprintf(stderr, "%s", PQerrorMessage(s->pg));
            exit(1);
        }
        PQclear(PQprepare(s->pg, "row", "select id, name from rows where id = $1::bigint", 1, NULL));
        PQenterPipelineMode(s->pg);
        PQsetnonblocking(s->pg, 1);
        uv_poll_init(uv_default_loop(), &s->poll, PQsocket(s->pg));
        s->poll.data = s;
        uv_poll_start(&s->poll, UV_READABLE, on_rows);
    }
}

static void on_closed(uv_handle_t *h)
{
    struct client *c = (struct client *)h;

    c->closed = true;
    if (c->asked == 0)
        free(c);
}

static void on_read(uv_stream_t *s, ssize_t got, const uv_buf_t *b)
{
    if (got < 0 && !uv_is_closing((uv_handle_t *)s))
        uv_close((uv_handle_t *)s, on_closed);
    else if (got > 0 && with_store && strncmp(b->base, "GET /row", 8) == 0)
        query((struct client *)s);
    else if (got > 0)
        say((struct client *)s, BODY, sizeof BODY - 1);
}

static void on_connection(uv_stream_t *s, int status)
{
    struct client *c = calloc(1, sizeof *c);

    (void)status;
    uv_tcp_init(uv_default_loop(), &c->tcp);
    if (uv_accept(s, (uv_stream_t *)&c->tcp) != 0)
        return;
    uv_tcp_nodelay(&c->tcp, 1);
    uv_read_start((uv_stream_t *)c, on_alloc, on_read);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at;
    uv_tcp_t listening;

    signal(SIGPIPE, SIG_IGN);
    uv_ip4_addr("127.0.0.1", (int)strtol(argc > 1 ? argv[1] : "0", NULL, 10), &at);
    uv_tcp_init(uv_default_loop(), &listening);
    uv_tcp_bind(&listening, (struct sockaddr *)&at, 0);
    if (uv_listen((uv_stream_t *)&listening, 4096, on_connection) != 0)
        return 1;
    with_store = argc > 2;
    if (with_store)
        open_stores(argv[2]);
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
