/* features: files — addresses of private pictures, and attaching them to things. */
#ifndef MADANG_FILES_H
#define MADANG_FILES_H

#include "madang/calls.h"

/* A path of ours, signed for this viewer and good for [files] link_s. Pure: no look-up. */
struct text file_url(struct call *c, int64_t file, bool thumbnail);
/* The same when there is one. */
struct opt_text file_url_maybe(struct call *c, struct opt_i64 file, bool thumbnail);
/* Marks a file of this account as attached; FILE_NOT_FOUND when it is not theirs. */
problem file_attach(struct tx *tx, int64_t account, int64_t file) MUST_USE;
/* What named it does so no more: its objects are removed by a job. */
problem file_release(struct tx *tx, int64_t file) MUST_USE;
problem file_release_loose(struct tx *tx, int64_t account) MUST_USE; /* what this account sent and attached to nothing */

/* Who else may see a picture than whose it is: each feature that shows pictures says so of what is its own. Asked one after the
 * other until one says yes. */
struct file_reader {
    problem (*may)(struct call *c, int64_t file, bool *yes);
    struct file_reader *next;
};
void file_reader_add(struct file_reader *r);

#endif
