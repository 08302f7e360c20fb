#include "router.h"

#include "madang/codec.h"

/* A trie by path segment; a node has fixed children and at most one that takes any segment as a parameter. */
struct node {
    struct text segment; /* fixed text, or the parameter's name */
    struct node *children, *any, *next;
    const struct call_def *calls[METHOD_COUNT];
};

static struct node root;

static struct node *child_for(struct node *n, struct text segment)
{
    bool is_param = segment.len > 2 && segment.at[0] == '{';
    struct node *c;

    if (is_param) {
        struct text name = { segment.at + 1, segment.len - 2 };

        if (!n->any) {
            n->any = must_zalloc(sizeof *n->any);
            n->any->segment = name;
        }
        CHECK(text_is(n->any->segment, name)); /* one place in a path has one name */
        return n->any;
    }
    for (c = n->children; c; c = c->next)
        if (text_is(c->segment, segment))
            return c;
    c = must_zalloc(sizeof *c);
    c->segment = segment;
    c->next = n->children;
    n->children = c;
    return c;
}

void router_add(const struct call_def *d)
{
    struct text rest = text_from(text_of(d->rest.path), 1);
    struct node *n = &root;

    while (rest.len)
        n = child_for(n, text_cut(rest, '/', &rest));
    CHECK(!n->calls[d->rest.method]);
    n->calls[d->rest.method] = d;
}

static void free_children(struct node *n)
{
    struct node *c, *next;

    for (c = n->children; c; c = next) {
        next = c->next;
        free_children(c);
        free(c);
    }
    if (n->any) {
        free_children(n->any);
        free(n->any);
    }
    *n = (struct node){ 0 };
}

void router_free(void)
{
    free_children(&root);
}

/* `plain`: the whole path is without escapes, and UTF-8. */
static bool segment_decode(struct arena *a, struct text raw, bool plain, struct text *out)
{
    *out = raw;
    if (!plain && (!percent_decode(a, raw, false, out) || text_find(*out, '/') >= 0))
        return false;
    return out->len == 0 || out->at[0] != '.' || !(text_is(*out, T(".")) || text_is(*out, T("..")));
}

static struct node *step(struct node *n, struct text segment, struct route_found *out)
{
    for (struct node *c = n->children; c; c = c->next)
        if (segment.len && c->segment.at[0] == segment.at[0] && text_is(c->segment, segment))
            return c;
    if (n->any && segment.len && out->param_count < COUNT_OF(out->params)) {
        out->params[out->param_count++] = (struct pair){ n->any->segment, segment };
        return n->any;
    }
    return NULL;
}

bool router_find(struct arena *a, struct text path, struct route_found *out)
{
    bool more = path.len > 1, plain = text_find(path, '%') < 0 && utf8_is_valid(path);
    struct node *n = &root;

    *out = (struct route_found){ .param_count = 0 };
    path = path.len ? text_from(path, 1) : path;
    while (more) {
        struct text rest, segment, raw = text_cut(path, '/', &rest);

        more = raw.len < path.len;
        path = rest;
        if (!segment_decode(a, raw, plain, &segment))
            return false;
        n = n ? step(n, segment, out) : NULL;
    }
    if (n)
        memcpy(out->calls, n->calls, sizeof out->calls);
    return true;
}
