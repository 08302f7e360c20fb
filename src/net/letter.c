#include "madang/letter.h"

#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "madang/log.h"
#include "madang/worker.h"
#include "resolve.h"
#include "upstream.h"

#define NAME_MS 5000   /* for looking the host up */
#define SYN_REPEATS 2  /* an address that does not answer is given up after 7 s, then the next is tried */
#define GREETING_S 600 /* curl's word for all up to the login; each reply in it has silence_s */

/* Everything the thread touches; it lies in the frame of the task, which stays until the thread is done. */
struct sending {
    const char *url, *from, *to, *user, *password, *addresses;
    struct text left; /* of the body */
    long tls, silence_s;
    struct letter_answer *answer;
    bool quits;
    uint64_t moved_ms; /* when anything was said */
    atomic_bool stop;
    CURLcode result;
};

static size_t on_send(char *to, size_t size, size_t count, void *arg)
{
    struct sending *s = arg;
    size_t n = size * count < s->left.len ? size * count : s->left.len;

    memcpy(to, s->left.at ? s->left.at : "", n);
    s->left = text_from(s->left, n);
    return n;
}

static size_t on_ignored(char *from, size_t size, size_t count, void *unused)
{
    (void)from;
    (void)unused;
    return size * count;
}

/* "550 5.1.1": the digits and dots; what the server says behind them may name people. */
static size_t code_length(struct text line)
{
    size_t n = 0;

    while (n < line.len && ((line.at[n] >= '0' && line.at[n] <= '9') || line.at[n] == '.' || (line.at[n] == ' ' && n == 3)))
        n++;
    return n;
}

/* A reply's last line: three digits and a blank. */
static void take_reply(struct letter_answer *a, struct text line)
{
    int64_t status;
    size_t n;

    if (line.len < 3 || !text_to_i64(text_until(line, 3), &status) || (line.len > 3 && line.at[3] == '-'))
        return;
    a->status = (int)status;
    n = code_length(line);
    n = n < sizeof a->code ? n : sizeof a->code - 1;
    memcpy(a->code, line.at, n);
    a->code[n] = '\0';
}

/* Nothing else that is sent is kept: behind AUTH stands a password. */
static void take_command(struct letter_answer *a, struct text line)
{
    static const char *const commands[] = { "EHLO", "HELO", "STAR", "AUTH", "MAIL", "RCPT", "DATA" };

    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (text_starts(line, text_of(commands[i])))
            memcpy(a->asked, commands[i], 4);
}

/* The conversation as it goes: which command was sent last, and what was replied. QUIT is manners, no part of it. */
static int on_line(CURL *easy, curl_infotype kind, char *at, size_t length, void *arg)
{
    struct sending *s = arg;
    struct text line = { at, length };

    (void)easy;
    s->moved_ms = clock_ms();
    if (kind == CURLINFO_HEADER_OUT && text_starts(line, T("QUIT")))
        s->quits = true;
    if (kind == CURLINFO_HEADER_OUT && !s->quits)
        take_command(s->answer, line);
    if (kind == CURLINFO_HEADER_IN && !s->quits)
        take_reply(s->answer, line);
    return 0;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct sending *s = arg;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return atomic_load(&s->stop) || clock_ms() >= s->moved_ms + (uint64_t)s->silence_s * 1000;
}

static void set_login(CURL *easy, const struct sending *s)
{
    if (!s->user[0])
        return;
    curl_easy_setopt(easy, CURLOPT_USERNAME, s->user);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, s->password);
    curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS,
                     "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5"); /* none that asks a third for a ticket */
}

static void set_bounds(CURL *easy, const struct sending *s)
{
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)GREETING_S);
    curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, s->silence_s);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, s);
}

static int on_socket(void *unused, curl_socket_t fd, curlsocktype purpose)
{
    int repeats = SYN_REPEATS;

    (void)unused;
    (void)purpose;
    setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &repeats, sizeof repeats);
    return CURL_SOCKOPT_OK;
}

static void set_callbacks(CURL *easy, struct sending *s)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
    curl_easy_setopt(easy, CURLOPT_READDATA, s);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_ignored);
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_line);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, s);
}

/* On a pool thread: nothing is logged from here. */
static void run_sending(void *arg)
{
    struct sending *s = arg;
    CURL *easy = curl_easy_init();
    struct curl_slist *to = curl_slist_append(NULL, s->to), *addresses;

    CHECK(easy && to);
    set_callbacks(easy, s);
    set_bounds(easy, s);
    set_login(easy, s);
    curl_easy_setopt(easy, CURLOPT_URL, s->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_USE_SSL, s->tls);
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, s->from);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    addresses = resolve_apply(easy, s->addresses);
    s->result = curl_easy_perform(easy);
    curl_easy_cleanup(easy);
    curl_slist_free_all(to);
    curl_slist_free_all(addresses);
}

static void hurry(void *arg)
{
    atomic_store(&((struct sending *)arg)->stop, true);
}

/* Before MAIL nothing of the letter has been said: what goes wrong is between the server and us. */
static bool speaks_of_letter(const struct letter_answer *a)
{
    return a->status >= 400 && a->status != 421 &&
           (strcmp(a->asked, "MAIL") == 0 || strcmp(a->asked, "RCPT") == 0 || strcmp(a->asked, "DATA") == 0);
}

static long tls_of(const char *starttls)
{
    return strcmp(starttls, "require") == 0 ? (long)CURLUSESSL_ALL
           : strcmp(starttls, "try") == 0   ? (long)CURLUSESSL_TRY
                                            : (long)CURLUSESSL_NONE;
}

static problem judge(const struct sending *s, struct letter_answer *a)
{
    if (s->result == CURLE_OK) {
        a->status = 250;
        return NULL;
    }
    log_warn("outbound", "smtp: %s%s%s%s%s", curl_easy_strerror(s->result), a->asked[0] ? ", after " : "", a->asked,
             a->code[0] ? ": " : "", a->code);
    if (speaks_of_letter(a))
        return NULL;
    return s->result == CURLE_COULDNT_CONNECT || s->result == CURLE_OPERATION_TIMEDOUT ||
                   s->result == CURLE_ABORTED_BY_CALLBACK || a->status == 421
               ? PROBLEM(UPSTREAM_UNAVAILABLE)
               : PROBLEM(UPSTREAM_FAILED);
}

static problem deliver(struct call *c, const struct letter *l, struct letter_answer *out)
{
    uint64_t until = clock_ms() + NAME_MS;
    struct sending s = { .url = arena_cstr(c->arena, l->url),
                         .from = arena_printf(c->arena, "<%.*s>", TEXT_ARG(l->from)).at,
                         .to = arena_printf(c->arena, "<%.*s>", TEXT_ARG(l->to)).at,
                         .user = arena_cstr(c->arena, l->user),
                         .password = arena_cstr(c->arena, l->password),
                         .left = l->body,
                         .tls = tls_of(l->starttls),
                         .silence_s = (long)((l->silence_ms + 999) / 1000),
                         .answer = out };
    problem p;

    if ((p = resolve_url(c, l->url, until, &s.addresses)))
        return p;
    s.moved_ms = clock_ms();
    if ((p = worker_run_until(c->task, WORKER_LETTER, run_sending, hurry, &s)))
        return p;
    return judge(&s, out);
}

problem letter_send(struct call *c, const struct letter *l, struct letter_answer *out)
{
    struct upstream *u;
    problem p = upstream_enter(c, "smtp", 0, &u);
    bool untold;

    *out = (struct letter_answer){ .status = 0 };
    if (p)
        return p;
    p = deliver(c, l, out);
    untold = p == PROBLEM(CANCELLED) || p == PROBLEM(DEADLINE) || p == PROBLEM(OVERLOADED);
    upstream_leave(u, p != NULL || out->status >= 400, untold ? UPSTREAM_UNTOLD : p ? UPSTREAM_ILL : UPSTREAM_WELL);
    return p;
}
