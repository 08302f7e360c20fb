#include "madang/buf.h"

#include "madang/fault.h"

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

void buf_borrow(struct buf *b, char *memory, size_t size)
{
    *b = (struct buf){ .at = memory, .room = size, .max = size };
}

void buf_begin(struct buf *b, char *memory, size_t size, size_t max)
{
    *b = (struct buf){ .at = memory, .room = size, .max = max, .lent = true };
}

void buf_fini(struct buf *b)
{
    if (!b->lent)
        free(b->at);
    *b = (struct buf){ 0 };
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->over = false;
}

struct text buf_text(const struct buf *b)
{
    return (struct text){ b->at ? b->at : "", b->len };
}

char *buf_reserve(struct buf *b, size_t size)
{
    size_t room = b->room ? b->room : 256;

    if (size <= b->room - b->len && !b->over)
        return b->at + b->len;
    if (b->over || size > b->max - b->len || FAULT(BUF_FULL)) {
        b->over = true;
        return NULL;
    }
    while (room - b->len < size)
        room *= 2;
    b->room = room < b->max ? room : b->max; /* never more than may be written, so that the first line is enough */
    if (b->lent) {
        b->at = memcpy(must_alloc(b->room), b->at, b->len);
        b->lent = false;
    } else {
        b->at = must_realloc(b->at, b->room);
    }
    return b->at + b->len;
}

void buf_commit(struct buf *b, size_t size)
{
    CHECK(size <= b->room - b->len);
    b->len += size;
}

void buf_put_i64(struct buf *b, int64_t value)
{
    char digits[24];

    buf_put(b, text_i64(value, digits));
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    char small[256];
    va_list again;
    int length;
    char *at;

    va_copy(again, args);
    length = vsnprintf(small, sizeof small, format, again);
    va_end(again);
    CHECK(length >= 0);
    at = buf_reserve(b, (size_t)length + 1);
    if (!at)
        return;
    if ((size_t)length < sizeof small)
        memcpy(at, small, (size_t)length);
    else
        CHECK(vsnprintf(at, (size_t)length + 1, format, args) == length);
    b->len += (size_t)length;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_drop(struct buf *b, size_t size)
{
    CHECK(size <= b->len);
    if (size < b->len)
        memmove(b->at, b->at + size, b->len - size);
    b->len -= size;
}

static void put_escape(struct buf *b, unsigned char c)
{
    static const char short_form[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };

    if (c == '"' || c == '\\') {
        buf_put_char(b, '\\');
        buf_put_char(b, (char)c);
    } else if (c < sizeof short_form && short_form[c]) {
        buf_put_char(b, '\\');
        buf_put_char(b, short_form[c]);
    } else {
        buf_printf(b, "\\u%04x", c);
    }
}

/* How many bytes at the front need no escape. "<" is escaped so that JSON may stand in a page. */
static size_t plain_run(struct text t)
{
    size_t i = 0;

    for (uint64_t w; t.len - i >= sizeof w; i += sizeof w) {
        memcpy(&w, t.at + i, sizeof w);
        if (bytes_below(w, 0x20) | bytes_are(w, '"') | bytes_are(w, '\\') | bytes_are(w, '<'))
            break;
    }
    while (i < t.len && (unsigned char)t.at[i] >= 0x20 && t.at[i] != '"' && t.at[i] != '\\' && t.at[i] != '<')
        i++;
    return i;
}

void buf_put_json_string(struct buf *b, struct text t)
{
    buf_put_char(b, '"');
    while (t.len) {
        size_t plain = plain_run(t);

        buf_put(b, text_until(t, plain));
        t = text_from(t, plain);
        if (t.len) {
            put_escape(b, (unsigned char)t.at[0]);
            t = text_from(t, 1);
        }
    }
    buf_put_char(b, '"');
}
