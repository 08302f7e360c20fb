#include "madang/check.h"

#include <unistd.h>

#define SMALL 1024

void check_failed(const char *file, int line, const char *expression)
{
    char message[512];
    int length = snprintf(message, sizeof message, "madangd: bug at %s:%d: %s\n", file, line, expression);

    if (length > 0 && write(STDERR_FILENO, message, (size_t)length) < 0)
        abort();
    abort();
}

/* Not inlined: the compiler would see a calloc in what must_zalloc() does. */
__attribute__((noinline)) void *must_alloc(unsigned long size)
{
    void *memory = malloc(size ? size : 1);

    CHECK(memory != NULL);
    return memory;
}

void *must_zalloc(unsigned long size)
{
    void *memory;

    if (size <= SMALL) /* what malloc keeps at hand for the thread, calloc (glibc's, at least) does not look at */
        return memset(must_alloc(size), 0, size);
    memory = calloc(1, size);
    CHECK(memory != NULL);
    return memory;
}

void *must_realloc(void *old, unsigned long size)
{
    void *memory = realloc(old, size ? size : 1);

    CHECK(memory != NULL);
    return memory;
}

char *must_strdup(const char *string)
{
    size_t size = strlen(string) + 1;

    return memcpy(must_alloc(size), string, size);
}
