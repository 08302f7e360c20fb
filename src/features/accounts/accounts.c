/* Accounts: the table of its calls. */
#include "accounts_parts.h"

#include "madang/files.h"

/* clang-format off */
#define SIGN_IN_LIMITS { CLUSTER_PER_ADDRESS(30, MINUTES(1)) }
#define MAIL_LIMITS { CLUSTER_PER_ADDRESS(10, MINUTES(1)) }
#define SEARCH_LIMITS { PER_ACCOUNT(60, SECONDS(10)) }
/* clang-format on */

/* clang-format off */
static const struct call_def calls[] = {
    { .name = "auth.code", .rest = POST("/api/v1/auth/codes"), .in = &code_request_shape, .run = auth_code_send, .status = 202,
      .doors = REST_ONLY, .limits = MAIL_LIMITS,
      .says = "Mails a code of six digits. The answer does not tell whether the address is known." },
    { .name = "auth.signup", .rest = POST("/api/v1/auth/signup"), .in = &auth_signup_shape, .out = &auth_logged_in_shape,
      .run = auth_signup,
      .doors = REST_ONLY, .status = 201, .once = BY_NATURAL_KEY, .limits = SIGN_IN_LIMITS,
      .problems = { PROBLEM(CODE_WRONG), PROBLEM(EMAIL_TAKEN), PROBLEM(UNDER_AGE) },
      .says = "Makes an account with the mailed code, and logs in. A guest keeps what is theirs." },
    { .name = "auth.login", .rest = POST("/api/v1/auth/login"), .in = &login_shape, .out = &auth_logged_in_shape,
      .run = auth_login,
      .doors = REST_ONLY, .limits = SIGN_IN_LIMITS,
      .problems = { PROBLEM(LOGIN_FAILED), PROBLEM(LOGIN_CODE_REQUIRED), PROBLEM(CODE_WRONG), PROBLEM(SUSPENDED) },
      .says = "Logs in by e-mail address and password. What a guest has goes along." },
    { .name = "auth.refresh", .rest = POST("/api/v1/auth/refresh"), .out = &auth_logged_in_shape, .run = auth_refresh,
      .cookie = true,
      .doors = REST_ONLY, .limits = { CLUSTER_PER_ADDRESS(120, MINUTES(1)) },
      .problems = { PROBLEM(REFRESH_INVALID), PROBLEM(SUSPENDED) },
      .says = "A fresh access token for the refresh cookie, which changes with each use." },
    { .name = "auth.logout", .rest = POST("/api/v1/auth/logout"), .who = WHO_GUEST, .run = auth_logout, .doors = REST_ONLY,
      .shed = SHED_NEVER,
      .says = "Ends this session." },
    { .name = "auth.guest", .rest = POST("/api/v1/auth/guest"), .out = &auth_logged_in_shape, .run = auth_guest, .status = 201,
      .doors = REST_ONLY, .limits = MAIL_LIMITS, .says = "A short-lived identity without a name." },
    { .name = "auth.verify", .rest = GET("/api/v1/auth/verify"), .who = WHO_GUEST, .raw = auth_verify,
      .cache = NO_STORE, .raw_type = "",
      .doors = REST_ONLY, .status = 204, .says = "Who this token stands for, in headers: for nginx's auth_request." },
    { .name = "auth.forgot", .rest = POST("/api/v1/auth/password/forgot"), .in = &auth_password_forgot_shape,
      .run = auth_password_forgot,
      .doors = REST_ONLY, .status = 202, .limits = MAIL_LIMITS, .says = "Mails a link to set a new password." },
    { .name = "auth.reset", .rest = POST("/api/v1/auth/password/reset"), .in = &auth_password_reset_shape,
      .run = auth_password_reset,
      .doors = REST_ONLY, .limits = SIGN_IN_LIMITS, .problems = { PROBLEM(PASSWORD_TOKEN_INVALID) },
      .says = "Sets a new password with the mailed token; every session ends." },
    { .name = "auth.password", .rest = POST("/api/v1/auth/password"), .who = WHO_NEWCOMER, .in = &auth_password_change_shape,
      .run = auth_password_change, .doors = REST_ONLY, .limits = { CLUSTER_PER_ACCOUNT(5, MINUTES(5)) },
      .problems = { PROBLEM(PASSWORD_WRONG) }, .says = "Changes the password; every other session ends." },
    { .name = "auth.email", .rest = POST("/api/v1/auth/email"), .who = WHO_NEWCOMER, .in = &auth_email_change_shape,
      .run = auth_email_change,
      .doors = REST_ONLY, .limits = { CLUSTER_PER_ACCOUNT(5, MINUTES(5)) },
      .problems = { PROBLEM(PASSWORD_WRONG), PROBLEM(CODE_WRONG), PROBLEM(EMAIL_TAKEN) },
      .says = "Changes the e-mail address, by codes mailed to both; every other session ends." },
    { .name = "sessions.list", .rest = GET("/api/v1/sessions"), .who = WHO_GUEST, .out = &session_list_shape,
      .run = sessions_list,
      .says = "Where I am logged in." },
    { .name = "sessions.end", .rest = DELETE("/api/v1/sessions/{session}"), .who = WHO_GUEST,
      .in = &session_ref_shape, .run = session_end,
      .problems = { PROBLEM(SESSION_NOT_FOUND) }, .says = "Ends one of my sessions." },
    { .name = "sessions.end-others", .rest = DELETE("/api/v1/sessions"), .who = WHO_GUEST, .run = sessions_end_others,
      .says = "Ends all my sessions but this." },

    { .name = "oauth.start", .rest = GET("/api/v1/auth/{provider}/start"), .raw = oauth_start,
      .cache = NO_STORE, .raw_type = "", .status = 303,
      .doors = REST_ONLY, .limits = SIGN_IN_LIMITS, .problems = { PROBLEM(OAUTH_DISABLED), PROBLEM(NOT_FOUND) },
      .says = "Sends the browser to a provider's login; return_to is a path of ours." },
    { .name = "oauth.callback", .rest = GET("/api/v1/auth/{provider}/callback"), .raw = oauth_callback,
      .cache = NO_STORE, .raw_type = "", .status = 303,
      .doors = REST_ONLY, .limits = SIGN_IN_LIMITS, .deadline_ms = 15000,
      .problems = { PROBLEM(OAUTH_DISABLED), PROBLEM(NOT_FOUND), PROBLEM(OAUTH_STATE) }, /* others are told on the login page */
      .says = "Where a provider sends the browser back to." },
    { .name = "oauth.link", .rest = POST("/api/v1/auth/{provider}/link"), .who = WHO_GUEST, .raw = oauth_link,
      .cache = NO_STORE, .raw_type = "application/json",
      .doors = REST_ONLY, .limits = SIGN_IN_LIMITS, .problems = { PROBLEM(OAUTH_DISABLED), PROBLEM(NOT_FOUND) },
      .says = "The address that connects a provider to my account; a guest is logged in, and what is theirs goes along." },

    { .name = "me.get", .rest = GET("/api/v1/me"), .who = WHO_GUEST, .out = &me_shape, .run = me_get,
      .says = "My account and profile." },
    { .name = "me.onboard", .rest = POST("/api/v1/me/onboarding"), .who = WHO_NEWCOMER, .in = &me_onboarding_shape,
      .out = &auth_logged_in_shape,
      .run = me_onboard, .doors = REST_ONLY,
      .problems = { PROBLEM(ALREADY_MEMBER), PROBLEM(NICKNAME_TAKEN), PROBLEM(UNDER_AGE), PROBLEM(CONSENT_REQUIRED) },
      .says = "Completes the profile: a newcomer becomes a member and gets 1000 points." },
    { .name = "me.update", .rest = PATCH("/api/v1/me"), .who = WHO_MEMBER, .in = &me_profile_change_shape,
      .out = &me_shape, .run = me_update,
      .once = BY_KEY, .limits = { PER_ACCOUNT(30, MINUTES(1)) },
      .problems = { PROBLEM(NICKNAME_TAKEN), PROBLEM(POINTS_SHORT), PROBLEM(FILE_NOT_FOUND) }, .says = "Changes my profile." },
    { .name = "me.points", .rest = GET("/api/v1/me/points"), .who = WHO_MEMBER, .in = &points_page_shape,
      .out = &points_list_shape,
      .run = me_points, .says = "My points and how they came, newest first." },
    { .name = "me.export", .rest = GET("/api/v1/me/export"), .who = WHO_NEWCOMER, .out = &account_export_shape, .run = me_export,
      .limits = { PER_ACCOUNT(5, MINUTES(5)) }, .says = "What is kept about me." },
    { .name = "me.leave", .rest = POST("/api/v1/me/leave"), .who = WHO_NEWCOMER, .in = &account_leaving_shape,
      .run = me_leave, .doors = REST_ONLY,
      .limits = { PER_ACCOUNT(5, MINUTES(5)) }, .problems = { PROBLEM(PASSWORD_WRONG) },
      .says = "Erases my personal data and ends the account." },
    { .name = "nickname.check", .rest = GET("/api/v1/nicknames/{nickname}"), .who = WHO_NEWCOMER, .in = &nickname_query_shape,
      .out = &nickname_free_shape, .run = nickname_check, .limits = SEARCH_LIMITS, .says = "Whether a nickname is free." },
    { .name = "people.get", .rest = GET("/api/v1/people/{account}"), .who = WHO_MEMBER, .in = &account_ref_shape,
      .out = &person_shape,
      .run = people_get, .problems = { PROBLEM(ACCOUNT_NOT_FOUND) },
      .says = "Somebody's profile, and what we are to each other." },
    { .name = "people.search", .rest = GET("/api/v1/people"), .who = WHO_MEMBER, .in = &people_search_shape,
      .out = &people_found_list_shape,
      .run = people_search, .limits = SEARCH_LIMITS, .says = "People whose nickname begins so." },
    { .name = "accounts.suspend", .rest = POST("/api/v1/accounts/{account}/suspension"), .who = WHO_MANAGER, .audit = true,
      .in = &account_suspension_shape,
      .run = account_suspend_call, .problems = { PROBLEM(ACCOUNT_NOT_FOUND) },
      .says = "Suspends an account until a time, for a reason." },
    { .name = "accounts.unsuspend", .rest = DELETE("/api/v1/accounts/{account}/suspension"), .who = WHO_MANAGER, .audit = true,
      .in = &account_ref_shape,
      .run = account_unsuspend_call, .problems = { PROBLEM(ACCOUNT_NOT_FOUND) }, .says = "Ends a suspension." },
};
/* clang-format on */

static const struct event_def *const events[] = { &me_changed_event };

static problem sweep(struct call *c, const void *payload)
{
    problem p = accounts_sweep(c);

    (void)payload;
    return p ? p : guests_sweep(c);
}

static const struct job_def jobs[] = { { .kind = "accounts.sweep", .run = sweep, .every_s = 3600 },
                                       { .kind = "accounts.left", .payload = &account_left_shape, .run = account_left } };

/* A person's picture is everybody's to see. */
static void start(void)
{
    static struct file_reader avatars = { .may = account_is_avatar };

    file_reader_add(&avatars);
    accounts_ended_start();
}

static const struct command commands[] = {
    { .name = "account",
      .run = account_command,
      .takes = "list [WORD] | create E-MAIL [NICKNAME BIRTH-DATE REGION [ROLE]] | promote E-MAIL [ROLE]"
               " | suspend E-MAIL DAYS|off [WHY]",
      .says = "who there is; a new account, whose password is read from standard input; make somebody an admin, manager or"
              " member; keep somebody out" },
    { .name = "promote", .run = account_promote_command, .takes = "E-MAIL", .says = "account promote" },
};

const struct feature accounts_feature = {
    .name = "accounts",
    .calls = LIST(calls),
    .events = LIST(events),
    .jobs = LIST(jobs),
    .commands = LIST(commands),
    .start = start,
    .stop = accounts_ended_stop,
    .statements = TABLES(&accounts_statements),
    .constraints = &accounts_constraints,
};
