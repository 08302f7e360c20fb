/* Files that travel inside the binary, each table ended by a NULL name: Lua scripts; migrations, named
 * "feature/0001_what.sql", the platform's first, then in the order of the features. */
#ifndef MADANG_EMBEDDED_H
#define MADANG_EMBEDDED_H

#include "madang/text.h"

struct embedded {
    const char *name;
    struct text text;
};

extern const struct embedded embedded_scripts[], embedded_migrations[];

#endif
