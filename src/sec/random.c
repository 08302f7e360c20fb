#include "madang/random.h"

#include <openssl/rand.h>

#include "madang/codec.h"

void random_bytes(void *out, size_t len)
{
    CHECK(len <= INT32_MAX && RAND_bytes(out, (int)len) == 1);
}

struct text random_token(struct arena *a, size_t bytes)
{
    unsigned char raw[64];

    CHECK(bytes <= sizeof raw);
    random_bytes(raw, bytes);
    return base64url_encode(a, raw, bytes);
}

uint32_t random_below(uint32_t bound)
{
    uint32_t value, refuse;

    CHECK(bound > 0);
    refuse = (uint32_t)(0 - bound) % bound; /* what would make the low values likelier */
    do
        random_bytes(&value, sizeof value);
    while (value < refuse);
    return value % bound;
}

int64_t random_jitter(int64_t around)
{
    uint32_t half = (uint32_t)(around / 2);

    return around - around / 4 + (half ? (int64_t)random_below(half) : 0);
}
