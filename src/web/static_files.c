#include "static_files.h"

#include <dirent.h>

#include "madang/config.h"
#include "madang/load.h"
#include "madang/log.h"
#include "madang/map.h"

#define FILE_BYTES_MAX (8u << 20)
#define TOTAL_BYTES_MAX (64u << 20)
#define DEPTH_MAX 6

struct static_file {
    struct map_node node;
    char *path; /* "/app.js" */
    struct constant *body;
    bool is_page;
};

static struct map files;
static struct arena memory;
static size_t total; /* bytes of all */
static bool started;

static const struct {
    const char *suffix, *type;
} types[] = {
    { ".html", "text/html; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".svg", "image/svg+xml" },
    { ".json", "application/json" },
    { ".png", "image/png" },
    { ".ico", "image/x-icon" },
    { ".webmanifest", "application/manifest+json" },
    { ".ts", "text/plain; charset=utf-8" },
    { ".woff2", "font/woff2" },
};

static const char *type_of(struct text path)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (text_ends(path, text_of(types[i].suffix)))
            return types[i].type;
    return NULL;
}

static size_t room(void)
{
    size_t left = TOTAL_BYTES_MAX - total;

    return left < FILE_BYTES_MAX ? left : FILE_BYTES_MAX;
}

static void add_file(const char *from, const char *path)
{
    const char *type = type_of(text_of(path));
    struct static_file *f;
    struct arena file;
    struct text bytes;

    if (!type)
        return;
    arena_init(&file, FILE_BYTES_MAX + 65536);
    if (file_load(&file, from, room(), &bytes)) {
        total += bytes.len;
        f = arena_new(&memory, struct static_file);
        f->body = constant_new(type, bytes);
        f->is_page = text_starts(text_of(type), T("text/html"));
        f->path = (char *)(uintptr_t)arena_cstr(&memory, text_of(path));
        map_add(&files, &f->node, text_of(f->path));
    } else {
        log_warn("static", "%s cannot be read or is too large", from);
    }
    arena_fini(&file);
}

static void add_folder(const char *from, const char *path, int depth)
{
    DIR *folder = opendir(from);
    struct dirent *e;

    while (folder && depth < DEPTH_MAX && (e = readdir(folder)) != NULL) {
        const char *inner_from, *inner_path;
        struct stat st;

        if (e->d_name[0] == '.' || strcmp(e->d_name, "node_modules") == 0)
            continue;
        inner_from = arena_printf(&memory, "%s/%s", from, e->d_name).at;
        inner_path = arena_printf(&memory, "%s/%s", path, e->d_name).at;
        if (stat(inner_from, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode))
            add_folder(inner_from, inner_path, depth + 1);
        else if (S_ISREG(st.st_mode))
            add_file(inner_from, inner_path);
    }
    if (folder)
        closedir(folder);
}

void static_files_start(void)
{
    started = config->http_web_root.len > 0;
    if (!started)
        return;
    total = 0;
    arena_init(&memory, TOTAL_BYTES_MAX);
    add_folder(config->http_web_root.at, "", 0);
    log_info("static", "%zu files of %s", files.count, config->http_web_root.at);
}

void static_files_stop(void)
{
    for (struct map_node *n = map_next(&files, NULL); n; n = map_next(&files, n))
        constant_free(&CONTAINER_OF(n, struct static_file, node)->body);
    map_fini(&files);
    if (started)
        arena_fini(&memory);
}

static const struct static_file *find(struct text path)
{
    struct map_node *n = map_find(&files, path);

    return n ? CONTAINER_OF(n, struct static_file, node) : NULL;
}

const struct static_file *static_file_find(const struct exchange *x)
{
    return find(x->path);
}

const struct static_file *static_page_find(const struct exchange *x)
{
    if (text_starts(x->path, T("/api/")) || text_is(x->path, T("/api")))
        return NULL;
    return text_find(x->path, '.') < 0 && text_starts(x->path, T("/")) ? find(T("/index.html")) : NULL;
}

void static_file_reply(struct exchange *x, const struct static_file *f)
{
    if (f->is_page)
        exchange_page_headers(x);
    exchange_header_add(x, "Cross-Origin-Resource-Policy", T("same-origin"));
    exchange_reply_constant(x, f->body);
}
