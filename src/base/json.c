/* JSON text into a tree, in one pass (RFC 8259): strict UTF-8, no duplicate names, no NUL, numbers that fit. */
#include <math.h>

#include "madang/json_tree.h"

struct reading {
    struct arena *arena;
    const char *at, *end;
    int depth;
    bool lenient;
};

static bool read_value(struct reading *r, struct json_tree *out);

static void skip_space(struct reading *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

static bool take(struct reading *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool take_word(struct reading *r, struct text word)
{
    if ((size_t)(r->end - r->at) < word.len || memcmp(r->at, word.at, word.len) != 0)
        return false;
    r->at += word.len;
    return true;
}

/* --- strings ------------------------------------------------------------------------------------------------------- */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hex4(struct reading *r, uint32_t *out)
{
    *out = 0;
    if (r->end - r->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*r->at++);

        if (digit < 0)
            return false;
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

/* Behind "\u": a code point, of two escapes when it is beyond the basic plane; no lone surrogate, no NUL. */
static bool take_code_point(struct reading *r, uint32_t *out)
{
    const char *behind;
    uint32_t low;

    if (!take_hex4(r, out) || (*out == 0 && !r->lenient))
        return false;
    if (*out < 0xD800 || *out > 0xDFFF)
        return true;
    behind = r->at;
    if (*out > 0xDBFF || !take(r, '\\') || !take(r, 'u') || !take_hex4(r, &low) || low < 0xDC00 || low > 0xDFFF) {
        r->at = behind;
        return r->lenient;
    }
    *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3F));
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
    }
    *to++ = (char)(0x80 | (c & 0x3F));
    return to;
}

static bool take_escape(struct reading *r, char **to)
{
    static const char plain[] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'
    };
    unsigned char c;
    uint32_t point;

    if (r->at == r->end)
        return false;
    c = (unsigned char)*r->at++;
    if (c == 'u') {
        if (!take_code_point(r, &point))
            return false;
        if (point)
            *to = put_utf8(*to, point);
        return true;
    }
    if (c >= sizeof plain || !plain[c])
        return false;
    *(*to)++ = plain[c];
    return true;
}

/* Bytes up to a quote or a backslash that need no look: eight at a time while all are plain ASCII. */
static const char *skip_plain(const char *at, const char *end)
{
    for (uint64_t w; end - at >= 8; at += 8) {
        memcpy(&w, at, 8);
        if ((w & UINT64_C(0x8080808080808080)) | bytes_below(w, 0x20) | bytes_are(w, '"') | bytes_are(w, '\\'))
            break;
    }
    while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* A run of bytes beyond ASCII is valid by itself or not at all. */
static bool skip_utf8(const struct reading *r, const char **at)
{
    const char *from = *at;

    while (*at < r->end && (unsigned char)**at >= 0x80)
        ++*at;
    return r->lenient || utf8_is_valid((struct text){ from, (size_t)(*at - from) });
}

/* The end of a string's raw bytes, behind its opening quote; NULL when there is none or a byte in it is not allowed. */
static const char *string_end(const struct reading *r, bool *escaped)
{
    const char *at = r->at;

    *escaped = false;
    for (;;) {
        at = skip_plain(at, r->end);
        if (at == r->end || ((unsigned char)*at < 0x20 && !r->lenient))
            return NULL;
        if (*at == '"')
            return at;
        if (*at == '\\') {
            *escaped = true;
            if (r->end - at < 2)
                return NULL;
            at += 2;
        } else if ((unsigned char)*at < 0x20) {
            at++;
        } else if (!skip_utf8(r, &at)) {
            return NULL;
        }
    }
}

static bool unescape(struct reading *r, const char *end, struct text *out)
{
    char *to = arena_alloc(r->arena, (size_t)(end - r->at) + 1), *from = to;

    while (r->at < end) {
        const char *back = memchr(r->at, '\\', (size_t)(end - r->at)), *stop = back ? back : end;

        memcpy(to, r->at, (size_t)(stop - r->at));
        to += stop - r->at;
        r->at = stop;
        if (back) {
            r->at++;
            if (!take_escape(r, &to))
                return false;
        }
    }
    *out = (struct text){ from, (size_t)(to - from) };
    return r->at == end;
}

static bool read_string(struct reading *r, struct text *out)
{
    const char *end;
    bool escaped;

    if (!take(r, '"') || !(end = string_end(r, &escaped)))
        return false;
    if (escaped) {
        if (!unescape(r, end, out))
            return false;
    } else {
        *out = (struct text){ r->at, (size_t)(end - r->at) };
    }
    r->at = end + 1;
    return true;
}

/* --- numbers ------------------------------------------------------------------------------------------------------- */
static size_t take_digits(struct reading *r)
{
    const char *from = r->at;

    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return (size_t)(r->at - from);
}

static bool read_real(struct reading *r, const char *from, struct json_tree *out)
{
    out->kind = TREE_REAL;
    out->real = strtod(arena_cstr(r->arena, (struct text){ from, (size_t)(r->at - from) }), NULL); /* of any length */
    return r->lenient || isfinite(out->real);
}

static bool read_number(struct reading *r, struct json_tree *out)
{
    const char *from = r->at;
    bool real = false;

    (void)take(r, '-');
    if (!take(r, '0') && !take_digits(r))
        return false;
    if (take(r, '.')) {
        real = true;
        if (!take_digits(r))
            return false;
    }
    if (r->at < r->end && (*r->at | 0x20) == 'e') {
        real = true;
        r->at++;
        if (!take(r, '+'))
            (void)take(r, '-');
        if (!take_digits(r))
            return false;
    }
    if (real)
        return read_real(r, from, out);
    out->kind = TREE_INTEGER;
    if (text_to_i64((struct text){ from, (size_t)(r->at - from) }, &out->integer))
        return true;
    return r->lenient && read_real(r, from, out);
}

/* --- arrays and objects -------------------------------------------------------------------------------------------- */
static bool read_member(struct reading *r, const struct json_tree *object, struct json_tree *out)
{
    skip_space(r);
    if (!read_string(r, &out->name) || object->count >= JSON_MEMBERS_MAX || (!r->lenient && json_get(object, out->name)))
        return false;
    skip_space(r);
    return take(r, ':') && read_value(r, out);
}

static bool read_items(struct reading *r, struct json_tree *out, char close)
{
    struct json_tree **last = &out->first;

    out->kind = close == '}' ? TREE_OBJECT : TREE_ARRAY;
    out->first = NULL;
    out->count = 0;
    skip_space(r);
    if (take(r, close))
        return true;
    do {
        struct json_tree *item = arena_new(r->arena, struct json_tree);

        if (!(close == '}' ? read_member(r, out, item) : read_value(r, item)))
            return false;
        *last = item;
        last = &item->next;
        out->count++;
        skip_space(r);
    } while (take(r, ','));
    return take(r, close);
}

static bool read_nested(struct reading *r, struct json_tree *out, char close)
{
    bool ok;

    r->at++;
    if (++r->depth > JSON_DEPTH_MAX || arena_is_over(r->arena))
        return false;
    ok = read_items(r, out, close);
    r->depth--;
    return ok;
}

/* What some libraries write where there is no number. */
static bool take_no_number(struct reading *r)
{
    (void)take(r, '-');
    return take_word(r, T("NaN")) || take_word(r, T("Infinity"));
}

static bool read_number_or_none(struct reading *r, struct json_tree *out)
{
    struct reading before = *r;

    if (read_number(r, out))
        return true;
    *r = before;
    out->kind = TREE_NULL;
    return r->lenient && take_no_number(r);
}

static bool read_value(struct reading *r, struct json_tree *out)
{
    skip_space(r);
    if (r->at == r->end)
        return false;
    switch (*r->at) {
    case '{':
        return read_nested(r, out, '}');
    case '[':
        return read_nested(r, out, ']');
    case '"':
        out->kind = TREE_STRING;
        return read_string(r, &out->string);
    case 't':
        out->kind = TREE_TRUE;
        return take_word(r, T("true"));
    case 'f':
        out->kind = TREE_FALSE;
        return take_word(r, T("false"));
    case 'n':
        out->kind = TREE_NULL;
        return take_word(r, T("null"));
    default:
        return read_number_or_none(r, out);
    }
}

static const struct json_tree *read_whole(struct arena *a, struct text json, bool lenient)
{
    struct reading r = { .arena = a, .at = json.at, .end = json.at + json.len, .lenient = lenient };
    struct json_tree *out = arena_new(a, struct json_tree);

    if (json.len == 0 || !read_value(&r, out))
        return NULL;
    skip_space(&r);
    return r.at == r.end ? out : NULL;
}

const struct json_tree *json_read(struct arena *a, struct text json)
{
    return read_whole(a, json, false);
}

const struct json_tree *json_read_leniently(struct arena *a, struct text json)
{
    return read_whole(a, json, true);
}

/* --- looking at it ------------------------------------------------------------------------------------------------- */
problem json_parse(struct arena *a, struct text text, const struct json_tree **out)
{
    *out = json_read(a, text);
    if (*out && (*out)->kind == TREE_OBJECT)
        return NULL;
    return arena_is_over(a) ? PROBLEM(OVERLOADED) : PROBLEM(JSON_MALFORMED);
}

const struct json_tree *json_get(const struct json_tree *object, struct text name)
{
    if (!object || object->kind != TREE_OBJECT)
        return NULL;
    for (const struct json_tree *t = object->first; t; t = t->next)
        if (text_is(t->name, name))
            return t;
    return NULL;
}

const struct json_tree *json_member(const struct json_tree *t, const char *name)
{
    return json_get(t, text_of(name));
}

size_t json_members(const struct json_tree *t)
{
    return t && t->kind == TREE_OBJECT ? t->count : 0;
}

bool json_is_i64(const struct json_tree *t, int64_t *out)
{
    if (!t || t->kind != TREE_INTEGER)
        return false;
    *out = t->integer;
    return true;
}

bool json_is_text(const struct json_tree *t, struct text *out)
{
    if (!t || t->kind != TREE_STRING)
        return false;
    *out = t->string;
    return true;
}
