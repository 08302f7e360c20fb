/* web: admin — the operator's pages: health, metrics, lists, fault switches, the mail outbox of development. */
#ifndef MADANG_ADMIN_H
#define MADANG_ADMIN_H

#include "wire/exchange.h"

extern const struct http_service admin_service;
void admin_start(void);

#endif
