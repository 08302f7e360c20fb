#include "madang/page.h"

problem page_from(struct call *c, const char *pointer, struct opt_text cursor, int key, struct cursor *out)
{
    *out = (struct cursor){ .id = { .is = ABSENT } };
    if (cursor.is != PRESENT || cursor_read(c->arena, text_of(c->name), key, cursor.value, out))
        return NULL;
    return call_field_wrong(c, pointer, "is no place in this list", "이 목록의 위치가 아닙니다");
}

void *page_cut_rows(void *list, size_t size, int64_t limit)
{
    struct any_list *rows = list;

    if (rows->count <= (size_t)limit)
        return NULL;
    rows->count = (size_t)limit;
    return (char *)rows->at + (rows->count - 1) * size;
}

static struct opt_text next(struct call *c, struct cursor at)
{
    return (struct opt_text){ PRESENT, cursor_make(c->arena, text_of(c->name), &at) };
}

struct opt_text page_next_time(struct call *c, struct instant key, int64_t id)
{
    return next(c, (struct cursor){ .at = { PRESENT, key }, .id = { PRESENT, id } });
}

struct opt_text page_next_number(struct call *c, int64_t key, int64_t id)
{
    return next(c, (struct cursor){ .number = { PRESENT, key }, .id = { PRESENT, id } });
}

struct opt_text page_next_text(struct call *c, struct text key, int64_t id)
{
    return next(c, (struct cursor){ .text = { PRESENT, key }, .id = { PRESENT, id } });
}
