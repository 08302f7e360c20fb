#include "handover.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "madang/log.h"

#define FDS_MAX 16
#define TAKE_S 5

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

static struct listener_group *offered;
static uv_poll_t *watch;
static int listening = -1;

static bool address_of(const char *path, struct sockaddr_un *out)
{
    size_t length = strlen(path);

    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (length == 0 || length >= sizeof out->sun_path)
        return false;
    memcpy(out->sun_path, path, length + 1);
    return true;
}

static size_t receive(int from, int *fds, size_t room)
{
    char byte;
    union control control;
    struct iovec io = { &byte, 1 };
    struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
    struct cmsghdr *c;
    size_t count;

    if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) != 1 || (c = CMSG_FIRSTHDR(&m)) == NULL || c->cmsg_level != SOL_SOCKET ||
        c->cmsg_type != SCM_RIGHTS)
        return 0;
    count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    count = count < room ? count : room;
    memcpy(fds, CMSG_DATA(c), count * sizeof(int));
    return count;
}

/* Before the public is let in: it may hold the loop for TAKE_S, with nobody there yet. */
size_t handover_take(const char *path, int *fds, size_t room)
{
    struct timeval limit = { .tv_sec = TAKE_S };
    struct sockaddr_un at;
    size_t count = 0;
    int fd;

    if (!address_of(path, &at) || (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        return 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        count = receive(fd, fds, room);
    close(fd);
    return count;
}

static void give(int to)
{
    int fds[FDS_MAX];
    size_t count = listener_group_fds(offered, fds, FDS_MAX);
    char byte = 1;
    union control control = { .bytes = { 0 } };
    struct iovec io = { &byte, 1 };
    struct msghdr m = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE(count * sizeof(int))
    };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    if (sendmsg(to, &m, MSG_NOSIGNAL) == 1)
        log_info("handover", "gave %zu listening sockets to a successor", count);
}

static void on_successor(uv_poll_t *poll, int status, int events)
{
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)poll;
    (void)status;
    (void)events;
    if (fd < 0)
        return;
    give(fd);
    close(fd);
}

void handover_offer(const char *path, struct listener_group *group)
{
    struct sockaddr_un at;
    mode_t before;
    bool bound;

    if (!address_of(path, &at))
        return;
    unlink(path);
    listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    before = umask(0077); /* whoever reaches it could answer in our place */
    watch = must_zalloc(sizeof *watch);
    bound = listening >= 0 && bind(listening, (struct sockaddr *)&at, sizeof at) == 0 && listen(listening, 4) == 0 &&
            uv_poll_init(loop_uv(), watch, listening) == 0;
    umask(before);
    if (!bound) {
        log_error("handover", "cannot listen at %s", path);
        if (listening >= 0)
            close(listening);
        free(watch);
        watch = NULL;
        listening = -1;
        return;
    }
    offered = group;
    uv_poll_start(watch, UV_READABLE, on_successor);
}

static void on_closed(uv_handle_t *h)
{
    free(h);
}

void handover_stop(void)
{
    if (!watch)
        return;
    uv_poll_stop(watch);
    uv_close((uv_handle_t *)watch, on_closed);
    watch = NULL;
    close(listening);
    listening = -1;
}
