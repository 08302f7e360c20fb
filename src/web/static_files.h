/* web: static_files — the single-page application, read into memory at start-up and served with an ETag. */
#ifndef MADANG_STATIC_FILES_H
#define MADANG_STATIC_FILES_H

#include "wire/exchange.h"

struct static_file;
void static_files_start(void);
void static_files_stop(void);
const struct static_file *static_file_find(const struct exchange *x); /* of exactly this path; NULL: none */
/* The application's index, for a path that is one of its pages: no file's name, and not the API's. */
const struct static_file *static_page_find(const struct exchange *x);
void static_file_reply(struct exchange *x, const struct static_file *f);

#endif
