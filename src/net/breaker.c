#include "breaker.h"

bool breaker_admits(struct breaker *b, uint64_t now_ms)
{
    if (b->failures < BREAKER_FAILURES)
        return true;
    if (now_ms < b->open_until_ms || b->probing)
        return false;
    b->probing = true;
    return true;
}

void breaker_note(struct breaker *b, bool failed, uint64_t now_ms)
{
    b->probing = false;
    if (!failed) {
        b->failures = 0;
        return;
    }
    if (b->failures < BREAKER_FAILURES)
        b->failures++;
    if (b->failures >= BREAKER_FAILURES)
        b->open_until_ms = now_ms + BREAKER_OPEN_MS;
}
