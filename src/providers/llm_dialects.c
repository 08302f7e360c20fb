/* Facts: CLOVA Studio's guide (chat completions v1 and v3, streaming, errors); OpenAI's chat completion chunks. */
#include "llm_dialects.h"

#include "madang/config.h"

#define WORDS_MAX 65536

struct said {
    struct opt_text content;
};
static const struct field said_fields[] = { FIELD(struct said, content, .len_max = WORDS_MAX) };
static const struct shape said_shape = SHAPE("LlmSaid", struct said, said_fields);

struct status {
    struct opt_text code, message;
};
static const struct field status_fields[] = {
    FIELD(struct status, code, .len_max = 1000),
    FIELD(struct status, message, .len_max = WORDS_MAX),
};
static const struct shape status_shape = SHAPE("LlmStatus", struct status, status_fields);

static bool read_as(const struct shape *s, struct arena *a, struct text json, void *out)
{
    struct shape_input in = { .json = json, .open = true };
    struct field_faults faults;

    return json.len && shape_decode(s, a, &in, out, &faults) == NULL;
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
struct clova_event {
    struct said *message;
    struct status *status;
    struct opt_text stopReason, finishReason;
};
static const struct field clova_fields[] = {
    FIELD_MAYBE(struct clova_event, message, .shape = &said_shape),
    FIELD_MAYBE(struct clova_event, status, .shape = &status_shape),
    FIELD(struct clova_event, stopReason),
    FIELD(struct clova_event, finishReason),
};
static const struct shape clova_shape = SHAPE("ClovaEvent", struct clova_event, clova_fields);

/* Their capacity or our quota, a time-out, a fault of theirs: another time it may do. */
static bool may_pass(struct text code)
{
    return text_starts(code, T("429")) || text_starts(code, T("408")) || text_starts(code, T("5"));
}

static void clova_failed(const struct status *s, struct llm_said *out)
{
    out->reason = s && s->code.is == PRESENT ? s->code.value : T("an error without a code");
    out->again = may_pass(out->reason);
    out->failed = out->again ? PROBLEM(UPSTREAM_UNAVAILABLE) : PROBLEM(UPSTREAM_FAILED);
}

static void clova_event(struct arena *a, struct text name, struct text data, struct llm_said *out)
{
    struct clova_event e;
    bool token = text_is(name, T("token")), result = text_is(name, T("result")), error = text_is(name, T("error"));

    if (text_is(name, T("signal"))) {
        out->last = true;
        return;
    }
    if (!token && !result && !error)
        return;
    if (!read_as(&clova_shape, a, data, &e)) {
        out->failed = PROBLEM(UPSTREAM_FAILED);
        out->reason = T("an event that is not as it should be");
        return;
    }
    if (error) {
        clova_failed(e.status, out);
        return;
    }
    if (e.message && e.message->content.is == PRESENT)
        out->words = e.message->content.value;
    out->whole = out->last = result;
    out->finished = e.stopReason.is == PRESENT || e.finishReason.is == PRESENT;
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
struct choice {
    struct said *delta;
    struct opt_text finish_reason;
};
static const struct field choice_fields[] = {
    FIELD_MAYBE(struct choice, delta, .shape = &said_shape),
    FIELD(struct choice, finish_reason),
};
static const struct shape choice_shape = SHAPE("LlmChoice", struct choice, choice_fields);

struct openai_event {
    LIST_OF(struct choice) choices;
    struct status *error;
};
static const struct field openai_fields[] = {
    FIELD_LIST(struct openai_event, choices, .shape = &choice_shape, .optional = true),
    FIELD_MAYBE(struct openai_event, error, .shape = &status_shape),
};
static const struct shape openai_shape = SHAPE("OpenaiEvent", struct openai_event, openai_fields);

static void openai_event(struct arena *a, struct text name, struct text data, struct llm_said *out)
{
    struct openai_event e;

    (void)name;
    if (text_is(data, T("[DONE]"))) {
        out->last = true;
        return;
    }
    if (!read_as(&openai_shape, a, data, &e)) {
        out->failed = PROBLEM(UPSTREAM_FAILED);
        out->reason = T("an event that is not as it should be");
        return;
    }
    if (e.error) {
        clova_failed(e.error, out);
        return;
    }
    if (e.choices.count == 0)
        return;
    if (e.choices.at[0].delta && e.choices.at[0].delta->content.is == PRESENT)
        out->words = e.choices.at[0].delta->content.value;
    out->finished = e.choices.at[0].finish_reason.is == PRESENT;
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
struct refusal {
    struct status *status, *error;
};
static const struct field refusal_fields[] = {
    FIELD_MAYBE(struct refusal, status, .shape = &status_shape),
    FIELD_MAYBE(struct refusal, error, .shape = &status_shape),
};
static const struct shape refusal_shape = SHAPE("LlmRefusal", struct refusal, refusal_fields);

struct text llm_complaint(struct arena *a, struct text body)
{
    const struct status *s;
    struct refusal r;

    if (!read_as(&refusal_shape, a, body, &r))
        return T("");
    s = r.status ? r.status : r.error;
    return !s ? T("") : s->code.is == PRESENT ? s->code.value : s->message.is == PRESENT ? s->message.value : T("");
}
