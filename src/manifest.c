#include "manifest.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "madang/buf.h"

#define FORMAT "madang-backup 1"
#define PIECE 65536

void hash_print(const struct digest *d, char out[static 2 * DIGEST_SIZE + 1])
{
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        snprintf(out + 2 * i, 3, "%02x", d->bytes[i]);
}

static bool told(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    return false;
}

bool manifest_create(struct manifest *m, const char *path)
{
    *m = (struct manifest){ .file = fopen(path, "we") };
    if (!m->file)
        return told(path, strerror(errno));
    m->hasher = hasher_new();
    manifest_put(m, FORMAT);
    return true;
}

void manifest_put(struct manifest *m, const char *format, ...)
{
    struct buf line;
    va_list args;

    buf_init(&line, MANIFEST_LINE - 1);
    va_start(args, format);
    buf_vprintf(&line, format, args);
    va_end(args);
    buf_put_char(&line, '\n');
    hasher_feed(m->hasher, buf_text(&line));
    m->failed = m->failed || line.over || fwrite(line.at, 1, line.len, m->file) != line.len;
    buf_fini(&line);
}

bool manifest_close(struct manifest *m)
{
    char hash[2 * DIGEST_SIZE + 1];
    struct digest d = hasher_end(&m->hasher);

    hash_print(&d, hash);
    m->failed = m->failed || fprintf(m->file, "end %s\n", hash) < 0 || fflush(m->file) != 0 || fsync(fileno(m->file)) != 0;
    m->failed = fclose(m->file) != 0 || m->failed;
    return !m->failed || told("manifest", strerror(errno));
}

static bool is_whole(FILE *f)
{
    struct hasher *h = hasher_new();
    char line[MANIFEST_LINE], hash[2 * DIGEST_SIZE + 1];
    bool ended = false;
    struct digest d;

    while (!ended && fgets(line, sizeof line, f)) {
        ended = text_starts(text_of(line), T("end "));
        if (!ended)
            hasher_feed(h, text_of(line));
    }
    d = hasher_end(&h);
    hash_print(&d, hash);
    return ended && strncmp(line + 4, hash, sizeof hash - 1) == 0 && line[4 + sizeof hash - 1] == '\n' && fgetc(f) == EOF;
}

FILE *manifest_open(const char *path)
{
    FILE *f = fopen(path, "re");
    struct manifest_line first;

    if (!f) {
        told(path,
             errno == ENOENT ? "is not there: this is no backup, or one that has not ended (begin it again)" : strerror(errno));
        return NULL;
    }
    if (!is_whole(f))
        told(path, "is damaged");
    else {
        rewind(f);
        if (manifest_next(f, &first) && strcmp(first.word[0], "madang-backup") == 0 && strcmp(first.word[1], "1") == 0)
            return f;
        told(path, "has a form that this version does not know");
    }
    fclose(f);
    return NULL;
}

bool manifest_next(FILE *f, struct manifest_line *out)
{
    struct text rest;

    if (!fgets(out->memory, sizeof out->memory, f))
        return false;
    out->memory[strcspn(out->memory, "\n")] = '\0';
    rest = text_of(out->memory);
    for (size_t i = 0; i < MANIFEST_WORDS; i++) {
        struct text word = text_cut(rest, ' ', &rest);

        out->word[i] = word.len ? word.at : "";
        if (word.len)
            out->memory[word.at - out->memory + (ptrdiff_t)word.len] = '\0';
    }
    return strcmp(out->word[0], "end") != 0;
}

bool file_mark(const char *path, struct file_mark *out)
{
    FILE *f = fopen(path, "re");
    struct hasher *h;
    struct digest d;
    char piece[2048];
    size_t n;
    bool ok;

    out->size = 0;
    if (!f)
        return told(path, strerror(errno));
    setvbuf(f, NULL, _IOFBF, PIECE);
    h = hasher_new();
    while ((n = fread(piece, 1, sizeof piece, f)) > 0) {
        hasher_feed(h, (struct text){ piece, n });
        out->size += (long long)n;
    }
    ok = !ferror(f) || told(path, strerror(errno));
    d = hasher_end(&h);
    hash_print(&d, out->hash);
    fclose(f);
    return ok;
}
