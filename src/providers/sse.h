/* providers: sse — a stream of server-sent events, as it comes (WHATWG HTML, §9.2.6).
 *
 * Takes bytes cut anywhere; lines end with CR, LF or both. What an event says is handed on when it is whole, so that a
 * character is never split. Ids, times to come back and unknown fields are passed over.
 */
#ifndef MADANG_SSE_H
#define MADANG_SSE_H

#include "madang/buf.h"

#define SSE_NAME_MAX 64

struct sse {
    struct buf line, data;
    char name[SSE_NAME_MAX];
    size_t name_len;
    bool begun, after_cr, has_data;
};

void sse_init(struct sse *s, size_t event_max); /* bytes of one event; of one line as well */
void sse_fini(struct sse *s);
/* Both texts are borrowed until it returns. */
typedef void sse_event(void *arg, struct text name, struct text data);
/* False: an event is too long; then nothing more may be fed. */
bool sse_feed(struct sse *s, struct text bytes, sse_event *on_event, void *arg) MUST_USE;

#endif
