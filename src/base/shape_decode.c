/* JSON, parameters and columns into structs. */
#include "madang/codec.h"
#include "madang/json_tree.h"
#include "shape_value.h"

struct decoding {
    struct arena *arena;
    struct field_faults *faults;
    bool trusted; /* our own database wrote it */
    bool open;    /* unknown members are passed over */
};

/* Where a value stands, link by link up to the root: made a JSON pointer only when something is wrong there. */
struct place {
    const struct place *up;
    struct text name; /* empty at: an item of a list, by its index */
    size_t index;
};

static struct text pointer_of(struct decoding *d, const struct place *at)
{
    struct text up = at->up ? pointer_of(d, at->up) : T("");

    if (at->name.at)
        return arena_printf(d->arena, "%.*s/%.*s", TEXT_ARG(up), TEXT_ARG(at->name));
    return at->up ? arena_printf(d->arena, "%.*s/%zu", TEXT_ARG(up), at->index) : up;
}

static void wrong(struct decoding *d, const struct place *at, enum fault fault)
{
    fault_add(d->faults, pointer_of(d, at), fault);
}

static void decode_object(struct decoding *d, const struct shape *s, const struct json_tree *object, void *out,
                          const struct place *at);

static enum fault decode_number(const struct field *f, enum field_kind kind, const struct json_tree *value, void *at)
{
    if (kind == KIND_F64) {
        if (value->kind != TREE_INTEGER && value->kind != TREE_REAL)
            return FAULT_TYPE;
        *(double *)at = value->kind == TREE_INTEGER ? (double)value->integer : value->real;
        return real_check(f, *(double *)at);
    }
    if (value->kind != TREE_INTEGER)
        return FAULT_TYPE;
    *(int64_t *)at = value->integer;
    return integer_check(f, value->integer);
}

static enum fault decode_scalar(struct decoding *d, const struct field *f, enum field_kind kind, const struct json_tree *value,
                                void *member)
{
    enum field_kind plain = kind_plain(kind);

    if (plain == KIND_BOOL) {
        *(bool *)opt_open(f, kind, member) = value->kind == TREE_TRUE;
        return value->kind == TREE_TRUE || value->kind == TREE_FALSE ? FAULT_NONE : FAULT_TYPE;
    }
    if (plain == KIND_I64 || plain == KIND_F64)
        return decode_number(f, plain, value, opt_open(f, kind, member));
    if (value->kind != TREE_STRING || plain == KIND_JSON)
        return FAULT_TYPE;
    return scalar_parse(f, kind, d->arena, value->string, d->trusted, member);
}

static enum fault decode_counts(struct decoding *d, const struct field *f, const struct json_tree *value, struct counts *out)
{
    if (value->kind != TREE_OBJECT)
        return FAULT_TYPE;
    if (value->count > (f->list_max ? f->list_max : LIST_LEN_MAX))
        return FAULT_LONG;
    out->at = arena_array(d->arena, struct count_of, value->count);
    for (const struct json_tree *t = value->first; t; t = t->next) {
        if (t->kind != TREE_INTEGER || t->integer < 0 || t->integer > INTEGER_MAX)
            return FAULT_TYPE;
        out->at[out->count++] = (struct count_of){ arena_text(d->arena, t->name), t->integer };
    }
    return FAULT_NONE;
}

static enum fault decode_value(struct decoding *d, const struct field *f, enum field_kind kind, const struct json_tree *value,
                               void *member, const struct place *at);

static enum fault decode_list(struct decoding *d, const struct field *f, const struct json_tree *value, void *member,
                              const struct place *at)
{
    struct any_list *list = member;
    struct place item_at = { .up = at };

    if (value->kind != TREE_ARRAY)
        return FAULT_TYPE;
    if (value->count < f->list_min)
        return FAULT_SHORT;
    if (!d->trusted && value->count > (f->list_max ? f->list_max : LIST_LEN_MAX))
        return FAULT_LONG;
    list->at = arena_alloc(d->arena, value->count * f->size);
    list->count = value->count;
    for (const struct json_tree *item = value->first; item; item = item->next, item_at.index++) {
        enum fault fault = decode_value(d, f, f->item, item, (char *)list->at + item_at.index * f->size, &item_at);

        if (fault)
            wrong(d, &item_at, fault);
    }
    return FAULT_NONE;
}

static enum fault decode_value(struct decoding *d, const struct field *f, enum field_kind kind, const struct json_tree *value,
                               void *member, const struct place *at)
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
        if (value->kind != TREE_OBJECT)
            return FAULT_TYPE;
        decode_object(d, f->shape, value, member, at);
        return FAULT_NONE;
    default:
        return decode_scalar(d, f, kind, value, member);
    }
}

static bool decode_member(struct decoding *d, const struct field *f, const struct json_tree *value, void *out,
                          const struct place *at)
{
    void *member = (char *)out + f->offset;
    enum fault fault = FAULT_NONE;

    if (!value) {
        if (f->kind == KIND_I64)
            *(int64_t *)member = f->otherwise;
        if (field_is_needed(f))
            fault = FAULT_MISSING;
    } else if (value->kind == TREE_NULL) {
        if (field_may_be_null(f) && (f->kind != KIND_MAYBE || f->when <= 0))
            field_set_null(f, member);
        else
            fault = FAULT_TYPE;
    } else {
        fault = decode_value(d, f, f->kind, value, member, at);
    }
    if (fault)
        wrong(d, at, fault);
    return !fault;
}

/* Which members of a shape there are: all; or those of the tag's word. Where that is missing or wrong itself, what hangs on a
 * word is neither read nor wrong. */
struct choice {
    const struct field *tag;
    int word; /* IS() of the tag, once it is known */
};

static void choose(struct choice *ch, const struct field *f, bool ok, const void *out)
{
    if (f == ch->tag && ok)
        ch->word = IS(*(const int *)(const void *)((const char *)out + f->offset));
}

static bool is_known(const struct shape *s, const struct choice *ch, struct text name)
{
    for (size_t i = 0; i < s->count; i++)
        if (text_is(field_name(&s->fields[i]), name) && (field_is_in(&s->fields[i], ch->word) || ch->word == 0))
            return true;
    return false;
}

static void refuse_unknown(struct decoding *d, const struct shape *s, const struct choice *ch, const struct json_tree *object,
                           const struct place *at)
{
    if (d->open || !object)
        return;
    for (const struct json_tree *t = object->first; t; t = t->next)
        if (!is_known(s, ch, t->name))
            wrong(d, &(struct place){ .up = at, .name = t->name }, FAULT_UNKNOWN);
}

/* Of a ONE_OF without a tag. */
static void check_alternatives(struct decoding *d, const struct shape *s, const struct choice *ch, const void *out,
                               const struct place *at)
{
    const struct field *first = NULL;
    size_t there = 0;

    if (!s->choice || ch->tag)
        return;
    for (size_t i = s->count; i-- > 0;)
        if (s->fields[i].when == ALTERNATIVE) {
            first = &s->fields[i];
            there += *(void *const *)(const void *)((const char *)out + first->offset) != NULL;
        }
    if (first && there != 1)
        wrong(d, &(struct place){ .up = at, .name = field_name(first) }, FAULT_ONE);
}

static void decode_object(struct decoding *d, const struct shape *s, const struct json_tree *object, void *out,
                          const struct place *at)
{
    struct choice ch = { .tag = shape_tag(s) };

    for (size_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];
        struct place member_at = { .up = at, .name = field_name(f) };

        if (field_is_in(f, ch.word))
            choose(&ch, f, decode_member(d, f, json_get(object, member_at.name), out, &member_at), out);
    }
    refuse_unknown(d, s, &ch, object, at);
    check_alternatives(d, s, &ch, out, at);
}

/* Of a query the value as it was sent: an escaped comma belongs to its item. */
static enum fault decode_item(struct decoding *d, const struct field *f, const struct pair *pair, struct text item, void *at)
{
    if (pair->raw.at && !percent_decode(d->arena, item, true, &item))
        return FAULT_FORM;
    return scalar_parse(f, f->item, d->arena, item, false, at);
}

/* Comma-separated; nothing is the empty list. */
static enum fault decode_items(struct decoding *d, const struct field *f, const struct pair *pair, struct any_list *list,
                               const struct place *at)
{
    struct text rest = pair->raw.at ? pair->raw : pair->value;
    struct place item_at = { .up = at };
    size_t count = rest.len > 0;

    for (size_t i = 0; i < rest.len; i++)
        count += rest.at[i] == ',';
    if (count < f->list_min)
        return FAULT_SHORT;
    if (count > (f->list_max ? f->list_max : LIST_LEN_MAX))
        return FAULT_LONG;
    list->at = arena_alloc(d->arena, count * f->size);
    for (list->count = 0; list->count < count; list->count++, item_at.index++) {
        enum fault fault = decode_item(d, f, pair, text_cut(rest, ',', &rest), (char *)list->at + list->count * f->size);

        if (fault)
            wrong(d, &item_at, fault);
    }
    return FAULT_NONE;
}

/* A path or query parameter. */
static bool decode_pair(struct decoding *d, const struct field *f, const struct pair *pair, void *member, const struct place *at)
{
    enum fault fault = f->kind == KIND_LIST ? decode_items(d, f, pair, member, at)
                                            : scalar_parse(f, f->kind, d->arena, pair->value, false, member);

    if (fault)
        wrong(d, at, fault);
    return !fault;
}

static const struct pair *pair_find(const struct shape_input *in, struct text name)
{
    for (size_t i = 0; i < in->pair_count; i++)
        if (text_is(in->pairs[i].name, name))
            return &in->pairs[i];
    return NULL;
}

static void check_pairs(struct decoding *d, const struct shape *s, const struct choice *ch, const struct shape_input *in,
                        const struct json_tree *object)
{
    for (size_t i = 0; i < in->pair_count; i++) {
        struct text name = in->pairs[i].name;
        struct place at = { .name = name };

        if (!is_known(s, ch, name))
            wrong(d, &at, FAULT_UNKNOWN);
        else if (pair_find(in, name) != &in->pairs[i] || json_get(object, name)) /* twice */
            wrong(d, &at, FAULT_FORM);
    }
}

static const struct place root = { .up = NULL };

static void decode_all(struct decoding *d, const struct shape *s, const struct shape_input *in, const struct json_tree *object,
                       void *out)
{
    struct choice ch = { .tag = shape_tag(s) };

    for (size_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];
        struct place at = { .name = field_name(f) };
        const struct pair *pair;

        if (!field_is_in(f, ch.word))
            continue;
        pair = pair_find(in, at.name);
        choose(&ch, f,
               pair ? decode_pair(d, f, pair, (char *)out + f->offset, &at)
                    : decode_member(d, f, json_get(object, at.name), out, &at),
               out);
    }
    refuse_unknown(d, s, &ch, object, &root);
    check_alternatives(d, s, &ch, out, NULL);
    check_pairs(d, s, &ch, in, object);
}

problem shape_decode(const struct shape *s, struct arena *a, const struct shape_input *in, void *out, struct field_faults *faults)
{
    struct decoding d = { .arena = a, .faults = faults, .open = in->open };
    const struct json_tree *object = NULL;
    problem p;

    faults->count = 0;
    if (in->json.len && (p = json_parse(a, in->json, &object)))
        return p;
    memset(out, 0, s->size);
    decode_all(&d, s, in, object, out);
    return faults->count ? PROBLEM(FIELDS_INVALID) : NULL;
}

problem shape_decode_tree(const struct shape *s, struct arena *a, const struct json_tree *t, void *out,
                          struct field_faults *faults)
{
    struct decoding d = { .arena = a, .faults = faults };
    const struct shape_input none = { .pair_count = 0 };

    faults->count = 0;
    if (t && t->kind != TREE_OBJECT)
        return PROBLEM(JSON_MALFORMED);
    memset(out, 0, s->size);
    decode_all(&d, s, &none, t, out);
    return faults->count ? PROBLEM(FIELDS_INVALID) : NULL;
}

bool field_from_column(const struct field *f, struct arena *a, struct text value, void *member)
{
    struct field_faults faults = { .count = 0 };
    struct decoding d = { .arena = a, .faults = &faults, .trusted = true };
    const struct json_tree *json;

    if (f->kind != KIND_LIST && f->kind != KIND_STRUCT && f->kind != KIND_MAYBE && f->kind != KIND_COUNTS)
        return scalar_parse(f, f->kind, a, value, true, member) == FAULT_NONE;
    json = json_read(a, value);
    return json && decode_value(&d, f, f->kind, json, member, &root) == FAULT_NONE && faults.count == 0;
}
