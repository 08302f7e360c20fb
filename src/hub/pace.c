#include "madang/pace.h"

#include "madang/overload.h"
#include "madang/store.h"

/* A topic that something was said on lately, or is to be said on. */
struct paced {
    struct map_node node;
    struct list place; /* among those of its pace, by next_ms */
    struct pace *pace;
    uint64_t next_ms; /* not before */
    bool waits;
    char topic[];
};

static struct paced *first_of(const struct pace *p)
{
    return list_is_empty(&p->due) ? NULL : CONTAINER_OF(p->due.next, struct paced, place);
}

static void forget(struct paced *t)
{
    list_remove(&t->place);
    map_remove(&t->pace->topics, &t->node);
    free(t);
}

static void say_now(struct pace *p, struct text topic)
{
    struct arena memory;
    struct call c;
    const void *data;

    arena_init(&memory, 1 << 20);
    c = call_of_our_own(NULL, &memory, "pace");
    if ((data = p->make(&c, topic)) != NULL)
        publish_now(&c, topic, p->event, data);
    arena_fini(&memory);
}

/* Its time has come: it is said, or nothing was to be said and it is forgotten. */
static void come(struct paced *t, uint64_t now)
{
    if (!t->waits) {
        forget(t);
        return;
    }
    t->waits = false;
    t->next_ms = now + t->pace->every_ms;
    list_remove(&t->place);
    list_append(&t->pace->due, &t->place);
    say_now(t->pace, t->node.key);
}

static bool must_wait(const struct pace *p)
{
    return overload_now() != OVERLOAD_NONE && p->topics.count < PACE_HELD_MAX;
}

static void on_time(struct timer *timer)
{
    struct pace *p = CONTAINER_OF(timer, struct pace, timer);
    uint64_t now = clock_ms();
    struct paced *t;

    if (must_wait(p)) {
        timer_set_after(timer, p->every_ms);
        return;
    }
    while ((t = first_of(p)) != NULL && t->next_ms <= now)
        come(t, now);
    if (t)
        timer_set(timer, t->next_ms);
}

static struct paced *find(const struct pace *p, struct text topic)
{
    struct map_node *n = map_find(&p->topics, topic);

    return n ? CONTAINER_OF(n, struct paced, node) : NULL;
}

void pace_say(struct pace *p, struct text topic)
{
    struct paced *t = find(p, topic);

    if (!t) {
        t = must_zalloc(sizeof *t + topic.len);
        memcpy(t->topic, topic.at, topic.len);
        t->pace = p;
        t->next_ms = clock_ms();
        list_init(&t->place);
        list_append(p->due.next, &t->place); /* before all that rest */
        map_add(&p->topics, &t->node, (struct text){ t->topic, topic.len });
        timer_set(&p->timer, first_of(p)->next_ms);
    }
    t->waits = true;
}

void pace_now(struct pace *p, struct text topic)
{
    struct paced *t = find(p, topic);

    if (t && t->waits)
        come(t, clock_ms());
}

void pace_start(struct pace *p)
{
    list_init(&p->due);
    timer_init(&p->timer, on_time);
}

void pace_stop(struct pace *p)
{
    struct paced *t;

    timer_clear(&p->timer);
    while ((t = first_of(p)) != NULL) {
        if (t->waits)
            say_now(p, t->node.key);
        forget(t);
    }
    map_fini(&p->topics);
}
