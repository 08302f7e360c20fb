/* data: objects_held — while a backup copies objects, none of those that rows named when it began may be removed. */
#ifndef MADANG_OBJECTS_HELD_H
#define MADANG_OBJECTS_HELD_H

/* An advisory lock; any number that only we use. */
#define OBJECTS_HOLD_KEY "7237120"
/* In SQL: for the statement that looks for objects to remove. One that comes too early to see the lock sees no row that was let
 * go later. */
#define OBJECTS_ARE_HELD                                                                                     \
    "exists (select from pg_locks where locktype = 'advisory' and classid = 0 and objid = " OBJECTS_HOLD_KEY \
    " and database = (select oid from pg_database where datname = current_database()))"
/* A schema that is there while a restore has begun and not ended. */
#define RESTORE_MARK "madang_restore"

#endif
