/* Shapes as JSON Schema (2020-12, as OpenAPI 3.1 uses it), closed: no member but the described ones. */
#include "shape_value.h"

static void schema_kind(const struct field *f, enum field_kind kind, struct buf *out);

static void schema_text(const struct field *f, struct buf *out)
{
    buf_printf(out, "\"type\":\"string\",\"minLength\":%zu,\"maxLength\":%zu", f->len_min,
               f->len_max ? f->len_max : (size_t)TEXT_LEN_MAX);
    if (f->pattern || (f->prose && f->len_min)) {
        buf_put(out, T(",\"pattern\":"));
        buf_put_json_string(out, text_of(f->pattern ? f->pattern : "\\S"));
    }
    if (f->format)
        buf_printf(out, ",\"format\":\"%s\"", f->format);
}

static void schema_words(const struct words *w, struct buf *out)
{
    const char *before = "";

    buf_put(out, T("\"type\":\"string\",\"enum\":["));
    for (size_t i = 0; i < w->count; i++) {
        if (!w->names[i])
            continue;
        buf_printf(out, "%s\"%s\"", before, w->names[i]);
        before = ",";
    }
    buf_put_char(out, ']');
}

static void schema_integer(const struct field *f, struct buf *out)
{
    bool bounded = f->min || f->max;

    buf_printf(out, "\"type\":\"integer\",\"minimum\":%lld,\"maximum\":%lld", (long long)(bounded ? f->min : -INTEGER_MAX),
               (long long)(f->max ? f->max : INTEGER_MAX));
}

static void schema_real(const struct field *f, struct buf *out)
{
    buf_put(out, T("\"type\":\"number\""));
    if (f->from != 0 || f->to != 0)
        buf_printf(out, ",\"minimum\":%.17g,\"maximum\":%.17g", f->from, f->to);
}

static void schema_list(const struct field *f, struct buf *out)
{
    buf_printf(out, "\"type\":\"array\",\"minItems\":%zu,\"maxItems\":%zu,\"items\":{", f->list_min,
               f->list_max ? f->list_max : (size_t)LIST_LEN_MAX);
    schema_kind(f, f->item, out);
    buf_put_char(out, '}');
}

static void schema_plain(const struct field *f, enum field_kind kind, struct buf *out)
{
    static const char *const simple[] = {
        [KIND_BOOL] = "\"type\":\"boolean\"",
        [KIND_INSTANT] = "\"type\":\"string\",\"format\":\"date-time\"",
        [KIND_DATE] = "\"type\":\"string\",\"format\":\"date\"",
        [KIND_JSON] = "\"description\":\"Any JSON.\"",
        [KIND_COUNTS] = "\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\",\"minimum\":0}",
    };

    if (kind == KIND_TEXT)
        schema_text(f, out);
    else if (kind == KIND_I64)
        schema_integer(f, out);
    else if (kind == KIND_F64)
        schema_real(f, out);
    else if (kind == KIND_WORD)
        schema_words(field_words(f), out);
    else if (kind == KIND_LIST)
        schema_list(f, out);
    else if (kind == KIND_STRUCT || kind == KIND_MAYBE)
        buf_printf(out, "\"$ref\":\"#/components/schemas/%s\"", f->shape->name);
    else
        buf_put(out, text_of(simple[kind]));
}

static void schema_kind(const struct field *f, enum field_kind kind, struct buf *out)
{
    if (!kind_is_opt(kind) && (kind != KIND_MAYBE || f->when > 0)) {
        schema_plain(f, kind, out);
        return;
    }
    buf_put(out, T("\"anyOf\":[{"));
    schema_plain(f, kind_plain(kind), out);
    buf_put(out, T("},{\"type\":\"null\"}]"));
}

static void schema_member(const struct field *f, int word, struct buf *out)
{
    buf_printf(out, "\"%s\":{", f->name);
    if (f->tag && word)
        buf_printf(out, "\"const\":\"%s\"", f->words->names[word - 1]);
    else
        schema_kind(f, f->kind, out);
    if (f->says && f->kind != KIND_JSON) {
        buf_put(out, T(",\"description\":"));
        buf_put_json_string(out, text_of(f->says));
    }
    buf_put_char(out, '}');
}

/* Exactly one of the MAYBEs that are alternatives. */
static void schema_alternatives(const struct shape *s, struct buf *out)
{
    const char *before = ",\"oneOf\":[";

    for (size_t i = 0; i < s->count; i++)
        if (s->fields[i].when == ALTERNATIVE) {
            buf_printf(out, "%s{\"required\":[\"%s\"],\"properties\":{\"%s\":{\"type\":\"object\"}}}", before, s->fields[i].name,
                       s->fields[i].name);
            before = ",";
        }
    buf_put_char(out, ']');
}

/* word: IS() of the tag; 0: of a shape without one. */
static void schema_object(const struct shape *s, int word, struct buf *out)
{
    const char *before = "";

    buf_put(out, T("{\"type\":\"object\",\"additionalProperties\":false,\"required\":["));
    for (size_t i = 0; i < s->count; i++) {
        if (!field_is_needed(&s->fields[i]) || !field_is_in(&s->fields[i], word))
            continue;
        buf_printf(out, "%s\"%s\"", before, s->fields[i].name);
        before = ",";
    }
    buf_put(out, T("],\"properties\":{"));
    before = "";
    for (size_t i = 0; i < s->count; i++) {
        if (!field_is_in(&s->fields[i], word))
            continue;
        buf_put(out, text_of(before));
        before = ",";
        schema_member(&s->fields[i], word, out);
    }
    buf_put_char(out, '}');
    if (s->choice && !word)
        schema_alternatives(s, out);
    buf_put_char(out, '}');
}

void shape_schema(const struct shape *s, struct buf *out)
{
    const struct field *tag = shape_tag(s);
    const char *before = "{\"oneOf\":[";

    if (!tag) {
        schema_object(s, 0, out);
        return;
    }
    for (size_t i = 0; i < tag->words->count; i++) {
        if (!tag->words->names[i])
            continue;
        buf_put(out, text_of(before));
        before = ",";
        schema_object(s, IS((int)i), out);
    }
    buf_put(out, T("]}"));
}

void shape_visit(const struct shape *s, void (*visit)(const struct shape *s, void *arg), void *arg)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->fields[i].shape && s->fields[i].shape != s)
            shape_visit(s->fields[i].shape, visit, arg);
    visit(s, arg);
}

static void check_field(const struct field *f)
{
    bool is_struct = f->kind == KIND_STRUCT || f->kind == KIND_MAYBE || (f->kind == KIND_LIST && f->item == KIND_STRUCT);
    enum field_kind scalar = kind_plain(f->kind == KIND_LIST ? f->item : f->kind);

    CHECK(is_struct == (f->shape != NULL));
    CHECK(!is_struct || f->shape->size == f->size);
    CHECK((scalar == KIND_WORD) == (f->words != NULL));
    CHECK(f->min <= f->max || f->max == 0);
    CHECK(f->from <= f->to);
    CHECK(!f->raw || (scalar == KIND_TEXT && !f->prose));
    CHECK((f->check != NULL) == (f->pattern != NULL || f->format != NULL) || f->format);
}

/* The tag stands before what hangs on it; of alternatives it can be told whether they are there. */
static void check_choice(const struct shape *s)
{
    const struct field *tag = shape_tag(s);
    size_t cases = 0;

    for (size_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];

        CHECK(!f->tag || (f == tag && f->kind == KIND_WORD && !f->optional && !f->when));
        CHECK(f->when <= 0 || (tag && f > tag && (size_t)f->when <= tag->words->count && tag->words->names[f->when - 1]));
        CHECK(f->when >= 0 || (f->when == ALTERNATIVE && s->choice && !tag && f->kind == KIND_MAYBE));
        cases += f->when != 0;
    }
    CHECK(!s->choice || cases > (tag ? 0 : 1));
}

void shape_check(const struct shape *s)
{
    CHECK(s->count > 0 && s->name);
    for (size_t i = 0; i < s->count; i++)
        check_field(&s->fields[i]);
    check_choice(s);
}
