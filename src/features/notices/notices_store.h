/* Statements of the notices feature, and the structs that cross the wire. */
#ifndef MADANG_NOTICES_STORE_H
#define MADANG_NOTICES_STORE_H

#include "madang/calls.h"

extern struct statement_table notices_statements;

struct notice {
    int64_t notice;
    struct text title, body;
    struct instant created_at;
    struct opt_instant edited_at;
};
struct notice_new {
    struct text title, body;
};
struct notice_edit {
    int64_t notice;
    struct text title, body;
};
struct notice_ref {
    int64_t notice;
};
struct notice_page {
    struct opt_i64 before;
    int64_t limit;
};
struct notice_list {
    LIST_OF(struct notice) notices;
    struct opt_i64 next;
};
extern const struct shape notice_shape, notice_new_shape, notice_edit_shape, notice_ref_shape, notice_page_shape,
    notice_list_shape;

problem notice_add(struct tx *tx, const struct notice_new *in, struct notice *out) MUST_USE;
problem notice_lock(struct tx *tx, int64_t notice, struct notice *out, bool *found) MUST_USE;
problem notice_edit(struct tx *tx, const struct notice_edit *in, struct notice *out) MUST_USE; /* one that is locked */
problem notice_delete(struct tx *tx, int64_t notice, int64_t *author) MUST_USE;                /* one that is locked */
problem notice_get(struct call *c, int64_t notice, struct notice *out, bool *found) MUST_USE;
problem notices_read(struct call *c, const struct notice_page *in, struct notice_list *out) MUST_USE;

#endif
