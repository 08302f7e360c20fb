/* hub: pace — events that tell a state: at most one in so many milliseconds on each topic, and then the latest.
 *
 * What is said first goes out with the next turn of the loop; what is said within the time after that is one event at its end.
 * While the node is overloaded (madang/overload.h) they wait, PACE_HELD_MAX topics of them at the most.
 */
#ifndef MADANG_PACE_H
#define MADANG_PACE_H

#include "madang/call.h"
#include "madang/list.h"
#include "madang/loop.h"
#include "madang/map.h"

#define PACE_HELD_MAX 5000

struct pace {
    uint64_t every_ms;
    const struct event_def *event; /* without numbers */
    /* The state of this topic as it is now, in the call's arena or with a longer life; NULL: there is nothing to say any more.
     * Runs outside of a task, and does not wait. */
    const void *(*make)(struct call *c, struct text topic);

    struct map topics; /* of pace.c alone from here on */
    struct list due;
    struct timer timer;
};

void pace_start(struct pace *p);
void pace_say(struct pace *p, struct text topic); /* its state is another one */
void pace_now(struct pace *p, struct text topic); /* what waits for this topic goes out at once */
void pace_stop(struct pace *p);                   /* all that waits goes out */

#endif
