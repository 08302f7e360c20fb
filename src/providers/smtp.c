/* Letters by SMTP. */
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/outbound.h"
#include "madang/random.h"
#include "mail_providers.h"

/* The address within "Name <address>", or all of it. */
static struct text bare_address(struct text t)
{
    struct text rest, inner;

    if (text_find(t, '<') < 0)
        return text_trim(t);
    text_cut(t, '<', &rest);
    inner = text_cut(rest, '>', &rest);
    return text_trim(inner);
}

/* RFC 2047; a subject longer than one encoded word is split between characters. */
static struct text encoded_subject(struct arena *a, struct text t)
{
    struct text out = T("");

    while (t.len) {
        size_t n = t.len < 42 ? t.len : 42;

        while (n < t.len && n > 0 && ((unsigned char)t.at[n] & 0xC0) == 0x80)
            n--;
        out = arena_printf(a, "%.*s%s=?UTF-8?B?%s?=", TEXT_ARG(out), out.len ? "\r\n " : "", base64_encode(a, t.at, n).at);
        t = text_from(t, n);
    }
    return out;
}

/* Base64 in lines of 76, which also keeps every line of the body from being taken for the end. */
static struct text encoded_body(struct arena *a, struct text t)
{
    struct text all = base64_encode(a, t.at, t.len);
    struct buf b;

    buf_init(&b, all.len * 2 + 16);
    for (size_t i = 0; i < all.len; i += 76) {
        buf_put(&b, (struct text){ all.at + i, all.len - i < 76 ? all.len - i : 76 });
        buf_put(&b, T("\r\n"));
    }
    return arena_buf(a, &b);
}

problem smtp_deliver(struct call *c, const struct mail *m)
{
    char date[30];
    struct text from = bare_address(config->mail_from), domain;
    struct outbound o = { .upstream = "smtp",
                          .url = config->mail_smtp_url,
                          .mail_from = from,
                          .mail_to = m->to,
                          .user = config->mail_smtp_user,
                          .password = config->mail_smtp_password,
                          .starttls = config->mail_smtp_starttls.at,
                          .total_ms = 20000 };
    struct outbound_answer answer;
    problem p;

    text_cut_last(from, '@', &domain);
    http_date_format(clock_wall_seconds(), date);
    o.body = arena_printf(
        c->arena,
        "Date: %.25s +0000\r\nFrom: %.*s\r\nTo: <%.*s>\r\nSubject: %s\r\nMessage-ID: <%s@%.*s>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\nAuto-Submitted: "
        "auto-generated\r\n\r\n%s",
        date, TEXT_ARG(config->mail_from), TEXT_ARG(m->to), encoded_subject(c->arena, m->subject).at,
        random_token(c->arena, 16).at, TEXT_ARG(domain), encoded_body(c->arena, m->body).at);
    if ((p = outbound_run(c, &o, &answer)))
        return p;
    if (answer.status >= 200 && answer.status < 300)
        return NULL;
    log_warn("mail", "the SMTP server answered %d", answer.status);
    return PROBLEM(UPSTREAM_FAILED);
}
