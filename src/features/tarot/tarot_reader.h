/* Who reads: a language model, the built-in reader, or the house itself when somebody needs help and no card. */
#ifndef MADANG_TAROT_READER_H
#define MADANG_TAROT_READER_H

#include "tarot_deck.h"

struct reading_ask {
    enum turn_kind kind;
    bool korean;
    const struct tarot_line *lines; /* of the chat, in their order; kept by the caller, as is the card */
    size_t count;
    const struct tarot_card *card; /* of a reading */
};

/* One reader: begins with what it is asked, then says piece by piece. Lives in the call's arena. */
struct reader {
    const char *name;
    void *(*open)(struct call *c, const struct reading_ask *ask);
    problem (*next)(struct call *c, void *state, struct text *words); /* whole characters; empty at the end */
};
extern const struct reader tarot_reader_model, tarot_reader_offline, tarot_reader_help;

const struct reader *tarot_reader_for(enum turn_kind kind);

#endif
