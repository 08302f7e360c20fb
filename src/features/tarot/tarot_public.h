/* What of a reading others may see. */
#ifndef MADANG_TAROT_PUBLIC_H
#define MADANG_TAROT_PUBLIC_H

#include "tarot_wire.h"

/* The reading without the sentences that say the visitor's own words: those with a quotation in marks, as the built-in reader
 * and the prompts have it, and those that have more than a few letters in a row in common with what was said, or a whole short
 * answer. `notice` at the end stays. Some sentences go that need not. */
struct text tarot_reading_for_others(struct arena *a, struct text reading, const struct tarot_line *lines, size_t count,
                                     struct text notice);

#endif
