/* The built-in reader: it listens, offers the cards and composes a reading, without any model. And the house's own voice for
 * somebody who needs help. */
#include "madang/config.h"
#include "madang/random.h"
#include "tarot_reader.h"

#define QUOTE_MAX 40 /* characters */
#define AT_ONCE 5    /* characters of a piece */
#define LONG_STORY 80

struct saying {
    struct text rest;
};

static size_t characters_to_bytes(struct text t, size_t characters)
{
    size_t i = 0;

    while (i < t.len && characters--) {
        i++;
        while (i < t.len && ((unsigned char)t.at[i] & 0xC0) == 0x80)
            i++;
    }
    return i;
}

/* The visitor's words to be taken up: one line, not too long. */
static struct text quote(struct arena *a, struct text words)
{
    struct text line, rest;

    words = text_trim(words);
    line = text_cut(words, '\n', &rest);
    if (utf8_length(line) <= QUOTE_MAX)
        return line;
    return arena_join(a, text_trim(text_until(line, characters_to_bytes(line, QUOTE_MAX))), T("…"));
}

static struct text one_of(const struct text *at, size_t count)
{
    return at[random_below((uint32_t)count)];
}

/* --- talking ---------------------------------------------------------------------------------------------------------- */
static struct text talk(struct call *c, const struct reading_ask *ask)
{
    const struct sayings *s = tarot_sayings_in(ask->korean);
    struct text last = T(""), pattern;
    struct heard heard;
    struct pair with[1];
    size_t told = 0;

    for (size_t i = 0; i < ask->count; i++)
        if (ask->lines[i].by.value == BY_VISITOR) {
            last = ask->lines[i].body;
            told += 1 + (utf8_length(last) > LONG_STORY);
        }
    heard = tarot_hear(c->arena, last);
    if (told >= 3 || (told >= 2 && tarot_says_one_of(&heard, s->wants_card.at, s->wants_card.count)))
        pattern = one_of(s->offer.at, s->offer.count);
    else
        pattern = told == 2 ? one_of(s->deepen.at, s->deepen.count) : one_of(s->listen.at, s->listen.count);
    with[0] = (struct pair){ T("{words}"), quote(c->arena, last) };
    return tarot_fill(c->arena, pattern, with, 1);
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */
/* The theme whose words the visitor used most; the last one is of everything else. */
static const struct theme *theme_of(struct arena *a, const struct sayings *s, const struct reading_ask *ask)
{
    const struct theme *best = &s->themes.at[s->themes.count - 1];
    struct heard *said = arena_array(a, struct heard, ask->count);
    size_t most = 0;

    for (size_t i = 0; i < ask->count; i++)
        if (ask->lines[i].by.value == BY_VISITOR)
            said[i] = tarot_hear(a, ask->lines[i].body);
    for (size_t t = 0; t < s->themes.count; t++) {
        size_t hits = 0;

        for (size_t i = 0; i < ask->count; i++)
            for (size_t w = 0; w < s->themes.at[t].words.count; w++)
                hits += tarot_says_one_of(&said[i], &s->themes.at[t].words.at[w], 1);
        if (hits > most) {
            most = hits;
            best = &s->themes.at[t];
        }
    }
    return best;
}

static struct text first_words(const struct reading_ask *ask)
{
    for (size_t i = 0; i < ask->count; i++)
        if (ask->lines[i].by.value == BY_VISITOR)
            return ask->lines[i].body;
    return T("");
}

static struct text read_card(struct call *c, const struct reading_ask *ask)
{
    const struct sayings *s = tarot_sayings_in(ask->korean);
    const struct theme *theme = theme_of(c->arena, s, ask);
    const struct two_ways *suit = &s->suits.at[ask->card->number < 22 ? 0 : 1 + (ask->card->number - 22) / 14];
    struct text said = quote(c->arena, first_words(ask));
    struct pair with[] = {
        { T("{card}"), ask->korean ? ask->card->name.ko : ask->card->name.en },
        { T("{way}"), ask->card->reversed ? s->reversed : s->upright },
        { T("{words}"), said },
    };
    bool reversed = ask->card->reversed;

    return arena_join(c->arena, s->offline, T("\n\n"), tarot_fill(c->arena, s->drawn, with, COUNT_OF(with)), T(" "),
                      ask->card->meaning, T("\n\n"), said.len ? tarot_fill(c->arena, s->recalls, with, COUNT_OF(with)) : T(""),
                      said.len ? T(" ") : T(""), reversed ? theme->reversed : theme->upright, T("\n\n"),
                      reversed ? suit->reversed : suit->upright, T(" "), one_of(s->closing.at, s->closing.count));
}

/* --- a piece at a time, as a model speaks ----------------------------------------------------------------------------- */
static void *offline_open(struct call *c, const struct reading_ask *ask)
{
    struct saying *s = arena_new(c->arena, struct saying);

    s->rest = ask->kind == TURN_READING ? read_card(c, ask) : talk(c, ask);
    return s;
}

static void *help_open(struct call *c, const struct reading_ask *ask)
{
    struct saying *s = arena_new(c->arena, struct saying);

    s->rest = tarot_sayings_in(ask->korean)->crisis;
    return s;
}

static problem say_next(struct call *c, void *state, struct text *words)
{
    struct saying *s = state;
    size_t n = characters_to_bytes(s->rest, AT_ONCE);
    problem p;

    if (s->rest.len && config->tarot_pace_ms && (p = task_sleep(c->task, (uint64_t)config->tarot_pace_ms)))
        return p;
    *words = text_until(s->rest, n);
    s->rest = text_from(s->rest, n);
    return NULL;
}

static problem say_all(struct call *c, void *state, struct text *words)
{
    struct saying *s = state;

    (void)c;
    *words = s->rest;
    s->rest = T("");
    return NULL;
}

const struct reader tarot_reader_offline = { "offline", offline_open, say_next },
                    tarot_reader_help = { "madang", help_open, say_all };
