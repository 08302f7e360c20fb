#include "tarot_public.h"

#define RUN 18  /* bytes of letters in a row: six syllables of Hangul */
#define SHORT 6 /* a whole line of this many counts too */
#define HEADS 4096

/* Letters and digits alone, in lower case. */
struct letters {
    struct text text;
    uint32_t *sentence; /* that each byte belongs to; of the reading */
};

static size_t character_length(struct text t)
{
    unsigned char c = (unsigned char)t.at[0];
    size_t n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

    return n < t.len ? n : t.len;
}

/* U+00A0…, U+2000…, U+3000… are blanks and marks, as are those of ASCII. */
static bool is_letter(struct text c)
{
    unsigned char first = (unsigned char)c.at[0], second = c.len > 1 ? (unsigned char)c.at[1] : 0;

    if (c.len == 1)
        return (first >= '0' && first <= '9') || ((first | 0x20) >= 'a' && (first | 0x20) <= 'z');
    return !(first == 0xC2 || (first == 0xE2 && (second == 0x80 || second == 0x81)) || (first == 0xE3 && second == 0x80));
}

static void add_letters(struct letters *l, struct text t, uint32_t sentence)
{
    char *to = (char *)(uintptr_t)l->text.at;

    while (t.len) {
        struct text c = text_until(t, character_length(t));

        for (size_t i = 0; is_letter(c) && i < c.len; i++) {
            if (l->sentence)
                l->sentence[l->text.len] = sentence;
            to[l->text.len++] = c.len == 1 && c.at[i] >= 'A' && c.at[i] <= 'Z' ? (char)(c.at[i] | 0x20) : c.at[i];
        }
        t = text_from(t, c.len);
    }
}

static bool is_one_of(struct text c, const struct text *of, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_is(c, of[i]))
            return true;
    return false;
}

/* The next sentence, with the blanks behind it; within a quotation none ends. */
static struct text next_sentence(struct text t, bool *quotes)
{
    static const struct text opening[] = { TEXT_INIT("“"), TEXT_INIT("「"), TEXT_INIT("『") },
                             closing[] = { TEXT_INIT("”"), TEXT_INIT("」"), TEXT_INIT("』") },
                             end[] = { TEXT_INIT("."), TEXT_INIT("!"), TEXT_INIT("?"), TEXT_INIT("…"), TEXT_INIT("。") };
    bool inside = false, ended = false;
    size_t at = 0;

    *quotes = false;
    while (at < t.len) {
        struct text c = text_until(text_from(t, at), character_length(text_from(t, at)));
        bool blank = text_is(c, T(" ")) || text_is(c, T("\n"));

        if (ended && !blank && (unsigned char)t.at[at - 1] <= ' ')
            break;
        if (is_one_of(c, opening, COUNT_OF(opening)) || is_one_of(c, closing, COUNT_OF(closing)) || text_is(c, T("\""))) {
            *quotes = true;
            inside = text_is(c, T("\"")) ? !inside : is_one_of(c, opening, COUNT_OF(opening));
        } else if (!blank) {
            ended = !inside && is_one_of(c, end, COUNT_OF(end));
        }
        ended = ended || text_is(c, T("\n"));
        inside = inside && !text_is(c, T("\n"));
        at += c.len;
    }
    return text_until(t, at);
}

/* The runs of the reading. Each kind is kept once, by where it stands first, counted from 1: a reading that says one thing a
 * thousand times has few, so that what one view costs stays in the order of what was read and said. */
struct runs {
    const struct letters *of;
    size_t count;
    uint32_t *head, *next, *kind;
    bool *said; /* of each kind; [0] of what is none of them */
};

static uint32_t hash_of(const char *at)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < RUN; i++)
        h = (h ^ (unsigned char)at[i]) * 16777619u;
    return h % HEADS;
}

static uint32_t kind_of(const struct runs *r, const char *at)
{
    uint32_t n = r->head[hash_of(at)];

    while (n && memcmp(r->of->text.at + n - 1, at, RUN) != 0)
        n = r->next[n];
    return n;
}

static struct runs runs_of(struct arena *a, const struct letters *reading)
{
    size_t count = reading->text.len >= RUN ? reading->text.len - RUN + 1 : 0;
    struct runs r = { .of = reading,
                      .count = count,
                      .head = arena_array(a, uint32_t, HEADS),
                      .next = arena_array(a, uint32_t, count + 1),
                      .kind = arena_array(a, uint32_t, count + 1),
                      .said = arena_array(a, bool, count + 1) };

    for (uint32_t i = 1; i <= count; i++) {
        const char *at = reading->text.at + i - 1;
        uint32_t *head = &r.head[hash_of(at)];

        if ((r.kind[i] = kind_of(&r, at)))
            continue;
        r.kind[i] = i;
        r.next[i] = *head;
        *head = i;
    }
    return r;
}

static void hear_runs(struct runs *r, const struct letters *said)
{
    for (size_t i = 0; i + RUN <= said->text.len; i++)
        r->said[kind_of(r, said->text.at + i)] = true;
}

/* Which sentences have a run in common with one of the lines. */
static void drop_runs(const struct runs *r, bool *drop)
{
    for (size_t i = 1; i <= r->count; i++)
        for (size_t k = 0; r->said[r->kind[i]] && k < RUN; k++)
            drop[r->of->sentence[i - 1 + k]] = true;
}

static void find_whole(const struct letters *reading, const struct letters *said, bool *drop)
{
    size_t n = said->text.len;

    for (size_t i = 0; n >= SHORT && n < RUN && i + n <= reading->text.len; i++)
        if (memcmp(reading->text.at + i, said->text.at, n) == 0)
            drop[reading->sentence[i]] = drop[reading->sentence[i + n - 1]] = true;
}

static struct letters letters_new(struct arena *a, size_t room, bool sentences)
{
    return (struct letters){ { arena_alloc(a, room + 1), 0 }, sentences ? arena_array(a, uint32_t, room + 1) : NULL };
}

struct text tarot_reading_for_others(struct arena *a, struct text reading, const struct tarot_line *lines, size_t count,
                                     struct text notice)
{
    bool has_notice = text_ends(reading, notice), *drop = arena_array(a, bool, reading.len + 1), quotes;
    struct text body = text_until(reading, reading.len - (has_notice ? notice.len : 0));
    struct letters letters = letters_new(a, body.len, true);
    struct runs runs;
    uint32_t n = 0;
    struct buf out;

    for (struct text rest = body, s; rest.len; rest = text_from(rest, s.len), n++) {
        s = next_sentence(rest, &quotes);
        drop[n] = quotes;
        add_letters(&letters, s, n);
    }
    runs = runs_of(a, &letters);
    for (size_t i = 0; i < count; i++) {
        struct letters said = letters_new(a, lines[i].body.len, false);

        if (lines[i].by.value != BY_VISITOR)
            continue;
        add_letters(&said, lines[i].body, 0);
        hear_runs(&runs, &said);
        find_whole(&letters, &said, drop);
    }
    drop_runs(&runs, drop);
    buf_init(&out, reading.len + 1);
    n = 0;
    for (struct text rest = body, s; rest.len; rest = text_from(rest, s.len), n++) {
        s = next_sentence(rest, &quotes);
        if (!drop[n])
            buf_put(&out, s);
        else if (text_ends(s, T("\n\n")) && out.len && !text_ends(buf_text(&out), T("\n")))
            buf_put(&out, T("\n\n")); /* the paragraph ends all the same */
    }
    buf_put(&out, has_notice ? notice : T(""));
    return arena_buf(a, &out);
}
