#include "lib/house.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app.h"
#include "madang/buf.h"
#include "madang/config.h"
#include "madang/loop.h"
#include "madang/task.h"

#define QUIET_TURNS 4 /* turns of the loop in which nothing came and no task was there: it has nothing more to say */
#define TURNS_MAX 2000
#define ANSWER_MAX (8u << 20)

static char folder[] = "/tmp/madang-house-XXXXXX", at[2][64], answer[ANSWER_MAX];

static void listen_at(enum house_door door, const char *name, const char *setting)
{
    char address[80];

    snprintf(at[door], sizeof at[door], "%s/%s", folder, name);
    snprintf(address, sizeof address, "unix:%s", at[door]);
    setenv(setting, address, 1);
}

static void read_settings(void)
{
    struct buf mistakes;

    CHECK(mkdtemp(folder));
    listen_at(HOUSE_PUBLIC, "public", "MADANG_HTTP_LISTEN");
    listen_at(HOUSE_ADMIN, "admin", "MADANG_ADMIN_LISTEN");
    setenv("MADANG_PG_URL", "postgresql://nobody@/nothing?host=/nonexistent", 1);
    setenv("MADANG_REDIS_URL", "redis+unix:///nonexistent/redis.sock", 1);
    setenv("MADANG_SESSION_KEY", "a test secret of more than thirty-two characters", 1);
    setenv("MADANG_LOG_LEVEL", "error", 1);
    setenv("MADANG_DEBUG_ECHO", "true", 1);
    buf_init(&mistakes, 65536);
    if (!config_load(NULL, &mistakes)) {
        fwrite(mistakes.at, 1, mistakes.len, stderr);
        exit(2);
    }
    buf_fini(&mistakes);
}

static void turn(void)
{
    uv_run(loop_uv(), UV_RUN_NOWAIT);
}

/* The public door opens when the stores are reached, or after a while without them. */
void house_open(void)
{
    read_settings();
    CHECK(app_prepare() && app_open());
    while (access(at[HOUSE_PUBLIC], F_OK) != 0)
        uv_run(loop_uv(), UV_RUN_ONCE);
}

static int connect_to(enum house_door door)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    memcpy(to.sun_path, at[door], strlen(at[door]) + 1);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

/* Reads what there is; false: that was the end. */
static bool take(int fd, size_t *len)
{
    ssize_t got;

    while ((got = recv(fd, answer + *len, sizeof answer - *len, 0)) > 0)
        *len += (size_t)got;
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

struct text house_say(enum house_door door, struct text bytes, bool *closed)
{
    int fd = connect_to(door), quiet = 0;
    size_t said = 0, len = 0;

    *closed = false;
    for (int turns = 0; turns < TURNS_MAX && quiet < QUIET_TURNS && !*closed; turns++) {
        size_t before = len + said;
        ssize_t sent = said < bytes.len ? send(fd, bytes.at + said, bytes.len - said, MSG_NOSIGNAL) : 0;

        said += sent > 0 ? (size_t)sent : 0;
        turn();
        *closed = !take(fd, &len);
        quiet = len + said == before && task_count() == 0 ? quiet + 1 : 0;
    }
    close(fd);
    turn(); /* it learns that nobody is there any more */
    return (struct text){ answer, len };
}

void house_close(void)
{
    raise(SIGTERM);
    loop_run();
    CHECK(app_close());
    unlink(at[HOUSE_PUBLIC]);
    unlink(at[HOUSE_ADMIN]);
    CHECK(rmdir(folder) == 0);
    config_free();
}
