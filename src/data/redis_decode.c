/* Replies by name, into structs by their shapes. */
#include "madang/log.h"
#include "madang/redis.h"

const struct redis_value *redis_member(const struct redis_value *reply, const char *name)
{
    for (size_t i = 0; i + 1 < reply->count; i += 2)
        if (reply->at[i].kind == REDIS_TEXT && text_is(reply->at[i].text, text_of(name)))
            return &reply->at[i + 1];
    return NULL;
}

static bool scalar_fits(const struct field *f, enum field_kind kind, struct arena *a, const struct redis_value *v, void *member)
{
    struct field one = *f;
    char digits[24];

    one.kind = kind;
    if (v->kind == REDIS_NIL) {
        if (field_may_be_null(&one))
            field_set_null(&one, member);
        return field_may_be_null(&one);
    }
    if (v->kind == REDIS_NUMBER && kind == KIND_BOOL) {
        *(bool *)member = v->number != 0;
        return true;
    }
    if (v->kind == REDIS_NUMBER)
        return field_from_column(&one, a, arena_text(a, text_i64(v->number, digits)), member);
    return v->kind == REDIS_TEXT && field_from_column(&one, a, v->text, member);
}

static bool list_fits(const struct field *f, struct arena *a, const struct redis_value *v, struct any_list *out)
{
    *out = (struct any_list){ arena_alloc(a, v->count * f->size), 0 };
    if (v->kind != REDIS_LIST)
        return false;
    for (; out->count < v->count; out->count++) {
        void *item = (char *)out->at + out->count * f->size;

        if (f->item == KIND_STRUCT ? redis_decode(f->shape, a, &v->at[out->count], item) != NULL
                                   : !scalar_fits(f, f->item, a, &v->at[out->count], item))
            return false;
    }
    return true;
}

problem redis_decode(const struct shape *s, struct arena *a, const struct redis_value *reply, void *out)
{
    memset(out, 0, s->size);
    for (size_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];
        const struct redis_value *v = redis_member(reply, f->name);
        void *member = (char *)out + f->offset;
        bool fits = v ? f->kind == KIND_LIST ? list_fits(f, a, v, member) : scalar_fits(f, f->kind, a, v, member)
                      : f->optional || field_may_be_null(f);

        if (!fits && arena_is_over(a))
            return PROBLEM(OVERLOADED);
        if (!fits) {
            log_error("redis", "%s: %s does not fit its field", s->name, f->name);
            return PROBLEM(INTERNAL);
        }
    }
    return NULL;
}
