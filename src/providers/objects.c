#include "madang/objects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "madang/config.h"
#include "madang/log.h"
#include "object_providers.h"

static bool is_s3(void)
{
    return text_is(config->files_provider, T("s3"));
}

problem object_put(struct call *c, struct text key, const char *path, struct text type)
{
    return is_s3() ? s3_put(c, key, path, type) : disk_put(c, key, path);
}

problem object_delete(struct call *c, struct text key)
{
    return is_s3() ? s3_delete(c, key) : disk_delete(c, key);
}

problem object_read(struct call *c, struct text key, object_take *take, void *arg, bool *found)
{
    *found = false;
    return is_s3() ? s3_read(c, key, take, arg, found) : disk_read(c, key, take, arg, found);
}

problem object_place(struct call *c, struct text key, struct text type, struct object_place *out)
{
    *out = (struct object_place){ .path = NULL };
    return is_s3() ? s3_place(c, key, type, out) : disk_place(c, key, out);
}

problem storage_problem(int error)
{
    return error == ENOSPC || error == EDQUOT ? PROBLEM(STORAGE_FULL) : PROBLEM(UPSTREAM_FAILED);
}

bool spool_claim(int fd)
{
    struct stat st;

    return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0;
}

/* Whether a living process, another node in the same folder or the one we follow, still holds the upload that a file belongs to:
 * "name", "name.clean" and "name.thumb.webp" are one. */
static bool is_held(int folder, const char *file)
{
    char name[NAME_MAX + 1];
    bool held;
    int fd;

    snprintf(name, sizeof name, "%.*s", (int)strcspn(file, "."), file);
    fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    held = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    return held;
}

static void sweep_spool(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *e;
    size_t gone = 0;

    while (folder && (e = readdir(folder)) != NULL)
        if (e->d_name[0] != '.' && !is_held(dirfd(folder), e->d_name) && unlinkat(dirfd(folder), e->d_name, 0) == 0)
            gone++;
    if (folder)
        closedir(folder);
    if (gone)
        log_info("files", "%zu files of uploads that were cut off are removed", gone);
}

void objects_start(void)
{
    const char *spool;
    struct arena a;

    arena_init(&a, 4096);
    spool = arena_printf(&a, "%s/spool", config->files_folder.at).at;
    if (mkdir(config->files_folder.at, 0750) != 0)
        log_debug("files", "%s is there", config->files_folder.at);
    mkdir(spool, 0750);
    sweep_spool(spool);
    arena_fini(&a);
}
