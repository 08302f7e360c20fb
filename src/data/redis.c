#include "madang/redis.h"

#include "embedded.h"
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/fault.h"
#include "madang/health.h"
#include "madang/log.h"
#include "madang/metric.h"
#include "madang/seal.h"
#include "redis_channels.h"
#include "redis_link.h"
#include "pg_connection.h"

struct request {
    struct wait wait;
    struct arena *arena; /* NULL: given up, or nobody waits */
    struct redis_value *out;
    const struct refusal *refused;
    bool lost;
    bool let_go, late; /* let_go: no task looks at it any more; late: answered after it was given up */
    char error[120];
};

static struct redis_link commands;
static size_t on_their_way;
static struct redis_watcher *watchers;

bool redis_is_up(void)
{
    return commands.ready;
}

void redis_watch(struct redis_watcher *w)
{
    w->next = watchers;
    watchers = w;
}

struct text redis_key(struct arena *a, const char *format, ...)
{
    struct text prefix = config->redis_prefix, rest;
    va_list args;

    va_start(args, format);
    rest = arena_vprintf(a, format, args);
    va_end(args);
    return arena_printf(a, "%.*s%.*s", TEXT_ARG(prefix), TEXT_ARG(rest));
}

static void copy_reply(const redisReply *r, struct arena *a, struct redis_value *out)
{
    *out = (struct redis_value){ .kind = REDIS_NIL };
    switch (r->type) {
    case REDIS_REPLY_INTEGER:
        out->kind = REDIS_NUMBER;
        out->number = r->integer;
        return;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        out->kind = REDIS_TEXT;
        out->text = arena_text(a, (struct text){ r->str, (size_t)r->len });
        return;
    case REDIS_REPLY_ARRAY:
        out->kind = REDIS_LIST;
        out->count = r->elements;
        out->at = arena_array(a, struct redis_value, r->elements);
        for (size_t i = 0; i < r->elements; i++)
            copy_reply(r->element[i], a, &out->at[i]);
        return;
    default:
        return;
    }
}

static void on_reply(struct redis_link *l, const redisReply *r, void *data)
{
    struct request *q = data;
    const struct refusal *why = NULL;

    on_their_way--;
    if (!r || r->type == REDIS_REPLY_ERROR)
        metric_add(METRIC_REDIS_ERRORS, 1);
    if (r && r->type == REDIS_REPLY_ERROR)
        why = redis_link_refused(l, r->str);
    if (!q->arena) {
        if (q->let_go)
            free(q);
        else
            q->late = true; /* cancelled, but its task has not run since, and looks at it yet */
        return;
    }
    q->lost = r == NULL || FAULT(REDIS_LOST);
    if (why) {
        q->refused = why;
        snprintf(q->error, sizeof q->error, "%s", r->str);
    } else if (r && q->out) {
        copy_reply(r, q->arena, q->out);
    }
    wait_done(&q->wait, NULL);
}

/* Lets go at once; the late reply is thrown away. */
static void cancel_request(struct wait *w)
{
    CONTAINER_OF(w, struct request, wait)->arena = NULL;
    wait_done(w, NULL);
}

/* A list stands for all that are in it. */
static size_t words_of(const struct value *v)
{
    return v->kind == VALUE_I64S || v->kind == VALUE_TEXTS ? v->list.count : 1;
}

static size_t all_words(struct values v)
{
    size_t count = 0;

    for (size_t i = 0; i < v.count; i++)
        count += words_of(&v.at[i]);
    return count;
}

static struct text word_of(const struct value *v, size_t i, struct arena *scratch)
{
    struct value one = v->kind == VALUE_I64S    ? value_i64(((const int64_t *)v->list.at)[i])
                       : v->kind == VALUE_TEXTS ? value_text(((const struct text *)v->list.at)[i])
                                                : *v;

    if (one.kind == VALUE_TEXT)
        return one.text.at ? one.text : T("");
    return text_of(value_cstr(&one, scratch));
}

static bool send_now(struct values v, struct request *q)
{
    size_t count = all_words(v), n = 0;
    const char **at = must_alloc(count * sizeof *at);
    size_t *lengths = must_alloc(count * sizeof *lengths);
    struct arena scratch;
    bool sent;

    arena_init(&scratch, 1 << 24);
    for (size_t i = 0; i < v.count; i++)
        for (size_t k = 0; k < words_of(&v.at[i]); k++, n++) {
            struct text word = word_of(&v.at[i], k, &scratch);

            at[n] = word.at;
            lengths[n] = word.len;
        }
    sent = redis_link_ask(&commands, on_reply, q, (int)count, at, lengths);
    arena_fini(&scratch);
    free(lengths);
    free(at);
    if (sent) {
        on_their_way++;
        metric_add(METRIC_REDIS_COMMANDS, 1);
    }
    return sent;
}

bool redis_send(struct values command)
{
    struct request *q;

    if (!commands.ready || on_their_way >= (size_t)config->redis_waiting_max)
        return false;
    q = must_zalloc(sizeof *q);
    q->let_go = true;
    if (!send_now(command, q)) {
        free(q);
        return false;
    }
    return true;
}

/* *refused: what Redis said, when that was no. */
static problem run(struct call *c, struct values command, struct redis_value *out, const struct refusal **refused)
{
    struct request *q;
    problem p;

    *refused = NULL;
    if (arena_is_over(c->arena))
        return PROBLEM(OVERLOADED);
    if (!commands.ready || FAULT(REDIS_FAILS))
        return PROBLEM(LEASES_UNAVAILABLE);
    if (on_their_way >= (size_t)config->redis_waiting_max || FAULT(QUEUE_FULL))
        return PROBLEM(OVERLOADED);
    q = must_zalloc(sizeof *q);
    q->arena = c->arena;
    q->out = out;
    wait_init(&q->wait, cancel_request);
    if (!send_now(command, q)) {
        free(q);
        return PROBLEM(LEASES_UNAVAILABLE);
    }
    p = task_wait(c->task, &q->wait, clock_ms() + (uint64_t)config->redis_command_ms);
    if (p && !q->arena) {
        q->let_go = true; /* a reply that is still to come frees it */
        if (q->late)
            free(q);
        return p == PROBLEM(DEADLINE) ? PROBLEM(LEASES_UNAVAILABLE) : p;
    }
    p = q->lost ? PROBLEM(LEASES_UNAVAILABLE) : q->refused ? &problem_table[q->refused->problem] : NULL;
    *refused = q->refused;
    if (q->refused && q->refused->remedy != REMEDY_FORGOTTEN)
        log_at(q->refused->level, "redis", "%s: %s", c->name, q->error);
    free(q);
    return p;
}

problem redis_run(struct call *c, struct values command, struct redis_value *out)
{
    const struct refusal *refused;

    return run(c, command, out, &refused);
}

static void script_load(struct script *s)
{
    unsigned char digest[20];
    struct arena a;

    for (const struct embedded *e = embedded_scripts; e->name; e++)
        if (strcmp(e->name, s->file) == 0)
            s->body = e->text;
    CHECK(s->body.len > 0);
    sha1(s->body, digest);
    arena_init(&a, 4096);
    memcpy(s->sha, hex_encode(&a, digest, sizeof digest).at, 41);
    arena_fini(&a);
}

problem script_run(struct call *c, struct script *s, struct values keys, struct values args, struct redis_value *out)
{
    struct value *v = arena_array(c->arena, struct value, 3 + keys.count + args.count);
    struct values command = { v, 3 + keys.count + args.count };
    const struct refusal *refused;
    problem p;

    if (s->body.len == 0)
        script_load(s);
    v[0] = value_text(T("EVALSHA"));
    v[1] = value_text(text_of(s->sha));
    v[2] = value_i64((int64_t)all_words(keys));
    for (size_t i = 0; i < keys.count; i++)
        v[3 + i] = keys.at[i];
    for (size_t i = 0; i < args.count; i++)
        v[3 + keys.count + i] = args.at[i];
    p = run(c, command, out, &refused);
    if (refused && refused->remedy == REMEDY_FORGOTTEN) { /* it does not know the script */
        v[0] = value_text(T("EVAL"));
        v[1] = value_text(s->body);
        p = run(c, command, out, &refused);
    }
    return p;
}

static void on_commands_link(struct redis_link *l)
{
    metric_set(METRIC_REDIS_UP, l->ready);
    if (!l->stopping)
        log_at(l->ready ? LOG_INFO : LOG_ERROR, "redis", l->ready ? "connected" : "gone: what needs it answers 503");
    if (!l->ready)
        redis_channels_main_lost();
    for (struct redis_watcher *w = watchers; w; w = w->next)
        w->changed(l->ready);
}

static const char *says(void)
{
    return !commands.ready ? "unreachable" : commands.unwell ? "does not write" : NULL;
}

void redis_start(void)
{
    static struct health_part health = { .name = "redis", .says = says };
    static char pulse[80];

    health_part_add(&health);
    CHECK(snprintf(pulse, sizeof pulse, "%.*spulse", TEXT_ARG(config->redis_prefix)) < (int)sizeof pulse);
    commands = (struct redis_link){ .name = "commands", .url = config->redis_url, .pulse = pulse, .changed = on_commands_link };
    redis_link_open(&commands);
    redis_channels_start();
}

void redis_stop(void)
{
    watchers = NULL;
    redis_channels_stop(); /* first: they would take the end of the other for a loss */
    redis_link_stop(&commands);
}
