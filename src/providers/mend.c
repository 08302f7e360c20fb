#include "mend.h"

#define REPLACEMENT T("\xEF\xBF\xBD")

static size_t length_by(unsigned char first)
{
    return first < 0x80                    ? 1
           : first >= 0xC2 && first < 0xE0 ? 2
           : first >= 0xE0 && first < 0xF0 ? 3
           : first >= 0xF0 && first < 0xF5 ? 4
                                           : 0;
}

static void drop(struct mend *m, size_t n)
{
    m->count -= n;
    memmove(m->held, m->held + n, m->count);
}

static void replace(struct mend *m, size_t n, struct buf *out)
{
    buf_put(out, REPLACEMENT);
    drop(m, n);
}

static bool is_half(const unsigned char *at, unsigned char from, unsigned char to)
{
    return at[0] == 0xED && at[1] >= from && at[1] <= to;
}

static uint32_t half_bits(const unsigned char *at)
{
    return (uint32_t)(at[1] & 0x0F) << 6 | (at[2] & 0x3F);
}

/* Of a high surrogate and what is held behind it; false: more has to come. */
static bool join_halves(struct mend *m, struct buf *out)
{
    const unsigned char *low = m->held + 3;
    uint32_t c;

    if ((m->count > 3 && low[0] != 0xED) || (m->count > 4 && !is_half(low, 0xB0, 0xBF))) {
        replace(m, 3, out);
        return true;
    }
    if (m->count < 6)
        return false;
    c = 0x10000 + (half_bits(m->held) << 10) + half_bits(low);
    buf_put_char(out, (char)(0xF0 | c >> 18));
    buf_put_char(out, (char)(0x80 | (c >> 12 & 0x3F)));
    buf_put_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
    buf_put_char(out, (char)(0x80 | (c & 0x3F)));
    drop(m, 6);
    return true;
}

/* One step with what is held; false: more has to come. */
static bool settle(struct mend *m, struct buf *out)
{
    size_t n = length_by(m->held[0]), have = 1;

    while (have < n && have < m->count && (m->held[have] & 0xC0) == 0x80)
        have++;
    if (n == 0 || (have < n && have < m->count)) {
        replace(m, have, out);
        return true;
    }
    if (have < n)
        return false;
    if (n == 3 && is_half(m->held, 0xA0, 0xAF))
        return join_halves(m, out);
    if (!utf8_is_valid((struct text){ (const char *)m->held, n })) {
        replace(m, n, out);
        return true;
    }
    if (m->held[0])
        buf_put(out, (struct text){ (const char *)m->held, n });
    drop(m, n);
    return true;
}

void mend_words(struct mend *m, struct text piece, struct buf *out)
{
    if (m->count == 0 && utf8_is_valid(piece) && text_find(piece, '\0') < 0) {
        buf_put(out, piece);
        return;
    }
    for (size_t i = 0; i < piece.len; i++) {
        m->held[m->count++] = (unsigned char)piece.at[i];
        while (m->count && settle(m, out))
            continue;
    }
}

void mend_end(struct mend *m, struct buf *out)
{
    if (m->count)
        buf_put(out, REPLACEMENT);
    m->count = 0;
}
