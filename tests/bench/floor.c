/* The floor of the benchmarks: a bare epoll loop that answers a constant JSON and passes WebSocket frames on, and nothing else.
 *
 * floor PORT. By the path of the upgrade a socket's frames go back to it (/echo), to all of its room (/room/N) or to the others
 * in it (/pair/N); what one turn brings for a room leaves in one write for each member. A request is whatever ends with an
 * empty line, a small frame whatever comes whole. Not a server: a measure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY "{\"name\":\"madang\",\"version\":\"0.1.0\",\"kakao\":false,\"google\":false}"
#define FDS 65536
#define ROOMS 65536

enum kind { HTTP, ECHO, ROOM, PAIR };

struct room {
    int *members;
    int count, places;
    char *out; /* what this turn brought */
    size_t len, room;
};

static char buffer[1 << 20], out[1 << 20];
static enum kind kind[FDS];
static int room_of[FDS];
static struct room rooms[ROOMS];
static int dirty[ROOMS], dirty_count;

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n < 0 && errno != EAGAIN)
            return;
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

static void join(int fd, const char *path)
{
    struct room *r;

    kind[fd] = strncmp(path, "/room/", 6) == 0 ? ROOM : strncmp(path, "/pair/", 6) == 0 ? PAIR : ECHO;
    if (kind[fd] == ECHO)
        return;
    room_of[fd] = (int)strtol(path + 6, NULL, 10) % ROOMS;
    r = &rooms[room_of[fd]];
    if (r->count == r->places) { /* who has just gone may still be counted */
        r->places = r->places ? r->places * 2 : 4;
        r->members = realloc(r->members, (size_t)r->places * sizeof *r->members);
    }
    r->members[r->count++] = fd;
}

static void leave(int fd)
{
    struct room *r = &rooms[room_of[fd]];

    if (kind[fd] == ROOM || kind[fd] == PAIR)
        for (int i = 0; i < r->count; i++)
            if (r->members[i] == fd)
                r->members[i--] = r->members[--r->count];
    kind[fd] = HTTP;
    close(fd);
}

static void answer_upgrade(int fd, const char *key)
{
    unsigned char digest[20];
    char text[200], accept_key[64];
    int n = snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);

    SHA1((unsigned char *)text, (size_t)n, digest);
    EVP_EncodeBlock((unsigned char *)accept_key, digest, 20);
    n = snprintf(
        text, sizeof text,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
        accept_key);
    join(fd, buffer + 4);
    send_all(fd, text, (size_t)n);
}

/* Small masked frames, made unmasked ones in `out`. */
static size_t unmask(size_t got)
{
    size_t in = 0, n = 0;

    while (in + 6 <= got) {
        size_t len = (unsigned char)buffer[in + 1] & 127, head = 2;

        if (len == 126) {
            len = (size_t)((unsigned char)buffer[in + 2] << 8 | (unsigned char)buffer[in + 3]);
            head = 4;
        }
        memcpy(out + n, buffer + in, head);
        out[n + 1] = (char)(out[n + 1] & 127);
        for (size_t i = 0; i < len; i++)
            out[n + head + i] = (char)(buffer[in + head + 4 + i] ^ buffer[in + head + i % 4]);
        n += head + len;
        in += head + 4 + len;
    }
    return n;
}

static void to_room(int fd, size_t n)
{
    struct room *r = &rooms[room_of[fd]];

    if (r->len == 0)
        dirty[dirty_count++] = room_of[fd];
    if (r->len + n > r->room) {
        r->room = (r->len + n) * 2;
        r->out = realloc(r->out, r->room);
    }
    memcpy(r->out + r->len, out, n);
    r->len += n;
}

static void end_turn(void)
{
    for (; dirty_count; dirty_count--) {
        struct room *r = &rooms[dirty[dirty_count - 1]];

        for (int i = 0; i < r->count; i++)
            send_all(r->members[i], r->out, r->len);
        r->len = 0;
    }
}

static void on_frames(int fd, size_t n)
{
    const struct room *r = &rooms[room_of[fd]];

    if (kind[fd] == ROOM) {
        to_room(fd, n);
        return;
    }
    if (kind[fd] == ECHO)
        send_all(fd, out, n);
    else
        for (int i = 0; i < r->count; i++)
            if (r->members[i] != fd)
                send_all(r->members[i], out, n);
}

static void on_bytes(int fd)
{
    static const char json[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 64\r\n\r\n" BODY;
    ssize_t got = read(fd, buffer, sizeof buffer - 1);
    const char *key;

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        leave(fd);
        return;
    }
    buffer[got] = '\0';
    if (kind[fd] != HTTP)
        on_frames(fd, unmask((size_t)got));
    else if ((key = strstr(buffer, "Sec-WebSocket-Key: ")) != NULL)
        answer_upgrade(fd, key + 19);
    else
        send_all(fd, json, sizeof json - 1);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)strtol(argc > 1 ? argv[1] : "0", NULL, 10)) };
    int listening = socket(AF_INET, SOCK_STREAM, 0), e = epoll_create1(0), one = 1;
    struct epoll_event events[1024], ev = { .events = EPOLLIN, .data.fd = listening };

    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listening, (struct sockaddr *)&at, sizeof at) != 0 || listen(listening, 4096) != 0)
        return 1;
    epoll_ctl(e, EPOLL_CTL_ADD, listening, &ev);
    for (;;) {
        int n = epoll_wait(e, events, 1024, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;

            if (fd != listening) {
                on_bytes(fd);
                continue;
            }
            fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
            if (fd < 0 || fd >= FDS)
                continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            kind[fd] = HTTP;
            ev.data.fd = fd;
            epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev);
        }
        end_turn();
    }
}
