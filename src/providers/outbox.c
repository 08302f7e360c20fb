/* Letters as files in a folder, for development: the admin listener shows them. */
#include <errno.h>
#include <sys/stat.h>

#include "madang/config.h"
#include "madang/log.h"
#include "madang/random.h"
#include "madang/worker.h"
#include "mail_providers.h"

struct outbox_entry {
    struct text to, subject, body;
    struct instant at;
};
static const struct field entry_fields[] = {
    FIELD(struct outbox_entry, to),
    FIELD(struct outbox_entry, subject),
    FIELD(struct outbox_entry, body),
    FIELD(struct outbox_entry, at),
};
static const struct shape entry_shape = SHAPE("OutboxEntry", struct outbox_entry, entry_fields);

struct writing {
    const char *folder, *path, *temporary;
    struct text json;
    int error;
};

/* On a pool thread. Renamed when whole, so that a reader never sees half a letter. */
static void write_entry(void *arg)
{
    struct writing *w = arg;
    FILE *f;

    if (mkdir(w->folder, 0755) != 0 && errno != EEXIST) {
        w->error = errno;
        return;
    }
    f = fopen(w->temporary, "wxe");
    if (!f || fwrite(w->json.at, 1, w->json.len, f) != w->json.len)
        w->error = errno;
    if (f && fclose(f) != 0)
        w->error = errno;
    if (!w->error && rename(w->temporary, w->path) != 0)
        w->error = errno;
}

problem outbox_deliver(struct call *c, const struct mail *m)
{
    struct outbox_entry entry = { m->to, m->subject, m->body, clock_wall() };
    struct text name = arena_printf(c->arena, "%.*s/%lld-%s", TEXT_ARG(config->mail_outbox), (long long)entry.at.us,
                                    random_token(c->arena, 6).at);
    struct writing w = { .folder = config->mail_outbox.at,
                         .path = arena_printf(c->arena, "%s.json", name.at).at,
                         .temporary = arena_printf(c->arena, "%s.part", name.at).at,
                         .json = shape_text(&entry_shape, &entry, c->arena) };
    problem p = arena_is_over(c->arena) ? PROBLEM(OVERLOADED) : worker_run(c->task, WORKER_FILE, write_entry, &w);

    if (!p && w.error) {
        log_error("mail", "outbox %s: error %d", w.path, w.error);
        return PROBLEM(UPSTREAM_FAILED);
    }
    return p;
}
