#include "madang/cursor.h"

static bool read_both(struct text t, int64_t *us, int64_t *id)
{
    struct text number, time = text_cut(t, '-', &number);

    return time.len <= 16 && number.len <= 16 && text_to_i64(time, us) && text_to_i64(number, id) && *us >= 0 && *id >= 0;
}

bool cursor_is_valid(struct text t)
{
    int64_t us, id;

    return read_both(t, &us, &id);
}

struct cursor cursor_of(struct opt_text t)
{
    struct cursor c = { { ABSENT, { 0 } }, { ABSENT, 0 } };

    if (t.is == PRESENT && read_both(t.value, &c.at.value.us, &c.id.value))
        c.at.is = c.id.is = PRESENT;
    return c;
}

struct opt_text cursor_text(struct arena *a, struct instant at, int64_t id)
{
    return (struct opt_text){ PRESENT, arena_printf(a, "%lld-%lld", (long long)at.us, (long long)id) };
}
