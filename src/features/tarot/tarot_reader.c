/* A model as the reader. */
#include "tarot_reader.h"

#include "madang/config.h"
#include "madang/llm.h"

const struct reader *tarot_reader_for(enum turn_kind kind)
{
    return kind == TURN_HELP ? &tarot_reader_help : llm_is_there() ? &tarot_reader_model : &tarot_reader_offline;
}

/* A chat as a model is to be told it. */
struct messages {
    struct llm_message *at;
    size_t count;
    int64_t tokens;
};

static void add(struct messages *m, enum llm_role role, struct text text)
{
    m->at[m->count++] = (struct llm_message){ role, text };
    m->tokens += llm_tokens(text);
}

static bool is_said(const struct tarot_line *l)
{
    return l->by.value == BY_VISITOR || l->by.value == BY_READER;
}

/* The oldest lines stay out when all together are too long. */
static size_t first_that_fits(const struct reading_ask *ask, int64_t room)
{
    size_t first = ask->count;

    while (first > 0 && room > 0) {
        const struct tarot_line *l = &ask->lines[first - 1];

        room -= is_said(l) ? llm_tokens(l->body) : 0;
        if (room >= 0 || first == ask->count)
            first--;
    }
    return first;
}

static struct text card_prompt(struct call *c, const struct reading_ask *ask)
{
    const struct sayings *s = tarot_sayings_in(ask->korean);
    struct pair with[] = {
        { T("{card}"), ask->korean ? ask->card->name.ko : ask->card->name.en },
        { T("{way}"), ask->card->reversed ? s->reversed : s->upright },
        { T("{meaning}"), ask->card->meaning },
    };

    return tarot_fill(c->arena, tarot_prompts_in(ask->korean)->card, with, COUNT_OF(with));
}

static void *model_open(struct call *c, const struct reading_ask *ask)
{
    const struct prompts *p = tarot_prompts_in(ask->korean);
    struct messages m = { .count = 0 };
    struct llm_ask *out = arena_new(c->arena, struct llm_ask);

    m.at = arena_array(c->arena, struct llm_message, ask->count + 2 * p->examples.count + 2);
    add(&m, LLM_SYSTEM, ask->kind == TURN_READING ? p->reading : p->talk);
    for (size_t i = 0; ask->kind == TURN_TALK && i < p->examples.count; i++) {
        add(&m, LLM_USER, p->examples.at[i].visitor);
        add(&m, LLM_ASSISTANT, p->examples.at[i].reader);
    }
    for (size_t i = first_that_fits(ask, config->tarot_history_tokens - m.tokens); i < ask->count; i++)
        if (is_said(&ask->lines[i]))
            add(&m, ask->lines[i].by.value == BY_VISITOR ? LLM_USER : LLM_ASSISTANT, ask->lines[i].body);
    if (ask->kind == TURN_READING)
        add(&m, LLM_USER, card_prompt(c, ask));
    *out =
        (struct llm_ask){ m.at, m.count, ask->kind == TURN_READING ? config->tarot_reading_tokens : config->tarot_talk_tokens };
    return llm_open(c, out);
}

static problem model_next(struct call *c, void *state, struct text *words)
{
    return llm_next(c, state, words);
}

const struct reader tarot_reader_model = { "model", model_open, model_next };
