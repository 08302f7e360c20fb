#include "http_head.h"

/* What may stand in a token (RFC 9110 §5.6.2), in lower case; 0: this may not. */
#define C(c) [c] = (c)
#define UPPER(c) [(c)-32] = (c), C(c)
/* clang-format off */
static const char token_chars[256] = {
    C('!'), C('#'), C('$'), C('%'), C('&'), C('\''), C('*'), C('+'), C('-'), C('.'), C('^'), C('_'), C('`'), C('|'), C('~'),
    C('0'), C('1'), C('2'), C('3'), C('4'), C('5'), C('6'), C('7'), C('8'), C('9'),
    UPPER('a'), UPPER('b'), UPPER('c'), UPPER('d'), UPPER('e'), UPPER('f'), UPPER('g'), UPPER('h'), UPPER('i'), UPPER('j'),
    UPPER('k'), UPPER('l'), UPPER('m'), UPPER('n'), UPPER('o'), UPPER('p'), UPPER('q'), UPPER('r'), UPPER('s'), UPPER('t'),
    UPPER('u'), UPPER('v'), UPPER('w'), UPPER('x'), UPPER('y'), UPPER('z'),
};
/* clang-format on */

static bool is_token_char(char c)
{
    return token_chars[(unsigned char)c] != 0;
}

static bool is_token(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (!is_token_char(t.at[i]))
            return false;
    return t.len > 0;
}

size_t head_end(struct text bytes, size_t from)
{
    from = from > 3 ? from - 3 : 0;
    for (size_t i = from; i + 4 <= bytes.len; i++) {
        const char *cr = memchr(bytes.at + i, '\r', bytes.len - i);

        if (!cr || (size_t)(cr - bytes.at) + 4 > bytes.len)
            return 0;
        i = (size_t)(cr - bytes.at);
        if (memcmp(cr, "\r\n\r\n", 4) == 0)
            return i + 4;
    }
    return 0;
}

/* Takes one line off the front, without its CRLF. A bare CR or a NUL in it is found by whoever judges its parts, none of which
 * takes a control character. */
static bool take_line(struct text *rest, struct text *line)
{
    const char *lf = rest->len ? memchr(rest->at, '\n', rest->len) : NULL;
    size_t len;

    if (!lf || lf == rest->at || lf[-1] != '\r')
        return false;
    len = (size_t)(lf - rest->at);
    *line = text_until(*rest, len - 1);
    *rest = text_from(*rest, len + 1);
    return true;
}

static bool target_is_clean(struct text t)
{
    size_t i = 0;

    for (uint64_t w; t.len - i >= sizeof w; i += sizeof w) {
        memcpy(&w, t.at + i, sizeof w);
        if ((w & UINT64_C(0x8080808080808080)) | bytes_below(w, 0x21) | bytes_are(w, 0x7F))
            return false;
    }
    for (; i < t.len; i++)
        if ((unsigned char)t.at[i] <= 0x20 || (unsigned char)t.at[i] >= 0x7F)
            return false;
    return t.len > 0;
}

static problem check_request_line(struct text line, const struct head_limits *limits, struct head_facts *f)
{
    struct text rest, version;

    f->method = text_cut(line, ' ', &rest);
    f->target = text_cut(rest, ' ', &version);
    if (!is_token(f->method) || f->method.len > 32)
        return PROBLEM(REQUEST_MALFORMED);
    if (f->target.len > limits->target_bytes)
        return PROBLEM(TARGET_TOO_LONG);
    if (!target_is_clean(f->target))
        return PROBLEM(REQUEST_MALFORMED);
    f->http10 = text_is(version, T("HTTP/1.0"));
    if (f->http10 || text_is(version, T("HTTP/1.1")))
        return NULL;
    return version.len == 8 && text_starts(version, T("HTTP/")) && version.at[6] == '.' ? PROBLEM(VERSION_UNSUPPORTED)
                                                                                        : PROBLEM(REQUEST_MALFORMED);
}

static bool is_control(unsigned char c)
{
    return (c < 0x20 && c != '\t') || c == 0x7F;
}

/* Sixteen bytes at a time: values are long, tokens and cookies. */
static bool value_is_clean(struct text v)
{
    typedef unsigned char sixteen __attribute__((vector_size(16)));
    sixteen w, bad = { 0 };
    uint64_t halves[2];
    size_t i = 0;

    for (; v.len - i >= sizeof w; i += sizeof w) {
        memcpy(&w, v.at + i, sizeof w);
        bad |= (sixteen)(((w < 0x20) & (w != '\t')) | (w == 0x7F));
    }
    memcpy(halves, &bad, sizeof halves);
    if (halves[0] | halves[1])
        return false;
    for (; i < v.len; i++)
        if (is_control((unsigned char)v.at[i]))
            return false;
    return true;
}

static bool host_is_valid(struct text h)
{
    for (size_t i = 0; i < h.len; i++) {
        char c = h.at[i];

        if (!is_token_char(c) && c != ':' && c != '[' && c != ']')
            return false;
    }
    return h.len > 0 && h.len <= 255;
}

static problem take_length(struct text value, struct head_facts *f)
{
    if (f->has_length || value.len > 18 || value.len == 0 || value.at[0] == '-' || !text_to_i64(value, &f->length))
        return PROBLEM(REQUEST_MALFORMED);
    f->has_length = true;
    return NULL;
}

static problem take_coding(struct text value, struct head_facts *f)
{
    if (f->chunked || f->http10)
        return PROBLEM(REQUEST_MALFORMED);
    if (!text_is_nocase(value, T("chunked")))
        return is_token(value) ? PROBLEM(METHOD_UNKNOWN) : PROBLEM(REQUEST_MALFORMED);
    f->chunked = true;
    return NULL;
}

/* RFC 9112 §9.3: HTTP/1.1 goes on unless somebody says close, HTTP/1.0 only when it says keep-alive. */
static void take_connection(struct text value, struct head_facts *f)
{
    while (value.len) {
        struct text one = text_trim(text_cut(value, ',', &value));

        if (text_is_nocase(one, T("close")))
            f->closes = true;
        else if (f->http10 && text_is_nocase(one, T("keep-alive")))
            f->keep_alive = true;
    }
}

/* The name is in lower case. */
static problem take_field(struct text name, struct text value, struct head_facts *f)
{
    if (text_is(name, T("content-length")))
        return take_length(value, f);
    if (text_is(name, T("transfer-encoding")))
        return take_coding(value, f);
    if (text_is(name, T("host"))) {
        if (f->host.len || !host_is_valid(value))
            return PROBLEM(REQUEST_MALFORMED);
        f->host = value;
    } else if (text_is(name, T("connection"))) {
        take_connection(value, f);
    } else if (text_is(name, T("expect"))) {
        if (!text_is_nocase(value, T("100-continue")))
            return PROBLEM(EXPECTATION_FAILED);
        f->expects_continue = !f->http10;
    }
    return NULL;
}

/* A folded line or a blank before the colon makes the name no token. */
static problem read_field(struct text line, char *at, struct pair *out)
{
    size_t n = 0;

    for (char lower; n < line.len && (lower = token_chars[(unsigned char)at[n]]) != 0; n++)
        at[n] = lower;
    if (n == 0 || n == line.len || at[n] != ':')
        return PROBLEM(REQUEST_MALFORMED);
    *out = (struct pair){ text_until(line, n), text_trim(text_from(line, n + 1)) };
    return value_is_clean(out->value) ? NULL : PROBLEM(REQUEST_MALFORMED);
}

static bool skip_nocase(struct text *t, struct text prefix)
{
    if (t->len < prefix.len || !text_is_nocase(text_until(*t, prefix.len), prefix))
        return false;
    *t = text_from(*t, prefix.len);
    return true;
}

/* Takes "http://authority" off the front, whose authority must be the Host (RFC 9112 §3.2.2). */
static bool skip_origin(struct text *target, struct text host)
{
    size_t end = 0;

    if (!skip_nocase(target, T("http://")) && !skip_nocase(target, T("https://")))
        return false;
    while (end < target->len && target->at[end] != '/' && target->at[end] != '?')
        end++;
    if (!text_is_nocase(text_until(*target, end), host))
        return false;
    *target = text_from(*target, end);
    return true;
}

/* The one reading of the target: nobody slices it again. */
static bool split_target(struct head_facts *f)
{
    struct text rest = f->target, path;

    if (!text_is(rest, T("*")) && !text_starts(rest, T("/")) && !skip_origin(&rest, f->host))
        return false;
    path = text_cut(rest, '?', &rest);
    if (text_find(path, '#') >= 0)
        return false;
    f->path = path.len ? path : T("/");
    f->query = rest;
    return true;
}

problem head_read(char *head, size_t len, const struct head_limits *limits, struct head_facts *f, struct pair *fields)
{
    struct text rest = { head, len }, line;
    problem p;

    *f = (struct head_facts){ .length = 0 };
    if (!take_line(&rest, &line))
        return PROBLEM(REQUEST_MALFORMED);
    if ((p = check_request_line(line, limits, f)))
        return p;
    for (; take_line(&rest, &line) && line.len > 0; f->fields++) {
        struct pair *field = &fields[f->fields];

        if (f->fields == limits->fields_max)
            return PROBLEM(HEADERS_TOO_LARGE);
        if ((p = read_field(line, head + (line.at - head), field)) || (p = take_field(field->name, field->value, f)))
            return p;
    }
    if (rest.len > 0 || line.len > 0)
        return PROBLEM(REQUEST_MALFORMED); /* stopped at a bare LF */
    if (f->has_length && f->chunked)
        return PROBLEM(REQUEST_MALFORMED);
    if (f->host.len == 0 && !f->http10)
        return PROBLEM(REQUEST_MALFORMED);
    f->keep_alive = (f->keep_alive || !f->http10) && !f->closes;
    return split_target(f) ? NULL : PROBLEM(REQUEST_MALFORMED);
}
