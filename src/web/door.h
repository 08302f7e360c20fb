/* web: door — what both doors share: who may, limits, running the handler, and telling a problem. */
#ifndef MADANG_DOOR_H
#define MADANG_DOOR_H

#include "madang/calls.h"

/* Runs the call whose input is decoded, who makes it being authorised: limits, then the handler. */
problem door_run(struct call *c) MUST_USE;
/* Refuses it when this node is overloaded and the call may be shed. */
problem door_admit(struct call *c) MUST_USE;
problem door_overloaded(struct call *c) MUST_USE; /* counts it, and says when to come back */
/* Before decoding: whether this caller may at all. */
problem door_authorise(const struct call *c, const struct call_def *d) MUST_USE;
/* Fills account, role and session from an access token. */
problem door_identify(struct call *c, struct text token) MUST_USE;
/* The body of RFC 9457. */
struct text door_problem_json(struct call *c, problem p);
extern const struct shape problem_shape;
int64_t door_retry_after(const struct call *c, problem p);
struct text door_output(struct call *c); /* encoded; "" without an output shape */
bool language_is_korean(struct text accept_language);
void door_count(struct call *c, problem p, uint64_t began_us); /* metrics and access log */
int64_t door_call_ms(const struct call_def *d);                /* how long it may take */
void door_print_metrics(struct buf *out);
void door_start(void);

#endif
