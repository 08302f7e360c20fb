#include "madang/fault.h"

static struct {
    const char *name, *says;
    int64_t after, times;
} switches[FAULT_SWITCH_COUNT] = {
#define X_FAULT(id, name, says) [FAULT_##id##_SWITCH] = { name, says, 0, 0 },
#include "madang/rows.h"
};

bool fault_fires(enum fault_switch s)
{
    if (__builtin_expect(switches[s].times == 0, 1))
        return false;
    if (switches[s].after > 0) {
        switches[s].after--;
        return false;
    }
    switches[s].times--;
    return true;
}

bool fault_arm(struct text name, int64_t after, int64_t times)
{
    for (size_t i = 0; i < FAULT_SWITCH_COUNT; i++)
        if (text_is(text_of(switches[i].name), name)) {
            switches[i].after = after;
            switches[i].times = times;
            return true;
        }
    return false;
}

void faults_disarm(void)
{
    for (size_t i = 0; i < FAULT_SWITCH_COUNT; i++)
        switches[i].times = 0;
}

void faults_print(struct buf *out)
{
    for (size_t i = 0; i < FAULT_SWITCH_COUNT; i++)
        buf_printf(out, "%s{\"name\":\"%s\",\"says\":\"%s\",\"after\":%lld,\"times\":%lld}", i ? "," : "[", switches[i].name,
                   switches[i].says, (long long)switches[i].after, (long long)switches[i].times);
    buf_put(out, T("]\n"));
}
