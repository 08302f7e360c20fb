/* web: ears — what the features hear of sockets, topics and other nodes: what stands above the hub. */
#ifndef MADANG_EARS_H
#define MADANG_EARS_H

#include "hub/hub_parts.h"

/* Asks the features that are switched on what they want to hear; once, at start. */
const struct hub_ops *ears_open(void);

#endif
