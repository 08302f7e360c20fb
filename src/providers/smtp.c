/* Letters by SMTP: RFC 5322 with the encodings of MIME, all lines of 78 characters at most but for an address that is longer. */
#include "madang/codec.h"
#include "madang/config.h"
#include "madang/letter.h"
#include "madang/log.h"
#include "madang/random.h"
#include "mail_providers.h"

#define LINE_LONGEST 78
#define WORD_BYTES 39 /* "=?UTF-8?B?" + 52 + "?=": fits behind any of our headers' names */

/* The address within "Name <address>", or all of it. */
static struct text bare_address(struct text t, struct text *name)
{
    struct text rest, address;

    *name = T("");
    if (text_find(t, '<') < 0)
        return text_trim(t);
    *name = text_trim(text_cut_last(t, '<', &rest));
    address = text_cut(rest, '>', &rest);
    return text_trim(address);
}

/* RFC 2047; what is longer than one encoded word is split between characters. */
static struct text encoded_words(struct arena *a, struct text t)
{
    struct text out = T("");

    while (t.len) {
        size_t n = t.len < WORD_BYTES ? t.len : WORD_BYTES;

        while (n < t.len && n > WORD_BYTES - 4 && ((unsigned char)t.at[n] & 0xC0) == 0x80)
            n--;
        out = arena_printf(a, "%.*s%s=?UTF-8?B?%s?=", TEXT_ARG(out), out.len ? "\r\n " : "", base64_encode(a, t.at, n).at);
        t = text_from(t, n);
    }
    return out;
}

static bool is_atoms(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (!((t.at[i] >= 'a' && t.at[i] <= 'z') || (t.at[i] >= 'A' && t.at[i] <= 'Z') || (t.at[i] >= '0' && t.at[i] <= '9') ||
              t.at[i] == ' ' || t.at[i] == '-' || t.at[i] == '_'))
            return false;
    return true;
}

/* A name as it may stand in front of an address: plain words, or encoded. Quotes of the setting are not part of it. */
static struct text phrase(struct arena *a, struct text name)
{
    if (name.len >= 2 && name.at[0] == '"' && name.at[name.len - 1] == '"')
        name = text_until(text_from(name, 1), name.len - 2);
    return name.len <= 40 && is_atoms(name) ? name : encoded_words(a, name);
}

static size_t last_line(struct text t)
{
    size_t n = 0;

    while (n < t.len && t.at[t.len - n - 1] != '\n')
        n++;
    return n;
}

/* "Name <address>", the address on a line of its own when both are too long for one. */
static struct text mailbox(struct arena *a, const char *field, struct text name, struct text address)
{
    struct text shown = phrase(a, name), head = arena_join(a, text_of(field), T(": "), shown);
    bool folded = last_line(head) + address.len + 3 > LINE_LONGEST;

    return arena_printf(a, "%.*s%s<%.*s>\r\n", TEXT_ARG(head), folded ? "\r\n " : shown.len ? " " : "", TEXT_ARG(address));
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

struct text letter_text(struct arena *a, struct text from, const struct mail *m, int64_t now_s)
{
    struct text name, address = bare_address(from, &name), domain, id;
    char date[30];

    text_cut_last(address, '@', &domain);
    http_date_format(now_s, date);
    id = arena_printf(a, "<%s@%.*s>", random_token(a, 16).at, TEXT_ARG(domain));
    return arena_printf(a,
                        "Date: %.25s +0000\r\n%s%sSubject: %s\r\nMessage-ID:%s%s\r\nMIME-Version: 1.0\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
                        "Auto-Submitted: auto-generated\r\n\r\n%s",
                        date, mailbox(a, "From", name, address).at, mailbox(a, "To", T(""), m->to).at,
                        encoded_words(a, m->subject).at, id.len + 13 > LINE_LONGEST ? "\r\n " : " ", id.at,
                        encoded_body(a, m->body).at);
}

/* "smtp://host" to the machine itself: nobody stands between. */
static bool is_at_home(struct text url)
{
    struct text rest, host;

    if (!text_skip(&url, T("smtp://")))
        return false;
    if (text_starts(url, T("[::1]")))
        return true;
    host = text_cut(text_cut(url, '/', &rest), ':', &rest);
    for (rest = host; rest.len && (rest.at[0] == '.' || (rest.at[0] >= '0' && rest.at[0] <= '9'));)
        rest = text_from(rest, 1);
    return text_is(host, T("localhost")) || (text_starts(host, T("127.")) && rest.len == 0);
}

/* auto: who logs in asks for TLS, since whoever stands between could strike STARTTLS out of the greeting. */
static const char *starttls_chosen(void)
{
    if (!text_is(config->mail_smtp_starttls, T("auto")))
        return config->mail_smtp_starttls.at;
    return config->mail_smtp_user.len && !is_at_home(config->mail_smtp_url) ? "require" : "try";
}

static bool refuse(const char *why)
{
    log_error("config", "[mail] %s", why);
    return false;
}

bool smtp_check(void)
{
    static const char *const words[] = { "auto", "never", "try", "require" };
    struct text url = config->mail_smtp_url, name, domain;
    bool known = false, tls = text_starts(url, T("smtps://"));

    for (size_t i = 0; i < COUNT_OF(words); i++)
        known = known || text_is(config->mail_smtp_starttls, text_of(words[i]));
    if (!known)
        return refuse("smtp_starttls is none of auto, never, try and require");
    if (!tls && !text_starts(url, T("smtp://")))
        return refuse("smtp_url begins neither with smtp:// nor with smtps://");
    if (text_find(url, '@') >= 0)
        return refuse("smtp_url holds a user: that is for smtp_user and smtp_password");
    text_cut_last(bare_address(config->mail_from, &name), '@', &domain);
    if (domain.len == 0)
        return refuse("from holds no address");
    if (config->mail_smtp_user.len && !tls && !is_at_home(url) && strcmp(starttls_chosen(), "require") != 0)
        return refuse("smtp_user's password could go in clear: smtp_starttls must be auto or require");
    return true;
}

/* A 5xx to the recipient or the text ends this letter; before that it speaks of us, and 530 asks for a login. */
static problem verdict(const struct letter_answer *a)
{
    bool of_letter = strcmp(a->asked, "RCPT") == 0 || strcmp(a->asked, "DATA") == 0;

    if (a->status < 300)
        return NULL;
    return a->status >= 500 && a->status != 530 && of_letter ? PROBLEM(MAIL_REFUSED) : PROBLEM(UPSTREAM_FAILED);
}

problem smtp_deliver(struct call *c, const struct mail *m)
{
    struct text name;
    struct letter l = { .url = config->mail_smtp_url,
                        .from = bare_address(config->mail_from, &name),
                        .to = m->to,
                        .user = config->mail_smtp_user,
                        .password = config->mail_smtp_password,
                        .starttls = starttls_chosen(),
                        .body = letter_text(c->arena, config->mail_from, m, clock_wall_seconds()),
                        .silence_ms = config->mail_smtp_silence_ms };
    struct letter_answer answer;
    problem p = letter_send(c, &l, &answer);

    return p ? p : verdict(&answer);
}
