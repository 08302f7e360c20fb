/* What the programs of the benchmark share: an end with a word, the time, the time that a process has used. */
#ifndef MADANG_BENCH_MEASURE_H
#define MADANG_BENCH_MEASURE_H

#include <dirent.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static inline uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Nanoseconds that a process's threads have run. */
static inline uint64_t cpu_of(const char *pid)
{
    char path[300], line[100];
    uint64_t sum = 0;
    struct dirent *e;
    DIR *d;

    snprintf(path, sizeof path, "/proc/%s/task", pid);
    if (!(d = opendir(path)))
        die("no process %s", pid);
    while ((e = readdir(d)) != NULL) {
        FILE *f;

        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%s/task/%s/schedstat", pid, e->d_name);
        f = fopen(path, "r");
        if (f && fgets(line, sizeof line, f))
            sum += strtoull(line, NULL, 10);
        if (f)
            fclose(f);
    }
    closedir(d);
    return sum;
}

#endif
