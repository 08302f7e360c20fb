/* ops: overload — how near this node is to what it can bear, and what it refuses then.
 *
 * Pressures (loop lag, memory, descriptors, tasks that wait for Postgres) are sampled against a soft and a hard mark each, all
 * settings ([overload]). Past a soft mark the cheap waits or is refused: presence, typing. Past a hard mark every call but the
 * few that cost less than their refusal is answered with 503 and Retry-After, sockets are not accepted, and /readyz says no.
 * Descriptors concern who comes, not who is in: past that mark those alone are refused whose connection is newer.
 * A mark is left when its figure is a tenth below it.
 */
#ifndef MADANG_OVERLOAD_H
#define MADANG_OVERLOAD_H

#include "madang/buf.h"

enum overload { OVERLOAD_NONE, OVERLOAD_SOFT, OVERLOAD_HARD };

struct pressure {
    const char *name;
    int64_t (*measure)(void);
    int64_t (*soft)(void), (*hard)(void); /* as configured now; 0: no mark */
    bool of_connections;                  /* refuses who comes from now on, and nothing of who is in */
    bool slow;                            /* costs a system call or two: once a second instead of every tenth of one */
    int64_t value;
    enum overload is;
    struct pressure *next;
};
/* Before overload_start() or after; lives as long as the process. */
void pressure_add(struct pressure *p);

enum overload overload_now(void);   /* of the pressure that is worst, those of connections apart */
bool overload_of_descriptors(void); /* who comes now is not let in */
bool overload_keeps_free(int fd);   /* one of the last descriptors: they are for the work of those inside */
void overload_start(void);
void overload_stop(void);

#endif
