#include "files_image.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <vips/vips.h>

#include "madang/objects.h"

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
    bool animated = is_animated(w->type);
    int64_t pages;

    if (!loader || strncmp(loader, types[type_index(w->type)].loader, strlen(types[type_index(w->type)].loader)) != 0)
        return PROBLEM(FILE_BROKEN);
    *out = animated ? vips_image_new_from_file(w->from, "n", -1, "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL)
                    : vips_image_new_from_file(w->from, "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
    if (!*out)
        return PROBLEM(FILE_BROKEN);
    w->width = vips_image_get_width(*out);
    w->height = vips_image_get_page_height(*out);
    pages = animated ? vips_image_get_n_pages(*out) : 1;
    if (pages > PAGES_MAX || w->width * w->height > w->pixels_max / pages)
        return PROBLEM(FILE_PIXELS);
    return NULL;
}

/* Each page by itself: they lie one below the other. */
static int turn_pages(VipsImage *in, VipsImage **out)
{
    VipsImage *turned[PAGES_MAX] = { NULL }, *page = NULL;
    int width = vips_image_get_width(in), height = vips_image_get_page_height(in), pages = vips_image_get_height(in) / height;
    int failed = 0, n = 0;

    for (; n < pages && n < PAGES_MAX && !failed; n++) {
        failed = vips_extract_area(in, &page, 0, n * height, width, height, NULL) || vips_autorot(page, &turned[n], NULL);
        g_clear_object(&page);
    }
    failed = failed || vips_arrayjoin(turned, out, n, "across", 1, NULL);
    if (!failed)
        vips_image_set_int(*out, VIPS_META_PAGE_HEIGHT, vips_image_get_height(turned[0]));
    while (n-- > 0)
        g_clear_object(&turned[n]);
    return failed;
}

static int turn_upright(VipsImage *in, VipsImage **out)
{
    bool pages = vips_image_get_page_height(in) < vips_image_get_height(in);

    if (vips_image_get_orientation(in) <= 1)
        return vips_copy(in, out, NULL);
    return pages ? turn_pages(in, out) : vips_autorot(in, out, NULL);
}

/* Nobody sees the profile afterwards, so the numbers have to be sRGB's; four inks are turned into light even without one. A
 * profile that does not fit its picture counts as none. */
static int into_srgb(VipsImage *in, VipsImage **out)
{
    bool inks = vips_image_get_interpretation(in) == VIPS_INTERPRETATION_CMYK;
    int depth = vips_image_get_format(in) == VIPS_FORMAT_USHORT ? 16 : 8;

    if (!inks && vips_image_get_typeof(in, VIPS_META_ICC_NAME) == 0)
        return vips_copy(in, out, NULL);
    if (vips_icc_transform(in, out, "srgb", "embedded", TRUE, "input_profile", inks ? "cmyk" : "srgb", "depth", depth, NULL) == 0)
        return 0;
    return inks ? vips_colourspace(in, out, VIPS_INTERPRETATION_sRGB, NULL) : vips_copy(in, out, NULL);
}

static const char *const kept_of_pages[] = {
    VIPS_META_N_PAGES, VIPS_META_PAGE_HEIGHT, "delay", "loop", "gif-delay", "gif-loop", NULL
};
static const char *const kept_of_one[] = { NULL };

/* Nothing of what is known about the picture but what is `kept`. */
static int make_bare(VipsImage *in, const char *const *kept, VipsImage **out)
{
    char **names;

    if (vips_copy(in, out, NULL))
        return -1;
    names = vips_image_get_fields(*out);
    for (char **name = names; *name; name++)
        if (!g_strv_contains(kept, *name))
            vips_image_remove(*out, *name);
    g_strfreev(names);
    return 0;
}

static int make_clean(VipsImage *in, VipsImage **out)
{
    VipsImage *upright = NULL, *coloured = NULL;
    int failed = turn_upright(in, &upright) || into_srgb(upright, &coloured) || make_bare(coloured, kept_of_pages, out);

    g_clear_object(&upright);
    g_clear_object(&coloured);
    return failed;
}

/* The chunks of a WebP that make the picture. The library adds an EXIF of its own, from which `strip` does not keep it
 * (8.14.1). */
static size_t webp_bare(unsigned char *at, size_t length)
{
    static const char *const kept[] = { "VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF" };
    size_t to = 12;
    guint32 number;

    for (size_t from = 12, size; from + 8 <= length; from += size) {
        bool keep = false;

        memcpy(&number, at + from + 4, 4);
        size = 8 + ((size_t)GUINT32_FROM_LE(number) + 1) / 2 * 2;
        size = size < length - from ? size : length - from;
        for (size_t i = 0; i < COUNT_OF(kept); i++)
            keep = keep || memcmp(at + from, kept[i], 4) == 0;
        if (!keep)
            continue;
        memmove(at + to, at + from, size);
        if (memcmp(at + to, "VP8X", 4) == 0)
            at[to + 8] &= (unsigned char)~(0x20 | 0x08 | 0x04); /* profile, EXIF, XMP */
        to += size;
    }
    number = GUINT32_TO_LE((guint32)(to - 8));
    memcpy(at + 4, &number, 4);
    return to;
}

/* By ourselves, so that a full disk is told from a broken picture. */
static int write_file(const char *path, const char *at, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640), error = fd < 0 ? errno : 0;

    while (!error && length) {
        ssize_t n = write(fd, at, length);

        if (n < 0) {
            error = errno == EINTR ? 0 : errno;
            continue;
        }
        at += n;
        length -= (size_t)n;
    }
    if (fd >= 0 && close(fd) != 0 && !error)
        error = errno;
    return error;
}

static problem save(struct image_work *w, VipsImage *image, const char *path, const char *format, size_t *size)
{
    void *bytes = NULL;

    if (vips_image_write_to_buffer(image, format, &bytes, size, NULL))
        return PROBLEM(FILE_BROKEN);
    if (strncmp(format, ".webp", 5) == 0)
        *size = webp_bare(bytes, *size);
    w->error = write_file(path, bytes, *size);
    g_free(bytes);
    return w->error ? storage_problem(w->error) : NULL;
}

static problem save_clean(struct image_work *w, VipsImage *clean)
{
    size_t size = 0;
    problem p = save(w, clean, w->clean, types[type_index(w->type)].save, &size);

    w->width = vips_image_get_width(clean);
    w->height = vips_image_get_page_height(clean);
    w->size = (int64_t)size;
    return p;
}

/* Of the first page. */
static problem save_thumbnail(struct image_work *w, VipsImage *clean)
{
    VipsImage *page = NULL, *small = NULL, *bare = NULL;
    size_t ignored;
    problem p = PROBLEM(FILE_BROKEN);

    if (vips_extract_area(clean, &page, 0, 0, (int)w->width, (int)w->height, NULL) == 0 &&
        vips_thumbnail_image(page, &small, THUMBNAIL_SIDE, "height", THUMBNAIL_SIDE, "size", VIPS_SIZE_DOWN, NULL) == 0 &&
        make_bare(small, kept_of_one, &bare) == 0)
        p = save(w, bare, w->thumbnail, ".webp[Q=80,strip]", &ignored);
    g_clear_object(&page);
    g_clear_object(&small);
    g_clear_object(&bare);
    return p;
}

/* libvips puts large pictures into files of its own meanwhile. */
static problem judge(struct image_work *w, problem p)
{
    if (p != PROBLEM(FILE_BROKEN) || !strstr(vips_error_buffer(), strerror(ENOSPC)))
        return p;
    w->error = ENOSPC;
    return storage_problem(ENOSPC);
}

void image_run(void *work)
{
    struct image_work *w = work;
    VipsImage *image = NULL, *clean = NULL;
    problem p = open_image(w, &image);

    if (!p && make_clean(image, &clean))
        p = PROBLEM(FILE_BROKEN);
    if (!p)
        p = save_clean(w, clean);
    if (!p)
        p = save_thumbnail(w, clean);
    w->failed = judge(w, p);
    g_clear_object(&image);
    g_clear_object(&clean);
    vips_error_clear(); /* nothing is logged from here: this is no loop thread */
    vips_thread_shutdown();
}
