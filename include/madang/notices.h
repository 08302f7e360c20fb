/* features: notices — what the managers tell everybody. */
#ifndef MADANG_NOTICES_H
#define MADANG_NOTICES_H

#include "madang/calls.h"

extern const struct feature notices_feature;

#endif
