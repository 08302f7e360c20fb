/* wire: ws — one WebSocket: handshake, frames, heartbeats, closing; what its messages say is for the floors above. */
#ifndef MADANG_WS_H
#define MADANG_WS_H

#include "exchange.h"
#include "madang/token.h"
#include "ws_reader.h"

struct topic;
struct belongs { /* a topic, and the place in its list of members */
    struct topic *topic;
    uint32_t at;
    bool lasting;
};
struct held_events;
struct unread { /* bytes that came, and wait for room in `waiting` before they become messages */
    size_t len;
    char bytes[];
};
struct waiting_message {
    struct list node;
    size_t len;
    char bytes[];
};

struct socket {
    uint64_t handle;
    struct connection *c; /* NULL while it is being let go */
    bool korean : 1, deflate : 1, open : 1, closing : 1, heard : 1;
    bool joined : 1;  /* session.open was answered */
    bool joining : 1; /* a call of its own has topics held for it */
    bool echo : 1;    /* debug_echo.h */
    enum role role : 8;
    unsigned char missed; /* pings without an answer */
    unsigned short waiting_count, running;
    uint16_t belong_count, belong_room;
    uint32_t opened_s;   /* of clock_ms() */
    struct task *task;   /* works through `waiting` */
    struct list waiting; /* messages in their order */
    struct unread *unread;
    struct ws_reader *reader; /* leased while something is incomplete */
    struct belongs *belongs;
    struct held_events *held; /* what came while it was joining */
    int64_t account, expires_s;
    struct list of_account;
    char *address; /* when a proxy told it; else the connection's peer */
    char session[SESSION_ID_LEN + 1];
};

/* Whether this request may become a WebSocket (RFC 6455 §4.2), wherever the page is that asks; what to answer otherwise. */
problem ws_handshake(struct exchange *x) MUST_USE;
/* Answers 101 and takes the connection over. `behind`: bytes that came behind the head. */
void ws_accept(struct connection *c, struct exchange *x, bool korean, struct text behind);

struct socket *socket_by(uint64_t handle);               /* NULL when it is gone */
void socket_send(struct socket *s, struct chunk *frame); /* takes over the reference; closes with 1013 when too much is unsent */
/* The same for a frame of this socket alone, which may be compressed. */
void socket_send_own(struct socket *s, struct chunk *frame);
/* A message of its own, text or binary; not held back by [ws] send_bytes. */
void socket_send_message(struct socket *s, int opcode, struct text payload);
void socket_close(struct socket *s, int code, const char *reason);
void socket_set_timer(struct socket *s);
void socket_read(struct socket *s, bool on);
void socket_go_on(struct socket *s); /* a message of `waiting` was taken: what came behind them, then what comes */
/* A text frame, to be shared, of these pieces one after the other; and what is in it. */
struct chunk *frame_join_all(const struct text *parts, size_t count);
#define frame_join(...) \
    frame_join_all((const struct text[]){ __VA_ARGS__ }, sizeof((const struct text[]){ __VA_ARGS__ }) / sizeof(struct text))
struct text frame_payload(const struct chunk *frame);
void sockets_each(void (*each)(struct socket *s, void *arg), void *arg);
/* What stands above the sockets; all of it is told outside of a task. */
struct socket_ops {
    void (*message)(struct socket *s, struct text json); /* borrowed */
    void (*gone)(struct socket *s);                      /* s->c is NULL already; it is freed when nothing of its runs any more */
    void (*identified)(struct socket *s, const struct claims *claims); /* it came with a token that holds */
};
void ws_start(const struct socket_ops *ops);
void ws_stop(void);

void socket_task_done(struct socket *s); /* a task of its ended: it may be freed now */

#endif
