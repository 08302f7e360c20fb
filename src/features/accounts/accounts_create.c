/* madangd account create: an account whose address the operator vouches for; all else as at the door. */
#include <inttypes.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "accounts_parts.h"
#include "accounts_rules.h"
#include "madang/errand.h"
#include "madang/password.h"
#include "madang/random.h"

#define LINE_BYTES 1024
#define MADE_BYTES 12 /* of a password that we make */

struct creation {
    const struct account_new *in;
    int64_t id;
    struct field_faults faults;
};

static void print_faults(const struct field_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct field_fault *f = &faults->at[i];

        fprintf(stderr, "%.*s: %s\n", TEXT_ARG(text_from(f->pointer, 1)), f->en);
    }
}

/* One line; at a terminal it is asked for and not shown. */
static bool read_password(struct arena *a, struct text *out)
{
    char line[LINE_BYTES] = "";
    bool asks = isatty(STDIN_FILENO), ok;
    struct termios shown, hidden;

    asks = asks && tcgetattr(STDIN_FILENO, &shown) == 0;
    if (asks) {
        fputs("Password (empty: one is made): ", stderr);
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    ok = fgets(line, sizeof line, stdin) != NULL || feof(stdin);
    if (asks) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    *out = arena_text(a, text_until(text_of(line), strcspn(line, "\r\n")));
    if (!ok || !utf8_is_valid(*out))
        fputs("the password cannot be read\n", stderr);
    return ok && utf8_is_valid(*out);
}

/* Arguments behind "account create" are E-MAIL [NICKNAME BIRTH-DATE REGION [ROLE]]. */
static bool decode(struct arena *a, int count, char **arguments, struct text password, struct account_new *out)
{
    static const char *const names[] = { "email", "nickname", "birth_date", "region", "role" };
    struct pair pairs[COUNT_OF(names) + 1] = { { T("password"), password } };
    struct shape_input in = { .pairs = pairs, .pair_count = (size_t)count + 1 };
    struct field_faults faults = { .count = 0 };
    problem p;

    for (int i = 0; i < count; i++) {
        pairs[i + 1] = (struct pair){ text_of(names[i]), text_of(arguments[i]) };
        if (!utf8_is_valid(pairs[i + 1].value)) {
            fprintf(stderr, "%s: is no UTF-8\n", names[i]);
            return false;
        }
    }
    p = shape_decode(&account_new_shape, a, &in, out, &faults);
    print_faults(&faults);
    if (p && !faults.count)
        fprintf(stderr, "%s\n", p->en);
    return !p;
}

static problem give_profile(struct tx *tx, const struct account_new *in, struct text email)
{
    struct onboarding profile = { .nickname = in->nickname.value, .birth_date = in->birth_date, .region = { in->region.value } };
    enum role role = in->role.is == PRESENT ? (enum role)in->role.value : ROLE_MEMBER;
    bool done;
    problem p;

    if ((p = nickname_take(tx, profile.nickname)) || (p = account_onboard(tx, &profile, &done)) ||
        (p = points_book(tx, tx->call->account, POINTS_ONBOARDING, "onboarding", T("once"))))
        return p;
    return account_promote(tx, email, text_of(role_names[role]));
}

static problem check_rules(struct call *c, const struct account_new *in)
{
    int age = in->birth_date.is == PRESENT ? person_age_at(in->birth_date.value, clock_wall()) : AGE_MIN;

    if (age < 0)
        return call_field_wrong(c, "/birth_date", "is not a birth date", "생년월일이 올바르지 않습니다");
    if (in->role.is == PRESENT && in->role.value < ROLE_MEMBER)
        return call_field_wrong(c, "/role", "is admin, manager or member", "admin, manager, member 중 하나여야 합니다");
    return age < AGE_MIN ? PROBLEM(UNDER_AGE) : NULL;
}

static problem create(struct call *c, void *arg)
{
    struct creation *creation = arg;
    const struct account_new *in = creation->in;
    struct text email = account_email_normal(c->arena, in->email), hash;
    struct tx tx TX_SCOPE = { 0 };
    problem p;

    if ((p = check_rules(c, in))) {
        print_faults(&c->faults);
        return p;
    }
    if ((p = password_hash(c->task, c->arena, in->password, &hash)) || (p = tx_begin(c, &tx)) ||
        (p = account_add(&tx, ROLE_NEWCOMER, (struct opt_text){ PRESENT, email }, (struct opt_text){ PRESENT, hash },
                         in->birth_date, LOCALE_KO, 0, &creation->id)))
        return p;
    c->account = creation->id;
    if (in->nickname.is == PRESENT && (p = give_profile(&tx, in, email)))
        return p;
    return tx_commit(&tx);
}

int account_create(int count, char **arguments, struct arena *a)
{
    struct account_new in;
    struct creation creation = { .in = &in };
    struct text password;
    bool made;
    problem p;

    if (!read_password(a, &password))
        return FAILED;
    made = password.len == 0;
    if (made)
        password = random_token(a, MADE_BYTES);
    if (!decode(a, count, arguments, password, &in))
        return FAILED;
    p = errand_run("account.create", ERRAND_WITH_POSTGRES, create, &creation);
    if (p) {
        fprintf(stderr, "%s: %s\n", arguments[0], p->en);
        return FAILED;
    }
    if (made)
        printf("%.*s\n", TEXT_ARG(password));
    fprintf(stderr, "%s is account %" PRId64 "%s\n", arguments[0], creation.id,
            in.nickname.is == PRESENT ? "" : ", and completes the profile when logging in");
    return DONE;
}
