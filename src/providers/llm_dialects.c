/* Facts: CLOVA Studio's guide (chat completions v1 and v3, streaming, errors); OpenAI's chat completion chunks. */
#include "llm_dialects.h"

#include "madang/json_tree.h"
#include "madang/config.h"

/* Members are asked for one by one, not by a shape: a null, another type or a second of its name is as nothing, and never spoils
 * what is said beside it. */
static struct text text_at(const struct json_tree *t, const char *name)
{
    struct text out = T("");

    return json_is_text(json_member(t, name), &out) ? out : T("");
}

/* Codes are texts here and numbers there. */
static struct text code_at(struct arena *a, const struct json_tree *t, const char *name)
{
    int64_t number;

    return json_is_i64(json_member(t, name), &number) ? arena_printf(a, "%lld", (long long)number) : text_at(t, name);
}

/* A text, or a list of parts of which some are texts. */
static struct text content_of(struct arena *a, const struct json_tree *said)
{
    const struct json_tree *content = json_member(said, "content");
    struct text out = text_at(said, "content");

    if (!content || content->kind != TREE_ARRAY)
        return out;
    for (const struct json_tree *part = content->first; part; part = part->next)
        out = arena_join(a, out, text_at(part, "text"));
    return out;
}

static void fail(struct llm_said *out, struct text reason, bool again)
{
    out->reason = reason;
    out->again = again;
    out->failed = again ? PROBLEM(UPSTREAM_UNAVAILABLE) : PROBLEM(UPSTREAM_FAILED);
}

/* Their capacity or our quota, a time-out, a fault of theirs: another time it may do. */
static bool may_pass(struct text code)
{
    static const char *const words[] = {
        "429", "408", "5", "rate_limit", "server_error", "overloaded", "unavailable", "timeout"
    };

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (text_starts(code, text_of(words[i])))
            return true;
    return false;
}

/* `status`: an object with a code or a type, or a text. */
static void refused(struct arena *a, const struct json_tree *status, struct llm_said *out)
{
    struct text code = code_at(a, status, "code"), type = text_at(status, "type");

    if (code.len == 0 && type.len == 0)
        fail(out, T("an error without a code"), false);
    else
        fail(out, code.len ? code : type, may_pass(code) || may_pass(type));
}

static const char *const role_names_llm[] = { "system", "user", "assistant" };

static void put_messages(const struct llm_ask *ask, struct buf *out)
{
    buf_put(out, T("\"messages\":["));
    for (size_t i = 0; i < ask->count; i++) {
        buf_printf(out, "%s{\"role\":\"%s\",\"content\":", i ? "," : "", role_names_llm[ask->at[i].role]);
        buf_put_json_string(out, ask->at[i].text);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

static struct text body_with(struct arena *a, const struct llm_ask *ask, struct text head, struct text tokens,
                             struct text sampling)
{
    struct buf b;

    buf_init(&b, a->limit);
    buf_put_char(&b, '{');
    buf_put(&b, head);
    put_messages(ask, &b);
    buf_printf(&b, ",\"%.*s\":%lld", TEXT_ARG(tokens), (long long)ask->tokens_max);
    if (sampling.len) {
        buf_put_char(&b, ',');
        buf_put(&b, sampling);
    }
    buf_put_char(&b, '}');
    return arena_buf(a, &b);
}

static struct text model_json(struct arena *a)
{
    struct buf b;

    buf_init(&b, 1000);
    buf_put_json_string(&b, config->llm_model);
    return arena_buf(a, &b);
}

/* --- CLOVA Studio ----------------------------------------------------------------------------------------------------- */
static void clova_event(struct arena *a, struct text name, struct text data, struct llm_said *out)
{
    bool token = text_is(name, T("token")), result = text_is(name, T("result")), error = text_is(name, T("error"));
    const struct json_tree *e;

    if (text_is(name, T("signal"))) {
        out->last = true;
        return;
    }
    if (!token && !result && !error)
        return;
    if (!(e = json_read_leniently(a, data))) {
        fail(out, T("an event that is not as it should be"), false);
        return;
    }
    if (error) {
        refused(a, json_member(e, "status"), out);
        return;
    }
    out->words = content_of(a, json_member(e, "message"));
    out->whole = out->last = result;
    out->finished = text_at(e, "stopReason").len || text_at(e, "finishReason").len;
}

static struct text clova_url(struct arena *a, struct text version)
{
    return arena_join(a, config->llm_url, config->llm_prefix, T("/"), version, T("/chat-completions/"), config->llm_model);
}

static struct text v1_url(struct arena *a)
{
    return clova_url(a, T("v1"));
}

static struct text v3_url(struct arena *a)
{
    return clova_url(a, T("v3"));
}

static struct text clova_body(struct arena *a, const struct llm_ask *ask, struct text sampling)
{
    return body_with(a, ask, T(""), T("maxTokens"), sampling);
}

const struct llm_dialect llm_clova_v1 = { "clova v1", "\"topP\":0.8,\"topK\":0,\"temperature\":0.28,\"repeatPenalty\":3.0",
                                          v1_url, clova_body, clova_event };
const struct llm_dialect llm_clova_v3 = { "clova v3", "\"topP\":0.8,\"topK\":0,\"temperature\":0.28,\"repetitionPenalty\":1.1",
                                          v3_url, clova_body, clova_event };

/* --- OpenAI's dialect ------------------------------------------------------------------------------------------------- */
/* Ours is the first one, wherever it stands: others are not asked for, but some tell them. */
static const struct json_tree *choice_of(const struct json_tree *e)
{
    const struct json_tree *choices = json_member(e, "choices");
    int64_t index;

    if (!choices || choices->kind != TREE_ARRAY)
        return NULL;
    for (const struct json_tree *c = choices->first; c; c = c->next)
        if (!json_is_i64(json_member(c, "index"), &index) || index == 0)
            return c;
    return NULL;
}

static const struct json_tree *error_of(const struct json_tree *e)
{
    const struct json_tree *error = json_member(e, "error");

    if (error && error->kind != TREE_NULL && error->kind != TREE_FALSE)
        return error;
    return text_is(text_at(e, "object"), T("error")) ? e : NULL;
}

static void openai_event(struct arena *a, struct text name, struct text data, struct llm_said *out)
{
    const struct json_tree *e, *choice;

    (void)name;
    if (text_is(text_trim(data), T("[DONE]"))) {
        out->last = true;
        return;
    }
    if (!(e = json_read_leniently(a, data))) {
        fail(out, T("an event that is not as it should be"), false);
        return;
    }
    if (error_of(e)) {
        refused(a, error_of(e), out);
        return;
    }
    choice = choice_of(e);
    out->words = content_of(a, json_member(choice, "delta"));
    out->finished = text_at(choice, "finish_reason").len > 0;
}

static struct text openai_url(struct arena *a)
{
    return arena_join(a, config->llm_url, T("/chat/completions"));
}

static struct text openai_body(struct arena *a, const struct llm_ask *ask, struct text sampling)
{
    return body_with(a, ask, arena_join(a, T("\"model\":"), model_json(a), T(",\"stream\":true,")), T("max_tokens"), sampling);
}

const struct llm_dialect llm_openai = { "openai", "\"top_p\":0.8,\"temperature\":0.28", openai_url, openai_body, openai_event };

/* --- answers that are no stream --------------------------------------------------------------------------------------- */
struct text llm_complaint(struct arena *a, struct text body)
{
    const struct json_tree *e = json_read_leniently(a, body), *status = json_member(e, "status");
    struct text code;

    status = status && status->kind == TREE_OBJECT ? status : json_member(e, "error");
    code = code_at(a, status, "code");
    return code.len ? code : status && status->kind == TREE_STRING ? status->string : text_at(status, "message");
}
