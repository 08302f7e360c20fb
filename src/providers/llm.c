#include "madang/llm.h"

#include "llm_dialects.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/outbound.h"
#include "madang/random.h"
#include "mend.h"
#include "sse.h"

#define EVENT_MAX 262144
#define WORDS_MAX 262144 /* of one llm_next() */
#define COMPLAINT_MAX 16384
#define EVENT_ARENA (1u << 20)
#define HEADERS 4

struct llm_stream {
    struct call *call;
    const struct llm_dialect *dialect;
    struct outbound request;
    struct pair headers[HEADERS];
    struct transfer *transfer; /* NULL: not begun */
    struct sse sse;
    struct mend mend;
    struct buf fresh, given; /* words not handed on yet; those the caller has in hand */
    problem failed;
    bool again;    /* what failed may do another time */
    bool finished; /* it said why it stops */
    bool ended, spoke, retried;
    uint64_t began_ms, deadline_ms; /* deadline_ms: of the task, to be put back */
};

static const struct llm_dialect *dialect;

bool llm_is_there(void)
{
    return dialect != NULL;
}

/* Korean takes a token for about one and a half syllables, English one for four letters. */
int64_t llm_tokens(struct text t)
{
    size_t characters = utf8_length(t), wide = (t.len - characters) / 2;

    return (int64_t)(wide + (characters - (wide < characters ? wide : characters)) / 3 + 4);
}

/* --- a stream --------------------------------------------------------------------------------------------------------- */
static void free_buffers(void *arg)
{
    struct llm_stream *s = arg;

    sse_fini(&s->sse);
    buf_fini(&s->fresh);
    buf_fini(&s->given);
}

static void set_headers(struct llm_stream *s)
{
    struct arena *a = s->call->arena;

    s->headers[0] = (struct pair){ T("Content-Type"), T("application/json") };
    s->headers[1] = (struct pair){ T("Accept"), T("text/event-stream") };
    s->headers[2] = (struct pair){ T("X-NCP-CLOVASTUDIO-REQUEST-ID"), random_token(a, 16) };
    s->headers[3] = (struct pair){ T("Authorization"), arena_join(a, T("Bearer "), config->llm_key) };
}

struct llm_stream *llm_open(struct call *c, const struct llm_ask *ask)
{
    struct llm_stream *s = arena_new(c->arena, struct llm_stream);
    struct text sampling = config->llm_sampling.len ? config->llm_sampling : text_of(dialect->sampling);

    s->call = c;
    s->dialect = dialect;
    s->began_ms = clock_ms();
    set_headers(s);
    s->request = (struct outbound){ .upstream = "llm",
                                    .method = "POST",
                                    .url = dialect->url(c->arena),
                                    .headers = s->headers,
                                    .header_count = config->llm_key.len ? HEADERS : HEADERS - 1,
                                    .body = dialect->body(c->arena, ask, sampling),
                                    .connect_ms = config->llm_connect_ms,
                                    .total_ms = config->llm_total_ms,
                                    .at_once = (size_t)config->llm_at_once };
    sse_init(&s->sse, EVENT_MAX);
    buf_init(&s->fresh, WORDS_MAX);
    buf_init(&s->given, WORDS_MAX);
    arena_defer(c->arena, free_buffers, s);
    return s;
}

static void drop_transfer(struct llm_stream *s)
{
    if (s->transfer)
        outbound_close(s->transfer);
    s->transfer = NULL;
}

static void fail(struct llm_stream *s, problem p, bool again, struct text reason)
{
    if (s->failed)
        return;
    log_warn("llm", "%s: %.*s", s->dialect->name, TEXT_ARG(reason));
    s->failed = p;
    s->again = again;
}

static void end(struct llm_stream *s)
{
    mend_end(&s->mend, &s->fresh);
    s->ended = true;
}

static void on_event(void *arg, struct text name, struct text data)
{
    struct llm_said said = { .words = T("") };
    struct llm_stream *s = arg;
    struct arena a;

    if (s->ended || s->failed)
        return;
    arena_init(&a, EVENT_ARENA);
    s->dialect->event(&a, name, data, &said);
    if (said.failed)
        fail(s, said.failed, said.again, said.reason);
    else if (!said.whole || (!s->spoke && s->fresh.len == 0 && s->mend.count == 0))
        mend_words(&s->mend, said.words, &s->fresh);
    s->finished = s->finished || said.finished;
    if (said.last)
        end(s);
    arena_fini(&a);
}

/* The call's own deadline stays the last word. */
static void limit_silence(struct llm_stream *s, int64_t ms)
{
    uint64_t until = clock_ms() + (uint64_t)ms, last = s->began_ms + (uint64_t)config->llm_total_ms;

    s->deadline_ms = task_deadline_ms(s->call->task);
    until = last < until ? last : until;
    task_set_deadline(s->call->task, s->deadline_ms && s->deadline_ms < until ? s->deadline_ms : until);
}

static void silence_over(struct llm_stream *s, problem p)
{
    bool ours = s->deadline_ms == 0 || clock_ms() < s->deadline_ms;

    task_set_deadline(s->call->task, s->deadline_ms);
    if (p != PROBLEM(DEADLINE) || !ours)
        return;
    if (s->finished) { /* it has said why it stops: only the farewell is missing */
        end(s);
        return;
    }
    outbound_blame(s->transfer);
    fail(s, s->spoke ? PROBLEM(UPSTREAM_FAILED) : PROBLEM(UPSTREAM_UNAVAILABLE), true, T("silent for too long"));
}

/* An answer that is no stream says why. */
static problem read_refusal(struct llm_stream *s, int status)
{
    struct call *c = s->call;
    struct text piece, body = T(""), why;
    bool again = status == 408 || status == 429 || status >= 500;
    problem p;

    while (!(p = outbound_next(c, s->transfer, &piece)) && piece.len && body.len < COMPLAINT_MAX)
        body = arena_join(c->arena, body, piece);
    if (p == PROBLEM(CANCELLED))
        return p;
    why = llm_complaint(c->arena, body);
    fail(s, again ? PROBLEM(UPSTREAM_UNAVAILABLE) : PROBLEM(UPSTREAM_FAILED), again,
         arena_printf(c->arena, "answered %d %.*s", status, TEXT_ARG(why)));
    return NULL;
}

static problem begin(struct llm_stream *s)
{
    int status;
    problem p = outbound_open(s->call, &s->request, &s->transfer);

    if (p)
        return p;
    limit_silence(s, config->llm_first_ms);
    p = outbound_status(s->call, s->transfer, &status);
    if (!p && (status != 200 || !media_type_is(outbound_type(s->transfer), T("text/event-stream"))))
        p = read_refusal(s, status);
    silence_over(s, p);
    return s->failed ? NULL : p;
}

static problem more(struct llm_stream *s)
{
    struct text piece = T("");
    problem p;

    limit_silence(s, s->spoke ? config->llm_gap_ms : config->llm_first_ms);
    p = outbound_next(s->call, s->transfer, &piece);
    silence_over(s, p);
    if (s->failed || s->ended)
        return NULL;
    if (p == PROBLEM(UPSTREAM_FAILED) && s->finished) {
        end(s);
        return NULL;
    }
    if (p)
        return p;
    if (piece.len && !sse_feed(&s->sse, piece, on_event, s))
        fail(s, PROBLEM(UPSTREAM_FAILED), false, T("an event without end"));
    else if (piece.len == 0 && !s->ended && s->finished)
        end(s);
    else if (piece.len == 0 && !s->ended)
        fail(s, PROBLEM(UPSTREAM_FAILED), true, T("broken off"));
    return NULL;
}

/* Once, and not when words were shown. */
static bool try_again(struct llm_stream *s, problem p)
{
    bool network = p == PROBLEM(UPSTREAM_FAILED) || (p == PROBLEM(UPSTREAM_UNAVAILABLE) && s->transfer);

    if (s->spoke || s->retried || !(s->failed ? s->again : network))
        return false;
    drop_transfer(s);
    s->retried = true;
    s->failed = NULL;
    s->finished = s->ended = false;
    s->mend.count = 0;
    buf_clear(&s->fresh);
    sse_fini(&s->sse);
    sse_init(&s->sse, EVENT_MAX);
    return task_sleep(s->call->task, 100 + random_below(300)) == NULL;
}

static struct text hand_over(struct llm_stream *s)
{
    struct buf swap = s->given;

    s->given = s->fresh;
    s->fresh = swap;
    buf_clear(&s->fresh);
    s->spoke = true;
    return buf_text(&s->given);
}

problem llm_next(struct call *c, struct llm_stream *s, struct text *words)
{
    problem p = NULL;

    CHECK(c == s->call);
    *words = T("");
    for (;;) {
        if (s->fresh.len) {
            *words = hand_over(s);
            return NULL;
        }
        if (s->ended)
            return NULL;
        p = s->failed ? s->failed : s->transfer ? more(s) : begin(s);
        if (p && !try_again(s, p))
            break;
    }
    drop_transfer(s);
    return p;
}

/* --- settings --------------------------------------------------------------------------------------------------------- */
static const struct llm_dialect *dialect_chosen(void)
{
    if (text_is(config->llm_provider, T("openai")))
        return &llm_openai;
    if (!text_is(config->llm_provider, T("clova")))
        return NULL;
    return text_is(config->llm_version, T("v1")) ? &llm_clova_v1 : &llm_clova_v3;
}

static bool sampling_is_json(void)
{
    const struct json_tree *ignored;
    struct arena a;
    bool ok;

    arena_init(&a, 65536);
    ok = config->llm_sampling.len == 0 || json_parse(&a, arena_join(&a, T("{"), config->llm_sampling, T("}")), &ignored) == NULL;
    arena_fini(&a);
    return ok;
}

bool llm_start(void)
{
    dialect = dialect_chosen();
    if (!dialect && config->llm_provider.len) {
        log_error("config", "[llm] provider is neither clova nor openai");
        return false;
    }
    if (!sampling_is_json()) {
        log_error("config", "[llm] sampling is not members of a JSON object");
        return false;
    }
    return true;
}
