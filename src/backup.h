/* app: backup — madangd backup and restore: the database of one moment and the objects that its rows name, as a folder.
 *
 *   manifest               what follows, with hashes; without it the backup has not ended
 *   database-STAMP.dump    of pg_dump
 *   objects/ab/REST~HASH   an object whose key is abREST
 * A backup into a folder that has one brings it up to date: objects that are there are not copied anew, what is there stays whole
 * until the new manifest is. One that was cut off is gone on with in the same way.
 */
#ifndef MADANG_BACKUP_H
#define MADANG_BACKUP_H

#include "madang/call.h"

int backup_command(int count, char **arguments);
int restore_command(int count, char **arguments);

/* Between them. */
struct progress {
    const char *what;
    uint64_t said_ms;
};
void progress_say(struct progress *p, unsigned long long done, unsigned long long of); /* now and then */
void several_at_once(struct call *c, const char *name, task_run *work, void *arg);     /* until all have returned */
const char *backup_path(struct arena *a, const char *folder, const char *file);
bool object_key_is_sound(const char *key); /* could be a key, and leads nowhere else */
const char *object_path(struct arena *a, const char *folder, const char *key, const char *hash);

#endif
