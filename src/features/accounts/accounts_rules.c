#include "accounts_rules.h"

#include "madang/fold.h"

/* One code point off the front of valid UTF-8. */
static uint32_t take_code_point(struct text *t)
{
    unsigned char c = (unsigned char)t->at[0];
    size_t n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    uint32_t point = n == 1 ? c : c & (0x7Fu >> n);

    for (size_t i = 1; i < n; i++)
        point = point << 6 | ((unsigned char)t->at[i] & 0x3Fu);
    *t = text_from(*t, n);
    return point;
}

static bool is_alnum(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool nickname_is_valid(struct text t)
{
    size_t count = 0;

    for (; t.len; count++) {
        uint32_t c = take_code_point(&t);

        if (!is_alnum(c) && (c < 0xAC00 || c > 0xD7A3)) /* 가..힣 */
            return false;
    }
    return count >= 2 && count <= 16;
}

struct text nickname_fold(struct arena *a, struct text nickname)
{
    char *copy = (char *)(uintptr_t)arena_cstr(a, nickname);

    for (size_t i = 0; i < nickname.len; i++) /* before case is folded: it is the capital I that looks like an l */
        copy[i] = copy[i] == 'I' || copy[i] == '1' ? 'l' : copy[i] == '0' ? 'o' : copy[i];
    return text_fold(a, (struct text){ copy, nickname.len });
}

bool account_email_is_valid(struct text t)
{
    struct text domain, local = text_cut(t, '@', &domain);

    for (size_t i = 0; i < t.len; i++)
        if ((unsigned char)t.at[i] <= 0x20 || (unsigned char)t.at[i] >= 0x7F || strchr("<>\"(),;:\\[]", t.at[i]))
            return false;
    return local.len >= 1 && local.len <= 64 && domain.len >= 3 && text_find(domain, '@') < 0 && text_find(domain, '.') > 0 &&
           domain.at[domain.len - 1] != '.';
}

bool code_six_digits(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (t.at[i] < '0' || t.at[i] > '9')
            return false;
    return t.len == 6;
}

bool session_id_is_valid(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (!is_alnum((unsigned char)t.at[i]) && t.at[i] != '-' && t.at[i] != '_')
            return false;
    return t.len == 22;
}

struct text account_email_normal(struct arena *a, struct text email)
{
    char *copy = (char *)(uintptr_t)arena_cstr(a, email);

    for (size_t i = 0; i < email.len; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + 32);
    return (struct text){ copy, email.len };
}

int person_age_at(struct date birth, struct instant now)
{
    return birth.year < 1900 ? -1 : date_years_between(birth, date_in_korea(now));
}

struct text person_age_band(struct arena *a, struct date birth, struct instant now)
{
    int age = person_age_at(birth, now), in_band = age % 10;

    return arena_printf(a, "%ds %s", age / 10 * 10, in_band <= 3 ? "early" : in_band <= 6 ? "middle" : "late");
}

bool oauth_return_path_is_ours(struct text path)
{
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.at[i] < 0x20 || path.at[i] == '\\')
            return false;
    return path.len >= 1 && path.len <= 500 && path.at[0] == '/' && (path.len == 1 || path.at[1] != '/');
}

int64_t login_failure_wait_s(int64_t failures, int64_t limit)
{
    int64_t over = failures - limit;

    return over < 0 ? 0 : over > 5 ? 900 : 30 << over;
}
