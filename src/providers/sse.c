#include "sse.h"

void sse_init(struct sse *s, size_t event_max)
{
    *s = (struct sse){ .begun = false };
    buf_init(&s->line, event_max);
    buf_init(&s->data, event_max);
}

void sse_fini(struct sse *s)
{
    buf_fini(&s->line);
    buf_fini(&s->data);
}

static void take_field(struct sse *s, struct text name, struct text value)
{
    if (text_is(name, T("data"))) {
        if (s->has_data)
            buf_put_char(&s->data, '\n');
        s->has_data = true;
        buf_put(&s->data, value);
    } else if (text_is(name, T("event"))) {
        s->name_len = value.len < SSE_NAME_MAX ? value.len : SSE_NAME_MAX;
        memcpy(s->name, value.at ? value.at : "", s->name_len);
    }
}

static void dispatch(struct sse *s, sse_event *on_event, void *arg)
{
    if (s->has_data && !s->data.over)
        on_event(arg, (struct text){ s->name, s->name_len }, buf_text(&s->data));
    s->has_data = false;
    s->name_len = 0;
    if (!s->data.over)
        buf_clear(&s->data);
}

static void take_line(struct sse *s, struct text line, sse_event *on_event, void *arg)
{
    struct text value, name;

    if (!s->begun)
        (void)text_skip(&line, T("\xEF\xBB\xBF"));
    s->begun = true;
    if (line.len == 0) {
        dispatch(s, on_event, arg);
        return;
    }
    if (line.at[0] == ':')
        return;
    name = text_cut(line, ':', &value);
    (void)text_skip(&value, T(" "));
    take_field(s, name, value);
}

static size_t to_line_end(struct text bytes)
{
    size_t i = 0;

    while (i < bytes.len && bytes.at[i] != '\r' && bytes.at[i] != '\n')
        i++;
    return i;
}

bool sse_feed(struct sse *s, struct text bytes, sse_event *on_event, void *arg)
{
    while (bytes.len && !s->line.over && !s->data.over) {
        size_t n = to_line_end(bytes);

        if (s->after_cr && bytes.at[0] == '\n') { /* the second half of a CRLF */
            s->after_cr = false;
            bytes = text_from(bytes, 1);
            continue;
        }
        s->after_cr = false;
        buf_put(&s->line, text_until(bytes, n));
        if (n == bytes.len)
            break;
        s->after_cr = bytes.at[n] == '\r';
        bytes = text_from(bytes, n + 1);
        take_line(s, buf_text(&s->line), on_event, arg);
        if (!s->line.over)
            buf_clear(&s->line);
    }
    return !s->line.over && !s->data.over;
}
