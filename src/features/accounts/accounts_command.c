/* madangd account: who there is, and what an operator makes of them. */
#include <inttypes.h>
#include <stdio.h>

#include "accounts_parts.h"
#include "madang/pg.h"

#define COMMAND_BYTES (8u << 20)
#define LISTED_MAX 1000

static int list(const char *word, struct arena *a)
{
    struct account_lines found;

    if (accounts_now(a, text_of(word), &found) < 0)
        return FAILED;
    for (size_t i = 0; i < found.count; i++) {
        const struct account_line *l = &found.at[i];

        printf("%10" PRId64 "  %-9.*s %-24.*s %.*s%s\n", l->id, TEXT_ARG(l->role), TEXT_ARG(l->nickname), TEXT_ARG(l->email),
               l->suspended ? "  (suspended)" : "");
    }
    if (found.count == LISTED_MAX)
        printf("… the first %d\n", LISTED_MAX);
    return DONE;
}

static int say(int64_t rows, const char *email, const char *done, const char *none)
{
    if (rows >= 0)
        fprintf(stderr, rows ? "%s %s\n" : "%s %s\n", email, rows ? done : none);
    return rows > 0 ? DONE : FAILED;
}

static int promote(const char *email, const char *role, struct arena *a)
{
    if (strcmp(role, "admin") != 0 && strcmp(role, "manager") != 0 && strcmp(role, "member") != 0)
        return USAGE;
    return say(account_promote_now(a, text_of(email), text_of(role)), email, role,
               "is no member's address: who signs up and completes the profile is one");
}

/* The sessions end with it: each node finds that in the database within seconds. */
static int suspend(const char *email, const char *days, const char *why, struct arena *a)
{
    int64_t length = 0;

    if (strcmp(days, "off") != 0 && (!text_to_i64(text_of(days), &length) || length < 1 || length > 36500))
        return USAGE;
    return say(account_suspend_now(a, text_of(email), length, text_of(why)), email, length ? "is suspended" : "is not suspended",
               "is nobody's address who could be suspended");
}

static int run(int count, char **arguments, struct arena *a)
{
    const char *what = count > 1 ? arguments[1] : "";

    if (strcmp(what, "list") == 0 && count <= 3)
        return list(count > 2 ? arguments[2] : "", a);
    if (strcmp(what, "create") == 0 && (count == 3 || count == 6 || count == 7))
        return account_create(count - 2, arguments + 2, a);
    if (strcmp(what, "promote") == 0 && (count == 3 || count == 4))
        return promote(arguments[2], count > 3 ? arguments[3] : "admin", a);
    if (strcmp(what, "suspend") == 0 && count >= 4 && count <= 5)
        return suspend(arguments[2], arguments[3], count > 4 ? arguments[4] : "", a);
    return USAGE;
}

int account_command(int count, char **arguments)
{
    struct arena a;
    int status;

    arena_init(&a, COMMAND_BYTES);
    status = run(count, arguments, &a);
    arena_fini(&a);
    return status;
}

int account_promote_command(int count, char **arguments)
{
    char *longer[] = { "account", "promote", arguments[count > 1], NULL };

    return count == 2 ? account_command(3, longer) : USAGE;
}
