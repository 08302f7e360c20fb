/* web: door_ws — the WebSocket door: what stands above the sockets. */
#ifndef MADANG_DOOR_WS_H
#define MADANG_DOOR_WS_H

#include "wire/ws.h"

extern const struct socket_ops door_ws;

#endif
