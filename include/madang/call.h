/* data: call — one piece of work in progress: who asks, its task, its memory, and what it has to say.
 *
 * Made by a door (HTTP, WebSocket) or by the job runner; handlers see it as the first argument and may wait exactly
 * because they have it. Everything in it lives as long as the call.
 */
#ifndef MADANG_CALL_H
#define MADANG_CALL_H

#include "madang/shape.h"
#include "madang/task.h"
#include "madang/token.h"

struct call_def; /* its row in the table of calls: madang/calls.h */
struct job_run;  /* the job that runs: madang/jobs.h */
struct exchange; /* the raw HTTP exchange: madang/http.h; only where the row says .raw */

/* Says how a key's request was told from others: of one that a version before told in another way nothing can be compared. */
#define FINGERPRINT T("2:")

#define AFTER_MAX 4
struct call;
struct after {
    void (*run)(struct call *c, void *arg), (*undo)(struct call *c, void *arg);
    void *arg;
};

struct call {
    struct task *task;
    struct arena *arena;
    const struct call_def *def; /* NULL for a job */
    struct job_run *job;        /* NULL for anything else */
    const char *name;
    const struct shape *out_shape;
    const void *in;
    void *out;

    int64_t account; /* 0: nobody */
    enum role role;
    struct text session; /* of the access token */
    bool korean;         /* the language to answer in */
    struct text trace_id, agent;
    struct text request_id, address; /* by call_request_id(), call_address(): of a socket they are made when they are wanted */
    uint64_t socket;                 /* handle of the WebSocket it came by, 0 for HTTP: madang/hub.h */
    int64_t message;                 /* its id there */
    struct exchange *http;

    enum { AUDIT_NONE, AUDIT_WANTED, AUDIT_NOTED } audit; /* what it changes is noted before it commits: madang/audit.h */

    struct text key, fingerprint; /* of idempotency; empty without */
    struct text replay;           /* the stored answer, when this is a repetition */

    struct field_faults faults; /* of FIELDS_INVALID */
    int64_t retry_after_s;      /* of a retryable problem; 0: the default of its kind */
    int status;                 /* of success; 0: 200, or 204 without an output */
    struct text cookie_in;      /* the refresh cookie that came along */
    struct text cookie_out;     /* a Set-Cookie to answer with */
    struct after *after;        /* call_after(): AFTER_MAX of them, once there is one */
    size_t after_count;
};

/* Of a socket's call: `run` right behind its reply, before anything else is sent, and `undo`, the last one first, when the call
 * fails; either may be NULL. */
void call_after(struct call *c, void (*run)(struct call *c, void *arg), void (*undo)(struct call *c, void *arg), void *arg);
/* A call for work of our own making (a job, a lease to renew): nobody's, with this task and arena. */
struct call call_of_our_own(struct task *t, struct arena *a, const char *name);
/* FIELDS_INVALID at one field, for rules that a shape cannot say. */
problem call_field_wrong(struct call *c, const char *pointer, const char *en, const char *ko) MUST_USE;
struct text call_request_id(struct call *c); /* to quote in answers and logs */
/* The problem, with the seconds after which to try again. */
problem call_retry_after(struct call *c, problem p, int64_t seconds) MUST_USE;

/* What an event on a topic is called and carries; a feature's table of them is part of the served documents. */
struct event_def {
    const char *name;
    const struct shape *data;
    const char *on; /* what kind of topic: "room:{room}" */
    bool numbered;  /* durable: takes a number and is replayed on resume */
    const char *says;
};

#endif
