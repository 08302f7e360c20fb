/* The public page of a reading, which needs no script, and the pictures that messengers show of it. */
#include "tarot_page.h"

#include <vips/vips.h>

#include "madang/config.h"
#include "madang/http.h"
#include "tarot_deck.h"
#include "tarot_public.h"

#define PICTURE_WIDTH 1200
#define PICTURE_HEIGHT 630
#define CARD_SCALE 1.1 /* of 300 × 520 */

static struct text html_text(struct arena *a, struct text t)
{
    struct buf b;

    buf_init(&b, t.len * 6 + 1);
    for (size_t i = 0; i < t.len; i++)
        switch (t.at[i]) {
        case '&':
            buf_put(&b, T("&amp;"));
            break;
        case '<':
            buf_put(&b, T("&lt;"));
            break;
        case '>':
            buf_put(&b, T("&gt;"));
            break;
        case '"':
            buf_put(&b, T("&quot;"));
            break;
        default:
            buf_put_char(&b, t.at[i]);
        }
    return arena_buf(a, &b);
}

static struct text absolute(struct arena *a, struct text path)
{
    struct text url = config->http_public_url;

    return arena_join(a, text_ends(url, T("/")) ? text_until(url, url.len - 1) : url, path);
}

static struct text card_path(struct arena *a, int64_t number, const char *suffix)
{
    return arena_printf(a, "/cards/%02lld.%s", (long long)number, suffix);
}

static struct text title_of(struct arena *a, const struct shared_row *row, const struct tarot_card *card)
{
    bool korean = text_is(row->language, T("ko"));
    const struct sayings *s = tarot_sayings_in(korean);
    struct pair with[] = {
        { T("{card}"), korean ? card->name.ko : card->name.en },
        { T("{way}"), row->reversed ? s->reversed : s->upright },
    };

    return tarot_fill(a, s->shared_title, with, COUNT_OF(with));
}

static struct text page_of(struct arena *a, const struct shared_row *row, const struct tarot_card *card, struct text code)
{
    const struct sayings *s = tarot_sayings_in(text_is(row->language, T("ko")));
    char date[DATE_TEXT_SIZE];
    struct pair with[] = {
        { T("{language}"), row->language },
        { T("{title}"), html_text(a, title_of(a, row, card)) },
        { T("{summary}"), html_text(a, card->meaning) },
        { T("{site}"), html_text(a, s->shared_site) },
        { T("{url}"), html_text(a, absolute(a, arena_join(a, T("/r/"), code))) },
        { T("{picture}"), html_text(a, absolute(a, card_path(a, row->card, "png"))) },
        { T("{class}"), row->reversed ? T("face reversed") : T("face") },
        { T("{face}"), card_path(a, row->card, "svg") },
        { T("{meaning}"), html_text(a, card->meaning) },
        { T("{reading}"), html_text(a, row->reading) },
        { T("{date}"), { date, date_format(date_in_korea(row->at), date) } },
        { T("{invitation}"), html_text(a, s->invitation) },
    };

    return tarot_fill(a, tarot_page_pattern(), with, COUNT_OF(with));
}

static bool wants_page(struct call *c)
{
    struct text types = exchange_header(c->http, T("accept"));

    while (types.len)
        if (text_starts(text_trim(text_cut(types, ',', &types)), T("text/html")))
            return true;
    return false;
}

/* Who followed an old link in a browser gets a page, a program the problem. */
static problem page_gone(struct call *c)
{
    struct text says = html_text(c->arena, tarot_sayings_in(c->korean)->shared_gone);

    if (!wants_page(c))
        return PROBLEM(TAROT_NOT_FOUND);
    exchange_reply_page(c->http, 404,
                        arena_join(c->arena, T("<!doctype html><html lang=\""), c->korean ? T("ko") : T("en"),
                                   T("\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>"),
                                   says, T("</title><link rel=\"stylesheet\" href=\"/reading.css\"><main><h1>"), says,
                                   T("</h1><a class=\"button\" href=\"/tarot\">"),
                                   html_text(c->arena, tarot_sayings_in(c->korean)->invitation), T("</a></main></html>")));
    return NULL;
}

problem tarot_public(struct call *c, struct text code, struct shared_row *out, bool *found)
{
    struct line_rows lines;
    problem p = tarot_shared_get(c, code, out, found);

    if (p || !*found || (p = tarot_lines_read(c, out->chat, 0, &lines)))
        return p;
    out->reading = tarot_reading_for_others(c->arena, out->reading, lines.at, lines.count,
                                            tarot_sayings_in(text_is(out->language, T("ko")))->made_by_ai);
    return NULL;
}

problem tarot_page(struct call *c)
{
    struct text code = exchange_param(c->http, T("code")), html;
    struct tarot_card card;
    struct shared_row row;
    bool found = false;
    problem p = code.len == TAROT_CODE_LEN ? tarot_public(c, code, &row, &found) : NULL;

    if (p)
        return p;
    if (!found)
        return page_gone(c);
    tarot_deck_card(row.card, row.reversed, text_is(row.language, T("ko")), &card);
    html = page_of(c->arena, &row, &card, code);
    exchange_reply_page(c->http, 200, html);
    return NULL;
}

/* --- pictures ------------------------------------------------------------------------------------------------------------ */
static bool draw_picture(const char *svg, const char *png)
{
    double night[] = { 29, 23, 71 };
    VipsImage *card = NULL, *black = NULL, *ground = NULL, *both = NULL;
    bool ok = vips_svgload(svg, &card, "scale", CARD_SCALE, NULL) == 0 &&
              vips_black(&black, PICTURE_WIDTH, PICTURE_HEIGHT, "bands", 3, NULL) == 0 &&
              vips_linear(black, &ground, (double[]){ 0, 0, 0 }, night, 3, "uchar", TRUE, NULL) == 0 &&
              vips_composite2(ground, card, &both, VIPS_BLEND_MODE_OVER, "x", (PICTURE_WIDTH - vips_image_get_width(card)) / 2,
                              "y", (PICTURE_HEIGHT - vips_image_get_height(card)) / 2, NULL) == 0 &&
              vips_image_write_to_file(both, png, "strip", TRUE, NULL) == 0;

    g_clear_object(&card);
    g_clear_object(&black);
    g_clear_object(&ground);
    g_clear_object(&both);
    if (!ok)
        fprintf(stderr, "%s: %s", svg, vips_error_buffer());
    return ok;
}

bool tarot_draw_pictures(const char *folder)
{
    char svg[512], png[512];
    bool ok = VIPS_INIT("madangd") == 0;

    for (int i = 0; ok && i < CARDS; i++) {
        snprintf(svg, sizeof svg, "%s/%02d.svg", folder, i);
        snprintf(png, sizeof png, "%s/%02d.png", folder, i);
        ok = draw_picture(svg, png);
    }
    vips_shutdown();
    return ok;
}
