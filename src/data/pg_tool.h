/* data: pg_tool — pg_dump and pg_restore as processes of ours, which end with us; blocking, for commands. */
#ifndef MADANG_PG_TOOL_H
#define MADANG_PG_TOOL_H

#include <libpq-fe.h>
#include <stdbool.h>

/* args[0]: the tool's name; they go to the server of `pg`. `grows`: the file that it writes, for the progress; NULL: none.
 * False, and told: it is not there, or it failed (it says why by itself). */
bool pg_tool_run(PGconn *pg, const char *const *args, const char *grows);

#endif
