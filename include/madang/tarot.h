/* features: tarot — chats with a reader who listens, lets a card be drawn, and reads it. */
#ifndef MADANG_TAROT_H
#define MADANG_TAROT_H

#include "madang/calls.h"

extern const struct feature tarot_feature;

#endif
