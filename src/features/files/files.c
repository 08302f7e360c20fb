/* Files: addresses, links, the removing of what nobody names. */
#include "madang/files.h"

#include "files_http.h"
#include "files_image.h"
#include "files_store.h"
#include "madang/config.h"
#include "madang/objects.h"
#include "madang/seal.h"

#define SWEEP_MS 30000 /* of a job's 50 s */

static struct text signed_part(struct call *c, int64_t file, int64_t account, int64_t expires)
{
    return arena_printf(c->arena, "%lld %lld %lld", (long long)file, (long long)account, (long long)expires);
}

/* The expiry is rounded up, so that the same picture keeps its address, and the browser its cached copy, for some minutes. */
struct text file_url(struct call *c, int64_t file, bool thumbnail)
{
    int64_t step = config->files_link_s / 2 + 1;
    int64_t expires = (clock_wall_seconds() / step + 2) * step + config->files_link_s / 2;
    struct text s = signature(c->arena, "file-address", signed_part(c, file, c->account, expires));

    return arena_printf(c->arena, "/api/v1/files/%lld?a=%lld&e=%lld&s=%.*s%s", (long long)file, (long long)c->account,
                        (long long)expires, TEXT_ARG(s), thumbnail ? "&t=1" : "");
}

struct opt_text file_url_maybe(struct call *c, struct opt_i64 file, bool thumbnail)
{
    if (file.is != PRESENT)
        return (struct opt_text){ NULL_VALUE, T("") };
    return (struct opt_text){ PRESENT, file_url(c, file.value, thumbnail) };
}

bool file_address_ok(struct call *c, int64_t file)
{
    int64_t account, expires;

    return text_to_i64(exchange_param(c->http, T("a")), &account) && text_to_i64(exchange_param(c->http, T("e")), &expires) &&
           expires > clock_wall_seconds() &&
           signature_ok(c->arena, "file-address", signed_part(c, file, account, expires), exchange_param(c->http, T("s")));
}

static struct file_reader *readers;

void file_reader_add(struct file_reader *r)
{
    r->next = readers;
    readers = r;
}

static problem may_read(struct call *c, int64_t file, bool *yes)
{
    int64_t owner;
    bool found;
    problem p = file_owner(c, file, &owner, &found);

    *yes = found && owner == c->account;
    for (struct file_reader *r = readers; r && !p && found && !*yes; r = r->next)
        p = r->may(c, file, yes);
    return p;
}

static problem file_link(struct call *c)
{
    const struct file_ref *in = c->in;
    struct file_link *out = c->out;
    bool may;
    problem p = may_read(c, in->file, &may);

    if (p)
        return p;
    if (!may)
        return PROBLEM(FILE_NOT_FOUND);
    *out = (struct file_link){ file_url(c, in->file, false), file_url(c, in->file, true),
                               instant_after_ms(clock_wall(), config->files_link_s * 1000) };
    return NULL;
}

/* clang-format off */
static const struct call_def calls[] = {
    { .name = "files.upload", .rest = POST("/api/v1/files"), .who = WHO_MEMBER, .raw = file_upload, .out = &file_info_shape,
      .raw_takes = "image/*",
      .raw_type = "application/json", .doors = REST_ONLY, .streams = true, .progress = true,
      .body_limit = BODY_BY(files_image_bytes),
      .cache = NO_STORE,
      .deadline_ms = 120000, .status = 201, .limits = { PER_ACCOUNT(30, MINUTES(1)) },
      .problems = { PROBLEM(FILE_TYPE), PROBLEM(FILE_PIXELS), PROBLEM(FILE_BROKEN), PROBLEM(FILE_EMPTY), PROBLEM(UPSTREAM_FAILED),
                    PROBLEM(UPSTREAM_UNAVAILABLE), PROBLEM(STORAGE_FULL) },
      .says = "Takes a picture as the body; answers when its clean copy and thumbnail are kept." },
    { .name = "files.get", .rest = GET("/api/v1/files/{file}"), .raw = file_get, .raw_type = "image/*",
      .cache = PRIVATE(600), .doors = REST_ONLY, .progress = true,
      .limits = { PER_ADDRESS(600, SECONDS(10)) },
      .problems = { PROBLEM(FILE_NOT_FOUND), PROBLEM(LINK_EXPIRED), PROBLEM(RANGE_NOT_SATISFIABLE), PROBLEM(UPSTREAM_FAILED) },
      .says = "A picture by its signed address." },
    { .name = "files.link", .rest = POST("/api/v1/files/{file}/link"), .who = WHO_MEMBER, .in = &file_ref_shape,
      .out = &file_link_shape,
      .run = file_link, .limits = { PER_ACCOUNT(300, SECONDS(10)) }, .problems = { PROBLEM(FILE_NOT_FOUND) },
      .says = "A fresh address of a picture that I may see." },
};
/* clang-format on */

static problem remove_one(struct call *c, const struct file_row *f)
{
    problem p;

    if ((p = object_delete(c, f->key)) || (p = object_delete(c, arena_printf(c->arena, "%.*s.t", TEXT_ARG(f->key)))))
        return p;
    return file_forget(c, f->id);
}

/* One page of them, in memory of its own. What cannot be removed is left for the next time, and those behind it are gone all the
 * same; a store that does not answer ends it. */
static problem sweep_page(struct task *t, int64_t *after, bool *more, problem *left)
{
    struct loose_rows rows = { .count = 0 };
    struct arena a;
    struct call c;
    problem p;

    arena_init(&a, 4u << 20);
    c = call_of_our_own(t, &a, "files.sweep");
    p = files_loose(&c, *after, &rows);
    for (size_t i = 0; !p && i < rows.count; i++) {
        problem failed = remove_one(&c, &rows.at[i]);

        *after = rows.at[i].id;
        if (failed == PROBLEM(UPSTREAM_FAILED))
            *left = failed;
        else
            p = failed;
    }
    *more = rows.count > 0;
    arena_fini(&a);
    return p;
}

static problem sweep(struct call *c, const void *payload)
{
    uint64_t until = clock_ms() + SWEEP_MS;
    problem p = NULL, left = NULL;
    int64_t after = 0;
    bool more = true;

    (void)payload;
    while (!p && more && clock_ms() < until)
        p = sweep_page(c->task, &after, &more, &left);
    return p ? p : left;
}

static const struct job_def jobs[] = { { .kind = "files.sweep", .run = sweep, .every_s = 60 } };

static void start(void)
{
    readers = NULL; /* who comes behind us adds theirs */
    images_start();
    objects_start();
}

const struct feature files_feature = {
    .name = "files",
    .calls = LIST(calls),
    .jobs = LIST(jobs),
    .statements = TABLES(&files_statements),
    .objects = &files_objects,
    .start = start,
};
