/* The load of the benchmarks: drives HTTP and WebSocket servers and says how much they did for a second of their CPU time.
 *
 * load MODE key=value…
 *   http    conns= message=            keep-alive, one request in flight on each connection
 *   echo    conns= message=            WebSocket, one message in flight on each socket
 *   fan     conns= message= flight=    the first socket of each room speaks; all of its room hear
 *   pairs   conns= message=            sockets 2i and 2i+1 answer each other
 *   churn   conns=                     connect, shake hands, say hello, hang up, again
 *   idle    conns= message=            opens, prints a line, waits; "use" on stdin: each socket one round trip; end of file: ends
 *   beats   conns= message= rate=      `rate` messages a second over all sockets
 *   rooms   conns= per_room= message=  one message a second in each room
 * Also: port= port2= (of the sockets with odd numbers) path= protocol= pids= (whose CPU) seconds= warm= count= (ends after so many) hello= (repeatable: sent after the upgrade, each waits for an
 * answer) greeted=1 (the server speaks first) match= (a received frame counts when it begins so) tokens= (a file: a line for each
 * socket, "TOKEN ACCOUNT"). In messages %t is the socket's token, %i its index, %n a number never used before, %r its room, %a the account of its partner, the
 * other of 2i and 2i+1. Prints one line of JSON; times of answers in microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"

#define HELLOS_MAX 4
#define AT_ONCE 64 /* sockets that are being opened */
#define BUCKETS 4096
#define TOKENS_MAX 100000
#define LINGER ((struct linger){ .l_onoff = 1, .l_linger = 0 }) /* ends with a reset: no port is left waiting */

enum state { CLOSED, CONNECTING, UPGRADING, GREETING, READY };

struct link {
    int fd, who; /* who: its line of tokens= */
    enum state state;
    int hello;
    char *kept; /* what came of an unfinished frame or answer */
    size_t kept_len;
    char *message; /* as sent each time */
    size_t message_len;
    uint64_t asked_ns;
};

static struct {
    const char *mode, *path, *protocol, *message, *match, *hello[HELLOS_MAX], *pids, *tokens;
    int port, port2, count, conns, flight, rate, per_room, hellos;
    bool greeted;
    double seconds, warm;
} want = { .mode = "", .path = "/", .message = "", .match = "", .conns = 1, .flight = 1, .seconds = 2, .warm = 0.3 };

static struct link *links;
static char **tokens, **accounts;
static int poller, ready, opening, opened, token_count, next_token;
static uint64_t done, sent, heard, refused;
static uint64_t numbers;
static bool running, numbered; /* numbered: the message differs each time */
static uint32_t buckets[BUCKETS * 16];

static uint64_t cpu_now(void)
{
    char list[200], *save = NULL;
    uint64_t sum = 0;

    snprintf(list, sizeof list, "%s", want.pids ? want.pids : "");
    for (char *pid = strtok_r(list, ",", &save); pid; pid = strtok_r(NULL, ",", &save))
        sum += cpu_of(pid);
    return sum;
}

/* --- times: exact below 4 ms, then coarser ------------------------------------------------------------------------- */
static void time_add(uint64_t ns)
{
    uint64_t us = ns / 1000, scale = 0;

    while (us >= BUCKETS && scale < 15) {
        us /= 4;
        scale++;
    }
    if (us >= BUCKETS)
        us = BUCKETS - 1;
    buckets[scale * BUCKETS + us]++;
}

static uint64_t time_at(double part)
{
    uint64_t all = 0, seen = 0, unit = 1;

    for (size_t i = 0; i < sizeof buckets / sizeof *buckets; i++)
        all += buckets[i];
    for (size_t scale = 0; scale < 16; scale++, unit *= 4)
        for (size_t i = 0; i < BUCKETS; i++) {
            seen += buckets[scale * BUCKETS + i];
            if (all && seen >= (uint64_t)((double)all * part) && seen)
                return i * unit;
        }
    return 0;
}

static bool is_http(void)
{
    return strcmp(want.mode, "http") == 0;
}

/* --- messages ------------------------------------------------------------------------------------------------------ */
static int room_of(int index)
{
    return want.per_room ? index / want.per_room : 0;
}

static char *fill(const char *pattern, const struct link *l, size_t *len)
{
    char *out = malloc(strlen(pattern) + 4096), *at = out;
    int i = (int)(l - links);

    for (const char *p = pattern; *p; p++) {
        if (*p != '%' || !strchr("tiran", p[1])) {
            *at++ = *p;
            continue;
        }
        p++;
        if (*p == 'n')
            at += sprintf(at, "%llu", (unsigned long long)++numbers);
        else if (*p == 'i' || *p == 'r')
            at += sprintf(at, "%d", *p == 'i' ? i : room_of(i));
        else if (!tokens)
            die("%%%c needs tokens=", *p);
        else
            at += sprintf(at, "%s", *p == 't' ? tokens[l->who] : accounts[i ^ 1]);
    }
    *at = '\0';
    *len = (size_t)(at - out);
    return out;
}

static char *frame(const char *text, size_t len, int opcode, size_t *out_len)
{
    char *out = malloc(len + 14), *at = out;

    *at++ = (char)(0x80 | opcode);
    if (len < 126) {
        *at++ = (char)(0x80 | len);
    } else if (len < 65536) {
        *at++ = (char)(0x80 | 126);
        *at++ = (char)(len >> 8);
        *at++ = (char)len;
    } else {
        *at++ = (char)(0x80 | 127);
        for (int i = 56; i >= 0; i -= 8)
            *at++ = (char)((uint64_t)len >> i);
    }
    memcpy(at, "\x11\x22\x33\x44", 4);
    at += 4;
    for (size_t i = 0; i < len; i++)
        at[i] = (char)(text[i] ^ "\x11\x22\x33\x44"[i % 4]);
    *out_len = (size_t)(at - out) + len;
    return out;
}

static void put(struct link *l, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(l->fd, bytes, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            usleep(50);
            continue;
        }
        if (n < 0)
            die("socket %d: send: %s", (int)(l - links), strerror(errno));
        bytes += n;
        len -= (size_t)n;
    }
}

/* An HTTP request whose body holds the number; its length is written into the last header. */
static void put_numbered(struct link *l)
{
    size_t len;
    char *text = fill(want.message, l, &len), *body = strstr(text, "\r\n\r\n");
    char head[4096];
    int n;

    if (!body)
        die("message= has no end of head");
    n = snprintf(head, sizeof head, "%.*s\r\nContent-Length: %zu\r\n\r\n", (int)(body - text), text, strlen(body + 4));
    put(l, head, (size_t)n);
    put(l, body + 4, strlen(body + 4));
    free(text);
}

static void put_text(struct link *l, const char *pattern, int opcode)
{
    size_t len, frame_len;
    char *text = fill(pattern, l, &len), *f = frame(text, len, opcode, &frame_len);

    put(l, f, frame_len);
    free(text);
    free(f);
}

static void ask(struct link *l)
{
    l->asked_ns = now_ns();
    if (numbered && is_http())
        put_numbered(l);
    else if (numbered)
        put_text(l, want.message, 1);
    else
        put(l, l->message, l->message_len);
    sent++;
}

static void prepare_message(struct link *l)
{
    size_t len;
    char *text;

    if (l->message)
        return;
    text = fill(want.message, l, &len);
    if (is_http()) {
        l->message = text;
        l->message_len = len;
        return;
    }
    l->message = frame(text, len, 1, &l->message_len);
    free(text);
}

/* --- opening ------------------------------------------------------------------------------------------------------- */
static void open_more(void);

static void hang_up(struct link *l)
{
    setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &LINGER, sizeof LINGER);
    close(l->fd);
    free(l->kept);
    l->kept = NULL;
    l->kept_len = 0;
    l->state = CLOSED;
}

static void start_link(struct link *l)
{
    int port = want.port2 && (l - links) % 2 ? want.port2 : want.port;
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)port) };
    struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.ptr = l };
    int one = 1;

    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        die("socket: %s", strerror(errno));
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(l->fd, (struct sockaddr *)&at, sizeof at) != 0 && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    l->state = CONNECTING;
    l->hello = 0;
    l->who = token_count ? next_token++ % token_count : 0; /* churn: everybody in turn */
    epoll_ctl(poller, EPOLL_CTL_ADD, l->fd, &ev);
}

static void link_ready(struct link *l)
{
    int one = 1;

    l->state = READY;
    prepare_message(l);
    if (strcmp(want.mode, "churn") == 0) {
        done++;
        if (running)
            time_add(now_ns() - l->asked_ns);
        hang_up(l);
        l->asked_ns = now_ns();
        start_link(l);
        return;
    }
    /* A socket that has spoken acknowledges later than one that only listened (tcp(7)), which makes its reader cheaper and, since
     * that one then sleeps more and is woken more, its writer dearer: all begin alike. */
    setsockopt(l->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
    ready++;
    opening--;
    open_more();
}

static void next_hello(struct link *l)
{
    if (l->hello < want.hellos)
        put_text(l, want.hello[l->hello++], 1);
    else
        link_ready(l);
}

static void connected(struct link *l)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = l };
    char *head, *protocol;
    size_t len;

    epoll_ctl(poller, EPOLL_CTL_MOD, l->fd, &ev);
    if (is_http()) {
        link_ready(l);
        return;
    }
    head = fill(want.path, l, &len);
    protocol = fill(want.protocol ? want.protocol : "", l, &len);
    l->state = UPGRADING;
    {
        char text[4096];
        int n = snprintf(text, sizeof text,
                         "GET %s HTTP/1.1\r\nHost: localhost:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s\r\n",
                         head, want.port, len ? "Sec-WebSocket-Protocol: " : "", protocol, len ? "\r\n" : "");

        put(l, text, (size_t)n);
    }
    free(head);
    free(protocol);
}

static void open_more(void)
{
    while (opening < AT_ONCE && opened < want.conns) {
        opening++;
        start_link(&links[opened++]);
    }
}

/* --- what comes ---------------------------------------------------------------------------------------------------- */
static int fan_turn(void)
{
    /* one at a time: the next when all have heard the last; `flight`: so many unfinished */
    while (sent * (uint64_t)want.conns < heard + (uint64_t)want.flight * (uint64_t)want.conns)
        ask(&links[0]);
    return 0;
}

static void count(struct link *l)
{
    done++;
    heard++;
    if (running && l->asked_ns)
        time_add(now_ns() - l->asked_ns);
    if (strcmp(want.mode, "echo") == 0 || is_http() || strcmp(want.mode, "pairs") == 0)
        ask(l);
    else if (strcmp(want.mode, "fan") == 0 && heard % (uint64_t)want.conns == 0)
        fan_turn();
    else if (strcmp(want.mode, "fan") == 0 && want.flight > 1)
        fan_turn();
}

static void on_message(struct link *l, const char *text, size_t len)
{
    size_t n = strlen(want.match);

    if (l->state == GREETING) {
        if (memmem(text, len, "\"problem\"", 9))
            die("refused: %.*s", (int)len, text);
        if (len > 6 && memcmp(text, "{\"ev\":", 6) == 0) /* an event may come between */
            return;
        next_hello(l);
    } else if (l->state == READY && len >= n && memcmp(text, want.match, n) == 0) {
        count(l);
    } else if (memmem(text, len, "\"problem\"", 9)) {
        if (refused++ == 0)
            fprintf(stderr, "refused: %.*s\n", (int)len, text);
    }
}

/* One frame, or one answer, off the front; 0: not whole yet. */
static size_t take_frame(struct link *l, char *at, size_t len)
{
    size_t head = 2, body;
    unsigned char *b = (unsigned char *)at;

    if (len < 2)
        return 0;
    body = b[1] & 127;
    if (body == 126) {
        head = 4;
        if (len < head)
            return 0;
        body = (size_t)b[2] << 8 | b[3];
    } else if (body == 127) {
        head = 10;
        if (len < head)
            return 0;
        body = 0;
        for (int i = 2; i < 10; i++)
            body = body << 8 | b[i];
    }
    if (len < head + body)
        return 0;
    if ((b[0] & 15) == 8)
        die("socket %d: closed by the server: %.*s", (int)(l - links), body > 2 ? (int)body - 2 : 0, at + head + 2);
    if ((b[0] & 15) == 9) {
        size_t n;
        char *pong = frame(at + head, body, 10, &n);

        put(l, pong, n);
        free(pong);
    } else if ((b[0] & 15) <= 2) {
        on_message(l, at + head, body);
    }
    return head + body;
}

static size_t take_answer(struct link *l, char *at, size_t len)
{
    char *end = memmem(at, len, "\r\n\r\n", 4), *length;
    size_t head, body = 0;

    if (!end)
        return 0;
    head = (size_t)(end - at) + 4;
    length = memmem(at, head, "ontent-", 7);
    while (length && strncasecmp(length, "ontent-length:", 14) != 0)
        length = memmem(length + 1, head - (size_t)(length + 1 - at), "ontent-", 7);
    if (length)
        body = strtoul(length + 14, NULL, 10);
    if (len < head + body)
        return 0;
    if (l->state == UPGRADING) {
        if (len < 12 || memcmp(at + 9, "101", 3) != 0)
            die("no upgrade: %.*s", (int)head, at);
        l->state = GREETING;
        if (!want.greeted)
            next_hello(l);
        return head;
    }
    if (at[9] != '2' && refused++ == 0)
        fprintf(stderr, "refused: %.*s\n", (int)(head + body), at);
    count(l);
    return head + body;
}

static void on_readable(struct link *l)
{
    static char buffer[1 << 20];
    size_t len = l->kept_len, at = 0, took;
    ssize_t got;

    if (len)
        memcpy(buffer, l->kept, len);
    got = recv(l->fd, buffer + len, sizeof buffer - len - 1, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        die("socket %d: %s", (int)(l - links), got ? strerror(errno) : "closed");
    len += (size_t)got;
    buffer[len] = '\0';
    while (at < len && l->state != CLOSED && l->state != CONNECTING) {
        bool answer = l->state == UPGRADING || is_http();

        took = answer ? take_answer(l, buffer + at, len - at) : take_frame(l, buffer + at, len - at);
        if (!took)
            break;
        at += took;
    }
    if (l->state == CLOSED || l->state == CONNECTING)
        return;
    free(l->kept);
    l->kept = NULL;
    l->kept_len = len - at;
    if (l->kept_len) {
        l->kept = malloc(l->kept_len);
        memcpy(l->kept, buffer + at, l->kept_len);
    }
}

static void turn(int timeout_ms)
{
    struct epoll_event events[512];
    int n = epoll_wait(poller, events, 512, timeout_ms);

    for (int i = 0; i < n; i++) {
        struct link *l = events[i].data.ptr;

        if (!l) {
            char line[16];

            if (read(0, line, sizeof line) <= 0)
                exit(0); /* the sockets are gone with us */
            for (int k = 0; k < want.conns; k++)
                ask(&links[k]);
            continue;
        }
        if (l->state == CONNECTING) {
            if (events[i].events & (EPOLLERR | EPOLLHUP))
                die("cannot connect to %d", want.port);
            connected(l);
        } else if (l->state != CLOSED) {
            on_readable(l);
        }
    }
}

/* --- modes --------------------------------------------------------------------------------------------------------- */
/* `rate` a second, evenly, in the order of the sockets; or one a second from each room's first. */
static void beat(uint64_t began, uint64_t now, uint64_t *beats)
{
    int step = strcmp(want.mode, "rooms") == 0 ? want.per_room : 1, speakers = want.conns / step;
    double rate = step > 1 ? speakers : want.rate;
    uint64_t due = (uint64_t)((double)(now - began) / 1e9 * rate);

    for (; *beats < due; ++*beats)
        ask(&links[*beats % (uint64_t)speakers * (uint64_t)step]);
}

static void start_asking(void)
{
    if (strcmp(want.mode, "echo") == 0 || is_http())
        for (int i = 0; i < want.conns; i++)
            ask(&links[i]);
    else if (strcmp(want.mode, "pairs") == 0)
        for (int i = 0; i < want.conns; i += 2)
            ask(&links[i]);
    else if (strcmp(want.mode, "fan") == 0)
        fan_turn();
}

static void measure(void)
{
    bool timed = strcmp(want.mode, "beats") == 0 || strcmp(want.mode, "rooms") == 0;
    uint64_t began = now_ns(), start = began + (uint64_t)(want.warm * 1e9), end = start + (uint64_t)(want.seconds * 1e9);
    uint64_t cpu = 0, before = 0, now, beats = 0, wall = 0;

    start_asking();
    while ((now = now_ns()) < end && (!want.count || done < (uint64_t)want.count)) {
        if (!running && now >= start) {
            running = true;
            before = done;
            cpu = cpu_now();
            wall = now;
            memset(buckets, 0, sizeof buckets);
        }
        if (timed)
            beat(began, now, &beats);
        turn(timed ? 1 : 50);
    }
    printf("{\"done\":%llu,\"wall_s\":%.6f,\"cpu_s\":%.6f,\"p50_us\":%llu,\"p99_us\":%llu,\"refused\":%llu}\n",
           (unsigned long long)(done - before), (double)(now - wall) / 1e9, (double)(cpu_now() - cpu) / 1e9,
           (unsigned long long)time_at(0.5), (unsigned long long)time_at(0.99), (unsigned long long)refused);
}

static void read_tokens(void)
{
    FILE *f = fopen(want.tokens, "r");
    char line[4096];
    int n = 0;

    if (!f)
        die("cannot read %s", want.tokens);
    tokens = calloc(TOKENS_MAX, sizeof *tokens);
    accounts = calloc(TOKENS_MAX, sizeof *accounts);
    while (n < TOKENS_MAX && fgets(line, sizeof line, f)) {
        char *save = NULL;

        tokens[n] = strdup(strtok_r(line, " \n", &save));
        accounts[n] = strdup(strtok_r(NULL, " \n", &save));
        n++;
    }
    if (n < want.conns)
        die("%s has %d lines", want.tokens, n);
    token_count = n;
    fclose(f);
}

static void read_arguments(int argc, char **argv)
{
    static const struct {
        const char *key;
        const char **text;
        int *number;
        double *real;
    } keys[] = {
        { "path=", &want.path, 0, 0 },         { "protocol=", &want.protocol, 0, 0 }, { "message=", &want.message, 0, 0 },
        { "match=", &want.match, 0, 0 },       { "pids=", &want.pids, 0, 0 },         { "tokens=", &want.tokens, 0, 0 },
        { "port=", 0, &want.port, 0 },         { "count=", 0, &want.count, 0 },       { "port2=", 0, &want.port2, 0 },
        { "conns=", 0, &want.conns, 0 },       { "flight=", 0, &want.flight, 0 },     { "rate=", 0, &want.rate, 0 },
        { "per_room=", 0, &want.per_room, 0 }, { "seconds=", 0, 0, &want.seconds },   { "warm=", 0, 0, &want.warm },
    };

    if (argc < 2)
        die("load MODE key=value…: see the top of load.c");
    want.mode = argv[1];
    for (int i = 2; i < argc; i++) {
        bool known = false;

        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            const char *value = argv[i] + strlen(keys[k].key);

            if (strncmp(argv[i], keys[k].key, strlen(keys[k].key)) != 0)
                continue;
            known = true;
            if (keys[k].text)
                *keys[k].text = value;
            else if (keys[k].number)
                *keys[k].number = (int)strtol(value, NULL, 10);
            else
                *keys[k].real = strtod(value, NULL);
        }
        if (strncmp(argv[i], "hello=", 6) == 0 && want.hellos < HELLOS_MAX)
            want.hello[want.hellos++] = argv[i] + 6;
        else if (strcmp(argv[i], "greeted=1") == 0)
            want.greeted = true;
        else if (!known)
            die("not understood: %s", argv[i]);
    }
}

int main(int argc, char **argv)
{
    bool churn, idle;

    read_arguments(argc, argv);
    if (want.tokens)
        read_tokens();
    churn = strcmp(want.mode, "churn") == 0;
    idle = strcmp(want.mode, "idle") == 0;
    numbered = strstr(want.message, "%n") != NULL;
    numbers = now_ns() / 1000 * 1000; /* unlike those of the run before */
    poller = epoll_create1(EPOLL_CLOEXEC);
    links = calloc((size_t)want.conns, sizeof *links);
    if (churn) {
        for (int i = 0; i < want.conns; i++) {
            links[i].asked_ns = now_ns();
            start_link(&links[i]);
        }
    } else {
        open_more();
        while (ready < want.conns)
            turn(1000);
    }
    if (!idle) {
        measure();
        return refused ? 1 : 0;
    }
    printf("{\"open\":%d}\n", ready);
    fflush(stdout);
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL });
    for (;;) {
        uint64_t before = done;

        turn(1000);
        if (done / (uint64_t)want.conns != before / (uint64_t)want.conns) {
            printf("{\"used\":%d}\n", want.conns);
            fflush(stdout);
        }
    }
}
