#include "ws_reader.h"

#include <wslay/wslay.h>
#include <zlib.h>

#define POOL_MAX 256
#define EMPTY_MAX 1024 /* fragments of a message without a byte: they are in no other bound */
#define WINDOW_BITS 12 /* of our deflate: 4 KiB; without context takeover more does not pay */

struct ws_reader {
    struct ws_reader *next;
    wslay_frame_context_ptr frames;
    struct text input;
    uint64_t fed, done; /* bytes given to wslay; bytes of whole frames */
    uint64_t frame_got; /* payload bytes of the present frame */
    bool in_frame;
    int opcode; /* of the message begun; 0: none */
    bool compressed;
    size_t empty; /* fragments of it */
    uint32_t utf8;
    struct buf message, control;
};

static struct ws_reader *pool;
static size_t pooled;

static ssize_t on_receive(uint8_t *to, size_t room, int flags, void *user)
{
    struct ws_reader *r = user;
    size_t n = r->input.len < room ? r->input.len : room;

    (void)flags;
    if (n == 0)
        return -1;
    memcpy(to, r->input.at, n);
    r->input = text_from(r->input, n);
    r->fed += n;
    return (ssize_t)n;
}

struct ws_reader *ws_reader_lease(void)
{
    static const struct wslay_frame_callbacks callbacks = { .recv_callback = on_receive };
    struct ws_reader *r = pool;

    if (r) {
        pool = r->next;
        pooled--;
        return r;
    }
    r = must_zalloc(sizeof *r);
    CHECK(wslay_frame_context_init(&r->frames, &callbacks, r) == 0);
    return r;
}

static void reader_free(struct ws_reader *r)
{
    wslay_frame_context_free(r->frames);
    buf_fini(&r->message);
    buf_fini(&r->control);
    free(r);
}

void ws_reader_give(struct ws_reader **reader)
{
    struct ws_reader *r = *reader;

    *reader = NULL;
    if (!ws_reader_is_idle(r) || pooled >= POOL_MAX) {
        reader_free(r); /* what is half read cannot serve another */
        return;
    }
    buf_fini(&r->message);
    r->next = pool;
    pool = r;
    pooled++;
}

void ws_readers_free(void)
{
    struct ws_reader *r;

    while ((r = pool) != NULL) {
        pool = r->next;
        reader_free(r);
    }
    pooled = 0;
}

bool ws_reader_is_idle(const struct ws_reader *r)
{
    return r->fed == r->done && r->opcode == 0 && !r->in_frame;
}

static bool is_control(int opcode)
{
    return opcode >= WS_CLOSE;
}

/* Judges a frame by its header; 0 or the close code. */
static int frame_begin(struct ws_reader *r, const struct ws_rules *rules, const struct wslay_frame_iocb *f)
{
    bool starts = f->opcode == WS_TEXT || f->opcode == WS_BINARY;

    r->in_frame = true;
    r->frame_got = 0;
    if (!f->mask || (f->rsv & 3) || (f->rsv && (!rules->deflate || !starts)))
        return WS_CODE_PROTOCOL;
    if (is_control(f->opcode)) {
        buf_init(&r->control, 125);
        return f->fin && f->payload_length <= 125 && f->opcode <= WS_PONG ? 0 : WS_CODE_PROTOCOL;
    }
    if ((!starts && f->opcode != WS_CONTINUATION) || starts == (r->opcode != 0))
        return WS_CODE_PROTOCOL;
    if (f->payload_length == 0 && ++r->empty > EMPTY_MAX)
        return WS_CODE_POLICY;
    if (starts) {
        r->opcode = f->opcode;
        r->compressed = f->rsv != 0;
        r->utf8 = 0;
        buf_fini(&r->message);
        buf_init(&r->message, rules->message_max);
    }
    return f->payload_length > rules->message_max - r->message.len ? WS_CODE_TOO_BIG : 0;
}

/* Takes a piece of payload. Text is judged as it comes, so that what cannot become valid fails early. */
static int frame_piece(struct ws_reader *r, const struct wslay_frame_iocb *f)
{
    struct text piece = { (const char *)f->data, f->data_length };

    r->frame_got += piece.len;
    if (is_control(f->opcode)) {
        buf_put(&r->control, piece);
        return r->control.over ? WS_CODE_LATER : 0;
    }
    buf_put(&r->message, piece);
    if (r->opcode == WS_TEXT && !r->compressed && !utf8_feed(&r->utf8, piece))
        return WS_CODE_DATA;
    return r->message.over ? WS_CODE_LATER : 0; /* its length was judged by the header */
}

/* The message inflated, at most message_max bytes. */
static int inflate_message(struct ws_reader *r, size_t message_max)
{
    z_stream z = { 0 };
    struct buf plain;
    int got = Z_OK;
    char *room;

    buf_init(&plain, message_max);
    r->message.max += 4; /* for the tail that the sender left off: RFC 7692 §7.2.2 */
    buf_put(&r->message, (struct text){ "\0\0\xFF\xFF", 4 });
    CHECK(inflateInit2(&z, -15) == Z_OK);
    z.next_in = (unsigned char *)r->message.at;
    z.avail_in = (unsigned)r->message.len;
    while (z.avail_in && got == Z_OK) {
        size_t want = plain.max - plain.len < 4096 ? plain.max - plain.len : 4096;

        if (want == 0 || !(room = buf_reserve(&plain, want)))
            break;
        z.next_out = (unsigned char *)room;
        z.avail_out = (unsigned)want;
        got = inflate(&z, Z_SYNC_FLUSH);
        buf_commit(&plain, want - z.avail_out);
        if (got == Z_STREAM_END) /* a sender may end its stream with each message: RFC 7692 §7.2.3.4 */
            got = inflateReset(&z);
    }
    inflateEnd(&z);
    got = got != Z_OK && got != Z_BUF_ERROR && got != Z_STREAM_END ? WS_CODE_DATA
          : z.avail_in                                             ? (plain.over ? WS_CODE_LATER : WS_CODE_TOO_BIG)
                                                                   : 0;
    buf_fini(&r->message);
    r->message = plain;
    return got;
}

static int message_end(struct ws_reader *r, const struct ws_rules *rules)
{
    int code = r->compressed ? inflate_message(r, rules->message_max) : 0;

    if (code)
        return code;
    if (r->opcode == WS_TEXT && r->compressed && !utf8_is_valid(buf_text(&r->message)))
        return WS_CODE_DATA;
    return utf8_is_complete(r->utf8) ? 0 : WS_CODE_DATA;
}

static size_t header_size(uint64_t payload)
{
    return 2 + 4 + (payload > 65535 ? 8 : payload > 125 ? 2 : 0);
}

static int frame_end(struct ws_reader *r, const struct ws_rules *rules, const struct wslay_frame_iocb *f, bool *stop,
                     bool (*each)(void *arg, int opcode, struct text payload), void *arg)
{
    int code, opcode;

    r->done += header_size(f->payload_length) + f->payload_length;
    r->in_frame = false;
    if (is_control(f->opcode)) {
        *stop = !each(arg, f->opcode, buf_text(&r->control));
        buf_fini(&r->control);
        return 0;
    }
    if (!f->fin)
        return 0;
    if ((code = message_end(r, rules)))
        return code;
    opcode = r->opcode;
    r->opcode = 0;
    r->empty = 0;
    *stop = !each(arg, opcode, buf_text(&r->message));
    return 0;
}

int ws_reader_feed(struct ws_reader *r, const struct ws_rules *rules, struct text data,
                   bool (*each)(void *arg, int opcode, struct text payload), void *arg)
{
    struct wslay_frame_iocb f;
    bool stop = false;
    int code = 0;

    r->input = data;
    while (!stop && !code) {
        ssize_t got = wslay_frame_recv(r->frames, &f);

        if (got == WSLAY_ERR_WANT_READ)
            return 0;
        if (got < 0)
            return WS_CODE_PROTOCOL;
        if (!r->in_frame)
            code = frame_begin(r, rules, &f);
        if (!code)
            code = frame_piece(r, &f);
        if (!code && r->frame_got == f.payload_length)
            code = frame_end(r, rules, &f, &stop, each, arg);
    }
    return code;
}

struct text ws_reader_left(const struct ws_reader *r)
{
    return r->input;
}

static void unmask(char *at, size_t len, const char mask[static 4])
{
    uint64_t m, w;
    size_t i = 0;

    memcpy(&m, mask, 4);
    memcpy((char *)&m + 4, mask, 4);
    for (; len - i >= 8; i += 8) {
        memcpy(&w, at + i, 8);
        w ^= m;
        memcpy(at + i, &w, 8);
    }
    for (; i < len; i++)
        at[i] = (char)(at[i] ^ mask[i % 4]);
}

size_t ws_plain_text(const struct ws_rules *rules, struct text data, struct text *payload)
{
    const unsigned char *b = (const unsigned char *)data.at;
    size_t head = 6, len;
    char *body;

    if (data.len < 6 || b[0] != (0x80 | WS_TEXT) || !(b[1] & 0x80))
        return 0;
    len = b[1] & 0x7F;
    if (len == 126) {
        head = 8;
        len = (size_t)(b[2] << 8 | b[3]);
        if (len < 126)
            return 0;
    } else if (len == 127) {
        return 0;
    }
    if (len > rules->message_max || data.len < head || data.len - head < len)
        return 0;
    body = (char *)(uintptr_t)data.at + head; /* in the loop's read buffer, or a request's: ours to write to */
    unmask(body, len, body - 4);
    *payload = (struct text){ body, len };
    if (utf8_is_valid(*payload))
        return head + len;
    unmask(body, len, body - 4);
    return 0;
}

size_t ws_frame_header(int opcode, bool compressed, size_t len, unsigned char out[static 10])
{
    size_t n = 2;

    out[0] = (unsigned char)(0x80 | (compressed ? 0x40 : 0) | opcode);
    if (len <= 125) {
        out[1] = (unsigned char)len;
    } else if (len <= 65535) {
        out[1] = 126;
        out[2] = (unsigned char)(len >> 8);
        out[3] = (unsigned char)len;
        n = 4;
    } else {
        out[1] = 127;
        for (int i = 0; i < 8; i++)
            out[2 + i] = (unsigned char)((uint64_t)len >> (56 - 8 * i));
        n = 10;
    }
    return n;
}

int ws_close_code(struct text payload)
{
    int code;

    if (payload.len == 0)
        return WS_CODE_NONE;
    if (payload.len == 1 || !utf8_is_valid(text_from(payload, 2)))
        return 0;
    code = (unsigned char)payload.at[0] << 8 | (unsigned char)payload.at[1];
    if (code >= 3000 && code <= 4999)
        return code;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006 ? code : 0;
}

bool ws_deflate(struct text plain, struct buf *out)
{
    z_stream z = { 0 };
    char *room;
    size_t bound;
    bool smaller;

    CHECK(deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, -WINDOW_BITS, 5, Z_DEFAULT_STRATEGY) == Z_OK);
    bound = deflateBound(&z, plain.len) + 16;
    buf_init(out, bound);
    if ((room = buf_reserve(out, bound)) == NULL) {
        deflateEnd(&z);
        return false;
    }
    z.next_in = (unsigned char *)(uintptr_t)plain.at;
    z.avail_in = (unsigned)plain.len;
    z.next_out = (unsigned char *)room;
    z.avail_out = (unsigned)bound;
    CHECK(deflate(&z, Z_SYNC_FLUSH) == Z_OK && z.avail_in == 0);
    buf_commit(out, bound - z.avail_out - 4);
    deflateEnd(&z);
    smaller = out->len < plain.len;
    return smaller;
}
