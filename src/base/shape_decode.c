/* JSON into structs, through jansson: the only file that knows it. */
#include <jansson.h>

#include "shape_value.h"

struct decoding {
    struct arena *arena;
    struct field_faults *faults;
    bool trusted; /* our own database wrote it */
    bool open;    /* unknown members are passed over */
};

size_t json_depth(struct text json, size_t limit)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;

    for (size_t i = 0; i < json.len && deepest <= limit; i++) {
        char c = json.at[i];

        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            deepest = ++depth > deepest ? depth : deepest;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return deepest;
}

static struct text pointer_to(struct decoding *d, struct text base, const char *name)
{
    return arena_printf(d->arena, "%.*s/%s", TEXT_ARG(base), name);
}

static void decode_object(struct decoding *d, const struct shape *s, const json_t *object, void *out, struct text at);

static enum fault decode_number(const struct field *f, enum field_kind kind, const json_t *value, void *at)
{
    if (kind == KIND_F64) {
        *(double *)at = json_number_value(value);
        return json_is_number(value) ? FAULT_NONE : FAULT_TYPE;
    }
    if (!json_is_integer(value))
        return FAULT_TYPE;
    *(int64_t *)at = json_integer_value(value);
    return integer_check(f, *(int64_t *)at);
}

static enum fault decode_scalar(struct decoding *d, const struct field *f, enum field_kind kind, const json_t *value,
                                void *member)
{
    enum field_kind plain = kind_plain(kind);

    if (plain == KIND_BOOL) {
        *(bool *)opt_open(f, kind, member) = json_is_true(value);
        return json_is_boolean(value) ? FAULT_NONE : FAULT_TYPE;
    }
    if (plain == KIND_I64 || plain == KIND_F64)
        return decode_number(f, plain, value, opt_open(f, kind, member));
    if (!json_is_string(value) || plain == KIND_JSON)
        return FAULT_TYPE;
    return scalar_parse(f, kind, d->arena, (struct text){ json_string_value(value), json_string_length(value) }, d->trusted,
                        member);
}

static enum fault decode_counts(struct decoding *d, const struct field *f, const json_t *value, struct counts *out)
{
    const char *name;
    json_t *number;

    if (!json_is_object(value))
        return FAULT_TYPE;
    if (json_object_size(value) > (f->list_max ? f->list_max : LIST_LEN_MAX))
        return FAULT_LONG;
    out->at = arena_array(d->arena, struct count_of, json_object_size(value));
    json_object_foreach((json_t *)(uintptr_t)value, name, number)
    {
        if (!json_is_integer(number) || json_integer_value(number) < 0 || json_integer_value(number) > INTEGER_MAX)
            return FAULT_TYPE;
        out->at[out->count++] = (struct count_of){ arena_text(d->arena, text_of(name)), json_integer_value(number) };
    }
    return FAULT_NONE;
}

static enum fault decode_value(struct decoding *d, const struct field *f, enum field_kind kind, const json_t *value, void *member,
                               struct text at);

static enum fault decode_list(struct decoding *d, const struct field *f, const json_t *value, void *member, struct text at)
{
    struct any_list *list = member;
    size_t count = json_array_size(value);

    if (!json_is_array(value))
        return FAULT_TYPE;
    if (count < f->list_min)
        return FAULT_SHORT;
    if (!d->trusted && count > (f->list_max ? f->list_max : LIST_LEN_MAX))
        return FAULT_LONG;
    list->at = arena_alloc(d->arena, count * f->size);
    list->count = count;
    for (size_t i = 0; i < count; i++) {
        struct text item_at = arena_printf(d->arena, "%.*s/%zu", TEXT_ARG(at), i);
        enum fault fault = decode_value(d, f, f->item, json_array_get(value, i), (char *)list->at + i * f->size, item_at);

        if (fault)
            fault_add(d->faults, item_at, fault);
    }
    return FAULT_NONE;
}

static enum fault decode_value(struct decoding *d, const struct field *f, enum field_kind kind, const json_t *value, void *member,
                               struct text at)
{
    switch ((int)kind) {
    case KIND_LIST:
        return decode_list(d, f, value, member, at);
    case KIND_COUNTS:
        return decode_counts(d, f, value, member);
    case KIND_MAYBE:
        *(void **)member = arena_alloc(d->arena, f->size);
        member = *(void **)member;
        __attribute__((fallthrough));
    case KIND_STRUCT:
        if (!json_is_object(value))
            return FAULT_TYPE;
        decode_object(d, f->shape, value, member, at);
        return FAULT_NONE;
    default:
        return decode_scalar(d, f, kind, value, member);
    }
}

static bool may_be_absent(const struct field *f)
{
    return f->optional || field_may_be_null(f);
}

static void decode_member(struct decoding *d, const struct field *f, const json_t *value, void *out, struct text at)
{
    void *member = (char *)out + f->offset;
    enum fault fault = FAULT_NONE;

    if (!value) {
        if (f->kind == KIND_I64)
            *(int64_t *)member = f->otherwise;
        if (!may_be_absent(f))
            fault = FAULT_MISSING;
    } else if (json_is_null(value)) {
        if (field_may_be_null(f))
            field_set_null(f, member);
        else
            fault = FAULT_TYPE;
    } else {
        fault = decode_value(d, f, f->kind, value, member, at);
    }
    if (fault)
        fault_add(d->faults, at, fault);
}

static const struct field *field_find(const struct shape *s, struct text name)
{
    for (size_t i = 0; i < s->count; i++)
        if (text_is(text_of(s->fields[i].name), name))
            return &s->fields[i];
    return NULL;
}

static void refuse_unknown(struct decoding *d, const struct shape *s, const json_t *object, struct text at)
{
    const char *name;
    json_t *value;

    if (d->open)
        return;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (!field_find(s, text_of(name)))
            fault_add(d->faults, pointer_to(d, at, name), FAULT_UNKNOWN);
    }
}

static void decode_object(struct decoding *d, const struct shape *s, const json_t *object, void *out, struct text at)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];

        decode_member(d, f, json_object_get(object, f->name), out, pointer_to(d, at, f->name));
    }
    refuse_unknown(d, s, object, at);
}

static json_t *parse(struct text json, size_t flags)
{
    json_error_t error;

    if (json_depth(json, JSON_DEPTH_MAX) > JSON_DEPTH_MAX)
        return NULL;
    return json_loadb(json.len ? json.at : "", json.len, JSON_REJECT_DUPLICATES | flags, &error);
}

/* A path or query parameter: text, and a list is comma-separated. */
static enum fault decode_pair(struct decoding *d, const struct field *f, struct text value, void *member)
{
    struct any_list *list = member;
    size_t count = 1;

    if (f->kind != KIND_LIST)
        return scalar_parse(f, f->kind, d->arena, value, false, member);
    for (size_t i = 0; i < value.len; i++)
        count += value.at[i] == ',';
    if (count > (f->list_max ? f->list_max : LIST_LEN_MAX))
        return FAULT_LONG;
    list->at = arena_alloc(d->arena, count * f->size);
    for (list->count = 0; list->count < count; list->count++) {
        struct text item = text_cut(value, ',', &value);
        enum fault fault = scalar_parse(f, f->item, d->arena, item, false, (char *)list->at + list->count * f->size);

        if (fault)
            return fault;
    }
    return FAULT_NONE;
}

static const struct pair *pair_find(const struct shape_input *in, const char *name)
{
    for (size_t i = 0; i < in->pair_count; i++)
        if (text_is(in->pairs[i].name, text_of(name)))
            return &in->pairs[i];
    return NULL;
}

static void check_pairs(struct decoding *d, const struct shape *s, const struct shape_input *in, const json_t *object)
{
    for (size_t i = 0; i < in->pair_count; i++) {
        struct text name = in->pairs[i].name;
        bool twice = pair_find(in, arena_cstr(d->arena, name)) != &in->pairs[i];

        if (!field_find(s, name))
            fault_add(d->faults, arena_printf(d->arena, "/%.*s", TEXT_ARG(name)), FAULT_UNKNOWN);
        else if (twice || json_object_get(object, arena_cstr(d->arena, name)))
            fault_add(d->faults, arena_printf(d->arena, "/%.*s", TEXT_ARG(name)), FAULT_FORM);
    }
}

static void decode_all(struct decoding *d, const struct shape *s, const struct shape_input *in, const json_t *object, void *out)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];
        const struct pair *pair = pair_find(in, f->name);
        struct text at = arena_printf(d->arena, "/%s", f->name);
        enum fault fault = FAULT_NONE;

        if (!pair)
            decode_member(d, f, json_object_get(object, f->name), out, at);
        else
            fault = decode_pair(d, f, pair->value, (char *)out + f->offset);
        if (fault)
            fault_add(d->faults, at, fault);
    }
    refuse_unknown(d, s, object, T(""));
    check_pairs(d, s, in, object);
}

problem shape_decode(const struct shape *s, struct arena *a, const struct shape_input *in, void *out, struct field_faults *faults)
{
    struct decoding d = { .arena = a, .faults = faults, .open = in->open };
    json_t *object = NULL;

    faults->count = 0;
    if (in->json.len) {
        object = parse(in->json, 0);
        if (!json_is_object(object)) {
            json_decref(object);
            return PROBLEM(JSON_MALFORMED);
        }
    }
    memset(out, 0, s->size);
    decode_all(&d, s, in, object, out);
    json_decref(object);
    return faults->count ? PROBLEM(FIELDS_INVALID) : NULL;
}

static void drop_tree(void *json)
{
    json_decref(json);
}

problem json_parse(struct arena *a, struct text text, const struct json_tree **out)
{
    json_t *json = parse(text, 0);

    *out = (const struct json_tree *)json;
    if (!json)
        return PROBLEM(JSON_MALFORMED);
    arena_defer(a, drop_tree, json);
    return json_is_object(json) ? NULL : PROBLEM(JSON_MALFORMED);
}

const struct json_tree *json_member(const struct json_tree *t, const char *name)
{
    return (const struct json_tree *)json_object_get((const json_t *)t, name);
}

size_t json_members(const struct json_tree *t)
{
    return json_object_size((const json_t *)t);
}

bool json_is_i64(const struct json_tree *t, int64_t *out)
{
    *out = json_integer_value((const json_t *)t);
    return json_is_integer((const json_t *)t);
}

bool json_is_text(const struct json_tree *t, struct text *out)
{
    const json_t *json = (const json_t *)t;

    *out = (struct text){ json_string_value(json), json_string_length(json) };
    return json_is_string(json);
}

struct text json_canonical(struct arena *a, const struct json_tree *t)
{
    char *text = t ? json_dumps((const json_t *)t, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    struct text out = arena_text(a, text_of(text));

    free(text);
    return out;
}

problem shape_decode_tree(const struct shape *s, struct arena *a, const struct json_tree *t, void *out,
                          struct field_faults *faults)
{
    struct decoding d = { .arena = a, .faults = faults };
    const struct shape_input none = { .pair_count = 0 };

    faults->count = 0;
    if (t && !json_is_object((const json_t *)t))
        return PROBLEM(JSON_MALFORMED);
    memset(out, 0, s->size);
    decode_all(&d, s, &none, (const json_t *)t, out);
    return faults->count ? PROBLEM(FIELDS_INVALID) : NULL;
}

bool field_from_column(const struct field *f, struct arena *a, struct text value, void *member)
{
    struct field_faults faults = { .count = 0 };
    struct decoding d = { .arena = a, .faults = &faults, .trusted = true };
    enum fault fault;
    json_t *json;

    if (f->kind != KIND_LIST && f->kind != KIND_STRUCT && f->kind != KIND_MAYBE && f->kind != KIND_COUNTS)
        return scalar_parse(f, f->kind, a, value, true, member) == FAULT_NONE;
    json = parse(value, JSON_DECODE_ANY);
    fault = json ? decode_value(&d, f, f->kind, json, member, T("")) : FAULT_TYPE;
    json_decref(json);
    return fault == FAULT_NONE && faults.count == 0;
}
