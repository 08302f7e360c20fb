/* providers: objects — where files lie: a folder, or an S3 bucket, by setting. Keys are random names of ours, never a
 * user's text. */
#ifndef MADANG_OBJECTS_H
#define MADANG_OBJECTS_H

#include "madang/call.h"

/* An object that a row names. */
struct object_row {
    struct text key, type;
    bool kept; /* else it may be missing */
};

/* Moves a finished local file into the store; the local file is gone afterwards, on failure too. */
problem object_put(struct call *c, struct text key, const char *path, struct text type) MUST_USE;
problem object_delete(struct call *c, struct text key) MUST_USE; /* also when it is not there */
/* How a reader gets it: by our streaming a local file (path), or by going to a presigned address (url). One of both is empty. */
struct object_place {
    const char *path;
    struct text url;
};
problem object_place(struct call *c, struct text key, struct text type, struct object_place *out) MUST_USE;
/* All its bytes, a piece after the other; what `take` returns ends it. *found false: it is not there. */
typedef problem object_take(struct text piece, void *arg);
problem object_read(struct call *c, struct text key, object_take *take, void *arg, bool *found) MUST_USE;
/* STORAGE_FULL when it is for want of room, else UPSTREAM_FAILED. */
problem storage_problem(int error) MUST_USE;
/* Marks an open file of the spool as somebody's, until it is closed; false when the sweep at a start just took it. */
bool spool_claim(int fd);
/* Makes the folders, and takes away what a process that was killed left in the spool. */
void objects_start(void);

#endif
