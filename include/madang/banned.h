/* base: banned — functions nobody may call here; forced into every file of ours by the compiler's -include. */
#ifndef MADANG_BANNED_H
#define MADANG_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok strtok_r atoi atol atoll atof gets
#pragma GCC poison gmtime localtime ctime asctime mktemp tmpnam

#endif
