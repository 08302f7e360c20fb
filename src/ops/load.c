#include "madang/load.h"

#include <stdio.h>
#include <sys/stat.h>

bool file_load(struct arena *a, const char *path, size_t max, struct text *out)
{
    FILE *f = fopen(path, "re");
    struct stat st;
    bool ok;

    if (!f)
        return false;
    ok = fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= max;
    if (ok) {
        char *at = arena_alloc(a, (size_t)st.st_size + 1);

        ok = fread(at, 1, (size_t)st.st_size, f) == (size_t)st.st_size;
        *out = (struct text){ at, (size_t)st.st_size };
    }
    fclose(f);
    return ok;
}
