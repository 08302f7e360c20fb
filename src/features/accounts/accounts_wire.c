#include "accounts_wire.h"

#include "accounts_rules.h"
#include "madang/cursor.h"

#define EMAIL .len_min = 3, .len_max = 254, .check = account_email_is_valid, .format = "email"
#define PASSWORD .len_min = 8, .len_max = 128, .secret = true
#define CODE .len_min = 6, .len_max = 6, .check = code_six_digits, .pattern = "^[0-9]{6}$", .secret = true
#define NICKNAME .len_min = 2, .len_max = 16, .check = nickname_is_valid, .pattern = "^[a-zA-Z가-힣0-9]{2,16}$"

static const char *const gender_names[] = { "female", "male", "other" };
static const char *const locale_names[] = { "ko", "en" };
static const char *const purpose_names[] = { "signup", "login", "email" };
static const char *const relation_names[] = { "none", "self", "friend", "sent", "received", "blocked" };
static const char *const region_names[] = { "seoul",   "busan",   "daegu",     "incheon",   "gwangju",  "daejeon",
                                            "ulsan",   "sejong",  "gyeonggi",  "gangwon",   "chungbuk", "chungnam",
                                            "jeonbuk", "jeonnam", "gyeongbuk", "gyeongnam", "jeju",     "abroad" };
static const char *const interest_names[] = { "travel",       "film",    "music",   "books",  "cooking",    "food",
                                              "cafe",         "sports",  "fitness", "hiking", "games",      "photography",
                                              "art",          "fashion", "pets",    "cars",   "technology", "languages",
                                              "volunteering", "theatre", "dance" };
const struct words account_genders = WORDS(gender_names), account_locales = WORDS(locale_names),
                   account_regions = WORDS(region_names), account_interests = WORDS(interest_names),
                   person_relations = WORDS(relation_names), code_purposes = WORDS(purpose_names),
                   account_roles = WORDS(role_names);

static const struct field card_fields[] = {
    FIELD(struct card, account),
    FIELD(struct card, nickname),
    FIELD(struct card, avatar_url, .len_max = 1000),
    FIELD(struct card, departed, .says = "This person has left."),
};
const struct shape card_shape = SHAPE("PersonCard", struct card, card_fields);

static const struct field code_request_fields[] = {
    FIELD(struct code_request, email, EMAIL),
    FIELD(struct code_request, purpose, .words = &code_purposes),
};
const struct shape code_request_shape = SHAPE("CodeRequest", struct code_request, code_request_fields);

static const struct field consent_fields[] = {
    FIELD(struct consent_versions, terms, .len_min = 1, .len_max = 40, .says = "Version of the terms agreed to."),
    FIELD(struct consent_versions, privacy, .len_min = 1, .len_max = 40, .says = "Version of the privacy policy agreed to."),
};
static const struct shape consent_shape = SHAPE("AccountConsents", struct consent_versions, consent_fields);

static const struct field signup_fields[] = {
    FIELD(struct signup, email, EMAIL),
    FIELD(struct signup, code, CODE),
    FIELD(struct signup, password, PASSWORD),
    FIELD(struct signup, birth_date),
    FIELD(struct signup, consents, .shape = &consent_shape),
    FIELD(struct signup, locale, .words = &account_locales),
};
const struct shape auth_signup_shape = SHAPE("AuthSignup", struct signup, signup_fields);

static const struct field login_fields[] = {
    FIELD(struct login, email, EMAIL),
    FIELD(struct login, password, PASSWORD),
    FIELD(struct login, code, CODE, .says = "Only after login.code-required."),
};
const struct shape login_shape = SHAPE("Login", struct login, login_fields);

static const struct field logged_in_fields[] = {
    FIELD(struct logged_in, account),
    FIELD(struct logged_in, role, .words = &account_roles),
    FIELD(struct logged_in, access_token, .len_max = 1024, .secret = true),
    FIELD(struct logged_in, expires),
    FIELD(struct logged_in, expires_in, .min = 0, .says = "Seconds until then: no clock of the client's is needed."),
};
const struct shape auth_logged_in_shape = SHAPE("AuthLoggedIn", struct logged_in, logged_in_fields);

static const struct field forgot_fields[] = { FIELD(struct password_forgot, email, EMAIL) };
const struct shape auth_password_forgot_shape = SHAPE("AuthPasswordForgot", struct password_forgot, forgot_fields);
static const struct field reset_fields[] = {
    FIELD(struct password_reset, token, .len_min = 20, .len_max = 60, .secret = true),
    FIELD(struct password_reset, password, PASSWORD),
};
const struct shape auth_password_reset_shape = SHAPE("AuthPasswordReset", struct password_reset, reset_fields);
static const struct field change_fields[] = {
    FIELD(struct password_change, old_password, PASSWORD),
    FIELD(struct password_change, new_password, PASSWORD),
};
const struct shape auth_password_change_shape = SHAPE("AuthPasswordChange", struct password_change, change_fields);
static const struct field email_change_fields[] = {
    FIELD(struct email_change, email, EMAIL),
    FIELD(struct email_change, code_old, CODE, .says = "Sent to the present address."),
    FIELD(struct email_change, code_new, CODE, .says = "Sent to the new address."),
    FIELD(struct email_change, password, PASSWORD),
};
const struct shape auth_email_change_shape = SHAPE("AuthEmailChange", struct email_change, email_change_fields);

static const struct field session_row_fields[] = {
    FIELD(struct session_row, id),      FIELD(struct session_row, device, .len_max = 300),
    FIELD(struct session_row, address), FIELD(struct session_row, created_at),
    FIELD(struct session_row, used_at), FIELD(struct session_row, current, .says = "The one that asks."),
};
const struct shape session_row_shape = SHAPE("Session", struct session_row, session_row_fields);
static const struct field session_list_fields[] = { FIELD_LIST(struct session_list, sessions, .shape = &session_row_shape,
                                                               .list_max = 1000) };
const struct shape session_list_shape = SHAPE("Sessions", struct session_list, session_list_fields);
static const struct field session_ref_fields[] = {
    FIELD(struct session_ref, session, .len_min = 22, .len_max = 22, .check = session_id_is_valid,
          .pattern = "^[A-Za-z0-9_-]{22}$"),
};
const struct shape session_ref_shape = SHAPE("SessionRef", struct session_ref, session_ref_fields);

static const struct field onboarding_fields[] = {
    FIELD(struct onboarding, nickname, NICKNAME),
    FIELD(struct onboarding, birth_date, .says = "Needed when the account was made by a provider's login."),
    FIELD(struct onboarding, gender, .words = &account_genders),
    FIELD(struct onboarding, region, .words = &account_regions),
    FIELD(struct onboarding, introduction, .len_min = 2, .len_max = 50, .prose = PROSE),
    FIELD_LIST(struct onboarding, interests, .words = &account_interests, .list_max = 6, .optional = true),
    FIELD_MAYBE(struct onboarding, consents, .shape = &consent_shape,
                .says = "Needed when the account was made by a provider's login."),
};
const struct shape me_onboarding_shape = SHAPE("MeOnboarding", struct onboarding, onboarding_fields);

static const struct field account_new_fields[] = {
    FIELD(struct account_new, email, EMAIL),
    FIELD(struct account_new, password, PASSWORD),
    FIELD(struct account_new, nickname, NICKNAME),
    FIELD(struct account_new, birth_date),
    FIELD(struct account_new, region, .words = &account_regions),
    FIELD(struct account_new, role, .words = &account_roles),
};
const struct shape account_new_shape = SHAPE("AccountNew", struct account_new, account_new_fields);

static const struct field profile_change_fields[] = {
    FIELD(struct profile_change, nickname, NICKNAME, .says = "Another one costs 100 points."),
    FIELD(struct profile_change, introduction, .len_max = 50, .prose = PROSE),
    FIELD(struct profile_change, gender, .words = &account_genders),
    FIELD(struct profile_change, region, .words = &account_regions),
    FIELD(struct profile_change, locale, .words = &account_locales),
    FIELD(struct profile_change, avatar, .min = 1, .says = "A file of mine; null takes the picture away."),
    FIELD_LIST(struct profile_change, interests, .words = &account_interests, .list_max = 6, .optional = true),
    FIELD(struct profile_change, clear_interests, .says = "True: none at all."),
};
const struct shape me_profile_change_shape = SHAPE("MeProfileChange", struct profile_change, profile_change_fields);

#define ME_FIELDS                                                                                                           \
    FIELD(struct me, id), FIELD(struct me, points), FIELD(struct me, role, .words = &account_roles),                        \
        FIELD(struct me, locale, .words = &account_locales), FIELD(struct me, email, .len_max = 254),                       \
        FIELD(struct me, nickname), FIELD(struct me, introduction), FIELD(struct me, avatar), FIELD(struct me, birth_date), \
        FIELD(struct me, gender, .words = &account_genders), FIELD(struct me, region, .words = &account_regions),           \
        FIELD_LIST(struct me, interests, .words = &account_interests), FIELD(struct me, has_password),                      \
        FIELD_LIST(struct me, providers)
static const struct field me_row_fields[] = { ME_FIELDS };
const struct shape me_row_shape = SHAPE("MeRow", struct me, me_row_fields);
static const struct field me_fields[] = { ME_FIELDS, FIELD(struct me, avatar_url, .len_max = 1000) };
const struct shape me_shape = SHAPE("Me", struct me, me_fields);

static const struct field nickname_query_fields[] = { FIELD(struct nickname_query, nickname, NICKNAME) };
const struct shape nickname_query_shape = SHAPE("NicknameQuery", struct nickname_query, nickname_query_fields);
static const struct field nickname_free_fields[] = { FIELD(struct nickname_free, available) };
const struct shape nickname_free_shape = SHAPE("NicknameFree", struct nickname_free, nickname_free_fields);

static const struct field account_ref_fields[] = { FIELD(struct account_ref, account, .min = 1) };
const struct shape account_ref_shape = SHAPE("AccountRef", struct account_ref, account_ref_fields);

#define PERSON_FIELDS                                                                                                     \
    FIELD(struct person, id), FIELD(struct person, nickname), FIELD(struct person, introduction),                         \
        FIELD(struct person, gender, .words = &account_genders), FIELD(struct person, region, .words = &account_regions), \
        FIELD_LIST(struct person, interests, .words = &account_interests),                                                \
        FIELD(struct person, relation, .words = &person_relations), FIELD(struct person, departed)
static const struct field person_row_fields[] = { PERSON_FIELDS, FIELD(struct person, birth_date), FIELD(struct person, avatar) };
const struct shape person_row_shape = SHAPE("PersonRow", struct person, person_row_fields);
static const struct field person_fields[] = {
    PERSON_FIELDS,
    FIELD(struct person, age_band, .says = "Decade and third of it: 20s early."),
    FIELD(struct person, avatar_url, .len_max = 1000),
};
const struct shape person_shape = SHAPE("Person", struct person, person_fields);

static const struct field search_fields[] = {
    FIELD(struct search, nickname, .len_min = 1, .len_max = 16, .says = "How the nickname begins."),
    FIELD(struct search, after, .len_max = CURSOR_LEN_MAX, .says = "next of the page before."),
    FIELD(struct search, limit, .min = 1, .max = 50, .optional = true, .otherwise = 20),
};
const struct shape people_search_shape = SHAPE("PeopleSearch", struct search, search_fields);
static const struct field found_row_fields[] = {
    FIELD(struct found, account),
    FIELD(struct found, nickname),
    FIELD(struct found, avatar),
};
const struct shape people_found_shape = SHAPE("PeopleFoundRow", struct found, found_row_fields);
static const struct field found_out_fields[] = {
    FIELD(struct found, account),
    FIELD(struct found, nickname),
    FIELD(struct found, avatar_url, .len_max = 1000),
};
static const struct shape found_out_shape = SHAPE("PeopleFound", struct found, found_out_fields);
static const struct field found_list_fields[] = {
    FIELD_LIST(struct found_list, people, .shape = &found_out_shape),
    FIELD(struct found_list, next),
};
const struct shape people_found_list_shape = SHAPE("PeopleFoundList", struct found_list, found_list_fields);

static const struct field points_page_fields[] = {
    FIELD(struct points_page, before, .min = 1),
    FIELD(struct points_page, limit, .min = 1, .max = 100, .optional = true, .otherwise = 30),
};
const struct shape points_page_shape = SHAPE("PointsPage", struct points_page, points_page_fields);
static const struct field points_entry_fields[] = {
    FIELD(struct points_entry, id),        FIELD(struct points_entry, amount), FIELD(struct points_entry, reason),
    FIELD(struct points_entry, reference), FIELD(struct points_entry, at),
};
const struct shape points_entry_shape = SHAPE("PointsEntry", struct points_entry, points_entry_fields);
static const struct field points_list_fields[] = {
    FIELD_LIST(struct points_list, entries, .shape = &points_entry_shape),
    FIELD(struct points_list, balance),
    FIELD(struct points_list, next),
};
const struct shape points_list_shape = SHAPE("Points", struct points_list, points_list_fields);

static const struct field leaving_fields[] = { FIELD(struct leaving, password, PASSWORD, .says = "When the account has one.") };
const struct shape account_leaving_shape = SHAPE("AccountLeaving", struct leaving, leaving_fields);

static const struct field suspension_fields[] = {
    FIELD(struct suspension, account, .min = 1),
    FIELD(struct suspension, until),
    FIELD(struct suspension, reason, .len_min = 1, .len_max = 500, .prose = PROSE),
};
const struct shape account_suspension_shape = SHAPE("AccountSuspension", struct suspension, suspension_fields);

static const struct field standing_fields[] = { FIELD(struct standing, until), FIELD(struct standing, reason) };
const struct shape account_standing_shape = SHAPE("AccountStanding", struct standing, standing_fields);

static const struct field export_fields[] = {
    FIELD(struct account_export, account),
    FIELD(struct account_export, sessions),
    FIELD(struct account_export, points),
    FIELD(struct account_export, consents),
};
const struct shape account_export_shape = SHAPE("AccountExport", struct account_export, export_fields);
