/* The WebSocket door: messages in their order, each a call. */
#include "door_ws.h"

#include "door.h"
#include "hub/hub_parts.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/seal.h"

#define CALL_MS_MAX 10000 /* the messages behind it wait */
#define ARENA_LIMIT (16u << 20)

/* One message on its way. */
struct visit {
    struct call call;
    struct text op;
    int64_t id;
    bool silent; /* no id: answered only when it is refused */
    const struct json_tree *in;
    uint64_t began_us;
};

static void release_waiting(struct waiting_message *m)
{
    free(m);
}

static void on_gone(struct socket *s)
{
    struct list *node;

    hub_socket_gone(s);
    while ((node = list_take_first(&s->waiting)) != NULL)
        release_waiting(CONTAINER_OF(node, struct waiting_message, node));
    s->waiting_count = 0;
    if (s->task)
        task_cancel(s->task);
}

static void reply(uint64_t handle, struct visit *v, struct text member, struct text json)
{
    struct socket *s = socket_by(handle);
    char id[24];

    if (s)
        socket_send_own(s, frame_join(T("{\"id\":"), text_i64(v->id, id), member, json, T("}")));
}

struct text call_address(struct call *c)
{
    const struct socket *s = c->address.len ? NULL : socket_by(c->socket);

    if (s && s->address)
        c->address = arena_text(c->arena, text_of(s->address));
    else if (s && s->c)
        c->address = peer_print(&s->c->peer, arena_alloc(c->arena, ADDRESS_TEXT));
    else if (!c->address.len)
        c->address = T("-");
    return c->address;
}

/* {"op":…,"id":…,"in":{…},"key":…}, and nothing else; id, in and key may be left out. */
static problem read_envelope(struct visit *v, struct text json)
{
    const struct json_tree *message, *op, *id, *key;
    problem p = json_parse(v->call.arena, json, &message);
    bool id_is_fit;

    if (p)
        return p;
    op = json_member(message, "op");
    id = json_member(message, "id");
    key = json_member(message, "key");
    v->in = json_member(message, "in");
    v->silent = id == NULL;
    id_is_fit = !id || (json_is_i64(id, &v->id) && v->id >= 0);
    if (!id_is_fit)
        v->id = 0;
    if (!id_is_fit || !json_is_text(op, &v->op) || (key && !json_is_text(key, &v->call.key)) || v->call.key.len > 200 ||
        json_members(message) != 1u + (id != NULL) + (key != NULL) + (v->in != NULL))
        return PROBLEM(REQUEST_MALFORMED);
    return NULL;
}

static problem identify(struct visit *v, const struct socket *s)
{
    struct call *c = &v->call;

    if (!s->open)
        return NULL;
    c->account = s->account;
    c->role = s->role;
    c->session = text_of(s->session);
    return s->expires_s <= clock_wall_seconds() && c->def->who != ANYONE ? PROBLEM(TOKEN_INVALID) : NULL;
}

static problem run_call(struct visit *v, const struct socket *s)
{
    struct call *c = &v->call;
    int64_t limit_ms;
    void *in;
    problem p;

    c->def = call_by_name(v->op);
    if (!c->def || c->def->doors == REST_ONLY) {
        c->def = NULL;
        return PROBLEM(CALL_UNKNOWN);
    }
    c->name = c->def->name;
    c->out_shape = c->def->out;
    if (c->def->once != BY_KEY)
        c->key = T("");
    if ((p = door_admit(c)) || (p = identify(v, s)) || (p = door_authorise(c, c->def)))
        return p;
    if (c->def->out)
        c->out = arena_alloc(c->arena, c->def->out->size);
    if (c->def->in) {
        c->in = in = arena_alloc(c->arena, c->def->in->size);
        if ((p = shape_decode_tree(c->def->in, c->arena, v->in, in, &c->faults)))
            return p;
    } else if (v->in && json_members(v->in)) {
        return PROBLEM(REQUEST_MALFORMED);
    }
    limit_ms = door_call_ms(c->def);
    task_set_deadline(c->task, loop_ms() + (uint64_t)(limit_ms < CALL_MS_MAX ? limit_ms : CALL_MS_MAX));
    return door_run(c);
}

static void undo(struct call *c)
{
    while (c->after_count--)
        if (c->after[c->after_count].undo)
            c->after[c->after_count].undo(c, c->after[c->after_count].arg);
}

/* What was answered in the end. */
static problem answer(uint64_t handle, struct visit *v, problem p)
{
    struct text out = p || v->silent ? T("") : door_output(&v->call);

    if (!p && arena_is_over(v->call.arena))
        p = PROBLEM(OVERLOADED);
    if (p) {
        reply(handle, v, T(",\"problem\":"), door_problem_json(&v->call, p));
        undo(&v->call);
        hub_join_undo(handle);
        return p;
    }
    if (!v->silent)
        reply(handle, v, T(",\"out\":"), out.len ? out : T("{}"));
    for (size_t i = 0; i < v->call.after_count; i++)
        if (v->call.after[i].run)
            v->call.after[i].run(&v->call, v->call.after[i].arg);
    return NULL;
}

static void run_message(struct task *t, struct socket *s, struct text json)
{
    struct visit *v;
    struct arena a;
    uint64_t handle = s->handle;
    problem p;

    arena_init(&a, ARENA_LIMIT);
    v = arena_new(&a, struct visit);
    v->began_us = loop_us();
    v->call.task = t;
    v->call.arena = &a;
    v->call.name = "-";
    v->call.korean = s->korean;
    v->call.socket = handle;
    p = read_envelope(v, json);
    v->call.message = v->id;
    if (p == PROBLEM(OVERLOADED)) { /* which call it was is not known, so it cannot be answered */
        socket_close(s, WS_CODE_LATER, "busy");
        arena_fini(&a);
        return;
    }
    if (!p)
        p = run_call(v, s);
    if (p == PROBLEM(REPLAYED))
        p = NULL;
    p = answer(handle, v, p);
    door_count(&v->call, p, v->began_us);
    arena_fini(&a);
}

/* Works through the messages of a socket in their order. */
static void run_waiting(struct task *t, void *arg)
{
    struct socket *s = arg;
    struct list *node;

    while (s->c && (node = list_take_first(&s->waiting)) != NULL) {
        struct waiting_message *m = CONTAINER_OF(node, struct waiting_message, node);

        s->waiting_count--;
        socket_go_on(s);
        run_message(t, s, (struct text){ m->bytes, m->len });
        release_waiting(m);
        task_set_deadline(t, 0);
    }
    s->task = NULL;
    socket_task_done(s);
}

static void on_message(struct socket *s, struct text json)
{
    struct waiting_message *m = must_alloc(sizeof *m + json.len);

    m->len = json.len;
    memcpy(m->bytes, json.at, json.len);
    list_append(&s->waiting, &m->node);
    if (++s->waiting_count >= config->ws_waiting_max)
        socket_read(s, false);
    if (s->task)
        return;
    s->running++;
    s->task = task_start("socket", 0, run_waiting, s);
}

const struct socket_ops door_ws = { .message = on_message, .gone = on_gone, .identified = hub_identify };
