/* Statements of the files feature as typed functions, and the structs that cross the wire. */
#ifndef MADANG_FILES_STORE_H
#define MADANG_FILES_STORE_H

#include "madang/files.h"

extern struct statement_table files_statements;
extern const struct statement files_objects;

struct file_row {
    int64_t id, size, width, height;
    struct text key, type;
};
problem file_add(struct call *c, const struct file_row *f, int64_t *id) MUST_USE;
problem file_row(struct call *c, int64_t file, struct file_row *out, bool *found) MUST_USE;
problem file_owner(struct call *c, int64_t file, int64_t *owner, bool *found) MUST_USE;
problem file_drop(struct call *c, int64_t file) MUST_USE; /* its objects never came to be */
struct loose_rows {
    struct file_row *at;
    size_t count;
};
problem files_loose(struct call *c, int64_t after, struct loose_rows *out) MUST_USE;
problem file_forget(struct call *c, int64_t file) MUST_USE;

struct file_info {
    int64_t file, size, width, height;
    struct text type, url, thumb_url;
};
struct file_ref {
    int64_t file;
};
struct file_link {
    struct text url, thumb_url;
    struct instant expires;
};
extern const struct shape file_info_shape, file_ref_shape, file_link_shape;

#endif
