/* The deck, and what is said around it: read from the files of [tarot] folder at start. */
#ifndef MADANG_TAROT_DECK_H
#define MADANG_TAROT_DECK_H

#include "tarot_wire.h"

#define CARDS 78

struct meaning {
    struct text ko, en;
};
struct deck_card {
    struct text ko, en;
    struct meaning upright, reversed;
};
struct deck {
    LIST_OF(struct deck_card) cards;
};
extern const struct shape tarot_deck_shape;
struct two_ways {
    struct text upright, reversed;
};
struct theme {
    LIST_OF(struct text) words; /* none: of everything else */
    struct text upright, reversed;
};
/* What the house itself says, in one language. {words}, {card}, {way} and {meaning} stand for what they say. */
struct sayings {
    struct text greeting, crisis, made_by_ai, offline, upright, reversed, drawn, recalls;
    struct text shared_title, shared_site, invitation, shared_gone; /* of the public page */
    /* The lists of words to listen for hold their folds. */
    LIST_OF(struct text) triggers;     /* the reader who says one of them opens the spread */
    LIST_OF(struct text) crisis_words; /* who says one of them is answered with a helpline */
    LIST_OF(struct text) wants_card, listen, deepen, offer, closing;
    LIST_OF(struct theme) themes;
    LIST_OF(struct two_ways) suits; /* the Major Arcana, Wands, Cups, Swords, Pentacles */
};
struct exchange_example {
    struct text visitor, reader;
};
/* What a model is told. */
struct prompts {
    struct text talk, reading, card;
    LIST_OF(struct exchange_example) examples;
};

bool tarot_deck_load(void) MUST_USE; /* false, and logged: a file is missing or not as it should be */
void tarot_deck_free(void);
const struct sayings *tarot_sayings_in(bool korean);
const struct prompts *tarot_prompts_in(bool korean);
struct text tarot_page_pattern(void); /* of the public page */
struct deck tarot_deck_all(void);
void tarot_deck_card(int64_t number, bool reversed, bool korean, struct tarot_card *out);
/* What was said, made ready to compare: as it stands, and with Hangul letters that were typed apart put together. */
struct heard {
    struct text folded, typed;
};
struct heard tarot_hear(struct arena *a, struct text said);
bool tarot_says_one_of(const struct heard *said, const struct text *words, size_t count);
/* The pattern with {name} replaced for each of the pairs. */
struct text tarot_fill(struct arena *a, struct text pattern, const struct pair *with, size_t count);

#endif
