#include "notify.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "madang/log.h"
#include "madang/loop.h"

static struct timer watchdog;
static uint64_t every_ms;

void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t length = path ? strlen(path) : 0;
    int fd;

    if (length < 2 || length >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, length);
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* the abstract name space */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
        log_debug("notify", "nobody listens");
    close(fd);
}

static void on_watchdog(struct timer *t)
{
    notify("WATCHDOG=1");
    timer_set_after(t, every_ms);
}

void notify_start(void)
{
    const char *text = getenv("WATCHDOG_USEC");
    int64_t us = 0;

    notify("READY=1");
    timer_init(&watchdog, on_watchdog);
    if (!text || !text_to_i64(text_of(text), &us) || us < 2000)
        return;
    every_ms = (uint64_t)us / 1000 / 2;
    timer_set_after(&watchdog, every_ms);
}

void notify_stop(void)
{
    if (watchdog.run)
        timer_clear(&watchdog);
}
