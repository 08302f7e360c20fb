/* Letters as jobs: kept with the transaction that wanted them, delivered by the configured provider, tried again. */
#include "madang/mail.h"

#include "mail_providers.h"
#include "madang/config.h"
#include "madang/log.h"
#include "madang/random.h"

#define LETTER_S 180 /* a dozen replies of a slow server; each has a bound of its own */

static const struct field mail_fields[] = {
    FIELD(struct mail, to, .len_max = 254),
    FIELD(struct mail, subject, .len_max = 200),
    FIELD(struct mail, body, .len_max = 20000),
};
static const struct shape mail_shape = SHAPE("Mail", struct mail, mail_fields);

problem mail_queue(struct store_on on, const struct mail *m, struct text key)
{
    return job_add(on, "mail.send", m, .key = key);
}

problem mail_drop(struct store_on on, struct text key)
{
    return job_drop(on, "mail.send", key);
}

static problem mail_run(struct call *c, const void *payload)
{
    return text_is(config->mail_provider, T("smtp")) ? smtp_deliver(c, payload) : outbox_deliver(c, payload);
}

static bool check(void)
{
    if (text_is(config->mail_provider, T("smtp")))
        return smtp_check();
    if (text_is(config->mail_provider, T("outbox")))
        return true;
    log_error("config", "[mail] provider is neither outbox nor smtp");
    return false;
}

static const struct job_def jobs[] = { { .kind = "mail.send",
                                         .lane = JOB_MAIL,
                                         .payload = &mail_shape,
                                         .run = mail_run,
                                         .run_s = LETTER_S,
                                         .final = PROBLEM(MAIL_REFUSED) } };
const struct feature mail_feature = { .name = "mail", .jobs = LIST(jobs), .check = check };
