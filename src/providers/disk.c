/* Objects as files: folder/ab/cdef…, written by renaming. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "madang/config.h"
#include "madang/log.h"
#include "madang/worker.h"
#include "object_providers.h"

struct moving {
    const char *from, *folder, *to;
    int error;
};

static struct text folder_of(struct call *c, struct text key)
{
    return arena_printf(c->arena, "%s/%.2s", config->files_folder.at, key.at);
}

static const char *path_of(struct call *c, struct text key)
{
    struct text name = { key.at + (key.len < 2 ? key.len : 2), key.len < 2 ? 0 : key.len - 2 };

    return arena_printf(c->arena, "%s/%.*s", folder_of(c, key).at, TEXT_ARG(name)).at;
}

/* Until it lies on the disk; 0 or what went wrong. */
static int sync_path(const char *path, int flags)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags), error = 0;

    if (fd < 0)
        return errno;
    if (fsync(fd) != 0)
        error = errno;
    close(fd);
    return error;
}

static int make_folder(const char *folder)
{
    if (mkdir(folder, 0750) != 0)
        return errno == EEXIST ? 0 : errno;
    return sync_path(config->files_folder.at, O_DIRECTORY);
}

/* On a pool thread. What is answered must be there after a power cut: the file, its name, and its folder's name. */
static void move(void *arg)
{
    struct moving *m = arg;

    if (!(m->error = make_folder(m->folder)) && !(m->error = sync_path(m->from, 0)) && rename(m->from, m->to) != 0)
        m->error = errno;
    if (!m->error && (m->error = sync_path(m->folder, O_DIRECTORY)))
        unlink(m->to);
    if (m->error)
        unlink(m->from);
}

problem disk_put(struct call *c, struct text key, const char *path)
{
    struct moving m = { .from = path, .folder = folder_of(c, key).at, .to = path_of(c, key) };
    problem p = worker_run(c->task, WORKER_FILE, move, &m);

    if (!p && m.error) {
        log_error("disk", "%s: %s", m.to, strerror(m.error));
        return storage_problem(m.error);
    }
    return p;
}

static void drop(void *arg)
{
    struct moving *m = arg;

    if (unlink(m->from) != 0 && errno != ENOENT)
        m->error = errno;
}

problem disk_delete(struct call *c, struct text key)
{
    struct moving m = { .from = path_of(c, key) };
    problem p = worker_run(c->task, WORKER_FILE, drop, &m);

    return p ? p : m.error ? PROBLEM(UPSTREAM_FAILED) : NULL;
}

#define PIECE 262144

struct reading {
    const char *path;
    char *to;
    int fd, error;
    ssize_t got;
};

/* Opened at the first piece. */
static void read_piece(void *arg)
{
    struct reading *r = arg;

    if (r->fd < 0)
        r->fd = open(r->path, O_RDONLY | O_CLOEXEC);
    r->got = r->fd < 0 ? -1 : read(r->fd, r->to, PIECE);
    r->error = r->got < 0 ? errno : 0;
}

static void reading_close(void *arg)
{
    struct reading *r = arg;

    if (r->fd >= 0)
        close(r->fd);
}

problem disk_read(struct call *c, struct text key, object_take *take, void *arg, bool *found)
{
    struct reading *r = arena_new(c->arena, struct reading);
    problem p;

    *r = (struct reading){ .path = path_of(c, key), .to = arena_alloc(c->arena, PIECE), .fd = -1 };
    arena_defer(c->arena, reading_close, r);
    do {
        if ((p = worker_run(c->task, WORKER_FILE, read_piece, r)))
            return p;
        if (r->error && (r->fd >= 0 || r->error != ENOENT)) {
            log_error("disk", "%s: %s", r->path, strerror(r->error));
            return PROBLEM(UPSTREAM_FAILED);
        }
        *found = r->fd >= 0;
        p = r->got > 0 ? take((struct text){ r->to, (size_t)r->got }, arg) : NULL;
    } while (!p && r->got > 0);
    return p;
}

problem disk_place(struct call *c, struct text key, struct object_place *out)
{
    out->path = path_of(c, key);
    return NULL;
}
