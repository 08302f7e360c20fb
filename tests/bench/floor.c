/* The floor of the benchmarks: a bare epoll loop that answers a constant JSON and echoes WebSocket frames, and nothing else.
 *
 * floor PORT. One thread; a request is whatever ends with an empty line; a frame is whatever comes. Not a server: a measure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY "{\"name\":\"madang\",\"version\":\"0.1.0\",\"kakao\":false,\"google\":false}"

static char buffer[65536], out[65536];
static bool is_ws[65536];

static void answer_upgrade(int fd, const char *key)
{
    unsigned char digest[20];
    char text[200], accept_key[64];
    int n = snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);

    SHA1((unsigned char *)text, (size_t)n, digest);
    EVP_EncodeBlock((unsigned char *)accept_key, digest, 20);
    n = snprintf(out, sizeof out,
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: "
                 "madang.v1\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                 accept_key);
    is_ws[fd] = true;
    if (write(fd, out, (size_t)n) < 0)
        close(fd);
}

/* Small masked frames, each answered unmasked. */
static size_t echo(size_t got)
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

static void on_bytes(int fd)
{
    static const char json[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 67\r\n\r\n" BODY;
    ssize_t got = read(fd, buffer, sizeof buffer - 1);
    const char *key;
    size_t n;

    if (got <= 0) {
        close(fd);
        return;
    }
    buffer[got] = '\0';
    if (is_ws[fd]) {
        n = echo((size_t)got);
        if (write(fd, out, n) < 0)
            close(fd);
    } else if ((key = strstr(buffer, "Sec-WebSocket-Key: ")) != NULL) {
        answer_upgrade(fd, key + 19);
    } else if (write(fd, json, sizeof json - 1) < 0) {
        close(fd);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)strtol(argc > 1 ? argv[1] : "0", NULL, 10)) };
    int listening = socket(AF_INET, SOCK_STREAM, 0), e = epoll_create1(0), one = 1;
    struct epoll_event events[256], ev = { .events = EPOLLIN, .data.fd = listening };

    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listening, (struct sockaddr *)&at, sizeof at) != 0 || listen(listening, 4096) != 0)
        return 1;
    epoll_ctl(e, EPOLL_CTL_ADD, listening, &ev);
    for (;;) {
        int n = epoll_wait(e, events, 256, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;

            if (fd != listening) {
                on_bytes(fd);
                continue;
            }
            fd = accept(listening, NULL, NULL);
            if (fd < 0 || fd >= 65536)
                continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            is_ws[fd] = false;
            ev.data.fd = fd;
            epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev);
        }
    }
}
