/* Percent decoding, cursors, paths through the router, instants, numbers, ranges. */
#include "madang/clock.h"
#include "madang/codec.h"
#include "madang/cursor.h"
#include "madang/http.h"
#include "web/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct call_def row = { .name = "a.b", .rest = GET("/api/v1/a/{x}/b") };
    static bool added;
    struct text t = { (const char *)data, size }, out;
    struct route_found found;
    struct instant at;
    struct date d;
    int64_t first, last;
    struct cursor place;
    struct arena a;

    if (!added)
        router_add(&row);
    added = true;
    arena_init(&a, 1 << 24);
    if (percent_decode(&a, t, true, &out))
        CHECK(utf8_is_valid(out) && out.len <= t.len);
    if (size && data[0] == '/' && router_find(&a, t, &found))
        for (size_t i = 0; i < found.param_count; i++)
            CHECK(text_find(found.params[i].value, '/') < 0);
    if (instant_parse(t, &at) && at.us > -62135596800000000 && at.us < 253402300800000000) {
        char text[INSTANT_TEXT_SIZE];

        CHECK(instant_format(at, text) == 24);
    }
    if (date_parse(t, &d))
        CHECK(d.month >= 1 && d.month <= 12 && d.day >= 1 && d.day <= 31);
    if (range_parse(t, 1000, &first, &last) == RANGE_PART)
        CHECK(first >= 0 && first <= last && last < 1000);
    if (base64url_decode(&a, t, &out))
        CHECK(text_is(base64url_encode(&a, out.at, out.len), t));
    for (int key = CURSOR_TIME; key <= CURSOR_TEXT; key++)
        if (cursor_read(&a, T("a.b"), key, t, &place)) {
            struct cursor again;

            CHECK(cursor_read(&a, T("a.b"), key, cursor_make(&a, T("a.b"), &place), &again));
            CHECK(again.id.value == place.id.value && text_is(again.text.value, place.text.value));
        }
    arena_fini(&a);
    return 0;
}
