/* Structs of the accounts feature that cross the wire, and their shapes. */
#ifndef MADANG_ACCOUNTS_WIRE_H
#define MADANG_ACCOUNTS_WIRE_H

#include "madang/accounts.h"
#include "madang/cards.h"
#include "madang/points.h"

enum code_purpose { CODE_SIGNUP, CODE_LOGIN, CODE_EMAIL };
enum gender { GENDER_FEMALE, GENDER_MALE, GENDER_OTHER };
enum locale { LOCALE_KO, LOCALE_EN };

struct code_request {
    struct text email;
    struct word purpose;
};
struct consent_versions {
    struct text terms, privacy;
};
struct signup {
    struct text email, code, password;
    struct date birth_date;
    struct consent_versions consents;
    struct opt_word locale;
};
struct login {
    struct text email, password;
    struct opt_text code;
};
struct logged_in {
    int64_t account;
    struct word role;
    struct text access_token;
    struct instant expires;
    int64_t expires_in; /* seconds */
};
struct password_forgot {
    struct text email;
};
struct password_reset {
    struct text token, password;
};
struct password_change {
    struct text old_password, new_password;
};
struct email_change {
    struct text email, code_old, code_new, password;
};
struct session_row {
    struct text id, device, address;
    struct instant created_at, used_at;
    bool current;
};
struct session_list {
    LIST_OF(struct session_row) sessions;
};
struct session_ref {
    struct text session;
};

struct onboarding {
    struct text nickname;
    struct opt_date birth_date;
    struct opt_word gender;
    struct word region;
    struct opt_text introduction;
    LIST_OF(struct word) interests;
    struct consent_versions *consents;
};
struct account_new { /* on the command line */
    struct text email, password;
    struct opt_text nickname;
    struct opt_date birth_date;
    struct opt_word region, role;
};
struct profile_change {
    struct opt_text nickname, introduction;
    struct opt_word gender, region, locale;
    struct opt_i64 avatar;
    LIST_OF(struct word) interests;
    struct opt_bool clear_interests;
};
struct me {
    int64_t id, points;
    struct word role, locale;
    struct opt_text email, nickname, introduction, avatar_url;
    struct opt_i64 avatar;
    struct opt_date birth_date;
    struct opt_word gender, region;
    LIST_OF(struct word) interests;
    bool has_password;
    LIST_OF(struct text) providers;
};
struct nickname_query {
    struct text nickname;
};
struct nickname_free {
    bool available;
};
struct account_ref {
    int64_t account;
};
enum relation { RELATION_NONE, RELATION_SELF, RELATION_FRIEND, RELATION_SENT, RELATION_RECEIVED, RELATION_BLOCKED };
struct person {
    int64_t id;
    struct opt_text nickname, introduction, avatar_url;
    struct opt_i64 avatar;
    struct opt_word gender, region;
    LIST_OF(struct word) interests;
    struct opt_text age_band;
    struct opt_date birth_date; /* never leaves: made into age_band */
    struct word relation;
    bool departed;
};
struct search {
    struct text nickname;
    struct opt_text after;
    int64_t limit;
};
struct found {
    int64_t account;
    struct text nickname;
    struct opt_text avatar_url;
    struct opt_i64 avatar;
};
struct found_list {
    LIST_OF(struct found) people;
    struct opt_text next;
};
struct points_page {
    struct opt_i64 before;
    int64_t limit;
};
struct points_entry {
    int64_t id, amount;
    struct text reason, reference;
    struct instant at;
};
struct points_list {
    LIST_OF(struct points_entry) entries;
    int64_t balance;
    struct opt_i64 next;
};
struct leaving {
    struct opt_text password;
};
struct suspension {
    int64_t account;
    struct instant until;
    struct text reason;
};
/* Suspended until then, and why; neither: it is not. */
struct standing {
    struct opt_instant until;
    struct opt_text reason;
};
struct account_export {
    struct json account, sessions, points, consents;
};

extern const struct words account_genders, account_locales, account_regions, account_interests, person_relations, code_purposes,
    account_roles;
extern const struct shape account_standing_shape;
extern const struct shape code_request_shape, auth_signup_shape, login_shape, auth_logged_in_shape, auth_password_forgot_shape,
    auth_password_reset_shape, auth_password_change_shape, auth_email_change_shape, session_list_shape, session_row_shape,
    session_ref_shape, me_onboarding_shape, account_new_shape, me_profile_change_shape, me_shape, me_row_shape,
    nickname_query_shape, nickname_free_shape, account_ref_shape, person_shape, person_row_shape, people_search_shape,
    people_found_shape, people_found_list_shape, points_page_shape, points_entry_shape, points_list_shape, account_leaving_shape,
    account_suspension_shape, account_export_shape;

#endif
