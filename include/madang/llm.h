/* providers: llm — a language model that answers in a stream: CLOVA Studio, or whoever speaks OpenAI's dialect.
 *
 * Which one, its address, key and model are settings ([llm]). A stream is opened by its first llm_next(); a failure before the
 * first words is tried once more. Silence is bounded: [llm] connect_ms, first_ms before the first words, gap_ms between words,
 * total_ms. The upstream's breaker counts what goes wrong. Ending the call's arena ends the request: nobody is left paying.
 */
#ifndef MADANG_LLM_H
#define MADANG_LLM_H

#include "madang/call.h"

enum llm_role { LLM_SYSTEM, LLM_USER, LLM_ASSISTANT };
struct llm_message {
    enum llm_role role;
    struct text text;
};
struct llm_ask {
    const struct llm_message *at; /* at most one LLM_SYSTEM, the first; kept by the caller */
    size_t count;
    int64_t tokens_max; /* of the answer */
};

/* None: [llm] provider is empty. */
bool llm_is_there(void);
/* How many of the model's tokens a text has, roughly and rather too many. */
int64_t llm_tokens(struct text t);

struct llm_stream;
struct llm_stream *llm_open(struct call *c, const struct llm_ask *ask);
/* What is new, whole characters, borrowed until the next call; empty at the end. UPSTREAM_UNAVAILABLE, UPSTREAM_FAILED, DEADLINE,
 * OVERLOADED; CANCELLED with the task. */
problem llm_next(struct call *c, struct llm_stream *s, struct text *words) MUST_USE;

/* Logs and returns false when a setting makes no sense. */
bool llm_start(void) MUST_USE;

#endif
