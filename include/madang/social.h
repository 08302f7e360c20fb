/* features: social — friends, blocks, reports, direct messages, presence. */
#ifndef MADANG_SOCIAL_H
#define MADANG_SOCIAL_H

#include "madang/calls.h"

extern const struct feature social_feature;

#endif
