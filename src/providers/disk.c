/* Objects as files: folder/ab/cdef…, written by renaming. */
#include <errno.h>
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
    CHECK(key.len > 2);
    return arena_printf(c->arena, "%s/%.*s", folder_of(c, key).at, (int)key.len - 2, key.at + 2).at;
}

/* On a pool thread. */
static void move(void *arg)
{
    struct moving *m = arg;

    if (mkdir(m->folder, 0750) != 0 && errno != EEXIST)
        m->error = errno;
    else if (rename(m->from, m->to) != 0)
        m->error = errno;
    if (m->error)
        unlink(m->from);
}

problem disk_put(struct call *c, struct text key, const char *path)
{
    struct moving m = { .from = path, .folder = folder_of(c, key).at, .to = path_of(c, key) };
    problem p = worker_run(c->task, WORKER_FILE, move, &m);

    if (!p && m.error) {
        log_error("disk", "%s: %s", m.to, strerror(m.error));
        return PROBLEM(UPSTREAM_FAILED);
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

problem disk_place(struct call *c, struct text key, struct object_place *out)
{
    out->path = path_of(c, key);
    return NULL;
}
