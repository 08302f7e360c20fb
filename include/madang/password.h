/* sec: password — scrypt (RFC 7914) in the thread pool, at most two at once; about 60 ms each.
 *
 * A stored hash carries its parameters: "scrypt$15$8$1$salt$key" (base64url).
 */
#ifndef MADANG_PASSWORD_H
#define MADANG_PASSWORD_H

#include "madang/arena.h"
#include "madang/worker.h"

problem password_hash(struct task *t, struct arena *a, struct text password, struct text *hash) MUST_USE;
/* *ok tells whether it fits. An empty `hash` costs the same time and never fits. *old: hashed with weaker parameters than
 * today's, so hash it anew. */
problem password_check(struct task *t, struct text password, struct text hash, bool *ok, bool *old) MUST_USE;

#endif
