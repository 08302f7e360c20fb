#include "notices_store.h"

#define TEXTS(type) FIELD(type, title, .len_min = 1, .len_max = 100), FIELD(type, body, .len_min = 1, .len_max = 10000)
#define NEW_TEXTS(type)                                               \
    FIELD(type, title, .len_min = 1, .len_max = 100, .prose = TITLE), \
        FIELD(type, body, .len_min = 1, .len_max = 10000, .prose = PROSE)

static const struct field notice_fields[] = {
    FIELD(struct notice, notice),
    TEXTS(struct notice),
    FIELD(struct notice, created_at),
    FIELD(struct notice, edited_at),
};
const struct shape notice_shape = SHAPE("Notice", struct notice, notice_fields);
static const struct field notice_new_fields[] = { NEW_TEXTS(struct notice_new) };
const struct shape notice_new_shape = SHAPE("NoticeNew", struct notice_new, notice_new_fields);
static const struct field notice_edit_fields[] = { FIELD(struct notice_edit, notice, .min = 1), NEW_TEXTS(struct notice_edit) };
const struct shape notice_edit_shape = SHAPE("NoticeEdit", struct notice_edit, notice_edit_fields);
static const struct field notice_ref_fields[] = { FIELD(struct notice_ref, notice, .min = 1) };
const struct shape notice_ref_shape = SHAPE("NoticeRef", struct notice_ref, notice_ref_fields);
static const struct field notice_page_fields[] = {
    FIELD(struct notice_page, before, .min = 1),
    FIELD(struct notice_page, limit, .min = 1, .max = 50, .optional = true, .otherwise = 20),
};
const struct shape notice_page_shape = SHAPE("NoticePage", struct notice_page, notice_page_fields);
static const struct field notice_list_fields[] = {
    FIELD_LIST(struct notice_list, notices, .shape = &notice_shape),
    FIELD(struct notice_list, next),
};
const struct shape notice_list_shape = SHAPE("Notices", struct notice_list, notice_list_fields);

#define NOTICE "id as notice, title, body, created_at, edited_at"
static const struct statement add = { .name = "notice_add",
                                      .lane = LANE_TX,
                                      .row = &notice_shape,
                                      .sql = "insert into notices (title, body, author) values ($1, $2, $3) returning " NOTICE };
static const struct statement edit = {
    .name = "notice_edit",
    .lane = LANE_TX,
    .row = &notice_shape,
    .sql = "update notices set title = $2, body = $3, edited_at = now() where id = $1 returning " NOTICE
};
static const struct statement drop = {
    .name = "notice_delete", .lane = LANE_TX, .row = &row_i64, .sql = "delete from notices where id = $1 returning author"
};
static const struct statement get = {
    .name = "notice_get", .lane = LANE_READ, .row = &notice_shape, .sql = "select " NOTICE " from notices where id = $1"
};
static const struct statement lock = {
    .name = "notice_lock", .lane = LANE_TX, .row = &notice_shape, .sql = "select " NOTICE " from notices where id = $1 for update"
};
static const struct statement list = { .name = "notices",
                                       .lane = LANE_READ,
                                       .row = &notice_shape,
                                       .rows_max = 51,
                                       .sql = "select " NOTICE
                                              " from notices where $1::bigint is null or id < $1 order by id desc limit $2" };

STATEMENT_TABLE(notices_statements, &add, &edit, &drop, &get, &lock, &list);

problem notice_add(struct tx *tx, const struct notice_new *in, struct notice *out)
{
    return store_one(tx, &add, VALUES(in->title, in->body, tx->call->account), out);
}

problem notice_lock(struct tx *tx, int64_t notice, struct notice *out, bool *found)
{
    return store_maybe(tx, &lock, VALUES(notice), out, found);
}

problem notice_edit(struct tx *tx, const struct notice_edit *in, struct notice *out)
{
    return store_one(tx, &edit, VALUES(in->notice, in->title, in->body), out);
}

problem notice_delete(struct tx *tx, int64_t notice, int64_t *author)
{
    return store_one(tx, &drop, VALUES(notice), author);
}

problem notice_get(struct call *c, int64_t notice, struct notice *out, bool *found)
{
    return store_maybe(c, &get, VALUES(notice), out, found);
}

problem notices_read(struct call *c, const struct notice_page *in, struct notice_list *out)
{
    return store_many(c, &list, VALUES(in->before, in->limit + 1), &out->notices);
}
