/* Leaving, by one's own will or as a guest whose time is over: what is personal goes, at once or, where there is much of it, in
 * bounded steps. */
#include "accounts_parts.h"
#include "madang/files.h"
#include "madang/forget.h"
#include "madang/hub.h"
#include "madang/password.h"

#define SWEEP_MS 30000 /* of a job's 50 s */

static struct leave_hook *leave_hooks;

void account_leave_hook_add(struct leave_hook *h)
{
    h->next = leave_hooks;
    leave_hooks = h;
}

static problem run_leave_hooks(struct tx *tx, int64_t account, bool *more)
{
    problem p = NULL;

    *more = false;
    for (struct leave_hook *h = leave_hooks; h && !p; h = h->next)
        p = h->leave(tx, account, more);
    return p;
}

/* What the platform has logged and kept of an account. */
static problem forget_person(struct tx *tx, int64_t account)
{
    struct text own = topic_of(tx->call->arena, "account", account);
    problem p;

    if ((p = log_drop(tx, &own, 1)) || (p = log_forget_person(tx, account)))
        return p;
    return answers_drop(tx, account);
}

static const struct field left_fields[] = { FIELD(struct account_ref, account) };
const struct shape account_left_shape = SHAPE("AccountLeft", struct account_ref, left_fields);

problem me_leave(struct call *c)
{
    const struct leaving *in = c->in;
    struct account_ref me = { c->account };
    struct tx tx TX_SCOPE = { 0 };
    struct identity who = { 0 };
    struct opt_i64 avatar;
    bool found, ok = true, old, more;
    problem p;

    if ((p = account_by_id(store_on_call(c), c->account, &who, &found)))
        return p;
    if (who.password.is == PRESENT && (p = password_check(c->task, in->password.value, who.password.value, &ok, &old)))
        return p;
    if (!ok)
        return PROBLEM(PASSWORD_WRONG);
    if ((p = tx_begin(c, &tx)) || (p = account_leave(&tx, c->account, &avatar)) ||
        (p = sessions_end_all(&tx, c->account, T(""))) || (p = account_leave_rest(&tx, c->account)) ||
        (p = run_leave_hooks(&tx, c->account, &more)) || (p = forget_person(&tx, c->account)))
        return p;
    if ((avatar.is == PRESENT && (p = file_release(&tx, avatar.value))) || (p = file_release_loose(&tx, c->account)))
        return p;
    if ((p = letter_password_drop(store_on_tx(&tx), c->account)) ||
        (more && (p = job_add(&tx, "accounts.left", &me, .key = topic_of(c->arena, "account", c->account)))))
        return p;
    return tx_commit(&tx);
}

/* One step of what is left to do; each in memory of its own, for there may be many. */
static problem leave_step(struct task *task, int64_t account, bool guest, bool *more)
{
    struct arena a;
    struct call c;
    problem p;

    arena_init(&a, 4u << 20);
    c = call_of_our_own(task, &a, "accounts.left");
    {
        struct tx tx TX_SCOPE = { 0 };

        if (!(p = tx_begin(&c, &tx)) && !(p = run_leave_hooks(&tx, account, more)) && !(p = forget_person(&tx, account)) &&
            !(p = guest && !*more ? guest_end(&tx, account) : NULL))
            p = tx_commit(&tx);
    }
    arena_fini(&a);
    return p;
}

static problem leave_steps(struct call *c, int64_t account, bool guest)
{
    bool more = true;
    problem p = NULL;

    while (!p && more && !(p = leave_step(c->task, account, guest, &more)))
        p = job_prolong(c);
    return p;
}

/* Cut short it begins again where it was. */
problem account_left(struct call *c, const void *payload)
{
    return leave_steps(c, ((const struct account_ref *)payload)->account, false);
}

problem guests_sweep(struct call *c)
{
    uint64_t until = clock_ms() + SWEEP_MS;
    struct guest_rows guests = { .count = 1 };
    problem p = NULL;

    while (!p && guests.count && clock_ms() < until) {
        p = guests_ended(c, &guests);
        for (size_t i = 0; !p && i < guests.count; i++)
            p = leave_steps(c, guests.at[i], true);
    }
    return p;
}
