/* wire: http — one HTTP exchange as a raw handler sees it: uploads, ranges, redirects, webhooks.
 *
 * Typed calls never meet it. Lives as long as the call; texts are borrowed from it.
 */
#ifndef MADANG_HTTP_H
#define MADANG_HTTP_H

#include "madang/call.h"

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_OPTIONS, METHOD_COUNT };
extern const char *const method_names[METHOD_COUNT];

enum method exchange_method(const struct exchange *x);
struct text exchange_header(const struct exchange *x, struct text lower_case_name); /* its lines joined; empty when absent */
struct text exchange_cookie(const struct exchange *x, struct text name);
struct text exchange_param(const struct exchange *x, struct text name); /* of path or query, decoded */

/* The next piece of the body, as it arrives, borrowed until the next call; empty at the end. CANCELLED when the client
 * is gone. */
problem exchange_body_next(struct call *c, struct text *piece) MUST_USE;

/* The answer: headers first, then begin, then pieces. Names and values are checked to be clean. */
void exchange_header_add(struct exchange *x, const char *name, struct text value);
void exchange_cache(struct exchange *x, const char *control); /* instead of what the call's row says; static text */
/* Several whole lines of our own: "Name: value\r\n…". */
void exchange_headers_put(struct exchange *x, struct text lines);
/* length -1: none is sent along (204, 304, a redirect without a body has 0). */
void exchange_begin(struct exchange *x, int status, int64_t length);
/* Waits while too much is unsent. CANCELLED when the client is gone. A HEAD swallows it. */
problem exchange_write(struct call *c, struct text piece) MUST_USE;
void exchange_reply(struct exchange *x, int status, const char *type, struct text body);
/* A body that is the same for everybody: made once, also compressed, and shared by all it is sent to. `type` outlives it. */
struct constant;
struct constant *constant_new(const char *type, struct text bytes);
void constant_free(struct constant **k);                                    /* who is being sent it still gets it */
void exchange_reply_constant(struct exchange *x, const struct constant *k); /* 200, or 304 by its ETag */
/* OVERLOADED, and nothing is begun, when it does not fit into the call's arena. */
problem exchange_reply_shape(struct call *c, int status, const struct shape *s, const void *value) MUST_USE;
/* A file of the disk: 200, 206 by Range and If-Range, 304 by If-None-Match, or RANGE_NOT_SATISFIABLE. It goes from the disk to
 * the socket by sendfile(2) on a pool thread; how fast is the client's to say, as with exchange_write(). One that cannot be read,
 * or became shorter, ends the connection short. */
struct reply_file {
    const char *path;
    struct text type, etag; /* strong, with its quotes */
    struct text download;   /* the name to keep it under; "": it is shown */
    const char *cache;      /* as of a call's row; NULL: as the row says */
};
problem exchange_reply_file(struct call *c, const struct reply_file *f) MUST_USE;
/* "attachment; filename=…" (RFC 6266, RFC 8187): any name, also a Korean one, in plain ASCII. */
struct text content_disposition(struct arena *a, struct text name);
/* A page of HTML, with the headers of one: the policy forbids every script but our own files. */
void exchange_reply_page(struct exchange *x, int status, struct text html);
void exchange_page_headers(struct exchange *x);
bool exchange_has_begun(const struct exchange *x);

/* Byte ranges (RFC 9110 §14): one range of `size` bytes. */
enum range_kind { RANGE_WHOLE, RANGE_PART, RANGE_UNSATISFIABLE };
enum range_kind range_parse(struct text header, int64_t size, int64_t *first, int64_t *last);
/* Whether If-None-Match names the etag (weak comparison), or If-Range allows a part (strong; a date never does). */
bool etag_matches(struct text if_none_match, struct text etag);

#endif
