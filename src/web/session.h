/* web: session — the calls of a socket about itself, as a feature of the platform's own. */
#ifndef MADANG_SESSION_H
#define MADANG_SESSION_H

#include "madang/calls.h"

extern const struct feature session_feature;

#endif
