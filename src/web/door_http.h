/* web: door_http — the REST door: the public listener's service. */
#ifndef MADANG_DOOR_HTTP_H
#define MADANG_DOOR_HTTP_H

#include "wire/exchange.h"

extern const struct http_service public_service;
/* Whether a browser page of this origin may use cookies and WebSocket here. */
bool origin_is_ours(struct text origin);
#endif
