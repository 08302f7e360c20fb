#include "madang/fold.h"

#include <utf8proc.h>

#include "madang/buf.h"

/* One character off the front of valid UTF-8. */
static utf8proc_int32_t take(struct text *t)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)t->at, (utf8proc_ssize_t)t->len, &c);

    CHECK(n > 0);
    *t = text_from(*t, (size_t)n);
    return c;
}

static void put(struct buf *b, utf8proc_int32_t c)
{
    utf8proc_uint8_t bytes[4];

    buf_put(b, (struct text){ (const char *)bytes, (size_t)utf8proc_encode_char(c, bytes) });
}

static bool is_space(utf8proc_int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);

    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP ||
           category == UTF8PROC_CATEGORY_CC;
}

/* Default_Ignorable_Code_Point, with the plane that Unicode keeps for such, and the three that look empty without being it:
 * the braille pattern without dots, the null notehead, the Khitan filler. */
static bool is_unseen(utf8proc_int32_t c)
{
    return utf8proc_get_property(c)->ignorable || utf8proc_category(c) == UTF8PROC_CATEGORY_CF || c == 0x2065 ||
           (c >= 0xE0000 && c <= 0xE0FFF) || c == 0x2800 || c == 0x1D159 || c == 0x16FE4;
}

bool text_is_blank(struct text t)
{
    while (t.len) {
        utf8proc_int32_t c = take(&t);

        if (!is_space(c) && !is_unseen(c))
            return false;
    }
    return true;
}

/* Zero-width joiner and non-joiner, and the choice between a sign and its picture. */
static bool holds_together(utf8proc_int32_t c)
{
    return c == 0x200C || c == 0x200D || c == 0xFE0E || c == 0xFE0F;
}

struct text text_title(struct arena *a, struct text t)
{
    struct buf b;

    buf_init(&b, t.len + 1);
    while (t.len) {
        utf8proc_int32_t c = take(&t);

        if (is_space(c) && utf8proc_category(c) != UTF8PROC_CATEGORY_ZS)
            put(&b, ' ');
        else if (!is_unseen(c) || holds_together(c))
            put(&b, c);
    }
    return arena_buf(a, &b);
}

/* Small letters that are, or whose capitals are, taken for a Latin one (Unicode TR39 has thousands; these make words). */
static utf8proc_int32_t look_alike(utf8proc_int32_t c)
{
    static const struct {
        uint16_t letter;
        char latin;
    } pairs[] = {
        { 0x0131, 'i' }, { 0x0251, 'a' }, { 0x0261, 'g' },                                                    /* Latin */
        { 0x03B1, 'a' }, { 0x03B2, 'b' }, { 0x03B3, 'y' }, { 0x03B5, 'e' }, { 0x03B6, 'z' }, { 0x03B7, 'h' }, /* Greek */
        { 0x03B9, 'i' }, { 0x03BA, 'k' }, { 0x03BC, 'm' }, { 0x03BD, 'v' }, { 0x03BF, 'o' }, { 0x03C1, 'p' }, /* … */
        { 0x03C4, 't' }, { 0x03C5, 'u' }, { 0x03C7, 'x' }, { 0x03F2, 'c' }, { 0x03F3, 'j' },                  /* … */
        { 0x0430, 'a' }, { 0x0432, 'b' }, { 0x0433, 'r' }, { 0x0435, 'e' }, { 0x043A, 'k' }, { 0x043C, 'm' }, /* Cyrillic */
        { 0x043D, 'h' }, { 0x043E, 'o' }, { 0x0440, 'p' }, { 0x0441, 'c' }, { 0x0442, 't' }, { 0x0443, 'y' }, /* … */
        { 0x0445, 'x' }, { 0x0455, 's' }, { 0x0456, 'i' }, { 0x0458, 'j' }, { 0x0475, 'v' }, { 0x04BB, 'h' }, /* … */
        { 0x04CF, 'l' }, { 0x0501, 'd' }, { 0x051B, 'q' }, { 0x051D, 'w' },                                   /* … */
    };

    for (size_t i = 0; c >= 0x0131 && c <= 0x051D && i < COUNT_OF(pairs); i++)
        if (pairs[i].letter == c)
            return pairs[i].latin;
    return c;
}

struct text text_fold(struct arena *a, struct text t)
{
    const utf8proc_option_t how =
        UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE | UTF8PROC_STRIPMARK;
    const utf8proc_uint8_t *in = (const utf8proc_uint8_t *)t.at;
    utf8proc_ssize_t room = utf8proc_decompose(in, (utf8proc_ssize_t)t.len, NULL, 0, how), count, kept = 0;
    utf8proc_int32_t *letters;
    struct buf b;

    if (room < 0) /* no valid UTF-8: nothing that could be compared */
        return T("");
    letters = arena_array(a, utf8proc_int32_t, (size_t)room + 1);
    count = utf8proc_decompose(in, (utf8proc_ssize_t)t.len, letters, room, how);
    CHECK(count == room);
    for (utf8proc_ssize_t i = 0; i < count; i++)
        if (!is_space(letters[i]) && !is_unseen(letters[i]))
            letters[kept++] = look_alike(letters[i]);
    kept = utf8proc_normalize_utf32(letters, kept, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    CHECK(kept >= 0);
    buf_init(&b, (size_t)kept * 4 + 1);
    for (utf8proc_ssize_t i = 0; i < kept; i++)
        put(&b, letters[i]);
    return arena_buf(a, &b);
}

/* Unicode's arithmetic of Hangul (chapter 3.12): every 28th syllable has no last letter, and the next 27 have one each. */
enum { SYLLABLES = 0xAC00, SYLLABLES_END = 0xD7A3, FIRST = 0x1100, FIRST_END = 0x1112 };

/* The place among the last letters of what is typed as a first one; 0: it is never last. */
static int as_last(utf8proc_int32_t first)
{
    static const signed char last[] = { 1, 2, 4, 7, 0, 8, 16, 17, 0, 19, 20, 21, 22, 0, 23, 24, 25, 26, 27 };

    return first >= FIRST && first <= FIRST_END ? last[first - FIRST] : 0;
}

static bool is_open_syllable(utf8proc_int32_t c)
{
    return c >= SYLLABLES && c <= SYLLABLES_END && (c - SYLLABLES) % 28 == 0;
}

/* First letters and vowels are together already: a letter that is left behind an open syllable has no vowel after it. */
struct text text_fold_hangul(struct arena *a, struct text folded)
{
    utf8proc_int32_t open = 0;
    struct buf b;

    buf_init(&b, folded.len + 1);
    while (folded.len) {
        utf8proc_int32_t c = take(&folded);

        if (open) {
            put(&b, open + as_last(c));
            c = as_last(c) ? 0 : c;
        }
        open = is_open_syllable(c) ? c : 0;
        if (c && !open)
            put(&b, c);
    }
    if (open)
        put(&b, open);
    return arena_buf(a, &b);
}
