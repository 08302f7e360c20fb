/* A language model and its listeners, for what the daemon adds in between: streams port=P upstream=U conns=N rate=R seconds=S
 * tokens=FILE pid=PID.
 *
 * Serves CLOVA Studio's stream on port U: each request gets R words a second, evenly spread over all streams, each word the time at which
 * it was written. N sockets on the daemon's port P each open a chat and say something; what arrives in tarot.delta tells how long ago it
 * was written. Both ends are one process, so one clock. Prints one line of JSON: delays in microseconds, words due and heard, the
 * daemon's processor time, and its memory before and while all streams run.
 */
#include <arpa/inet.h>
#include <errno.h>
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

#define SAMPLES_MAX 4000000
#define AT_ONCE 64 /* that are being opened, or begun */
#define LINE_MAX_TOKENS 4096

enum kind { LISTENER, MODEL, LISTENS }; /* the upstream's door, one of its streams, a socket of the daemon's */
enum step { UPGRADING, OPENING, BEGINNING, READY, SAID, HEARING };

struct end {
    enum kind kind;
    enum step step;
    int fd;
    char *kept;
    size_t len, room;
    long long chat;
    uint64_t words;
};

static int poller, port, upstream, conns = 1, rate = 30;
static double seconds = 5;
static const char *pid, *token_file;
static struct end *sockets, **models;
static char **tokens;
static int model_count, ready;
static uint64_t heard, written, *samples;
static size_t sample_count;
static bool measuring;

static void put(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            usleep(50);
            continue;
        }
        if (n < 0)
            die("send: %s", strerror(errno));
        bytes += n;
        len -= (size_t)n;
    }
}

static void watch(struct end *e)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = e };

    epoll_ctl(poller, EPOLL_CTL_ADD, e->fd, &ev);
}

static void put_text(struct end *e, const char *text)
{
    unsigned char frame[2048];
    size_t len = strlen(text), head = len < 126 ? 6 : 8;

    frame[0] = 0x81;
    frame[1] = (unsigned char)(0x80 | (len < 126 ? len : 126));
    if (len >= 126) {
        frame[2] = (unsigned char)(len >> 8);
        frame[3] = (unsigned char)len;
    }
    memset(frame + head - 4, 0, 4); /* a mask of noughts is a mask */
    memcpy(frame + head, text, len);
    put(e->fd, (char *)frame, head + len);
}

/* --- the daemon's end ---------------------------------------------------------------------------------------------------- */
static void open_socket(struct end *e, const char *token)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)port) };
    char head[2048];
    int one = 1, n;

    e->kind = LISTENS;
    e->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (e->fd < 0 || connect(e->fd, (struct sockaddr *)&at, sizeof at) != 0)
        die("connect: %s", strerror(errno));
    setsockopt(e->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    n = snprintf(
        head, sizeof head,
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: madang.v1, bearer.%s, open.e30\r\n\r\n",
        token);
    put(e->fd, head, (size_t)n);
    watch(e);
}

static void on_delta(struct end *e, const char *text)
{
    const char *at = strstr(text, "\"text\":\"");

    if (!at)
        die("a delta without text: %s", text);
    at += 8;
    e->step = HEARING;
    while (*at && *at != '"') {
        char *after;
        uint64_t then = strtoull(at, &after, 10);

        if (after == at)
            break; /* the notice at the end */
        heard++;
        if (measuring && sample_count < SAMPLES_MAX)
            samples[sample_count++] = now_ns() - then;
        at = after + strspn(after, " ");
    }
}

static void on_message(struct end *e, const char *text)
{
    const char *chat;

    if (strstr(text, "\"problem\"") || strstr(text, "tarot.failed"))
        die("refused: %s", text);
    if (strncmp(text, "{\"ev\":", 6) == 0) {
        if (strstr(text, "\"tarot.delta\""))
            on_delta(e, text);
        return;
    }
    if (e->step == OPENING) {
        put_text(e, "{\"op\":\"tarot.open\",\"id\":1,\"in\":{\"language\":\"en\"}}");
        e->step = BEGINNING;
    } else if (e->step == BEGINNING && (chat = strstr(text, "\"chat\":{\"chat\":")) != NULL) {
        e->chat = strtoll(chat + 15, NULL, 10);
        e->step = READY;
        ready++;
    }
}

static size_t take_frame(struct end *e)
{
    unsigned char *b = (unsigned char *)e->kept;
    size_t head = 2, body;
    char keep;

    if (e->len < 4)
        return 0;
    body = b[1] & 127;
    if (body == 126) {
        head = 4;
        body = (size_t)b[2] << 8 | b[3];
    }
    if (e->len < head + body)
        return 0;
    if ((b[0] & 15) == 8)
        die("closed by the daemon: %.*s", (int)(body > 2 ? body - 2 : 0), e->kept + head + 2);
    keep = e->kept[head + body];
    e->kept[head + body] = '\0';
    if ((b[0] & 15) == 1)
        on_message(e, e->kept + head);
    e->kept[head + body] = keep;
    return head + body;
}

static size_t take_answer(struct end *e)
{
    char *end = memmem(e->kept, e->len, "\r\n\r\n", 4);

    if (!end)
        return 0;
    if (memcmp(e->kept + 9, "101", 3) != 0)
        die("no upgrade: %.*s", (int)e->len, e->kept);
    e->step = OPENING;
    return (size_t)(end - e->kept) + 4;
}

/* --- the model's end ------------------------------------------------------------------------------------------------------- */
static void listen_upstream(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)upstream) };
    struct end *e = calloc(1, sizeof *e);
    int one = 1;

    e->kind = LISTENER;
    e->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(e->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(e->fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(e->fd, 4096) != 0)
        die("port %d: %s", upstream, strerror(errno));
    watch(e);
}

static size_t take_request(struct end *e)
{
    char *end = memmem(e->kept, e->len, "\r\n\r\n", 4), *length = end ? strcasestr(e->kept, "content-length:") : NULL;
    size_t whole;
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

    if (!end || !length)
        return 0;
    whole = (size_t)(end - e->kept) + 4 + strtoul(length + 15, NULL, 10);
    if (e->len < whole)
        return 0;
    put(e->fd, head, sizeof head - 1);
    models[model_count++] = e;
    return whole;
}

static void say_word(struct end *e)
{
    char text[200];
    int n = snprintf(
        text, sizeof text,
        "id: %llu\nevent: token\ndata: {\"message\":{\"role\":\"assistant\",\"content\":\"%llu \"},\"finishReason\":null,"
        "\"created\":1767323045,\"seed\":7,\"usage\":null}\n\n",
        (unsigned long long)++e->words, (unsigned long long)now_ns());

    put(e->fd, text, (size_t)n);
    written++;
}

/* --- both ------------------------------------------------------------------------------------------------------------------- */
static void on_readable(struct end *e)
{
    size_t took, at = 0;
    ssize_t got;

    if (e->kind == LISTENER) {
        struct end *m = calloc(1, sizeof *m);
        int one = 1;

        m->kind = MODEL;
        m->fd = accept4(e->fd, NULL, NULL, SOCK_CLOEXEC);
        setsockopt(m->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(m);
        return;
    }
    if (e->room - e->len < 16384) {
        e->room = e->room ? e->room * 2 : 32768;
        e->kept = realloc(e->kept, e->room + 1);
    }
    got = recv(e->fd, e->kept + e->len, e->room - e->len, 0);
    if (got <= 0)
        die("%s: %s", e->kind == MODEL ? "a stream was given up" : "a socket was closed", got ? strerror(errno) : "end");
    e->len += (size_t)got;
    e->kept[e->len] = '\0';
    do {
        took = e->kind == MODEL ? take_request(e) : e->step == UPGRADING ? take_answer(e) : take_frame(e);
        at = took;
        memmove(e->kept, e->kept + at, e->len - at);
        e->len -= at;
        e->kept[e->len] = '\0';
    } while (took && e->len);
}

static void turn(int timeout_ms)
{
    struct epoll_event events[512];
    int n = epoll_wait(poller, events, 512, timeout_ms);

    for (int i = 0; i < n; i++)
        on_readable(events[i].data.ptr);
}

static void wait_for(const int *count, const char *what)
{
    uint64_t until = now_ns() + 60000000000u;

    while (*count < conns) {
        turn(50);
        if (now_ns() > until)
            die("%s: only %d of %d", what, *count, conns);
    }
}

static long rss_bytes(void)
{
    char path[100];
    long all, resident = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%s/statm", pid);
    f = fopen(path, "r");
    if (f && fscanf(f, "%ld %ld", &all, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * sysconf(_SC_PAGESIZE);
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static uint64_t part(double p)
{
    return sample_count ? samples[(size_t)((double)(sample_count - 1) * p)] / 1000 : 0;
}

/* Words that are due, the streams one after the other. */
static void speak_until(uint64_t end)
{
    uint64_t began = now_ns(), said = 0;

    while (now_ns() < end) {
        uint64_t due = (uint64_t)((double)(now_ns() - began) / 1e9 * rate * conns);

        for (int burst = 0; said < due && burst < 64; burst++)
            say_word(models[said++ % (uint64_t)conns]);
        turn(said < due ? 0 : 1);
    }
}

static void read_tokens(void)
{
    FILE *f = fopen(token_file, "r");
    char line[LINE_MAX_TOKENS];

    tokens = calloc((size_t)conns, sizeof *tokens);
    for (int i = 0; f && i < conns && fgets(line, sizeof line, f); i++)
        tokens[i] = strdup(strtok(line, " \n"));
    if (!f || !tokens[conns - 1])
        die("%s has no %d tokens", token_file, conns);
    fclose(f);
}

static void read_arguments(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');

        if (!value)
            die("not understood: %s", argv[i]);
        *value++ = '\0';
        if (strcmp(argv[i], "port") == 0)
            port = atoi(value);
        else if (strcmp(argv[i], "upstream") == 0)
            upstream = atoi(value);
        else if (strcmp(argv[i], "conns") == 0)
            conns = atoi(value);
        else if (strcmp(argv[i], "rate") == 0)
            rate = atoi(value);
        else if (strcmp(argv[i], "seconds") == 0)
            seconds = atof(value);
        else if (strcmp(argv[i], "pid") == 0)
            pid = value;
        else if (strcmp(argv[i], "tokens") == 0)
            token_file = value;
        else
            die("not understood: %s", argv[i]);
    }
}

int main(int argc, char **argv)
{
    uint64_t wrote_before, heard_before, wrote, caught;
    double cpu, took;
    long before, during;

    read_arguments(argc, argv);
    read_tokens();
    poller = epoll_create1(EPOLL_CLOEXEC);
    sockets = calloc((size_t)conns, sizeof *sockets);
    models = calloc((size_t)conns + 16, sizeof(struct end *));
    samples = calloc(SAMPLES_MAX, sizeof *samples);
    listen_upstream();
    for (int i = 0; i < conns; i++) {
        open_socket(&sockets[i], tokens[i]);
        while (i - ready >= AT_ONCE)
            turn(10);
    }
    wait_for(&ready, "chats");
    before = rss_bytes();
    for (int i = 0; i < conns; i++) {
        char text[200];

        snprintf(text, sizeof text, "{\"op\":\"tarot.say\",\"id\":2,\"in\":{\"chat\":%lld,\"text\":\"tell me\"}}",
                 sockets[i].chat);
        put_text(&sockets[i], text);
        while (i - model_count >= AT_ONCE)
            turn(10);
    }
    wait_for(&model_count, "streams");
    speak_until(now_ns() + 1000000000u);
    measuring = true;
    wrote_before = written;
    heard_before = heard;
    cpu = (double)cpu_of(pid) / 1e9;
    took = (double)now_ns();
    speak_until(now_ns() + (uint64_t)(seconds * 1e9));
    took = ((double)now_ns() - took) / 1e9;
    cpu = (double)cpu_of(pid) / 1e9 - cpu;
    during = rss_bytes();
    wrote = written - wrote_before;
    caught = heard - heard_before;
    for (int i = 0; i < 20; i++)
        turn(10);
    qsort(samples, sample_count, sizeof *samples, by_size);
    printf("{\"streams\":%d,\"seconds\":%.2f,\"written\":%llu,\"heard\":%llu,\"p50_us\":%llu,\"p99_us\":%llu,\"max_us\":%llu,"
           "\"cpu\":%.3f,"
           "\"bytes_each\":%ld}\n",
           conns, took, (unsigned long long)wrote, (unsigned long long)caught, (unsigned long long)part(0.5),
           (unsigned long long)part(0.99), (unsigned long long)part(1), cpu / took, (during - before) / conns);
    return 0;
}
