/* data: audit — what managers did: who, by which call, to what, and how that was before and after.
 *
 * A call whose row says .audit notes each thing that it changes, in the transaction that changes it; one that has noted nothing
 * is not committed. Notes are kept for [audit] days, and whoever noted or is noted about may have left.
 */
#ifndef MADANG_AUDIT_H
#define MADANG_AUDIT_H

#include "madang/store.h"

/* object: kind and number, as topics are called: "notice:7". NULL before: it was not there; NULL after: it is there no more. */
problem audit_note(struct tx *tx, struct text object, const struct shape *shape, const void *before, const void *after) MUST_USE;

/* A note as it is read. */
struct audit_entry {
    int64_t id, account;
    struct instant at;
    struct text call, object, request;
    struct json before, after; /* null: it was not there */
};
extern const struct shape audit_entry_shape;
struct audit_list {
    LIST_OF(struct audit_entry) entries;
    struct opt_i64 next;
};
/* Newest first, limit + 1 of them, behind the one of this number; of one account, of one object. */
problem audit_read(struct call *c, struct opt_i64 before, struct opt_i64 account, struct opt_text object, int64_t limit,
                   struct audit_list *out) MUST_USE;
problem audit_sweep(struct call *c) MUST_USE;
extern struct statement_table audit_statements;

#endif
