/* providers: the ways a letter can go. Each delivers once or says why not. */
#ifndef MADANG_MAIL_PROVIDERS_H
#define MADANG_MAIL_PROVIDERS_H

#include "madang/mail.h"

problem outbox_deliver(struct call *c, const struct mail *m) MUST_USE;
problem smtp_deliver(struct call *c, const struct mail *m) MUST_USE;

#endif
