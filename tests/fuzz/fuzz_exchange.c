/* The whole way: bytes on a real socket, through head, body, door and call (of a node without stores), to the written answer. The
 * first byte chooses the listener. */
#include "lib/house.h"

#include "madang/arena.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    house_open();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text answer;
    bool closed;

    if (size < 2)
        return 0;
    answer = house_say(data[0] & 1 ? HOUSE_ADMIN : HOUSE_PUBLIC, (struct text){ (const char *)data + 1, size - 1 }, &closed);
    CHECK(answer.len == 0 || text_starts(answer, T("HTTP/1.1 ")));
    return 0;
}
