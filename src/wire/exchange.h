/* wire: exchange — an HTTP request and its answer, between the parser below and the doors above. */
#ifndef MADANG_EXCHANGE_H
#define MADANG_EXCHANGE_H

#include "connection.h"
#include "http_head.h"
#include "madang/http.h"

struct http;

#define PARAMS_MAX 64

struct exchange {
    struct http *http; /* NULL once the connection is gone */
    struct arena arena;
    struct head_facts facts;
    enum method method;
    struct text path; /* raw, without the query */
    struct pair *headers;
    size_t header_count;
    uint64_t header_bits; /* a bit for each name there is: most that are asked for are not there */
    struct pair *params;  /* of the query, then of the path; room for PARAMS_MAX once there is one */
    size_t param_count;
    struct peer peer;
    bool late;         /* as its connection */
    const char *cache; /* of an answer that is no refusal, unless NULL */
    struct text address, request_id, trace_id;

    struct buf body;  /* collected, or what has arrived for a streaming handler */
    struct buf piece; /* what that handler has in its hands */
    problem body_problem;
    size_t body_max, body_seen;
    bool streams, body_ended;
    struct wait *body_wait, *send_wait;

    struct buf head_out;
    bool begun, ended, keep_alive, is_head;
    int status;
    int64_t length_left; /* of the answer's body */
    uint64_t began_us;
    /* Not 0: its task has so long since bytes came or left; for these it waits without a deadline. */
    uint64_t progress_ms;
    void *visit;          /* what the service keeps with it … */
    void *door;           /* … set while a task of its works on it, which then calls exchange_end() */
    char head_first[512]; /* where head_out begins; not zeroed */
};

/* What stands above: the API's door, or the operator's pages. */
struct http_service {
    /* The head is here: decide body_max and streams, or return what to answer at once. */
    problem (*route)(struct exchange *x);
    /* Route said no, or the body went wrong: answer it. */
    void (*refuse)(struct exchange *x, problem p);
    /* The request is complete (or, when it streams, its head): answer it, then exchange_end(). */
    void (*begin)(struct exchange *x);
    /* Wants the connection for itself (WebSocket); after it, http is gone and the bytes behind the head are handed over. */
    bool (*upgrade)(struct exchange *x, struct connection *c, struct text behind);
};

void http_accept(struct connection *c, const struct http_service *service);
/* The answer is complete (or never will be): the connection goes on to the next request. Frees x. */
void exchange_end(struct exchange *x);
/* Drain: connections close after their next answer, idle ones soon. */
void http_drain(void);

/* For http.c and exchange.c. */
void http_body_wanted(struct http *h);
struct connection *http_connection(struct http *h);
struct text http_peer(struct http *h); /* the peer's address as text, for as long as h */
void exchange_gone(struct exchange *x);
/* Reads a whole head, once: facts, headers, identity, method, path, params. They stay within `head`: the arena's own copy.
 * After a problem nothing of it is read again; what was not reached is empty. */
problem exchange_read(struct exchange *x, char *head, size_t len) MUST_USE;
/* Whose request it is and what it is called in the log; of one without a head, too. */
void exchange_identify(struct exchange *x);
bool exchange_has_status(int status);                                         /* it can be answered with */
void exchange_send_chunk(struct exchange *x, int status, struct chunk *body); /* the whole answer, sharing the chunk */
problem exchange_wait_sent(struct call *c) MUST_USE;                          /* until all that was queued is with the kernel */
void exchange_sent_aside(struct call *c, size_t bytes);                       /* of the body, past the queue */
bool accepts_gzip(struct text accept_encoding);
void exchange_param_add(struct exchange *x, struct pair p); /* at most PARAMS_MAX */

#endif
