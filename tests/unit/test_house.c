/* The whole way of a request's bytes, from the socket to the written answer, whatever the bytes are. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/house.h"
#include "madang/arena.h"

static void is_answer(enum house_door door, struct text bytes, struct text answer, bool closed)
{
    if (answer.len == 0 && !closed) /* it waits for the rest */
        return;
    if (!text_starts(answer, T("HTTP/1.1 ")))
        fail_msg("door %d: %.*s: %.*s", door, TEXT_ARG(bytes), TEXT_ARG(answer));
}

static int status_of(struct text answer)
{
    int64_t status = 0;

    return text_starts(answer, T("HTTP/1.1 ")) && text_to_i64((struct text){ answer.at + 9, 3 }, &status) ? (int)status : -1;
}

/* Targets that are neither a path nor an address: refused, and nothing of them is read again while refusing. */
static void test_refused_targets(void **state)
{
    static const char *const targets[] = { "x",       "xxxxxx", "xxxxxxx", "https",   "https:/",  "https://",
                                           "http://", "http:/", "HTTP://", "https:x", "?",        "#",
                                           "**",      "a:80",   "h",       "//",      "http://?", "https://#",
                                           "/#",      "/?#",    "*/",      "%",       "/%",       "/%0" };
    char head[200];
    bool closed;

    (void)state;
    for (int door = 0; door < 2; door++)
        for (size_t i = 0; i < COUNT_OF(targets); i++) {
            int len = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", targets[i]);
            struct text bytes = { head, (size_t)len }, answer = house_say(door, bytes, &closed);

            if (status_of(answer) < 400 && text_of(targets[i]).at[0] != '/')
                fail_msg("door %d: %s: %.*s", door, targets[i], TEXT_ARG(answer));
        }
}

static const char *const good[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://a/readyz?x=%20y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "HEAD /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n\r\n",
    "GET /api/v1/info HTTP/1.1\r\nHost: a\r\nAccept-Language: ko;q=0.5, en\r\nX-Forwarded-For: 1.2.3.4, ::1\r\n\r\n",
    "POST /debug/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "POST /debug/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: "
    "x\r\n\r\n",
    "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n"
    "{\"email\":\"a@b.c\",\"password\":1}",
    "GET /api/v1/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a.b.c\r\nTraceparent: "
    "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01\r\n\r\n",
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://localhost:8080\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: madang.v1, "
    "bearer.x, open.e30\r\n\r\n\x81\x85\x01\x02\x03\x04zzzzz",
    "POST /api/v1/files HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nContent-Type: image/png\r\nContent-Length: "
    "4\r\n\r\n\x89PNG",
};

static void say(enum house_door door, struct text bytes)
{
    bool closed;
    struct text answer = house_say(door, bytes, &closed);

    is_answer(door, bytes, answer, closed);
}

/* What a changed byte becomes: a letter of another kind, what ends a thing too early, and what should not be there. */
static const char others[] = { 'x', ' ', '\r', '\n', '/', ':', '?', '\0', '\x7f', '\xff' };

static void each_byte_changed(struct text whole, size_t prefix, size_t step)
{
    static size_t turn;
    char bytes[700];

    for (size_t at = turn++ % step; at < prefix; at += step) {
        memcpy(bytes, whole.at, prefix);
        bytes[at] = others[(at + prefix) % sizeof others];
        memcpy(bytes + prefix, "\r\n\r\n", 4);
        say(HOUSE_PUBLIC, (struct text){ bytes, prefix + 4 });
        if (at % 7 == 0)
            say(HOUSE_ADMIN, (struct text){ bytes, prefix + 4 });
    }
}

/* Every prefix of every good request, its head ended, with a byte of it changed: an answer, or no answer yet. */
static void test_every_prefix(void **state)
{
    const char *step = getenv("MADANG_HOUSE_STEP"); /* every byte; a quick run takes each seventh, another one each time */
    int64_t every = 7;

    (void)state;
    if (step && !text_to_i64(text_of(step), &every))
        fail_msg("MADANG_HOUSE_STEP=%s", step);
    for (size_t i = 0; i < COUNT_OF(good); i++)
        for (size_t prefix = 1; prefix <= strlen(good[i]); prefix++) {
            say(HOUSE_PUBLIC, (struct text){ good[i], prefix });
            each_byte_changed(text_of(good[i]), prefix, (size_t)every);
        }
}

static int open_house(void **state)
{
    (void)state;
    house_open();
    return 0;
}

static int close_house(void **state)
{
    (void)state;
    house_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_refused_targets), cmocka_unit_test(test_every_prefix) };

    return cmocka_run_group_tests(tests, open_house, close_house);
}
