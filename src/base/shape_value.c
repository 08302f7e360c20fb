/* One value between its text form and its member. */
#include "shape_value.h"

#include <utf8proc.h>

#include "madang/fold.h"

const struct words *field_words(const struct field *f)
{
    CHECK(f->words != NULL);
    return f->words;
}

static const char *const faults_en[] = { [FAULT_TYPE] = "has the wrong type",
                                         [FAULT_MISSING] = "is missing",
                                         [FAULT_UNKNOWN] = "is not known here",
                                         [FAULT_SMALL] = "is too small",
                                         [FAULT_LARGE] = "is too large",
                                         [FAULT_SHORT] = "is too short",
                                         [FAULT_LONG] = "is too long",
                                         [FAULT_FORM] = "does not have the right form",
                                         [FAULT_WORD] = "is none of the allowed words",
                                         [FAULT_ONE] = "exactly one of this and its alternatives must be there" };
static const char *const faults_ko[] = { [FAULT_TYPE] = "형식이 올바르지 않습니다",
                                         [FAULT_MISSING] = "필수 항목입니다",
                                         [FAULT_UNKNOWN] = "알 수 없는 항목입니다",
                                         [FAULT_SMALL] = "값이 너무 작습니다",
                                         [FAULT_LARGE] = "값이 너무 큽니다",
                                         [FAULT_SHORT] = "너무 짧습니다",
                                         [FAULT_LONG] = "너무 깁니다",
                                         [FAULT_FORM] = "올바른 형태가 아닙니다",
                                         [FAULT_WORD] = "허용되지 않는 값입니다",
                                         [FAULT_ONE] = "택일 항목 중 정확히 하나만 보내세요" };

void field_fault_add(struct field_faults *f, struct text pointer, const char *en, const char *ko)
{
    if (f->count < FIELD_FAULTS_MAX)
        f->at[f->count++] = (struct field_fault){ pointer, en, ko };
}

void fault_add(struct field_faults *f, struct text pointer, enum fault fault)
{
    field_fault_add(f, pointer, faults_en[fault], faults_ko[fault]);
}

enum fault integer_check(const struct field *f, int64_t value)
{
    bool bounded = f->min || f->max;

    if (value < (bounded ? f->min : -INTEGER_MAX))
        return FAULT_SMALL;
    if (value > (f->max ? f->max : INTEGER_MAX))
        return FAULT_LARGE;
    return FAULT_NONE;
}

enum fault real_check(const struct field *f, double value)
{
    bool bounded = f->from != 0 || f->to != 0;

    if (bounded && value < f->from)
        return FAULT_SMALL;
    return bounded && value > f->to ? FAULT_LARGE : FAULT_NONE;
}

static bool is_ascii(struct text t)
{
    uint64_t all = 0, w;
    size_t i = 0;

    for (; t.len - i >= sizeof w; i += sizeof w) {
        memcpy(&w, t.at + i, sizeof w);
        all |= w;
    }
    for (; i < t.len; i++)
        all |= (unsigned char)t.at[i];
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

struct text text_nfc(struct arena *a, struct text t)
{
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t length;
    struct text out;

    if (is_ascii(t))
        return arena_text(a, t);
    length = utf8proc_map((const utf8proc_uint8_t *)t.at, (utf8proc_ssize_t)t.len, &composed, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    CHECK(length >= 0);
    out = arena_text(a, (struct text){ (const char *)composed, (size_t)length });
    free(composed);
    return out;
}

enum fault text_check(const struct field *f, struct text t)
{
    size_t max = f->len_max ? f->len_max : TEXT_LEN_MAX, length = t.len;

    if (t.len / 4 < f->len_min || t.len > max) /* a character has one to four bytes: mostly they need not be counted */
        length = utf8_length(t);
    if (length < f->len_min)
        return FAULT_SHORT;
    if (length > max)
        return FAULT_LONG;
    if (f->check && !f->check(t))
        return FAULT_FORM;
    return FAULT_NONE;
}

bool word_find(const struct words *w, struct text t, int *out)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->names[i] && text_is(text_of(w->names[i]), t)) {
            *out = (int)i;
            return true;
        }
    return false;
}

bool field_is_in(const struct field *f, int word)
{
    return f->when <= 0 || f->when == word;
}

/* What hangs on a word is there for it, as a MAYBE is otherwise not. */
bool field_is_needed(const struct field *f)
{
    return !f->optional && (!field_may_be_null(f) || (f->kind == KIND_MAYBE && f->when > 0));
}

const struct field *shape_tag(const struct shape *s)
{
    for (size_t i = 0; s->choice && i < s->count; i++)
        if (s->fields[i].tag)
            return &s->fields[i];
    return NULL;
}

enum field_kind kind_plain(enum field_kind kind)
{
    static const enum field_kind plain[] = {
        [KIND_OPT_BOOL] = KIND_BOOL,       [KIND_OPT_I64] = KIND_I64,   [KIND_OPT_F64] = KIND_F64,  [KIND_OPT_TEXT] = KIND_TEXT,
        [KIND_OPT_INSTANT] = KIND_INSTANT, [KIND_OPT_DATE] = KIND_DATE, [KIND_OPT_WORD] = KIND_WORD
    };

    return kind_is_opt(kind) ? plain[kind] : kind;
}

bool kind_is_opt(enum field_kind kind)
{
    return kind >= KIND_OPT_BOOL && kind <= KIND_OPT_WORD;
}

void *opt_open(const struct field *f, enum field_kind kind, void *member)
{
    (void)f;
    if (!kind_is_opt(kind))
        return member;
    *(enum presence *)member = PRESENT;
    switch ((int)kind) {
    case KIND_OPT_BOOL:
        return &((struct opt_bool *)member)->value;
    case KIND_OPT_I64:
        return &((struct opt_i64 *)member)->value;
    case KIND_OPT_F64:
        return &((struct opt_f64 *)member)->value;
    case KIND_OPT_TEXT:
        return &((struct opt_text *)member)->value;
    case KIND_OPT_INSTANT:
        return &((struct opt_instant *)member)->value;
    case KIND_OPT_DATE:
        return &((struct opt_date *)member)->value;
    default:
        return &((struct opt_word *)member)->value;
    }
}

static enum fault parse_bool(struct text t, bool *out)
{
    *out = text_is(t, T("true")) || text_is(t, T("t"));
    return *out || text_is(t, T("false")) || text_is(t, T("f")) ? FAULT_NONE : FAULT_TYPE;
}

static enum fault parse_i64(const struct field *f, struct text t, bool trusted, int64_t *out)
{
    if (!text_to_i64(t, out))
        return FAULT_TYPE;
    return trusted && !f->min && !f->max ? FAULT_NONE : integer_check(f, *out);
}

static enum fault parse_f64(const struct field *f, struct text t, bool trusted, double *out)
{
    if (!text_to_f64(t, out))
        return FAULT_TYPE;
    return trusted ? FAULT_NONE : real_check(f, *out);
}

static enum fault parse_text(const struct field *f, struct arena *a, struct text t, bool trusted, struct text *out)
{
    if (trusted) {
        *out = arena_text(a, t);
        return FAULT_NONE;
    }
    if (f->raw && t.len && memchr(t.at, 0, t.len))
        return FAULT_FORM;
    *out = f->raw ? arena_text(a, t) : text_nfc(a, t);
    if (f->prose == TITLE)
        *out = text_title(a, *out);
    if (f->prose && text_is_blank(*out))
        *out = T("");
    return text_check(f, *out);
}

enum fault scalar_parse(const struct field *f, enum field_kind kind, struct arena *a, struct text t, bool trusted, void *member)
{
    void *at = opt_open(f, kind, member);

    switch ((int)kind_plain(kind)) {
    case KIND_BOOL:
        return parse_bool(t, at);
    case KIND_I64:
        return parse_i64(f, t, trusted, at);
    case KIND_F64:
        return parse_f64(f, t, trusted, at);
    case KIND_TEXT:
        return parse_text(f, a, t, trusted, at);
    case KIND_INSTANT:
        return instant_parse(t, at) ? FAULT_NONE : FAULT_FORM;
    case KIND_DATE:
        return date_parse(t, at) ? FAULT_NONE : FAULT_FORM;
    case KIND_WORD:
        return word_find(field_words(f), t, at) ? FAULT_NONE : FAULT_WORD;
    case KIND_JSON:
        ((struct json *)at)->text = arena_text(a, t);
        return trusted ? FAULT_NONE : FAULT_TYPE;
    default:
        return FAULT_TYPE;
    }
}

bool field_may_be_null(const struct field *f)
{
    return kind_is_opt(f->kind) || f->kind == KIND_MAYBE;
}

void field_set_null(const struct field *f, void *member)
{
    memset(member, 0, f->kind == KIND_MAYBE ? sizeof(void *) : f->size);
    if (kind_is_opt(f->kind))
        *(enum presence *)member = NULL_VALUE;
}
