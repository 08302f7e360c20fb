/* wire: connection — one accepted socket: bytes in as they come, bytes out once a turn.
 *
 * What is sent is a list of chunks, shared by reference count (a broadcast is framed once for all its receivers), and leaves in
 * one writev at the end of the turn; where many have the same list of chunks to send, it is joined once for all of them.
 * Owner: the list of its listener; freed by its own close. The upper half (HTTP,
 * then perhaps WebSocket) hangs on through `ops` and `owner` and is told exactly once, by on_gone, that it is over.
 */
#ifndef MADANG_CONNECTION_H
#define MADANG_CONNECTION_H

#include "madang/arena.h"
#include "madang/loop.h"
#include "peer.h"

struct chunk {
    uint32_t refs;
    bool pooled;
    size_t len;
    char bytes[];
};
struct chunk *chunk_new(size_t len); /* one reference, the caller's */
struct chunk *chunk_of(struct text t);
struct chunk *chunk_keep(struct chunk *k);
void chunk_drop(struct chunk *k);

struct connection;
struct connection_ops {
    void (*on_data)(struct connection *c, struct text data); /* borrowed; may finish the connection */
    void (*on_gone)(struct connection *c);                   /* last call; c->owner is the upper half's to free */
    void (*on_drained)(struct connection *c);                /* all that was queued is with the kernel; may be NULL */
    void (*on_timer)(struct connection *c);                  /* c->timer, the upper half's to set */
};

struct listener;
/* A TCP or a Unix socket, as libuv sees it. */
union stream_handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct connection {
    struct list dirty;    /* from here to `closing`, 64 bytes, is what every write looks at */
    struct chunk **queue; /* `few`, or memory of its own */
    struct chunk *few[1];
    uint32_t queued; /* bytes not yet with the kernel */
    uint32_t count, room, offset;
    uint32_t sent, seen; /* bytes with the kernel, modulo 2^32; and when progress was last checked */
    int fd;              /* of uv, which owns it */
    bool writing;        /* libuv writes when there is room */
    bool hears_drained, finishing, closing;
    const struct connection_ops *ops;
    void *owner;
    struct listener *listener;
    struct list all;
    struct timer timer;
    struct peer peer;
    bool reading, shut, counted;
    bool late;              /* it came when descriptors were few: refused, and closed after its first answer */
    union stream_handle uv; /* last: a TCP connection is made without the rest of it */
};

/* Hands the connection to its upper half. */
void connection_serve(struct connection *c, const struct connection_ops *ops, void *owner);
/* Queues it and takes over the caller's reference. */
void connection_send(struct connection *c, struct chunk *k);
void connection_send_text(struct connection *c, struct text t);
void connection_read(struct connection *c, bool on); /* flow control towards the peer */
/* Closes when all is sent, lingering so that the peer can read it although it may still be sending. */
void connection_finish(struct connection *c);
void connection_abort(struct connection *c);
bool connection_is_open(const struct connection *c); /* may still be sent to */

#endif
