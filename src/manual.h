/* app: manual — what a shell completes and the manual page, both of the table of commands. */
#ifndef MADANG_MANUAL_H
#define MADANG_MANUAL_H

#include "madang/buf.h"

/* Takes: ways with " | " between them, "[all | retry ID|KIND]"; NULL: nothing. Words of small letters are typed as they
 * stand, FOLDER and FILE are completed as what they are, other words of capitals stand for something. */
struct manual_row {
    const char *name, *takes, *says;
};
typedef bool manual_table(size_t i, struct manual_row *out); /* false: there are no more */

void manual_page(manual_table *table, struct buf *out);       /* roff, for section 8 */
void manual_completion(manual_table *table, struct buf *out); /* for bash */

#endif
