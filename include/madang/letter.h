/* net: letter — one letter to an SMTP server, by libcurl on a pool thread: what it does for SMTP waits for replies by blocking.
 *
 * Bounded by progress: each reply may take silence_ms, however many there are. Counts against the upstream "smtp" only when the
 * server itself is the trouble: no connection, no login, 421; what it says of a sender, a recipient or a text is an answer.
 */
#ifndef MADANG_LETTER_H
#define MADANG_LETTER_H

#include "madang/call.h"

struct letter {
    struct text url, user, password; /* smtp:// or smtps://; an empty user logs in nowhere */
    const char *starttls;            /* "never", "try", "require" */
    struct text from, to;            /* bare addresses */
    struct text body;                /* with its headers, lines by CRLF */
    int64_t silence_ms;
};
struct letter_answer {
    int status;    /* of the last reply; 250 when the letter is taken; 0: there was none */
    char asked[5]; /* the command it answers: "MAIL", "RCPT", "DATA" (also the text behind it) … */
    char code[24]; /* what it began with, for the log: "550 5.1.1" */
};

/* NULL when the server has replied, whatever it said. UPSTREAM_UNAVAILABLE, UPSTREAM_FAILED, OVERLOADED; DEADLINE and CANCELLED
 * with the task. */
problem letter_send(struct call *c, const struct letter *l, struct letter_answer *out) MUST_USE;

#endif
