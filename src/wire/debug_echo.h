/* wire: debug_echo — with [debug] echo on, what outside judges of HTTP and WebSocket talk to: everything comes back unchanged.
 *
 * /debug/ws-echo takes text and binary messages, /debug/echo a body, both up to 16 MiB; parser, limits of progress and writer are
 * those of every other request.
 */
#ifndef MADANG_DEBUG_ECHO_H
#define MADANG_DEBUG_ECHO_H

#include "ws.h"

#define ECHO_MAX (16u << 20)

bool echo_is_http(const struct exchange *x); /* off: never */
bool echo_is_socket(const struct exchange *x);
void echo_reply(struct exchange *x);
void echo_message(struct socket *s, int opcode, struct text payload);
void echo_drained(struct socket *s);

#endif
