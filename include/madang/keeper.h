/* web: keeper — what a node does again and again while it runs: leases to keep, things to look after.
 *
 * On a task of its own, one round after the other, each with a call of nobody's and five seconds. The struct is the owner's, and
 * lives as long as the process.
 */
#ifndef MADANG_KEEPER_H
#define MADANG_KEEPER_H

#include "madang/call.h"

struct keeper {
    const char *name;
    uint64_t (*round)(struct call *c); /* answers the milliseconds until the next one */
    struct task *task;
    bool stopping;
};
void keeper_start(struct keeper *k);
void keeper_stop(struct keeper *k); /* cancels the round that is on; its task ends a turn later */

#endif
