#include "backup.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"
#include "data/dump.h"
#include "madang/calls.h"
#include "madang/errand.h"
#include "madang/objects.h"
#include "manifest.h"

#define SAY_MS 2000
#define OBJECT_BYTES (4u << 20) /* of memory, while one is copied */
#define TRIES 5
#define AGAIN_MS 3000
#define AT_ONCE 8     /* a bucket is far away */
#define HOLD_LOOK 500 /* objects between two looks whether they are still held */
#define LOST_TOLD 20
#define MARK_FILE "madang-backup"

struct backup {
    const char *folder;
    struct arena arena;
    int fd; /* of the folder, which is locked by it */
    struct dump dump;
    struct manifest manifest;
    FILE *list;
    time_t run; /* what belongs to this run has this time, and no other; even, for coarse file systems */
    bool keeps_times;
    unsigned long long listed, seen, copied, lost;
    char dump_name[80];
    problem failed;
    struct progress progress;
};

void progress_say(struct progress *p, unsigned long long done, unsigned long long of)
{
    uint64_t now = clock_ms();

    if (now - p->said_ms < SAY_MS && done < of)
        return;
    p->said_ms = now;
    fprintf(stderr, "%s: %llu of %llu\n", p->what, done, of);
}

void several_at_once(struct call *c, const char *name, task_run *work, void *arg)
{
    struct scope s;

    scope_open(&s, c->task);
    for (int i = 0; i < AT_ONCE; i++)
        scope_start(&s, name, work, arg);
    scope_join(&s);
}

static bool told(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
}

const char *backup_path(struct arena *a, const char *folder, const char *file)
{
    return arena_printf(a, "%s/%s", folder, file).at;
}

bool object_key_is_sound(const char *key)
{
    size_t n = strlen(key);

    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)key[i]) && !strchr("-_.", key[i]))
            return false;
    return n > 2 && n < 200 && key[0] != '.' && key[2] != '.';
}

const char *object_path(struct arena *a, const char *folder, const char *key, const char *hash)
{
    return arena_printf(a, "%s/objects/%.2s/%s~%s", folder, key, key + 2, hash).at;
}

/* --- the folder -------------------------------------------------------------------------------------------------------- */
static bool is_empty(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *e;
    bool empty = true;

    while (folder && empty && (e = readdir(folder)) != NULL)
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    if (folder)
        closedir(folder);
    return empty;
}

static void belongs_to_run(struct backup *b, const char *path)
{
    struct timespec times[2] = { { .tv_sec = b->run }, { .tv_sec = b->run } };
    struct stat st;

    if (utimensat(AT_FDCWD, path, times, 0) != 0 || stat(path, &st) != 0 || st.st_mtime != b->run)
        b->keeps_times = false;
}

/* The time of this run: later than that of the one before, which the file that marks the folder has. */
static bool mark_run(struct backup *b, const char *path)
{
    struct stat st;
    int mark;

    b->run = (time_t)(clock_wall_seconds() & ~INT64_C(1));
    if (stat(path, &st) == 0 && st.st_mtime >= b->run)
        b->run = (st.st_mtime | 1) + 1;
    mark = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (mark < 0)
        return told(path);
    close(mark);
    belongs_to_run(b, path);
    return true;
}

/* Nobody else's: things are thrown away in it. */
static bool open_folder(struct backup *b)
{
    const char *path = backup_path(&b->arena, b->folder, MARK_FILE), *objects = backup_path(&b->arena, b->folder, "objects");

    umask(077);
    if ((mkdir(b->folder, 0700) != 0 && errno != EEXIST) || (b->fd = open(b->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return told(b->folder);
    if (access(path, F_OK) != 0 && !is_empty(b->folder)) {
        fprintf(stderr, "%s: has other things in it; name a folder that is empty, new, or a backup\n", b->folder);
        return false;
    }
    if (flock(b->fd, LOCK_EX | LOCK_NB) != 0) {
        fprintf(stderr, "%s: another backup is being written there\n", b->folder);
        return false;
    }
    return mark_run(b, path) && (mkdir(objects, 0700) == 0 || errno == EEXIST || told(objects));
}

/* --- the database ------------------------------------------------------------------------------------------------------ */
static bool put_migration(const char *const *cells, void *arg)
{
    struct backup *b = arg;

    manifest_put(&b->manifest, "migration %s %s", cells[0], cells[1]);
    return true;
}

static bool list_object(const char *const *cells, void *arg)
{
    struct backup *b = arg;

    if (!object_key_is_sound(cells[0])) {
        fprintf(stderr, "a row names an object with a key that is none: %s\n", cells[0]);
        return false;
    }
    b->listed++;
    return fprintf(b->list, "%s %s %s\n", cells[0], cells[1], cells[2]) > 0 || told("objects.list");
}

/* What features that are switched off have is there all the same. */
static bool list_objects(struct backup *b)
{
    const char *path = backup_path(&b->arena, b->folder, "objects.list");
    bool ok = app_features(T(""));

    if (!ok || !(b->list = fopen(path, "w+e")))
        return ok && told(path);
    for (size_t i = 0; ok && i < feature_count; i++)
        ok = !features[i]->objects || dump_rows(&b->dump, features[i]->objects->sql, list_object, b);
    return ok && (fflush(b->list) == 0 || told(path));
}

static bool sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return ok || told(path);
}

static bool write_dump(struct backup *b)
{
    const char *part = backup_path(&b->arena, b->folder, "database.part"), *path;
    struct file_mark mark;

    snprintf(b->dump_name, sizeof b->dump_name, "database-%s.dump", b->dump.stamp);
    path = backup_path(&b->arena, b->folder, b->dump_name);
    if (!dump_write(&b->dump, part) || !sync_file(part) || !file_mark(part, &mark) || (rename(part, path) != 0 && !told(path)))
        return false;
    manifest_put(&b->manifest, "database %s %s %lld", b->dump_name, mark.hash, mark.size);
    fprintf(stderr, "backup: database of %s, %lld bytes\n", b->dump.stamp, mark.size);
    return true;
}

/* The moment is let go as soon as the database is written: objects may take long. */
static bool take_database(struct backup *b)
{
    const char *path = backup_path(&b->arena, b->folder, "manifest.part");

    if (!dump_begin(&b->dump) || !manifest_create(&b->manifest, path))
        return false;
    manifest_put(&b->manifest, "stamp %s", b->dump.stamp);
    manifest_put(&b->manifest, "version %s", MADANG_VERSION);
    return dump_rows(&b->dump, "select name, checksum from migrations order by at, name", put_migration, b) && list_objects(b) &&
           write_dump(b) && dump_let_go(&b->dump);
}

/* --- objects ----------------------------------------------------------------------------------------------------------- */
struct copy {
    FILE *to;
    struct hasher *hasher;
    long long size;
};

static problem copy_piece(struct text piece, void *arg)
{
    struct copy *copy = arg;

    hasher_feed(copy->hasher, piece);
    copy->size += (long long)piece.len;
    return fwrite(piece.at, 1, piece.len, copy->to) == piece.len ? NULL : PROBLEM(STORAGE_FULL);
}

/* By its name, which has the hash: it was whole when it got that. */
static bool find_copy(struct arena *a, const struct backup *b, const char *key, struct file_mark *out)
{
    size_t n = strlen(key + 2);
    struct dirent *e;
    struct stat st;
    bool found = false;
    DIR *folder;

    folder = opendir(arena_printf(a, "%s/objects/%.2s", b->folder, key).at);
    while (folder && !found && (e = readdir(folder)) != NULL) {
        found = strncmp(e->d_name, key + 2, n) == 0 && e->d_name[n] == '~' && strlen(e->d_name + n + 1) == sizeof out->hash - 1 &&
                fstatat(dirfd(folder), e->d_name, &st, 0) == 0;
        if (found) {
            snprintf(out->hash, sizeof out->hash, "%s", e->d_name + n + 1);
            out->size = st.st_size;
        }
    }
    if (folder)
        closedir(folder);
    return found;
}

static problem copy_once(struct call *c, const char *key, const char *part, struct file_mark *out, bool *found)
{
    struct copy copy = { .to = fopen(part, "we") };
    struct digest d;
    problem p;

    if (!copy.to)
        return told(part) ? NULL : PROBLEM(STORAGE_FULL);
    copy.hasher = hasher_new();
    p = object_read(c, text_of(key), copy_piece, &copy, found);
    d = hasher_end(&copy.hasher);
    hash_print(&d, out->hash);
    out->size = copy.size;
    if (!p && (fflush(copy.to) != 0 || fsync(fileno(copy.to)) != 0))
        p = PROBLEM(STORAGE_FULL);
    fclose(copy.to);
    return p;
}

static problem copy_object(struct backup *b, struct call *c, const char *key, struct file_mark *mark, bool *found)
{
    const char *folder = arena_printf(c->arena, "%s/objects/%.2s", b->folder, key).at;
    const char *part = arena_printf(c->arena, "%s/.%s", folder, key + 2).at, *path;
    problem p = PROBLEM(UPSTREAM_UNAVAILABLE);

    mkdir(folder, 0700);
    for (int i = 0; i < TRIES && p == PROBLEM(UPSTREAM_UNAVAILABLE); i++)
        if (i == 0 || !(p = task_sleep(c->task, AGAIN_MS)))
            p = copy_once(c, key, part, mark, found);
    if (p || !*found) {
        unlink(part);
        return p;
    }
    b->copied++;
    path = object_path(c->arena, b->folder, key, mark->hash);
    return rename(part, path) == 0 || told(path) ? NULL : PROBLEM(STORAGE_FULL);
}

static problem take_object(struct backup *b, struct call *c, const char *key, const char *type, bool kept)
{
    struct file_mark mark;
    bool found = find_copy(c->arena, b, key, &mark);
    problem p = found ? NULL : copy_object(b, c, key, &mark, &found);

    if (p)
        fprintf(stderr, "%s: %s\n", key, p->en);
    if (!p && !found && kept && b->lost++ < LOST_TOLD)
        fprintf(stderr, "%s: a row names this object, but it is not in the store\n", key);
    if (p || !found)
        return p;
    belongs_to_run(b, object_path(c->arena, b->folder, key, mark.hash));
    manifest_put(&b->manifest, "object %s %s %lld %s", key, mark.hash, mark.size, type);
    return NULL;
}

/* One after the other of the list, with others that do the same. */
static void take_some(struct task *t, void *arg)
{
    struct backup *b = arg;
    struct manifest_line line;

    while (!b->failed && manifest_next(b->list, &line)) {
        struct arena a;
        struct call one;
        problem p;

        arena_init(&a, OBJECT_BYTES);
        one = call_of_our_own(t, &a, "backup");
        p = take_object(b, &one, line.word[0], line.word[1], strcmp(line.word[2], "t") == 0);
        arena_fini(&a);
        progress_say(&b->progress, ++b->seen, b->listed);
        if (!p && b->seen % HOLD_LOOK == 0 && !dump_still_holds(&b->dump))
            p = PROBLEM(STORE_UNAVAILABLE);
        b->failed = b->failed ? b->failed : p;
    }
}

static problem take_objects(struct call *c, void *arg)
{
    struct backup *b = arg;

    rewind(b->list);
    several_at_once(c, "backup.object", take_some, b);
    return b->failed;
}

/* --- the end ----------------------------------------------------------------------------------------------------------- */
static void prune_folder(const struct backup *b, int objects, const char *name)
{
    int fd = openat(objects, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    struct stat st;

    while (folder && (e = readdir(folder)) != NULL)
        if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && st.st_mtime != b->run)
            unlinkat(fd, e->d_name, 0);
    if (folder)
        closedir(folder);
}

/* What was in it before, and is named no more: pictures that people deleted among them. */
static void prune(const struct backup *b)
{
    int objects = openat(b->fd, "objects", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = objects < 0 || !b->keeps_times ? NULL : fdopendir(objects);
    struct dirent *e;
    DIR *top = opendir(b->folder);

    while (folder && (e = readdir(folder)) != NULL)
        if (e->d_name[0] != '.')
            prune_folder(b, objects, e->d_name);
    while (top && (e = readdir(top)) != NULL)
        if (strncmp(e->d_name, "database", 8) == 0 && strcmp(e->d_name, b->dump_name) != 0)
            unlinkat(b->fd, e->d_name, 0);
    unlinkat(b->fd, "objects.list", 0);
    if (folder)
        closedir(folder);
    else if (objects >= 0)
        close(objects);
    if (top)
        closedir(top);
}

static bool finish(struct backup *b)
{
    if (!dump_still_holds(&b->dump) || !manifest_close(&b->manifest))
        return false;
    if (syncfs(b->fd) != 0 || renameat(b->fd, "manifest.part", b->fd, "manifest") != 0 || fsync(b->fd) != 0)
        return told(b->folder);
    prune(b);
    fprintf(stderr, "backup: of %s, %llu objects, %llu of them copied now%s\n", b->dump.stamp, b->listed, b->copied,
            b->lost ? "; some that rows name are not in the store" : "");
    return true;
}

int backup_command(int count, char **arguments)
{
    struct backup b = {
        .folder = arguments[count - 1], .fd = -1, .keeps_times = true, .progress = { .what = "backup: objects" }
    };
    bool ok;

    if (count != 2)
        return USAGE;
    arena_init(&b.arena, 65536);
    ok = open_folder(&b) && take_database(&b) && !errand_run("backup", ERRAND_ALONE, take_objects, &b) && finish(&b);
    if (!ok)
        fputs("the backup has not ended: begin it again, and it goes on with what it has\n", stderr);
    if (b.list)
        fclose(b.list);
    if (b.manifest.hasher) { /* not closed */
        hasher_free(&b.manifest.hasher);
        fclose(b.manifest.file);
    }
    dump_end(&b.dump);
    arena_fini(&b.arena);
    if (b.fd >= 0)
        close(b.fd);
    return ok ? DONE : FAILED;
}
