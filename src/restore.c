#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup.h"
#include "data/dump.h"
#include "data/migrate.h"
#include "madang/calls.h"
#include "madang/config.h"
#include "madang/errand.h"
#include "madang/objects.h"
#include "manifest.h"

#define PIECE 65536
#define OBJECT_BYTES (4u << 20)
#define TRIES 5
#define AGAIN_MS 3000

struct restore {
    const char *folder;
    struct arena arena;
    FILE *manifest;
    char stamp[40], version[40];
    const char *database; /* its file */
    struct file_mark dump_mark;
    unsigned long long objects, done, sent;
    problem failed;
    bool sound; /* what was read so far */
    struct progress progress;
};

static bool wrong(struct restore *r, const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    r->sound = false;
    return false;
}

/* --- what it consists of ------------------------------------------------------------------------------------------------ */
static bool read_line(struct restore *r, const struct manifest_line *l)
{
    const char *const *w = l->word;

    if (strcmp(w[0], "stamp") == 0)
        snprintf(r->stamp, sizeof r->stamp, "%s", w[1]);
    else if (strcmp(w[0], "version") == 0)
        snprintf(r->version, sizeof r->version, "%s", w[1]);
    else if (strcmp(w[0], "migration") == 0)
        return migration_is_known(text_of(w[1]), text_of(w[2])) ||
               wrong(r, w[1], "this version does not have it: the backup is of a later one, or of one with other features");
    else if (strcmp(w[0], "database") == 0) {
        snprintf(r->dump_mark.hash, sizeof r->dump_mark.hash, "%s", w[2]);
        r->database = backup_path(&r->arena, r->folder, w[1]);
        return !strchr(w[1], '/') || wrong(r, w[1], "is no file of the backup");
    } else if (strcmp(w[0], "object") == 0) {
        r->objects++;
        return object_key_is_sound(w[1]) || wrong(r, w[1], "is no key");
    }
    return true;
}

static bool read_manifest(struct restore *r)
{
    const char *path = backup_path(&r->arena, r->folder, "manifest");
    struct manifest_line line;
    struct instant at;

    if (!(r->manifest = manifest_open(path)))
        return false;
    r->sound = true;
    while (manifest_next(r->manifest, &line))
        if (!read_line(r, &line))
            r->sound = false;
    if (!r->sound)
        return false;
    if (!instant_parse(text_of(r->stamp), &at) || !r->database)
        return wrong(r, path, "lacks something");
    fprintf(stderr, "restore: of %s, made by version %s, %llu objects\n", r->stamp, r->version, r->objects);
    return true;
}

/* Begins at the first object again. */
static bool next_object(struct restore *r, struct manifest_line *l)
{
    while (manifest_next(r->manifest, l))
        if (strcmp(l->word[0], "object") == 0)
            return true;
    return false;
}

static void check_file(struct restore *r, const char *path, const char *hash)
{
    struct file_mark mark;

    if (!file_mark(path, &mark))
        r->sound = false;
    else if (strcmp(mark.hash, hash) != 0)
        wrong(r, path, "is damaged");
}

/* Every byte of it, before anything is touched. */
static bool check_all(struct restore *r)
{
    struct progress progress = { .what = "restore: checked" };
    struct manifest_line line;
    unsigned long long n = 0;
    struct arena a;

    arena_init(&a, 65536);
    check_file(r, r->database, r->dump_mark.hash);
    rewind(r->manifest);
    while (next_object(r, &line)) {
        check_file(r, object_path(&a, r->folder, line.word[1], line.word[2]), line.word[2]);
        arena_reset(&a);
        progress_say(&progress, ++n, r->objects);
    }
    arena_fini(&a);
    return r->sound;
}

/* --- objects ----------------------------------------------------------------------------------------------------------- */
static problem hash_piece(struct text piece, void *arg)
{
    hasher_feed(arg, piece);
    return NULL;
}

/* Whether the store has it, and whole. */
static problem is_there(struct call *c, const char *key, const char *hash, bool *yes)
{
    struct hasher *h = hasher_new();
    char is[2 * DIGEST_SIZE + 1];
    struct digest d;
    problem p = object_read(c, text_of(key), hash_piece, h, yes);

    d = hasher_end(&h);
    hash_print(&d, is);
    *yes = *yes && strcmp(is, hash) == 0;
    return p;
}

static bool copy_file(struct arena *a, const char *from, FILE *to)
{
    FILE *f = fopen(from, "re");
    char *piece = arena_alloc(a, PIECE);
    size_t n;
    bool ok = f != NULL;

    while (ok && (n = fread(piece, 1, PIECE, f)) > 0)
        ok = fwrite(piece, 1, n, to) == n;
    ok = ok && !ferror(f) && fflush(to) == 0;
    if (f)
        fclose(f);
    return ok;
}

/* By way of the spool, from where the store takes it. */
static problem send_file(struct call *c, const char *from, const char *key, const char *type)
{
    const char *spool = arena_printf(c->arena, "%s/spool/restore-%s", config->files_folder.at, key).at;
    FILE *to = fopen(spool, "we");
    problem p;

    if (to && spool_claim(fileno(to)) && copy_file(c->arena, from, to))
        p = object_put(c, text_of(key), spool, text_of(type));
    else {
        fprintf(stderr, "%s: %s\n", spool, strerror(errno));
        p = PROBLEM(STORAGE_FULL);
    }
    if (to)
        fclose(to);
    return p;
}

static problem put_object(struct restore *r, struct call *c, const struct manifest_line *l)
{
    const char *path = object_path(c->arena, r->folder, l->word[1], l->word[2]);
    problem p = PROBLEM(UPSTREAM_UNAVAILABLE);
    bool there = false;

    for (int i = 0; i < TRIES && p == PROBLEM(UPSTREAM_UNAVAILABLE); i++)
        if ((i == 0 || !(p = task_sleep(c->task, AGAIN_MS))) && !(p = is_there(c, l->word[1], l->word[2], &there)) && !there)
            p = send_file(c, path, l->word[1], l->word[4]);
    r->sent += !there && !p;
    return p;
}

static void put_some(struct task *t, void *arg)
{
    struct restore *r = arg;
    struct manifest_line line;

    while (!r->failed && next_object(r, &line)) {
        struct arena a;
        struct call one;
        problem p;

        arena_init(&a, OBJECT_BYTES);
        one = call_of_our_own(t, &a, "restore");
        p = put_object(r, &one, &line);
        arena_fini(&a);
        if (p)
            fprintf(stderr, "%s: %s\n", line.word[1], p->en);
        r->failed = r->failed ? r->failed : p;
        progress_say(&r->progress, ++r->done, r->objects);
    }
}

static problem put_objects(struct call *c, void *arg)
{
    struct restore *r = arg;

    objects_start();
    rewind(r->manifest);
    several_at_once(c, "restore.object", put_some, r);
    return r->failed;
}

/* --- the whole --------------------------------------------------------------------------------------------------------- */
static bool make_way(struct dump *d, enum dump_target *target, bool replace)
{
    if (*target != TARGET_OTHER)
        return true;
    if (!replace) {
        fputs("the database is not empty: name an empty one, or say --replace to throw away what is in it\n", stderr);
        return false;
    }
    *target = TARGET_EMPTY;
    return dump_empty(d);
}

/* The database last, and at once: until then there is nothing that a node could start on. */
static bool restore_all(struct restore *r, bool replace)
{
    enum dump_target target;
    struct dump d;
    bool ok = dump_into(&d, r->stamp, &target) && (target != TARGET_OTHER || replace || make_way(&d, &target, false)) &&
              check_all(r) && make_way(&d, &target, replace) && dump_mark(&d, r->stamp) &&
              !errand_run("restore", ERRAND_ALONE, put_objects, r) && (target == TARGET_FILLED || dump_read(&d, r->database)) &&
              dump_finish(&d);

    dump_end(&d);
    return ok;
}

int restore_command(int count, char **arguments)
{
    bool replace = count == 3 && strcmp(arguments[2], "--replace") == 0,
         check = count == 3 && strcmp(arguments[2], "--check") == 0, ok;
    struct restore r = { .folder = arguments[count > 1], .progress = { .what = "restore: objects" } };

    if (count != 2 && !replace && !check)
        return USAGE;
    arena_init(&r.arena, 65536);
    ok = read_manifest(&r) && (check ? check_all(&r) : restore_all(&r, replace));
    if (r.manifest)
        fclose(r.manifest);
    arena_fini(&r.arena);
    if (!ok)
        fputs(check ? "this backup cannot be restored\n" : "nothing is restored, or not all of it\n", stderr);
    else if (check)
        fputs("restore: the backup is whole\n", stderr);
    else
        fprintf(stderr, "restore: done, %llu objects sent. Empty Redis before nodes start: what it has is of later\n", r.sent);
    return ok ? DONE : FAILED;
}
