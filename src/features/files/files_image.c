#include "files_image.h"

#include <sys/stat.h>
#include <unistd.h>
#include <vips/vips.h>

#define THUMBNAIL_SIDE 320
#define PAGES_MAX 200

static const struct {
    const char *type;
    struct text magic;
    size_t offset;
    const char *save, *loader;
} types[] = {
    { "image/jpeg", TEXT_INIT("\xFF\xD8\xFF"), 0, ".jpg[Q=88,strip]", "VipsForeignLoadJpeg" },
    { "image/png", TEXT_INIT("\x89PNG\r\n\x1A\n"), 0, ".png[strip]", "VipsForeignLoadPng" },
    { "image/gif", TEXT_INIT("GIF8"), 0, ".gif[strip]", "VipsForeignLoadNsgif" },
    { "image/webp", TEXT_INIT("WEBP"), 8, ".webp[Q=85,strip]", "VipsForeignLoadWebp" },
};

static bool matches(size_t i, struct text head)
{
    return head.len >= types[i].offset + types[i].magic.len &&
           text_is((struct text){ head.at + types[i].offset, types[i].magic.len }, types[i].magic);
}

const char *image_type(struct text head)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (matches(i, head) && (types[i].offset == 0 || memcmp(head.at, "RIFF", 4) == 0))
            return types[i].type;
    return NULL;
}

void images_start(void)
{
    CHECK(VIPS_INIT("madangd") == 0);
    vips_block_untrusted_set(TRUE);
    vips_concurrency_set(1);
    vips_cache_set_max(0);
}

static size_t type_index(const char *type)
{
    size_t i = 0;

    while (strcmp(types[i].type, type) != 0)
        CHECK(++i < COUNT_OF(types));
    return i;
}

static bool is_animated(const char *type)
{
    return strcmp(type, "image/gif") == 0 || strcmp(type, "image/webp") == 0;
}

/* The header alone is read here, so a bomb costs nothing. */
static problem open_image(struct image_work *w, VipsImage **out)
{
    const char *loader = vips_foreign_find_load(w->from);
    int64_t pages;
    VipsImage *image;

    if (!loader || strncmp(loader, types[type_index(w->type)].loader, strlen(types[type_index(w->type)].loader)) != 0)
        return PROBLEM(FILE_BROKEN);
    image = vips_image_new_from_file(w->from, "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
    if (!image)
        return PROBLEM(FILE_BROKEN);
    *out = image;
    w->width = vips_image_get_width(image);
    w->height = vips_image_get_height(image);
    pages = is_animated(w->type) ? vips_image_get_n_pages(image) : 1;
    if (pages > PAGES_MAX || w->width * w->height > w->pixels_max / pages)
        return PROBLEM(FILE_PIXELS);
    return NULL;
}

static problem save_clean(struct image_work *w, VipsImage *image)
{
    char target[600];
    VipsImage *turned = NULL, *all = NULL;
    int failed;

    snprintf(target, sizeof target, "%s%s", w->clean, types[type_index(w->type)].save);
    if (is_animated(w->type)) {
        all = vips_image_new_from_file(w->from, "n", -1, NULL);
        failed = !all || vips_image_write_to_file(all, target, NULL);
    } else {
        failed = vips_autorot(image, &turned, NULL) || vips_image_write_to_file(turned, target, NULL);
    }
    if (turned) {
        w->width = vips_image_get_width(turned);
        w->height = vips_image_get_height(turned);
        g_object_unref(turned);
    }
    if (all)
        g_object_unref(all);
    return failed ? PROBLEM(FILE_BROKEN) : NULL;
}

static problem save_thumbnail(struct image_work *w)
{
    VipsImage *small = NULL;
    int failed = vips_thumbnail(w->from, &small, THUMBNAIL_SIDE, "height", THUMBNAIL_SIDE, "size", VIPS_SIZE_DOWN, NULL) ||
                 vips_webpsave(small, w->thumbnail, "Q", 80, "strip", TRUE, NULL);

    if (small)
        g_object_unref(small);
    return failed ? PROBLEM(FILE_BROKEN) : NULL;
}

/* libvips names the file by its format's suffix: it gets the name that was asked for, or goes. */
static problem take_clean(struct image_work *w, problem failed)
{
    const char *suffix = types[type_index(w->type)].save;
    char written[600];
    struct stat st;

    snprintf(written, sizeof written, "%s%.*s", w->clean, (int)strcspn(suffix, "["), suffix);
    if (failed) {
        unlink(written);
        return failed;
    }
    if (rename(written, w->clean) != 0 || stat(w->clean, &st) != 0)
        return PROBLEM(UPSTREAM_FAILED);
    w->size = st.st_size;
    return NULL;
}

void image_run(void *work)
{
    struct image_work *w = work;
    VipsImage *image = NULL;
    problem p = open_image(w, &image);

    if (!p)
        p = save_clean(w, image);
    if (!p)
        p = save_thumbnail(w);
    w->failed = take_clean(w, p);
    if (image)
        g_object_unref(image);
    vips_error_clear(); /* nothing is logged from here: this is no loop thread */
    vips_thread_shutdown();
}
