/* net: breaker — when an upstream has failed often enough to be left alone for a while. Pure but for the clock it is given. */
#ifndef MADANG_BREAKER_H
#define MADANG_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_FAILURES 5
#define BREAKER_OPEN_MS 10000

struct breaker {
    unsigned failures;
    uint64_t open_until_ms;
    bool probing;
};

/* Whether a request may go; at the end of the pause exactly one may, to try. */
bool breaker_admits(struct breaker *b, uint64_t now_ms);
void breaker_note(struct breaker *b, bool failed, uint64_t now_ms);

#endif
