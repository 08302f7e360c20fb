#include "madang/text.h"

#include <errno.h>
#include <math.h>

struct text text_of(const char *string)
{
    return (struct text){ string ? string : "", string ? strlen(string) : 0 };
}

bool text_is(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool text_is_nocase(struct text a, struct text b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

bool media_type_is(struct text header, struct text type)
{
    struct text parameters;

    return text_is_nocase(text_trim(text_cut(header, ';', &parameters)), type);
}

bool text_starts(struct text t, struct text prefix)
{
    return t.len >= prefix.len && text_is(text_until(t, prefix.len), prefix);
}

bool text_skip(struct text *t, struct text prefix)
{
    if (!text_starts(*t, prefix))
        return false;
    *t = text_from(*t, prefix.len);
    return true;
}

bool text_ends(struct text t, struct text suffix)
{
    return t.len >= suffix.len && text_is(text_from(t, t.len - suffix.len), suffix);
}

int text_compare(struct text a, struct text b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.at, b.at, shorter) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

struct text text_trim(struct text t)
{
    while (t.len && (t.at[0] == ' ' || t.at[0] == '\t'))
        t = text_from(t, 1);
    while (t.len && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
        t.len--;
    return t;
}

struct text text_from(struct text t, size_t offset)
{
    CHECK(offset <= t.len);
    return (struct text){ t.at ? t.at + offset : "", t.len - offset };
}

struct text text_until(struct text t, size_t length)
{
    CHECK(length <= t.len);
    return (struct text){ t.at, length };
}

ptrdiff_t text_find(struct text t, char c)
{
    const char *found = t.len ? memchr(t.at, c, t.len) : NULL;

    return found ? found - t.at : -1;
}

struct text text_cut(struct text t, char separator, struct text *rest)
{
    ptrdiff_t at = text_find(t, separator);

    *rest = at < 0 ? T("") : text_from(t, (size_t)at + 1);
    return at < 0 ? t : text_until(t, (size_t)at);
}

struct text text_cut_last(struct text t, char separator, struct text *rest)
{
    for (size_t i = t.len; i-- > 0;)
        if (t.at[i] == separator) {
            *rest = text_from(t, i + 1);
            return text_until(t, i);
        }
    *rest = T("");
    return t;
}

struct text text_i64(int64_t value, char out[static 24])
{
    size_t at = 24;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        out[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        out[--at] = '-';
    return (struct text){ out + at, 24 - at };
}

bool text_to_i64(struct text t, int64_t *out)
{
    bool negative = t.len && t.at[0] == '-';
    int64_t value = 0;

    if (negative)
        t = text_from(t, 1);
    if (t.len == 0)
        return false;
    for (size_t i = 0; i < t.len; i++) {
        if (t.at[i] < '0' || t.at[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, t.at[i] - '0', &value))
            return false; /* counted downwards, so that the smallest number fits */
    }
    if (!negative && value == INT64_MIN)
        return false;
    *out = negative ? value : -value;
    return true;
}

bool text_to_f64(struct text t, double *out)
{
    char copy[64], *end;

    if (t.len == 0 || t.len >= sizeof copy)
        return false;
    memcpy(copy, t.at, t.len);
    copy[t.len] = '\0';
    errno = 0;
    *out = strtod(copy, &end);
    return errno == 0 && *end == '\0' && isfinite(*out);
}

/* The state is 0 between characters; else bits 0..2 count the bytes still due and bits 8..15, 16..23 hold the
 * bounds of the next one, since only the first continuation byte has narrower bounds than 80..BF. */
static uint32_t utf8_lead(unsigned char c)
{
    static const uint32_t any = 0x80u << 8 | 0xBFu << 16;

    if (c >= 0xC2 && c <= 0xDF)
        return 1 | any;
    if (c == 0xE0)
        return 2 | 0xA0u << 8 | 0xBFu << 16;
    if (c == 0xED)
        return 2 | 0x80u << 8 | 0x9Fu << 16;
    if (c >= 0xE1 && c <= 0xEF)
        return 2 | any;
    if (c == 0xF0)
        return 3 | 0x90u << 8 | 0xBFu << 16;
    if (c >= 0xF1 && c <= 0xF3)
        return 3 | any;
    if (c == 0xF4)
        return 3 | 0x80u << 8 | 0x8Fu << 16;
    return 0;
}

/* How many bytes at the front are ASCII, at least one of them; eight are looked at together. */
static size_t ascii_run(struct text t)
{
    uint64_t w;
    size_t i = 1;

    while (t.len - i >= 8) {
        memcpy(&w, t.at + i, 8);
        if (w & 0x8080808080808080u)
            break;
        i += 8;
    }
    return i;
}

bool utf8_feed(uint32_t *state, struct text piece)
{
    uint32_t s = *state;

    for (size_t i = 0; i < piece.len; i++) {
        unsigned char c = (unsigned char)piece.at[i];

        if (s == 0) {
            if (c < 0x80) {
                i += ascii_run(text_from(piece, i)) - 1;
                continue;
            }
            if ((s = utf8_lead(c)) == 0)
                return false;
        } else {
            if (c < (s >> 8 & 0xFF) || c > (s >> 16 & 0xFF))
                return false;
            s = (s & 7) == 1 ? 0 : ((s & 7) - 1) | 0x80u << 8 | 0xBFu << 16;
        }
    }
    *state = s;
    return true;
}

bool utf8_is_complete(uint32_t state)
{
    return state == 0;
}

bool utf8_is_valid(struct text t)
{
    uint32_t state = 0;

    return utf8_feed(&state, t) && utf8_is_complete(state);
}

size_t utf8_length(struct text t)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    size_t count = t.len, i = 0;

    for (uint64_t w; i + sizeof w <= t.len; i += sizeof w) { /* eight at a time: continuations have bit 7 and not bit 6 */
        memcpy(&w, t.at + i, sizeof w);
        count -= (w >> 7 & ~(w >> 6) & ones) * ones >> 56; /* the sum of its bytes, each 0 or 1 */
    }
    for (; i < t.len; i++)
        count -= ((unsigned char)t.at[i] & 0xC0) == 0x80;
    return count;
}
