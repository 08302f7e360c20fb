#include "madang/call.h"

#include "madang/check.h"

void call_after(struct call *c, void (*run)(struct call *c, void *arg), void (*undo)(struct call *c, void *arg), void *arg)
{
    CHECK(c->after_count < AFTER_MAX);
    if (!c->after)
        c->after = arena_array(c->arena, struct after, AFTER_MAX);
    c->after[c->after_count++] = (struct after){ run, undo, arg };
}

struct call call_of_our_own(struct task *t, struct arena *a, const char *name)
{
    return (struct call){ .task = t, .arena = a, .name = name, .role = ROLE_ADMIN, .request_id = text_of(name) };
}

problem call_field_wrong(struct call *c, const char *pointer, const char *en, const char *ko)
{
    field_fault_add(&c->faults, text_of(pointer), en, ko);
    return PROBLEM(FIELDS_INVALID);
}

problem call_retry_after(struct call *c, problem p, int64_t seconds)
{
    c->retry_after_s = seconds;
    return p;
}

struct text call_request_id(struct call *c)
{
    char handle[24], id[24];

    if (!c->request_id.len && c->socket)
        c->request_id = arena_join(c->arena, text_i64((int64_t)c->socket, handle), T("-"), text_i64(c->message, id));
    return c->request_id;
}
