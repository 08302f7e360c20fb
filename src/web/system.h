/* web: system — the service about itself: its clock, its documents, what is switched on. */
#ifndef MADANG_SYSTEM_H
#define MADANG_SYSTEM_H

#include "madang/calls.h"

extern const struct feature system_feature;

#endif
