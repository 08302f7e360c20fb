#include "files_http.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "files_image.h"
#include "files_store.h"
#include "madang/config.h"
#include "madang/fault.h"
#include "madang/log.h"
#include "madang/objects.h"
#include "madang/random.h"
#include "madang/worker.h"

/* One piece of file work on a pool thread. */
struct file_io {
    int fd, error;
    const char *path;
    struct text from;
};

static void io_open(void *arg)
{
    struct file_io *io = arg;

    io->fd = open(io->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (io->fd < 0)
        io->error = errno;
    else if (!spool_claim(io->fd))
        io->error = EAGAIN;
}

static void io_write(void *arg)
{
    struct file_io *io = arg;
    size_t done = 0;

    while (done < io->from.len && !io->error) {
        ssize_t n = write(io->fd, io->from.at + done, io->from.len - done);

        if (n > 0)
            done += (size_t)n;
        else if (n < 0 && errno != EINTR)
            io->error = errno;
    }
}

static problem run_io(struct call *c, struct file_io *io, void (*run)(void *arg))
{
    problem p = worker_run(c->task, WORKER_FILE, run, io);

    if (FAULT(DISK_FULL))
        io->error = ENOSPC;
    if (!p && io->error) {
        log_error("files", "%s: %s", io->path, strerror(io->error));
        return storage_problem(io->error);
    }
    return p;
}

/* What an upload has in the spool. The spool file's descriptor is its lock: it goes last. */
struct upload {
    struct image_work image;
    struct file_io spool;
};

static void upload_drop(void *arg)
{
    struct upload *u = arg;

    if (u->spool.fd < 0)
        return;
    unlink(u->image.clean);
    unlink(u->image.thumbnail);
    unlink(u->image.from);
    close(u->spool.fd);
    u->spool.fd = -1;
}

/* The body into the spool file as it comes, never held whole; its first bytes tell what it is. */
static problem spool(struct call *c, struct upload *u)
{
    struct text piece;
    size_t total = 0;
    char head[16];
    problem p = run_io(c, &u->spool, io_open);

    while (!p && !(p = exchange_body_next(c, &piece)) && piece.len) {
        if (total < sizeof head)
            memcpy(head + total, piece.at, piece.len < sizeof head - total ? piece.len : sizeof head - total);
        total += piece.len;
        if (total >= sizeof head && !u->image.type && !(u->image.type = image_type((struct text){ head, sizeof head })))
            return PROBLEM(FILE_TYPE); /* told before the rest is read */
        u->spool.from = piece;
        p = run_io(c, &u->spool, io_write);
    }
    if (p)
        return p;
    return total == 0 ? PROBLEM(FILE_EMPTY) : u->image.type ? NULL : PROBLEM(FILE_TYPE);
}

static problem clean(struct call *c, struct image_work *w)
{
    problem p = worker_run(c->task, WORKER_IMAGE, image_run, w);

    if (!p && w->error)
        log_error("files", "a copy of %s: %s", w->from, strerror(w->error));
    return p ? p : w->failed;
}

/* The row first: whatever happens then, the sweep finds what nobody names. */
static problem keep(struct call *c, const struct image_work *w, struct file_row *f)
{
    struct text thumb_key = arena_printf(c->arena, "%.*s.t", TEXT_ARG(f->key));
    problem p = file_add(c, f, &f->id);

    if (p)
        return p;
    if (!(p = object_put(c, f->key, w->clean, f->type)) && !(p = object_put(c, thumb_key, w->thumbnail, T("image/webp"))))
        return NULL;
    if (file_drop(c, f->id))
        log_warn("files", "file %lld has no object and waits for its sweep", (long long)f->id);
    return p;
}

static problem take_picture(struct call *c, struct upload *u, struct file_row *f)
{
    problem p;

    if ((p = spool(c, u)) || (p = clean(c, &u->image)))
        return p;
    f->type = text_of(u->image.type);
    f->size = u->image.size;
    f->width = u->image.width;
    f->height = u->image.height;
    return keep(c, &u->image, f);
}

problem file_upload(struct call *c)
{
    struct text name = arena_printf(c->arena, "%s/spool/%s", config->files_folder.at, random_token(c->arena, 12).at);
    struct upload *u = arena_new(c->arena, struct upload);
    struct file_row f = { .key = random_token(c->arena, 18) };
    struct file_info out;
    problem p, dropped;

    u->spool = (struct file_io){ .fd = -1, .path = name.at };
    u->image = (struct image_work){ .from = name.at,
                                    .pixels_max = config->files_image_pixels,
                                    .clean = arena_printf(c->arena, "%s.clean", name.at).at,
                                    .thumbnail = arena_printf(c->arena, "%s.thumb.webp", name.at).at };
    arena_defer(c->arena, upload_drop, u);
    p = take_picture(c, u, &f);
    dropped = worker_run(c->task, WORKER_FILE, upload_drop, u); /* else with the call's memory */
    if (p || dropped == PROBLEM(CANCELLED))
        return p ? p : dropped;
    out = (struct file_info){ f.id, f.size, f.width, f.height, f.type, file_url(c, f.id, false), file_url(c, f.id, true) };
    return exchange_reply_shape(c, 201, &file_info_shape, &out);
}

static void private_headers(struct exchange *x)
{
    exchange_header_add(x, "Content-Security-Policy", T("default-src 'none'; sandbox"));
    exchange_header_add(x, "Cross-Origin-Resource-Policy", T("same-origin"));
}

static problem go_to(struct exchange *x, struct text url, struct text etag)
{
    if (etag_matches(exchange_header(x, T("if-none-match")), etag)) {
        private_headers(x);
        exchange_header_add(x, "ETag", etag);
        exchange_begin(x, 304, -1);
        return NULL;
    }
    exchange_cache(x, PRIVATE(60)); /* its address does not hold for longer */
    exchange_header_add(x, "Location", url);
    exchange_begin(x, 302, 0);
    return NULL;
}

problem file_get(struct call *c)
{
    struct exchange *x = c->http;
    bool thumbnail = text_is(exchange_param(x, T("t")), T("1")), found;
    struct object_place place;
    struct file_row f;
    struct text etag;
    int64_t id;
    problem p;

    if (!text_to_i64(exchange_param(x, T("file")), &id) || id < 1)
        return PROBLEM(FILE_NOT_FOUND);
    if (!file_address_ok(c, id))
        return PROBLEM(LINK_EXPIRED);
    if ((p = file_row(c, id, &f, &found)))
        return p;
    if (!found)
        return PROBLEM(FILE_NOT_FOUND);
    if (thumbnail)
        f.key = arena_printf(c->arena, "%.*s.t", TEXT_ARG(f.key));
    etag = arena_printf(c->arena, "\"%.*s\"", TEXT_ARG(f.key));
    if ((p = object_place(c, f.key, thumbnail ? T("image/webp") : f.type, &place)))
        return p;
    if (place.url.len)
        return go_to(x, place.url, etag);
    private_headers(x);
    return exchange_reply_file(
        c, &(struct reply_file){ .path = place.path, .type = thumbnail ? T("image/webp") : f.type, .etag = etag });
}
