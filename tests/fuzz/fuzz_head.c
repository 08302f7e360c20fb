/* The strict head: whatever comes, it answers; and what it accepts keeps its promises. */
#include "wire/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text bytes = { (const char *)data, size };
    struct head_limits limits = { 8192, 100 };
    struct pair fields[100];
    struct head_facts f;
    size_t end = head_end(bytes, 0);
    char *head = end ? must_alloc(end) : NULL;

    if (!end)
        return 0;
    memcpy(head, data, end);
    if (!head_read(head, end, &limits, &f, fields)) {
        CHECK(!(f.chunked && f.has_length) && f.target.len > 0 && f.length >= 0);
        CHECK(f.host.len > 0 || f.http10);
        for (size_t i = 0; i < f.fields; i++)
            CHECK(fields[i].name.len > 0 && fields[i].name.at >= head && fields[i].value.at + fields[i].value.len <= head + end);
    }
    free(head);
    return 0;
}
