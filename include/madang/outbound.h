/* net: outbound — requests to outside services, through libcurl's multi interface on our loop.
 *
 * Every request belongs to a named upstream, which has a limit of requests at once and a circuit breaker: after five failures in
 * a row it answers UPSTREAM_UNAVAILABLE at once for ten seconds, then one request tries. Bodies stream both ways; what is not
 * read is not fetched. Never while a transaction is open. The transfer ends with the call at the latest. Redirects are answers,
 * and proxies of the environment are not used: whom we send keys to stands in the settings.
 */
#ifndef MADANG_OUTBOUND_H
#define MADANG_OUTBOUND_H

#include "madang/call.h"

struct outbound {
    const char *upstream; /* "s3", "kakao" …: static */
    const char *method;   /* "GET" … */
    struct text url;
    const struct pair *headers;
    size_t header_count;
    struct text body; /* kept by the caller until the answer is here */
    /* Or a body in pieces: called by the task whenever more is wanted; an empty piece ends it. */
    problem (*next_piece)(struct call *c, void *arg, struct text *piece);
    void *next_arg;
    int64_t body_length;          /* of next_piece */
    int64_t connect_ms, total_ms; /* 0: 5 s, 10 s; the name's look-up counts for both */
    int64_t silence_ms;           /* given up when no byte went either way for so long; 0: only by total_ms */
    size_t answer_max;            /* 0: 64 KiB */
    size_t at_once;               /* of this upstream; 0: 64 */
    bool repeatable;              /* may be sent again: network failures, 429 and 5xx are, up to three times with jitter */
};

struct outbound_answer {
    int status;
    struct text body, type;
};

/* UPSTREAM_UNAVAILABLE (breaker open, cannot connect, silent for too long), UPSTREAM_FAILED (broken off, too long an answer),
 * DEADLINE, OVERLOADED.
 * Any HTTP status is an answer, not a problem. */
problem outbound_run(struct call *c, const struct outbound *o, struct outbound_answer *out) MUST_USE;

/* The same as a stream: open, status, then pieces until an empty one. */
struct transfer;
problem outbound_open(struct call *c, const struct outbound *o, struct transfer **out) MUST_USE;
problem outbound_status(struct call *c, struct transfer *t, int *status) MUST_USE;
problem outbound_next(struct call *c, struct transfer *t, struct text *piece) MUST_USE;
struct text outbound_type(const struct transfer *t); /* Content-Type, once the status is known; borrowed */
/* What the reader cannot live with (a silence, an error inside a good answer) counts as a failure of the upstream's. */
void outbound_blame(struct transfer *t);
void outbound_close(struct transfer *t); /* at once, not with the call's arena */

void outbound_start(void);
void outbound_stop(void);

#endif
