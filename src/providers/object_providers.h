/* providers: the stores behind madang/objects.h. */
#ifndef MADANG_OBJECT_PROVIDERS_H
#define MADANG_OBJECT_PROVIDERS_H

#include "madang/objects.h"

problem disk_put(struct call *c, struct text key, const char *path) MUST_USE;
problem disk_delete(struct call *c, struct text key) MUST_USE;
problem disk_place(struct call *c, struct text key, struct object_place *out) MUST_USE;
problem disk_read(struct call *c, struct text key, object_take *take, void *arg, bool *found) MUST_USE;
problem s3_read(struct call *c, struct text key, object_take *take, void *arg, bool *found) MUST_USE;
problem s3_put(struct call *c, struct text key, const char *path, struct text type) MUST_USE;
problem s3_delete(struct call *c, struct text key) MUST_USE;
problem s3_place(struct call *c, struct text key, struct text type, struct object_place *out) MUST_USE;

#endif
