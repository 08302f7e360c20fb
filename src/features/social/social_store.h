/* Statements of the social feature as typed functions. */
#ifndef MADANG_SOCIAL_STORE_H
#define MADANG_SOCIAL_STORE_H

#include "madang/machine.h"
#include "madang/page.h"
#include "social_rules.h"
#include "social_wire.h"

enum friendship { REQUESTED, FRIENDS };

extern struct statement_table social_statements, dm_statements;
extern struct constraint_table social_constraints;
extern const struct machine friendship_machine, report_machine;

/* Orders everything that concerns a pair: requests, blocks, the opening of their room. */
problem friend_pair_lock(struct tx *tx, int64_t a, int64_t b) MUST_USE;
problem friend_relation(struct store_on on, int64_t account, int64_t other, enum tie *relation, bool *exists) MUST_USE;
problem friend_counts(struct tx *tx, int64_t a, int64_t b, int64_t *most) MUST_USE;
problem friend_request_count(struct tx *tx, int64_t from, int64_t *count) MUST_USE; /* of his that wait for an answer */
/* *state FRIENDS: the other had asked; *done false: nothing changed. */
problem friend_request(struct tx *tx, int64_t from, int64_t to, enum friendship *state, bool *done) MUST_USE;
problem friend_accept(struct tx *tx, int64_t account, int64_t from, bool *done) MUST_USE;
problem friend_request_drop(struct tx *tx, int64_t requester, int64_t addressee, bool *done) MUST_USE;
problem friend_drop(struct tx *tx, int64_t a, int64_t b, bool *done) MUST_USE;
/* *knew false: there was nothing between them; else *was, which is over. */
problem block_add(struct tx *tx, int64_t blocker, int64_t blocked, bool *knew, enum friendship *was) MUST_USE;
problem block_drop(struct tx *tx, int64_t blocker, int64_t blocked, bool *done) MUST_USE;
problem friend_card(struct tx *tx, int64_t account, struct card *out, struct opt_i64 *avatar) MUST_USE;

enum people { PEOPLE_FRIENDS, PEOPLE_RECEIVED, PEOPLE_SENT, PEOPLE_BLOCKED };
problem friends_page(struct call *c, enum people which, const struct people_page *in, const struct cursor *from,
                     struct friend_list *out) MUST_USE;
struct account_ids {
    struct account_of *at;
    size_t count;
};
/* What is between this account and others goes, LEAVE_MAX at a time; `others` were friends or had asked. */
#define LEAVE_MAX 200
problem social_leave(struct tx *tx, int64_t account, struct account_ids *others) MUST_USE;
problem blocks_leave(struct tx *tx, int64_t account, int64_t *count) MUST_USE;
struct friend_pairs {
    struct friend_pair *at;
    size_t count;
};
/* The friends of several accounts, at most FRIENDS_OF_MAX of them. */
#define FRIENDS_OF_MAX 32
problem friends_of(struct call *c, const int64_t *accounts, size_t count, struct friend_pairs *out) MUST_USE;
problem friend_ids(struct call *c, int64_t account, struct account_ids *out) MUST_USE;

problem report_add(struct tx *tx, const struct report_new *in, struct text evidence, int64_t *id, bool *done) MUST_USE;
struct evidence_rows {
    struct report_evidence *at;
    size_t count;
};
problem report_evidence(struct call *c, const struct report_new *in, struct evidence_rows *out) MUST_USE;
problem reports_read(struct call *c, const struct report_page *in, struct report_list *out) MUST_USE;
problem report_decide(struct tx *tx, int64_t report, enum report_state state, struct opt_text note, int64_t *reported,
                      bool *done) MUST_USE;
problem report_exists(struct call *c, int64_t report, bool *exists) MUST_USE;

problem dm_room_open(struct tx *tx, int64_t a, int64_t b, int64_t *room, bool *made) MUST_USE;
problem dm_room_get(struct store_on on, int64_t room, int64_t account, struct room *out, bool *found) MUST_USE;
problem dm_rooms_of(struct call *c, const struct cursor *from, int64_t most, struct room_list *out) MUST_USE;
struct room_ids {
    struct room_ref *at;
    size_t count;
};
problem dm_room_ids(struct call *c, int64_t account, struct room_ids *out) MUST_USE;
/* Member, friend of the other, next number, message: one statement. *done false: not allowed. */
problem dm_message_add(struct tx *tx, const struct dm_send *in, struct dm_message *out, bool *done) MUST_USE;
problem dm_is_shown(struct call *c, int64_t file, bool *yes) MUST_USE; /* in a room of mine */
problem dm_message_sent(struct call *c, const struct dm_send *in, struct dm_message *out, bool *found) MUST_USE;
struct message_rows {
    struct dm_message *at;
    size_t count;
};
problem dm_history_read(struct call *c, const struct history_page *in, struct history *out) MUST_USE;
problem dm_message_delete(struct tx *tx, const struct dm_delete *in, struct dm_message *was, bool *done) MUST_USE;
/* A room of this account in which the other has left, too: nobody reads it any more. */
problem dm_room_deserted(struct tx *tx, int64_t account, int64_t *room, bool *found) MUST_USE;
problem dm_room_empty(struct tx *tx, int64_t room, struct message_rows *were) MUST_USE; /* LEAVE_MAX messages at a time */
problem dm_room_drop(struct tx *tx, int64_t room) MUST_USE;
/* *upto: where the mark is now; *done false: it did not move. */
problem dm_read_mark(struct tx *tx, const struct dm_read *in, int64_t *upto, bool *done) MUST_USE;

#endif
