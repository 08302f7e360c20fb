#include "madang/health.h"

static struct health_part *parts;
static struct list_view *views;

void health_part_add(struct health_part *p)
{
    p->next = parts;
    parts = p;
}

bool health_is_well(const struct health_part *but)
{
    for (struct health_part *p = parts; p; p = p->next)
        if (p != but && p->says())
            return false;
    return true;
}

bool health_print(struct buf *out)
{
    bool ready = health_is_well(NULL);

    buf_printf(out, "{\"ready\":%s,\"parts\":{", ready ? "true" : "false");
    for (struct health_part *p = parts; p; p = p->next)
        buf_printf(out, "%s\"%s\":\"%s\"", p == parts ? "" : ",", p->name, p->says() ? p->says() : "ok");
    buf_put(out, T("}}\n"));
    return ready;
}

void list_view_add(struct list_view *v)
{
    v->next = views;
    views = v;
}

const struct list_view *list_view_find(struct text name)
{
    for (struct list_view *v = views; v; v = v->next)
        if (text_is(text_of(v->name), name))
            return v;
    return NULL;
}

void list_views_print(struct buf *out)
{
    buf_put_char(out, '[');
    for (struct list_view *v = views; v; v = v->next)
        buf_printf(out, "%s\"%s\"", v == views ? "" : ",", v->name);
    buf_put(out, T("]\n"));
}
