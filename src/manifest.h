/* app: manifest — what a backup consists of: the file that is written last and read first.
 *
 * Lines of words; the last line has the hash of all before it, so that one that is cut or changed is known.
 *   madang-backup 1
 *   stamp INSTANT, version VERSION, migration NAME CHECKSUM, database FILE HASH BYTES, object KEY HASH BYTES TYPE
 *   end HASH
 */
#ifndef MADANG_MANIFEST_H
#define MADANG_MANIFEST_H

#include <stdio.h>

#include "madang/seal.h"

#define MANIFEST_WORDS 5
#define MANIFEST_LINE 600

struct manifest {
    FILE *file;
    struct hasher *hasher;
    bool failed;
};
bool manifest_create(struct manifest *m, const char *path) MUST_USE;
void manifest_put(struct manifest *m, const char *format, ...) PRINTF_LIKE(2, 3); /* a line */
bool manifest_close(struct manifest *m) MUST_USE;                                 /* whole, and on the disk; else told */

/* Open for reading, at its first line, after the hash was checked; NULL, and told. */
FILE *manifest_open(const char *path);
struct manifest_line {
    char memory[MANIFEST_LINE];
    const char *word[MANIFEST_WORDS]; /* "" where there are no more */
};
bool manifest_next(FILE *f, struct manifest_line *out); /* false: there are no more */

/* Of a file: its hash in hex and its size. False, and told: it cannot be read. */
struct file_mark {
    char hash[2 * DIGEST_SIZE + 1];
    long long size;
};
bool file_mark(const char *path, struct file_mark *out) MUST_USE;
void hash_print(const struct digest *d, char out[static 2 * DIGEST_SIZE + 1]);

#endif
