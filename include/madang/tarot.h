/* features: tarot — chats with a reader who listens, lets a card be drawn, and reads it. */
#ifndef MADANG_TAROT_H
#define MADANG_TAROT_H

#include "madang/calls.h"

extern const struct feature tarot_feature;
/* Draws 00.png … 77.png beside 00.svg …, as messengers show them (1200 × 630). False, and told on stderr: not all. */
bool tarot_draw_pictures(const char *folder);

#endif
