/* Files that travel inside the binary: Lua scripts and migrations, each table ended by a NULL name, sorted by name. */
#ifndef MADANG_EMBEDDED_H
#define MADANG_EMBEDDED_H

#include "madang/text.h"

struct embedded {
    const char *name;
    struct text text;
};

extern const struct embedded embedded_scripts[], embedded_migrations[];

#endif
