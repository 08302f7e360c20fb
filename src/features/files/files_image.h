/* Pictures: what they are by their bytes, and their clean copies by libvips. Runs on pool threads. */
#ifndef MADANG_FILES_IMAGE_H
#define MADANG_FILES_IMAGE_H

#include "madang/problem.h"

/* The media type by the first bytes (16 are enough); NULL: none of ours. */
const char *image_type(struct text head);

struct image_work {
    const char *from, *clean, *thumbnail; /* paths */
    const char *type;
    int64_t pixels_max, width, height, size; /* size: of the clean copy */
    problem failed;                          /* FILE_BROKEN, FILE_PIXELS; STORAGE_FULL or UPSTREAM_FAILED with … */
    int error;                               /* … what the system said */
};
void image_run(void *work); /* struct image_work */
void images_start(void);

#endif
