/* The raw exchanges of the files feature. */
#ifndef MADANG_FILES_HTTP_H
#define MADANG_FILES_HTTP_H

#include "madang/calls.h"

problem file_upload(struct call *c) MUST_USE;
problem file_get(struct call *c) MUST_USE;
bool file_address_ok(struct call *c, int64_t file); /* its signature and expiry */

#endif
