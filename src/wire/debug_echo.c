#include "debug_echo.h"

#include "madang/config.h"

#define UNSENT_MAX (1u << 20) /* more than this, and the socket is not read until it has gone */

bool echo_is_http(const struct exchange *x)
{
    return config->debug_echo && text_is(x->path, T("/debug/echo"));
}

bool echo_is_socket(const struct exchange *x)
{
    return config->debug_echo && text_is(x->path, T("/debug/ws-echo"));
}

void echo_reply(struct exchange *x)
{
    struct text type = exchange_header(x, T("content-type"));

    exchange_header_add(x, "Content-Type", type.len ? type : T("application/octet-stream"));
    exchange_reply(x, 200, NULL, buf_text(&x->body));
    exchange_end(x);
}

void echo_message(struct socket *s, int opcode, struct text payload)
{
    socket_send_message(s, opcode, payload);
    if (s->c && s->c->queued > UNSENT_MAX)
        socket_read(s, false);
}

void echo_drained(struct socket *s)
{
    if (!s->closing)
        socket_read(s, true);
}
