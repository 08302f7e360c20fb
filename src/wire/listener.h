/* wire: listener — the sockets that are listened on, and the connections that came by them. */
#ifndef MADANG_LISTENER_H
#define MADANG_LISTENER_H

#include "connection.h"

struct listener_group {
    const char *name;                       /* for the log and the list */
    void (*accepted)(struct connection *c); /* sets ops and owner */
    size_t connections, connections_max;
    bool limit_addresses;
    struct list listeners, connections_all;
};

void listener_group_init(struct listener_group *g, const char *name, void (*accepted)(struct connection *c), size_t max);
/* Opens every address of the list ("127.0.0.1:8080", "[::1]:80", "unix:/path", "systemd"); false: logged. */
bool listener_group_open(struct listener_group *g, struct text addresses) MUST_USE;
void listener_group_stop(struct listener_group *g);  /* accepts no more; connections stay */
void listener_group_abort(struct listener_group *g); /* and ends the connections */
/* Listening descriptors for another process to take over, in the order of the setting. */
size_t listener_group_fds(const struct listener_group *g, int *out, size_t room);
void listener_inherit(const int *fds, size_t count); /* before listener_group_open: takes these instead of binding */

/* For connection.c alone. */
void listener_forget(struct connection *c);
void connection_init(struct connection *c);
void connection_drop_queue(struct connection *c);

#endif
