#include "madang/calls.h"

#include "madang/map.h"
#include "router.h"

struct entry {
    struct map_node node;
    const struct call_def *def;
};

static struct entry *entries; /* as many as the features have */
static size_t count;
static struct map by_name;

static void check_row(const struct call_def *d)
{
    CHECK(d->name && d->says && (d->run != NULL) != (d->raw != NULL));
    CHECK((d->rest.path == NULL) == (d->doors == SOCKET_ONLY));
    CHECK(!d->raw || (d->doors == REST_ONLY && !d->in));
    CHECK(d->audit || d->who < WHO_MANAGER || d->rest.method == METHOD_GET); /* what managers change is noted */
    if (d->in)
        shape_check(d->in);
    if (d->out)
        shape_check(d->out);
}

static void add(const struct call_def *d)
{
    check_row(d);
    entries[count].def = d;
    map_add(&by_name, &entries[count].node, text_of(d->name));
    count++;
    if (d->rest.path)
        router_add(d);
}

void calls_start(void)
{
    size_t rows = 0;

    for (size_t f = 0; f < feature_count; f++)
        rows += features[f]->calls.count;
    entries = must_zalloc(rows * sizeof *entries);
    for (size_t f = 0; f < feature_count; f++) {
        for (size_t i = 0; i < features[f]->calls.count; i++)
            add(&features[f]->calls.at[i]);
        for (size_t i = 0; i < features[f]->events.count; i++)
            shape_check(features[f]->events.at[i]->data);
        for (size_t i = 0; features[f]->statements && features[f]->statements[i]; i++)
            statements_add(features[f]->statements[i]);
        if (features[f]->constraints)
            constraints_add(features[f]->constraints);
        for (size_t i = 0; features[f]->machines && features[f]->machines[i]; i++)
            machine_add(features[f]->machines[i]);
    }
}

void calls_stop(void)
{
    map_fini(&by_name);
    router_free();
    free(entries);
    count = 0;
}

const struct call_def *call_by_name(struct text name)
{
    struct map_node *n = map_find(&by_name, name);

    return n ? CONTAINER_OF(n, struct entry, node)->def : NULL;
}

size_t calls_count(void)
{
    return count;
}

const struct call_def *call_at(size_t i)
{
    CHECK(i < count);
    return entries[i].def;
}
