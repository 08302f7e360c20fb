/* Frames, cut at places that the input chooses; texts that are handed on are valid. */
#include "wire/ws_reader.h"

static bool each(void *arg, int opcode, struct text payload)
{
    (void)arg;
    CHECK(opcode != WS_TEXT || utf8_is_valid(payload));
    CHECK(opcode < WS_CLOSE || payload.len <= 125);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ws_rules rules = { .message_max = 4096, .deflate = size && data[0] & 1 };
    struct text left = { (const char *)data, size };
    struct ws_reader *r = ws_reader_lease();
    int code = 0;

    while (left.len && !code) {
        size_t n = 1 + (unsigned char)left.at[0] % 61;

        n = n < left.len ? n : left.len;
        code = ws_reader_feed(r, &rules, text_until(left, n), each, NULL);
        left = text_from(left, n);
    }
    ws_reader_give(&r);
    return 0;
}
