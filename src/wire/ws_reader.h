/* wire: ws_reader — WebSocket frames into messages (RFC 6455 §5), by wslay's frame layer; permessage-deflate (RFC 7692).
 *
 * A reader costs some kilobytes, so a socket leases one only while a frame or a message is incomplete.
 */
#ifndef MADANG_WS_READER_H
#define MADANG_WS_READER_H

#include "madang/buf.h"

enum { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
enum {
    WS_CODE_NORMAL = 1000,
    WS_CODE_PROTOCOL = 1002,
    WS_CODE_TYPE = 1003,
    WS_CODE_NONE = 1005,
    WS_CODE_DATA = 1007,
    WS_CODE_POLICY = 1008,
    WS_CODE_TOO_BIG = 1009,
    WS_CODE_INTERNAL = 1011,
    WS_CODE_RESTART = 1012,
    WS_CODE_LATER = 1013,
    WS_CODE_LOGIN = 4401,
    WS_CODE_FORBIDDEN = 4403
};

struct ws_reader;
struct ws_rules {
    size_t message_max;
    bool deflate;
};

/* Reads `data`. For each whole message or control frame calls each(arg, opcode, payload), borrowed; false from it stops: to go
 * on, feed it ws_reader_left(), also when that is empty, since it has some bytes in itself.
 * Returns 0, or the close code that the peer has earned. */
int ws_reader_feed(struct ws_reader *r, const struct ws_rules *rules, struct text data,
                   bool (*each)(void *arg, int opcode, struct text payload), void *arg);
struct text ws_reader_left(const struct ws_reader *r); /* of the data fed last, what it has not looked at */
/* The common case without a reader: a whole, masked, uncompressed text frame of one fragment at the front of `data`. Unmasks it
 * where it stands and returns its size, its text in *payload; 0 when it is anything else, for ws_reader_feed() to judge. */
size_t ws_plain_text(const struct ws_rules *rules, struct text data, struct text *payload);
bool ws_reader_is_idle(const struct ws_reader *r); /* between messages: may be given back */
struct ws_reader *ws_reader_lease(void);
void ws_reader_give(struct ws_reader **r); /* also in the middle of a message */
void ws_readers_free(void);

/* Header of an unmasked frame (fin set) for a payload of `len` bytes; returns its size. */
size_t ws_frame_header(int opcode, bool compressed, size_t len, unsigned char out[static 10]);
/* The code of a close frame's payload, WS_CODE_NONE for an empty one, 0 when it may not be sent. */
int ws_close_code(struct text payload);
/* Raw deflate without the trailing 00 00 FF FF; false when it did not shrink. */
bool ws_deflate(struct text plain, struct buf *out);

#endif
