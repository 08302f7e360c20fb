/* wire: handover — listening sockets from an instance to its successor, over a Unix socket, so that an upgrade refuses nobody.
 *
 * Both instances accept from the same socket until the first is ended. The path is not removed by whoever ends: it may be the
 * successor's by then.
 */
#ifndef MADANG_HANDOVER_H
#define MADANG_HANDOVER_H

#include "listener.h"

/* Blocking, at start-up: descriptors from the instance at `path`; 0 when nobody is there. */
size_t handover_take(const char *path, int *fds, size_t room);
/* Offers the group's sockets there from now on; an empty path does nothing. */
void handover_offer(const char *path, struct listener_group *group);
void handover_stop(void);

#endif
