#include "files_store.h"

#include "madang/config.h"
#include "madang/objects.h"
#include "madang/objects_held.h"

static const struct field file_info_fields[] = {
    FIELD(struct file_info, file),
    FIELD(struct file_info, size),
    FIELD(struct file_info, width),
    FIELD(struct file_info, height),
    FIELD(struct file_info, type),
    FIELD(struct file_info, url, .len_max = 1000),
    FIELD(struct file_info, thumb_url, .len_max = 1000),
};
const struct shape file_info_shape = SHAPE("FileInfo", struct file_info, file_info_fields);
static const struct field file_ref_fields[] = { FIELD(struct file_ref, file, .min = 1) };
const struct shape file_ref_shape = SHAPE("FileRef", struct file_ref, file_ref_fields);
static const struct field file_link_fields[] = {
    FIELD(struct file_link, url, .len_max = 1000),
    FIELD(struct file_link, thumb_url, .len_max = 1000),
    FIELD(struct file_link, expires),
};
const struct shape file_link_shape = SHAPE("FileLink", struct file_link, file_link_fields);

static const struct field file_row_fields[] = {
    FIELD(struct file_row, id),     FIELD(struct file_row, size), FIELD(struct file_row, width),
    FIELD(struct file_row, height), FIELD(struct file_row, key),  FIELD(struct file_row, type),
};
static const struct shape file_row_shape = SHAPE("FileRow", struct file_row, file_row_fields);

static const struct statement file_add_sql = {
    .name = "file_add",
    .lane = LANE_TX,
    .row = &row_i64,
    .sql = "insert into files (account, key, type, size, width, height) values ($1, $2, $3, $4, $5, $6) returning id"
};
static const struct statement file_get = {
    .name = "file_get",
    .lane = LANE_READ,
    .row = &file_row_shape,
    .sql = "select id, size, width, height, key, type from files where id = $1 and not removed"
};
static const struct statement file_owner_sql = {
    .name = "file_owner", .lane = LANE_READ, .row = &row_i64, .sql = "select account from files where id = $1 and not removed"
};
static const struct statement file_attach_one = {
    .name = "file_attach",
    .lane = LANE_TX,
    .sql = "update files set attached = true where id = $1 and account = $2 and not removed"
};
static const struct statement file_release_one = { .name = "file_release",
                                                   .lane = LANE_TX,
                                                   .sql = "update files set removed = true where id = $1" };
static const struct statement files_leave = { .name = "files_leave",
                                              .lane = LANE_TX,
                                              .sql = "update files set removed = true where account = $1 and not attached" };
static const struct statement files_loose_sql = {
    .name = "files_loose",
    .lane = LANE_READ,
    .row = &file_row_shape,
    .rows_max = 100,
    .sql = "select id, size, width, height, key, type from files"
           " where id > $2 and (removed or (not attached and created_at < now() - $1 * interval '1 s'))"
           " and not " OBJECTS_ARE_HELD " order by id limit 100"
};
/* Both objects of each; an upload that is not attached may not have them yet, or no more. */
static const struct field object_row_fields[] = {
    FIELD(struct object_row, key),
    FIELD(struct object_row, type),
    FIELD(struct object_row, kept),
};
static const struct shape object_row_shape = SHAPE("FileObjectRow", struct object_row, object_row_fields);
const struct statement files_objects = {
    .name = "files_objects",
    .lane = LANE_SLOW,
    .row = &object_row_shape,
    .sql = "select o.key, o.type, attached as kept from files f,"
           " lateral (values (f.key, f.type), (f.key || '.t', 'image/webp')) o (key, type) where not removed order by f.id"
};
/* Only while it is still loose: it may have been attached since it was listed. */
static const struct statement file_forget_sql = { .name = "file_forget",
                                                  .lane = LANE_TX,
                                                  .sql = "delete from files where id = $1 and (removed or not attached)" };

STATEMENT_TABLE(files_statements, &file_add_sql, &file_get, &file_owner_sql, &file_attach_one, &file_release_one,
                &files_loose_sql, &file_forget_sql, &files_leave, &files_objects);

problem file_add(struct call *c, const struct file_row *f, int64_t *id)
{
    return store_one(c, &file_add_sql, VALUES(c->account, f->key, f->type, f->size, f->width, f->height), id);
}

problem file_row(struct call *c, int64_t file, struct file_row *out, bool *found)
{
    return store_maybe(c, &file_get, VALUES(file), out, found);
}

problem file_owner(struct call *c, int64_t file, int64_t *owner, bool *found)
{
    *owner = 0;
    return store_maybe(c, &file_owner_sql, VALUES(file), owner, found);
}

problem file_attach(struct tx *tx, int64_t account, int64_t file)
{
    bool done;
    problem p = store_found(tx, &file_attach_one, VALUES(file, account), &done);

    return p ? p : done ? NULL : PROBLEM(FILE_NOT_FOUND);
}

problem file_release(struct tx *tx, int64_t file)
{
    return store_exec(tx, &file_release_one, VALUES(file), NULL);
}

problem file_drop(struct call *c, int64_t file)
{
    return store_exec(c, &file_release_one, VALUES(file), NULL);
}

problem files_loose(struct call *c, int64_t after, struct loose_rows *out)
{
    return store_many(c, &files_loose_sql, VALUES(config->files_unattached_s, after), out);
}

problem file_forget(struct call *c, int64_t file)
{
    return store_exec(c, &file_forget_sql, VALUES(file), NULL);
}

problem file_release_loose(struct tx *tx, int64_t account)
{
    return store_exec(tx, &files_leave, VALUES(account), NULL);
}
