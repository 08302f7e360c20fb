/* Structs into JSON text, straight from the shape. */
#include <math.h>

#include "shape_value.h"

static void encode_kind(const struct field *f, enum field_kind kind, const void *at, struct buf *out);

static void encode_list(const struct field *f, const struct any_list *list, struct buf *out)
{
    buf_put_char(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i)
            buf_put_char(out, ',');
        encode_kind(f, f->item, (const char *)list->at + i * f->size, out);
    }
    buf_put_char(out, ']');
}

static void encode_counts(const struct counts *counts, struct buf *out)
{
    buf_put_char(out, '{');
    for (size_t i = 0; i < counts->count; i++) {
        if (i)
            buf_put_char(out, ',');
        buf_put_json_string(out, counts->at[i].name);
        buf_put_char(out, ':');
        buf_put_i64(out, counts->at[i].count);
    }
    buf_put_char(out, '}');
}

static void encode_instant(struct instant at, struct buf *out)
{
    char text[INSTANT_TEXT_SIZE];

    buf_put_char(out, '"');
    buf_put(out, (struct text){ text, instant_format(at, text) });
    buf_put_char(out, '"');
}

static void encode_date(struct date d, struct buf *out)
{
    char text[DATE_TEXT_SIZE];

    buf_put_char(out, '"');
    buf_put(out, (struct text){ text, date_format(d, text) });
    buf_put_char(out, '"');
}

static void encode_word(const struct field *f, int value, struct buf *out)
{
    const struct words *w = field_words(f);

    CHECK(value >= 0 && (size_t)value < w->count && w->names[value]);
    buf_put_json_string(out, text_of(w->names[value]));
}

static void encode_opt(const struct field *f, enum field_kind kind, const void *at, struct buf *out)
{
    if (*(const enum presence *)at == PRESENT)
        encode_kind(f, kind_plain(kind), opt_open(f, kind, (void *)(uintptr_t)at), out);
    else
        buf_put(out, T("null"));
}

static void encode_kind(const struct field *f, enum field_kind kind, const void *at, struct buf *out)
{
    if (kind_is_opt(kind)) {
        encode_opt(f, kind, at, out);
        return;
    }
    switch ((int)kind) {
    case KIND_BOOL:
        buf_put(out, *(const bool *)at ? T("true") : T("false"));
        return;
    case KIND_I64:
        buf_put_i64(out, *(const int64_t *)at);
        return;
    case KIND_F64:
        CHECK(isfinite(*(const double *)at));
        buf_printf(out, "%.17g", *(const double *)at + 0.0); /* no "-0", which would come back as another number */
        return;
    case KIND_TEXT:
        buf_put_json_string(out, *(const struct text *)at);
        return;
    case KIND_INSTANT:
        encode_instant(*(const struct instant *)at, out);
        return;
    case KIND_DATE:
        encode_date(*(const struct date *)at, out);
        return;
    case KIND_WORD:
        encode_word(f, *(const int *)at, out);
        return;
    case KIND_JSON:
        buf_put(out, ((const struct json *)at)->text.len ? ((const struct json *)at)->text : T("null"));
        return;
    case KIND_COUNTS:
        encode_counts(at, out);
        return;
    case KIND_LIST:
        encode_list(f, at, out);
        return;
    case KIND_MAYBE:
        shape_encode(f->shape, *(void *const *)at, out);
        return;
    default:
        shape_encode(f->shape, at, out);
    }
}

static int word_of(const struct shape *s, const void *value)
{
    const struct field *tag = s->choice ? shape_tag(s) : NULL;

    return tag ? IS(*(const int *)(const void *)((const char *)value + tag->offset)) : 0;
}

static bool is_left_out(const struct field *f, int word, const void *at)
{
    if (!field_is_in(f, word))
        return true;
    if (f->kind == KIND_MAYBE)
        return *(void *const *)at == NULL;
    return kind_is_opt(f->kind) && *(const enum presence *)at == ABSENT;
}

/* The names are ours and need no escapes. */
static void put_name(struct buf *out, char before, struct text name)
{
    char *at = buf_reserve(out, name.len + 4);

    if (!at)
        return;
    at[0] = before;
    at[1] = '"';
    memcpy(at + 2, name.at, name.len);
    at[name.len + 2] = '"';
    at[name.len + 3] = ':';
    buf_commit(out, name.len + 4);
}

void shape_encode(const struct shape *s, const void *value, struct buf *out)
{
    int word = word_of(s, value);
    char before = '{';

    for (size_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];
        const void *at = (const char *)value + f->offset;

        if (is_left_out(f, word, at))
            continue;
        put_name(out, before, field_name(f));
        before = ',';
        encode_kind(f, f->kind, at, out);
    }
    buf_put(out, before == '{' ? T("{}") : T("}"));
}

#define SCRATCH_KEPT 65536

/* Encoded in a buffer that all share, since encoding never waits, and copied to where it lives. */
struct text shape_text(const struct shape *s, const void *value, struct arena *a)
{
    static struct buf scratch;
    struct text out = T("");

    buf_clear(&scratch);
    scratch.max = a->used + SCRATCH_KEPT < a->limit ? a->limit - a->used : SCRATCH_KEPT;
    shape_encode(s, value, &scratch);
    if (scratch.over)
        arena_fill(a);
    else
        out = arena_text(a, buf_text(&scratch));
    if (scratch.room > SCRATCH_KEPT)
        buf_fini(&scratch);
    return out;
}
