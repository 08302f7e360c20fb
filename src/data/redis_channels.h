/* data: redis_channels — publishing and subscribing, over one Redis or spread over several by a hash of the channel. */
#ifndef MADANG_REDIS_CHANNELS_H
#define MADANG_REDIS_CHANNELS_H

#include "madang/redis.h"

void redis_channels_start(void);
void redis_channels_stop(void);
/* The commands' connection to [redis] url is lost: a frozen Redis is silent on both. */
void redis_channels_main_lost(void);

#endif
