#include "madang/objects.h"

#include <sys/stat.h>

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

problem object_place(struct call *c, struct text key, struct text type, struct object_place *out)
{
    *out = (struct object_place){ .path = NULL };
    return is_s3() ? s3_place(c, key, type, out) : disk_place(c, key, out);
}

/* The folder of the store and of uploads on their way. */
void objects_start(void)
{
    struct arena a;

    arena_init(&a, 4096);
    if (mkdir(config->files_folder.at, 0750) != 0)
        log_debug("files", "%s is there", config->files_folder.at);
    mkdir(arena_printf(&a, "%s/spool", config->files_folder.at).at, 0750);
    arena_fini(&a);
}
