/* Server-sent events: cut anywhere, the same events come out as when they are fed whole. */
#include "madang/arena.h"
#include "providers/sse.h"

#define EVENT_MAX 4096

static void note(void *arg, struct text name, struct text data)
{
    struct buf *out = arg;

    buf_put(out, name);
    buf_put_char(out, '\1');
    buf_put(out, data);
    buf_put_char(out, '\2');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cut = size ? 1 + data[0] % 7 : 1;
    struct text rest = { (const char *)data, size };
    struct sse whole, pieces;
    struct buf a, b;
    bool ok, ok_too = true;

    sse_init(&whole, EVENT_MAX);
    sse_init(&pieces, EVENT_MAX);
    buf_init(&a, 1 << 24);
    buf_init(&b, 1 << 24);
    ok = sse_feed(&whole, rest, note, &a);
    while (ok_too && rest.len) {
        size_t n = rest.len < cut ? rest.len : cut;

        ok_too = sse_feed(&pieces, text_until(rest, n), note, &b);
        rest = text_from(rest, n);
    }
    CHECK(ok == ok_too && text_is(buf_text(&a), buf_text(&b)));
    sse_fini(&whole);
    sse_fini(&pieces);
    buf_fini(&a);
    buf_fini(&b);
    return 0;
}
