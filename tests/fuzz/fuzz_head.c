/* The strict head: whatever comes, it answers; and what it accepts keeps its promises. */
#include "web/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text bytes = { (const char *)data, size };
    struct head_limits limits = { 8192, 100 };
    struct head_facts f;
    size_t end = head_end(bytes, 0);

    if (!end || head_check(text_until(bytes, end), &limits, &f))
        return 0;
    CHECK(!(f.chunked && f.has_length) && f.target.len > 0 && f.length >= 0);
    CHECK(f.host.len > 0 || f.http10);
    return 0;
}
