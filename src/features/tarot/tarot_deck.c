#include "tarot_deck.h"

#include "madang/config.h"
#include "madang/fold.h"
#include "madang/load.h"
#include "madang/log.h"

#define FILE_MAX (1u << 20)
#define SAYING .len_max = 4000

static const struct field meaning_fields[] = { FIELD(struct meaning, ko, SAYING), FIELD(struct meaning, en, SAYING) };
static const struct shape meaning_shape = SHAPE("TarotMeaning", struct meaning, meaning_fields);
static const struct field card_fields[] = {
    FIELD(struct deck_card, ko),
    FIELD(struct deck_card, en),
    FIELD(struct deck_card, upright, .shape = &meaning_shape),
    FIELD(struct deck_card, reversed, .shape = &meaning_shape),
};
static const struct shape card_shape = SHAPE("TarotDeckCard", struct deck_card, card_fields);
static const struct field deck_fields[] = { FIELD_LIST(struct deck, cards, .shape = &card_shape, .list_min = CARDS,
                                                       .list_max = CARDS, .says = "By their numbers.") };
const struct shape tarot_deck_shape = SHAPE("TarotDeck", struct deck, deck_fields);

static const struct field two_ways_fields[] = { FIELD(struct two_ways, upright, SAYING),
                                                FIELD(struct two_ways, reversed, SAYING) };
static const struct shape two_ways_shape = SHAPE("TarotTwoWays", struct two_ways, two_ways_fields);
static const struct field theme_fields[] = {
    FIELD_LIST(struct theme, words),
    FIELD(struct theme, upright, SAYING),
    FIELD(struct theme, reversed, SAYING),
};
static const struct shape theme_shape = SHAPE("TarotTheme", struct theme, theme_fields);
static const struct field sayings_fields[] = {
    FIELD(struct sayings, greeting, SAYING),
    FIELD(struct sayings, crisis, SAYING),
    FIELD(struct sayings, made_by_ai, SAYING),
    FIELD(struct sayings, offline, SAYING),
    FIELD(struct sayings, shared_title, SAYING),
    FIELD(struct sayings, shared_site, SAYING),
    FIELD(struct sayings, invitation, SAYING),
    FIELD(struct sayings, shared_gone, SAYING),
    FIELD(struct sayings, upright, SAYING),
    FIELD(struct sayings, reversed, SAYING),
    FIELD(struct sayings, drawn, SAYING),
    FIELD(struct sayings, recalls, SAYING),
    FIELD_LIST(struct sayings, triggers, .list_min = 1),
    FIELD_LIST(struct sayings, crisis_words),
    FIELD_LIST(struct sayings, wants_card),
    FIELD_LIST(struct sayings, listen, .list_min = 1, SAYING),
    FIELD_LIST(struct sayings, deepen, .list_min = 1, SAYING),
    FIELD_LIST(struct sayings, offer, .list_min = 1, SAYING),
    FIELD_LIST(struct sayings, closing, .list_min = 1, SAYING),
    FIELD_LIST(struct sayings, themes, .shape = &theme_shape, .list_min = 1),
    FIELD_LIST(struct sayings, suits, .shape = &two_ways_shape, .list_min = 5, .list_max = 5),
};
static const struct shape sayings_shape = SHAPE("TarotSayings", struct sayings, sayings_fields);
struct all_sayings {
    struct sayings ko, en;
};
static const struct field all_sayings_fields[] = {
    FIELD(struct all_sayings, ko, .shape = &sayings_shape),
    FIELD(struct all_sayings, en, .shape = &sayings_shape),
};
static const struct shape all_sayings_shape = SHAPE("TarotWords", struct all_sayings, all_sayings_fields);

static const struct field example_fields[] = {
    FIELD(struct exchange_example, visitor, SAYING),
    FIELD(struct exchange_example, reader, SAYING),
};
static const struct shape example_shape = SHAPE("TarotExample", struct exchange_example, example_fields);
static const struct field prompts_fields[] = {
    FIELD(struct prompts, talk, SAYING),
    FIELD(struct prompts, reading, SAYING),
    FIELD(struct prompts, card, SAYING),
    FIELD_LIST(struct prompts, examples, .shape = &example_shape),
};
static const struct shape prompts_shape = SHAPE("TarotPrompts", struct prompts, prompts_fields);
struct all_prompts {
    struct prompts ko, en;
};
static const struct field all_prompts_fields[] = {
    FIELD(struct all_prompts, ko, .shape = &prompts_shape),
    FIELD(struct all_prompts, en, .shape = &prompts_shape),
};
static const struct shape all_prompts_shape = SHAPE("TarotAllPrompts", struct all_prompts, all_prompts_fields);

static struct arena memory;
static struct deck deck;
static struct all_sayings sayings;
static struct all_prompts prompts;
static struct text page;

static bool load_text(const char *name, struct text *out)
{
    const char *path = arena_printf(&memory, "%.*s/%s", TEXT_ARG(config->tarot_folder), name).at;

    if (file_load(&memory, path, FILE_MAX, out) && out->len)
        return true;
    log_error("tarot", "%s cannot be read", path);
    return false;
}

static bool load(const char *name, const struct shape *s, void *out)
{
    struct shape_input in = { .json = T("") };
    struct field_faults faults = { .count = 0 };
    problem p;

    if (!load_text(name, &in.json))
        return false;
    p = shape_decode(s, &memory, &in, out, &faults);
    if (p)
        log_error("tarot", "%s: %s %.*s %s", name, p->code, faults.count ? (int)faults.at[0].pointer.len : 0,
                  faults.count ? faults.at[0].pointer.at : "", faults.count ? faults.at[0].en : "");
    return p == NULL;
}

static void fold_all(struct text *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        words[i] = text_fold(&memory, words[i]);
}

/* The words that are listened for, made ready to compare. */
static void fold_sayings(struct sayings *s)
{
    fold_all(s->triggers.at, s->triggers.count);
    fold_all(s->crisis_words.at, s->crisis_words.count);
    fold_all(s->wants_card.at, s->wants_card.count);
    for (size_t i = 0; i < s->themes.count; i++)
        fold_all(s->themes.at[i].words.at, s->themes.at[i].words.count);
}

bool tarot_deck_load(void)
{
    bool ok;

    arena_init(&memory, 16u << 20);
    ok = load("cards.json", &tarot_deck_shape, &deck) && load("words.json", &all_sayings_shape, &sayings) &&
         load("prompts.json", &all_prompts_shape, &prompts) && load_text("page.html", &page);
    if (!ok) {
        arena_fini(&memory);
        return false;
    }
    fold_sayings(&sayings.ko);
    fold_sayings(&sayings.en);
    return true;
}

void tarot_deck_free(void)
{
    arena_fini(&memory);
}

const struct sayings *tarot_sayings_in(bool korean)
{
    return korean ? &sayings.ko : &sayings.en;
}

const struct prompts *tarot_prompts_in(bool korean)
{
    return korean ? &prompts.ko : &prompts.en;
}

struct text tarot_page_pattern(void)
{
    return page;
}

struct deck tarot_deck_all(void)
{
    return deck;
}

void tarot_deck_card(int64_t number, bool reversed, bool korean, struct tarot_card *out)
{
    const struct meaning *m;

    CHECK(number >= 0 && (size_t)number < deck.cards.count);
    m = reversed ? &deck.cards.at[number].reversed : &deck.cards.at[number].upright;
    *out = (struct tarot_card){ .number = number,
                                .reversed = reversed,
                                .name = { deck.cards.at[number].ko, deck.cards.at[number].en },
                                .meaning = korean ? m->ko : m->en };
}

struct heard tarot_hear(struct arena *a, struct text said)
{
    struct text folded = text_fold(a, said);

    return (struct heard){ folded, text_fold_hangul(a, folded) };
}

static bool holds(struct text in, struct text word)
{
    return word.len && in.len >= word.len && memmem(in.at, in.len, word.at, word.len) != NULL;
}

bool tarot_says_one_of(const struct heard *said, const struct text *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (holds(said->folded, words[i]) || holds(said->typed, words[i]))
            return true;
    return false;
}

static bool fill_one(struct text *pattern, const struct pair *with, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        if (text_skip(pattern, with[i].name)) {
            buf_put(out, with[i].value);
            return true;
        }
    return false;
}

struct text tarot_fill(struct arena *a, struct text pattern, const struct pair *with, size_t count)
{
    struct buf b;

    buf_init(&b, a->limit);
    while (pattern.len) {
        if (pattern.at[0] == '{' && fill_one(&pattern, with, count, &b))
            continue;
        buf_put_char(&b, pattern.at[0]);
        pattern = text_from(pattern, 1);
    }
    return arena_buf(a, &b);
}
