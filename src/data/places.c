#include "places.h"

static char *copy(struct text t)
{
    char *to = must_zalloc(t.len + 1);

    if (t.len)
        memcpy(to, t.at, t.len);
    return to;
}

bool places_add(struct places *p, struct text host, struct text port, const char *address)
{
    if (p->name_count == PLACE_NAMES_MAX || (address && strlen(address) >= ADDRESS_TEXT_SIZE))
        return false;
    p->names[p->name_count++] =
        (struct place_name){ .host = copy(host), .port = copy(port), .address = address ? must_strdup(address) : NULL };
    return true;
}

static void place_add(struct places *p, const struct place_name *name, const char *address)
{
    struct place *to;

    if (p->count == PLACES_MAX)
        return;
    if (!p->at)
        p->at = must_zalloc(PLACES_MAX * sizeof *p->at);
    to = &p->at[p->count++];
    *to = (struct place){ .name = name };
    memcpy(to->address, address, strlen(address) + 1);
}

static void look_up_rest(struct places *p);

static void on_found(struct lookup *l, const struct addrinfo *all)
{
    struct places *p = CONTAINER_OF(l, struct places, lookup);
    const struct place_name *name = &p->names[p->name_next++];
    char address[ADDRESS_TEXT_SIZE];

    for (; all; all = all->ai_next)
        if (address_text(all, address))
            place_add(p, name, address);
    look_up_rest(p);
}

static void tell_next(struct places *p)
{
    p->found(p, p->next < p->count ? &p->at[p->next++] : NULL);
}

static void look_up_rest(struct places *p)
{
    for (; p->name_next < p->name_count; p->name_next++) {
        const struct place_name *n = &p->names[p->name_next];

        if (n->address)
            place_add(p, n, n->address);
        else if (lookup_start(&p->lookup, n->host, on_found))
            return;
    }
    tell_next(p);
}

bool places_all_tried(const struct places *p)
{
    return p->next >= p->count;
}

void places_next(struct places *p)
{
    if (!places_all_tried(p)) {
        tell_next(p);
        return;
    }
    p->count = p->next = p->name_next = 0;
    look_up_rest(p);
}

void places_stop(struct places *p)
{
    lookup_stop(&p->lookup);
    p->count = p->next = 0;
}

void places_free(struct places *p)
{
    places_stop(p);
    for (size_t i = 0; i < p->name_count; i++) {
        free(p->names[i].host);
        free(p->names[i].port);
        free(p->names[i].address);
    }
    free(p->at);
    *p = (struct places){ .found = p->found };
}
