/* providers: the ways a letter can go. Each delivers once or says why not. */
#ifndef MADANG_MAIL_PROVIDERS_H
#define MADANG_MAIL_PROVIDERS_H

#include "madang/mail.h"

problem outbox_deliver(struct call *c, const struct mail *m) MUST_USE;
problem smtp_deliver(struct call *c, const struct mail *m) MUST_USE; /* MAIL_REFUSED: by its recipient's server, for good */
bool smtp_check(void) MUST_USE;                                      /* logs and returns false when a setting makes no sense */
/* The letter as it goes over the wire. */
struct text letter_text(struct arena *a, struct text from, const struct mail *m, int64_t now_s);

#endif
