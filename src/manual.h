/* app: manual — what a shell completes and the manual page, both of the table of commands. */
#ifndef MADANG_MANUAL_H
#define MADANG_MANUAL_H

#include "madang/buf.h"

/* A command as its usage tells it. Arguments are those of "NAME ARGUMENT …: what it does", and words that it takes as well
 * those of "what it does; NAME word, NAME word". FOLDER and FILE are completed as such. */
struct manual_row {
    const char *name, *says;
};
typedef bool manual_table(size_t i, struct manual_row *out); /* false: there are no more */

void manual_page(manual_table *table, struct buf *out);       /* roff, for section 8 */
void manual_completion(manual_table *table, struct buf *out); /* for bash */

#endif
