/* data: dump — the database as a whole: written to a file at one moment, and read from one; for commands, blocking.
 *
 * pg_dump and pg_restore do the work, as processes of ours that end with us. What is wrong is told on standard error.
 */
#ifndef MADANG_DUMP_H
#define MADANG_DUMP_H

#include "madang/text.h"

struct pg_conn; /* libpq's */

/* Taking one. Until dump_end() no object is removed from the store that a row of that moment names (OBJECTS_ARE_HELD). */
struct dump {
    struct pg_conn *pg;
    char snapshot[80];
    char stamp[40]; /* what was acknowledged before this is in it: "2026-01-02T03:04:05.678901Z" */
};
bool dump_begin(struct dump *d) MUST_USE;
/* Rows of that moment; `each` says whether to go on. */
typedef bool dump_row(const char *const *cells, void *arg);
bool dump_rows(struct dump *d, const char *sql, dump_row *each, void *arg) MUST_USE;
bool dump_write(struct dump *d, const char *path) MUST_USE;
bool dump_let_go(struct dump *d) MUST_USE; /* of the moment, which keeps Postgres from cleaning up; not of the objects */
bool dump_still_holds(struct dump *d) MUST_USE;
void dump_end(struct dump *d); /* harmless when it did not begin */

/* Putting one back. A mark in the database says that it was begun, and of what; no node migrates while it is there. */
enum dump_target {
    TARGET_EMPTY,
    TARGET_BEGUN,  /* with this one, and nothing is in it yet */
    TARGET_FILLED, /* with this one, and all of it is in */
    TARGET_OTHER   /* anything else is in it */
};
bool dump_into(struct dump *d, const char *stamp, enum dump_target *out) MUST_USE; /* refused while nodes are at work on it */
bool dump_empty(struct dump *d) MUST_USE;                                          /* throws away all that is in it */
bool dump_mark(struct dump *d, const char *stamp) MUST_USE;
bool dump_read(struct dump *d, const char *path) MUST_USE; /* all or nothing */
bool dump_finish(struct dump *d) MUST_USE; /* applies what migrations this version has more; takes the mark away */

#endif
