/* base: fault — switches that make the daemon fail on purpose, for the tests; a table (src/base/faults.def).
 *
 * All are off unless [debug] faults is on and a test armed one on the admin listener. A disarmed switch costs one load and
 * one branch.
 */
#ifndef MADANG_FAULT_H
#define MADANG_FAULT_H

#include "madang/buf.h"

enum fault_switch {
#define X_FAULT(id, name, says) FAULT_##id##_SWITCH,
#include "madang/rows.h"
    FAULT_SWITCH_COUNT
};

/* True when this passage is to fail: the switch was armed and its count-down has come to its end. */
bool fault_fires(enum fault_switch s);
#define FAULT(id) fault_fires(FAULT_##id##_SWITCH)
/* `after` passages go well, then `times` fail; false for an unknown name. */
bool fault_arm(struct text name, int64_t after, int64_t times) MUST_USE;
void faults_disarm(void);
void faults_print(struct buf *out);

#endif
