/* providers: how each kind of model is asked, and what its events mean. */
#ifndef MADANG_LLM_DIALECTS_H
#define MADANG_LLM_DIALECTS_H

#include "madang/llm.h"

/* What came of one event. */
struct llm_said {
    struct text words;  /* new ones, in the arena */
    bool whole;         /* `words` is the whole text again: taken only when none came before */
    bool last;          /* the model is done; nothing more matters */
    bool finished;      /* it says why it stopped: an end of the stream behind it is a good one */
    problem failed;     /* or it says that it cannot go on … */
    bool again;         /* … and another time it may */
    struct text reason; /* for the log */
};

struct llm_dialect {
    const char *name;
    const char *sampling; /* members of the request, for reading cards as it should sound */
    struct text (*url)(struct arena *a);
    struct text (*body)(struct arena *a, const struct llm_ask *ask, struct text sampling);
    void (*event)(struct arena *a, struct text name, struct text data, struct llm_said *out);
};
extern const struct llm_dialect llm_clova_v1, llm_clova_v3, llm_openai;

/* "code" or "message" of an answer that is no stream, for the log and to judge it by; empty when it says nothing. */
struct text llm_complaint(struct arena *a, struct text body);

#endif
