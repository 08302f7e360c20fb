/* providers: mend — a model's words as they come, cut anywhere, into whole characters.
 *
 * A character whose bytes, or whose two surrogates, came in two pieces is put together; what can be no character becomes U+FFFD;
 * U+0000, which Postgres takes in no text, is left out.
 */
#ifndef MADANG_MEND_H
#define MADANG_MEND_H

#include "madang/buf.h"

struct mend {
    unsigned char held[8]; /* the beginning of a character */
    size_t count;
};

void mend_words(struct mend *m, struct text piece, struct buf *out);
void mend_end(struct mend *m, struct buf *out); /* nothing more comes */

#endif
