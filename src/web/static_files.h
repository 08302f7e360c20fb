/* web: static_files — the single-page application, read into memory at start-up and served with an ETag. */
#ifndef MADANG_STATIC_FILES_H
#define MADANG_STATIC_FILES_H

#include "exchange.h"

struct static_file;
void static_files_start(void);
void static_files_stop(void);
/* The file of this path; for a page of the application, its index. NULL: none. */
const struct static_file *static_file_find(const struct exchange *x);
void static_file_reply(struct exchange *x, const struct static_file *f);

#endif
