/* "c." and base64url of "list key-kind id key". */
#include "madang/cursor.h"

#include "madang/codec.h"

#define HEAD T("c.")
#define US_MIN INT64_C(-62135596800000000) /* the years 1 to 9999 */
#define US_MAX INT64_C(253402300799999999)

static const char kinds[] = { [CURSOR_TIME] = 't', [CURSOR_NUMBER] = 'n', [CURSOR_TEXT] = 'x' };

bool cursor_is_fit(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (!(t.at[i] >= '0' && t.at[i] <= '9') && !(t.at[i] >= 'a' && t.at[i] <= 'z') && !(t.at[i] >= 'A' && t.at[i] <= 'Z') &&
            t.at[i] != '.' && t.at[i] != '_' && t.at[i] != '-')
            return false;
    return true;
}

static bool set_time(struct cursor *out, int64_t us)
{
    out->at = (struct opt_instant){ PRESENT, { us } };
    return us >= US_MIN && us <= US_MAX;
}

static bool set_key(struct cursor *out, enum cursor_key key, struct text t)
{
    int64_t number;

    if (key == CURSOR_TEXT) {
        out->text = (struct opt_text){ PRESENT, t };
        return t.len <= CURSOR_TEXT_MAX && utf8_is_valid(t) && (t.len == 0 || !memchr(t.at, 0, t.len));
    }
    if (!text_to_i64(t, &number))
        return false;
    if (key == CURSOR_TIME)
        return set_time(out, number);
    out->number = (struct opt_i64){ PRESENT, number };
    return true;
}

static bool read_old(enum cursor_key key, struct text t, struct cursor *out)
{
    struct text id, us = text_cut(t, '-', &id);

    if (key == CURSOR_TEXT) { /* behind all who have this name */
        out->id = (struct opt_i64){ PRESENT, INT64_MAX };
        return set_key(out, key, t) && utf8_length(t) <= CURSOR_NAME_MAX;
    }
    out->id.is = PRESENT;
    return key == CURSOR_TIME && us.len <= 16 && id.len <= 16 && text_to_i64(id, &out->id.value) && out->id.value >= 0 &&
           set_key(out, key, us) && out->at.value.us >= 0;
}

bool cursor_read(struct arena *a, struct text list, int key, struct text t, struct cursor *out)
{
    enum cursor_key kind = (enum cursor_key)(key & ~CURSOR_OLD);
    struct text whole;

    *out = (struct cursor){ .id = { .is = ABSENT } };
    if (!text_skip(&t, HEAD))
        return (key & CURSOR_OLD) && read_old(kind, t, out);
    if (!base64url_decode(a, t, &whole) || !text_is(text_cut(whole, ' ', &whole), list) ||
        !text_is(text_cut(whole, ' ', &whole), (struct text){ &kinds[kind], 1 }))
        return false;
    out->id.is = PRESENT;
    return text_to_i64(text_cut(whole, ' ', &whole), &out->id.value) && set_key(out, kind, whole);
}

struct text cursor_make(struct arena *a, struct text list, const struct cursor *at)
{
    long long number = at->at.is == PRESENT ? at->at.value.us : at->number.value, id = at->id.value;
    struct text whole;

    if (at->text.is == PRESENT)
        whole = arena_printf(a, "%.*s x %lld %.*s", TEXT_ARG(list), id, TEXT_ARG(at->text.value));
    else
        whole = arena_printf(a, "%.*s %c %lld %lld", TEXT_ARG(list), at->at.is == PRESENT ? 't' : 'n', id, number);
    whole = base64url_encode(a, whole.at, whole.len);
    return arena_printf(a, "%.*s%.*s", TEXT_ARG(HEAD), TEXT_ARG(whole));
}
