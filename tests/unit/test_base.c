/* Pure pieces of base: text, UTF-8, clock, codec, map, buffers, arenas. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "madang/address.h"
#include "madang/arena.h"
#include "madang/buf.h"
#include "madang/clock.h"
#include "madang/codec.h"
#include "madang/json_tree.h"
#include "madang/map.h"
#include "madang/shape.h"

static void test_integers(void **state)
{
    static const struct {
        struct text in;
        bool ok;
        int64_t out;
    } rows[] = {
        { TEXT_INIT("0"), true, 0 },
        { TEXT_INIT("-9223372036854775808"), true, INT64_MIN },
        { TEXT_INIT("9223372036854775807"), true, INT64_MAX },
        { TEXT_INIT("9223372036854775808"), false, 0 },
        { TEXT_INIT(""), false, 0 },
        { TEXT_INIT("-"), false, 0 },
        { TEXT_INIT("1 "), false, 0 },
        { TEXT_INIT("+1"), false, 0 },
        { TEXT_INIT("0x1"), false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t out = 0;

        assert_int_equal(text_to_i64(rows[i].in, &out), rows[i].ok);
        if (rows[i].ok)
            assert_int_equal(out, rows[i].out);
    }
}

static void test_utf8(void **state)
{
    static const struct {
        struct text in;
        bool ok;
    } rows[] = {
        { TEXT_INIT("ascii"), true },
        { TEXT_INIT("한글 👋"), true },
        { TEXT_INIT("\xC0\x80"), false },
        { TEXT_INIT("\xE0\x80\x80"), false },
        { TEXT_INIT("\xED\xA0\x80"), false },
        { TEXT_INIT("\xF4\x90\x80\x80"), false },
        { TEXT_INIT("\xF4\x8F\xBF\xBF"), true },
        { TEXT_INIT("\xE2\x82"), false },
        { TEXT_INIT("\x80"), false },
        { TEXT_INIT("\xFF"), false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint32_t at = 0;
        bool ok = true;

        assert_int_equal(utf8_is_valid(rows[i].in), rows[i].ok);
        for (size_t k = 0; k < rows[i].in.len && ok; k++) /* split anywhere */
            ok = utf8_feed(&at, (struct text){ rows[i].in.at + k, 1 });
        assert_int_equal(ok && utf8_is_complete(at), rows[i].ok);
    }
    assert_int_equal(utf8_length(T("한글 👋")), 4);
}

static void test_instants(void **state)
{
    static const struct {
        struct text in;
        bool ok;
        int64_t us;
    } rows[] = {
        { TEXT_INIT("1970-01-01T00:00:00Z"), true, 0 },
        { TEXT_INIT("2026-01-02 03:04:05.678901+00"), true, 1767323045678901 },
        { TEXT_INIT("2026-01-02T12:04:05+09:00"), true, 1767323045000000 },
        { TEXT_INIT("2026-02-29T00:00:00Z"), false, 0 },
        { TEXT_INIT("2024-02-29T00:00:00Z"), true, 1709164800000000 },
        { TEXT_INIT("2026-01-02T24:00:00Z"), false, 0 },
        { TEXT_INIT("2026-01-02T00:00:00"), false, 0 },
        { TEXT_INIT("2026-01-02T00:00:00.Z"), false, 0 },
        { TEXT_INIT("2026-13-02T00:00:00Z"), false, 0 },
    };
    char text[INSTANT_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct instant out = { 0 };

        assert_int_equal(instant_parse(rows[i].in, &out), rows[i].ok);
        if (rows[i].ok)
            assert_int_equal(out.us, rows[i].us);
    }
    instant_format((struct instant){ 1767323045678901 }, text);
    assert_string_equal(text, "2026-01-02T03:04:05.678Z");
    assert_int_equal(date_years_between((struct date){ 2000, 2, 29 }, (struct date){ 2026, 2, 28 }), 25);
    assert_int_equal(date_years_between((struct date){ 2000, 2, 29 }, (struct date){ 2026, 3, 1 }), 26);
}

static void test_codec(void **state)
{
    struct arena a;
    struct text out;

    (void)state;
    arena_init(&a, 1 << 20);
    assert_string_equal(base64url_encode(&a, "\xfb\xff\xfe", 3).at, "-__-");
    assert_true(base64url_decode(&a, T("-__-"), &out));
    assert_memory_equal(out.at, "\xfb\xff\xfe", 3);
    assert_false(base64url_decode(&a, T("AB"), &out)); /* unused bits are not zero */
    assert_false(base64url_decode(&a, T("A"), &out));
    assert_false(base64url_decode(&a, T("AA=="), &out));
    assert_string_equal(base64_encode(&a, "ab", 2).at, "YWI=");
    assert_true(percent_decode(&a, T("%ED%95%9C+a"), true, &out));
    assert_true(text_is(out, T("한 a")));
    assert_false(percent_decode(&a, T("%00"), false, &out));
    assert_false(percent_decode(&a, T("%ff"), false, &out));
    assert_false(percent_decode(&a, T("%4"), false, &out));
    assert_string_equal(percent_encode(&a, T("a b/한"), T("/")).at, "a%20b/%ED%95%9C");
    arena_fini(&a);
}

static void test_buffers_have_a_maximum(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    buf_put(&b, T("12345678"));
    buf_put(&b, T("901"));
    assert_true(b.over);
    assert_int_equal(b.len, 8);
    buf_clear(&b);
    buf_put_i64(&b, INT64_MIN);
    assert_true(b.over);
    buf_fini(&b);
    buf_init(&b, 100);
    buf_put_json_string(&b, T("a\"\\\n\x01</"));
    assert_true(text_is(buf_text(&b), T("\"a\\\"\\\\\\n\\u0001\\u003c/\"")));
    buf_fini(&b);
}

struct thing {
    struct map_node node;
    char key[16];
};

static void test_map(void **state)
{
    static struct thing things[1000];
    struct map m = { 0 };
    size_t seen = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(things); i++) {
        snprintf(things[i].key, sizeof things[i].key, "key-%zu", i);
        map_add(&m, &things[i].node, text_of(things[i].key));
    }
    for (size_t i = 0; i < COUNT_OF(things); i += 2)
        map_remove(&m, &things[i].node);
    for (size_t i = 0; i < COUNT_OF(things); i++)
        assert_int_equal(map_find(&m, text_of(things[i].key)) != NULL, i % 2);
    for (struct map_node *n = map_next(&m, NULL); n; n = map_next(&m, n))
        seen++;
    assert_int_equal(seen, 500);
    map_fini(&m);
}

static int order[4], at;

static void note(void *arg)
{
    order[at++] = *(int *)arg;
}

static void test_arena_runs_its_defers_backwards(void **state)
{
    int one = 1, two = 2;
    struct arena a;

    (void)state;
    arena_init(&a, 100);
    arena_defer(&a, note, &one);
    arena_defer(&a, note, &two);
    assert_false(arena_is_over(&a));
    arena_alloc(&a, 5000);
    assert_true(arena_is_over(&a));
    arena_fini(&a);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 1);
    assert_int_equal(arena_live(), 0);
}

static const struct json_tree *read_json(struct arena *a, const char *text)
{
    return json_read(a, text_of(text));
}

/* As text with its members in order and no blanks, to compare. */
static int by_name(const void *a, const void *b)
{
    const struct json_tree *x = *(const struct json_tree *const *)a, *y = *(const struct json_tree *const *)b;
    int differ = memcmp(x->name.at, y->name.at, x->name.len < y->name.len ? x->name.len : y->name.len);

    return differ ? differ : x->name.len < y->name.len ? -1 : x->name.len > y->name.len;
}

static void put_canonical(struct arena *a, const struct json_tree *t, struct buf *out);

static void put_items(struct arena *a, const struct json_tree *t, struct buf *out)
{
    const struct json_tree **items = arena_array(a, const struct json_tree *, t->count);
    size_t n = 0;

    for (const struct json_tree *i = t->first; i; i = i->next)
        items[n++] = i;
    if (t->kind == TREE_OBJECT && n)
        qsort(items, n, sizeof *items, by_name);
    buf_put_char(out, t->kind == TREE_OBJECT ? '{' : '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_put_char(out, ',');
        if (t->kind == TREE_OBJECT) {
            buf_put_json_string(out, items[i]->name);
            buf_put_char(out, ':');
        }
        put_canonical(a, items[i], out);
    }
    buf_put_char(out, t->kind == TREE_OBJECT ? '}' : ']');
}

static void put_canonical(struct arena *a, const struct json_tree *t, struct buf *out)
{
    switch (t->kind) {
    case TREE_NULL:
        buf_put(out, T("null"));
        return;
    case TREE_FALSE:
        buf_put(out, T("false"));
        return;
    case TREE_TRUE:
        buf_put(out, T("true"));
        return;
    case TREE_INTEGER:
        buf_put_i64(out, t->integer);
        return;
    case TREE_REAL:
        buf_printf(out, "%.17g", t->real);
        return;
    case TREE_STRING:
        buf_put_json_string(out, t->string);
        return;
    case TREE_ARRAY:
    case TREE_OBJECT:
        put_items(a, t, out);
    }
}

static struct text json_canonical(struct arena *a, const struct json_tree *t)
{
    struct buf b;

    if (!t)
        return T("");
    buf_init(&b, a->limit);
    put_canonical(a, t, &b);
    return arena_buf(a, &b);
}

static void test_json_takes(void **state)
{
    /* and what they are, written canonically */
    static const char *const cases[][2] = {
        { "null", "null" },
        { " [ true , false ] ", "[true,false]" },
        { "{\"b\":1,\"a\":{\"d\":[],\"c\":{}}}", "{\"a\":{\"c\":{},\"d\":[]},\"b\":1}" },
        { "[-0,0,-12,9007199254740991,9223372036854775807,-9223372036854775808]",
          "[0,0,-12,9007199254740991,9223372036854775807,-9223372036854775808]" },
        { "[1.5,1e2,1E+2,25e-1]", "[1.5,100,100,2.5]" },
        { "\"\\u0041\\n\\/\\\"\\\\\"", "\"A\\n/\\\"\\\\\"" },
        { "\"\\ud83d\\ude00\"", "\"\xF0\x9F\x98\x80\"" },
        { "\"\\uAC00\\uac01\"", "\"\xEA\xB0\x80\xEA\xB0\x81\"" },
        { "\"\xED\x95\x9C\xEA\xB8\x80 12345678\"", "\"\xED\x95\x9C\xEA\xB8\x80 12345678\"" },
        { "{\"\":0}", "{\"\":0}" },
        { "\t\r\n7 ", "7" },
        { "10000000000000000000000000000000000000000000000000000000000000000000000.0e-70", "1" },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct json_tree *t = read_json(&a, cases[i][0]);

        assert_non_null(t);
        assert_string_equal(json_canonical(&a, t).at, cases[i][1]);
    }
    arena_fini(&a);
}

static void test_json_refuses(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "nul",
        "nulll",
        "tru",
        "{",
        "}",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{1:2}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "1e400",
        "9223372036854775808",
        "-9223372036854775809",
        "NaN",
        "Infinity",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud800\\n\"",
        "\"\\ud800\\ud800\"",
        "\"\\udc00\"",
        "\"\x01\"",
        "\"\n\"",
        "\"\x80\"",
        "\"\xC0\x80\"",
        "\"\xED\xA0\x80\"",
        "\"\xF5\x80\x80\x80\"",
        "\"\xE2\x82\"",
        "1 2",
        "[] []",
        "// x",
        "'a'",
        "[1]\v",
        "\xEF\xBB\xBF[]",
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_null(read_json(&a, cases[i]));
    assert_null(json_read(&a, (struct text){ "\"\0\"", 3 }));
    arena_fini(&a);
}

static void test_json_has_bounds(void **state)
{
    struct arena a;
    struct buf b;

    (void)state;
    arena_init(&a, 1 << 24);
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        buf_init(&b, 1000);
        for (size_t i = 0; i < depth; i++)
            buf_put_char(&b, '[');
        for (size_t i = 0; i < depth; i++)
            buf_put_char(&b, ']');
        assert_int_equal(json_read(&a, buf_text(&b)) != NULL, depth <= JSON_DEPTH_MAX);
        buf_fini(&b);
    }
    for (int members = JSON_MEMBERS_MAX; members <= JSON_MEMBERS_MAX + 1; members++) {
        buf_init(&b, 1 << 20);
        for (int i = 0; i < members; i++)
            buf_printf(&b, "%s\"m%d\":%d", i ? "," : "{", i, i);
        buf_put_char(&b, '}');
        assert_int_equal(json_read(&a, buf_text(&b)) != NULL, members <= JSON_MEMBERS_MAX);
        buf_fini(&b);
    }
    arena_fini(&a);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *given, *printed; /* NULL: it is none */
    } rows[] = {
        { "192.0.2.7", "192.0.2.7" },
        { "192.0.2.7:80", "192.0.2.7" },
        { "::ffff:192.0.2.7", "192.0.2.7" },
        { "::FFFF:c000:207", "192.0.2.7" },
        { "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
        { "[2001:db8::1]", "2001:db8::1" },
        { "[2001:db8::1]:4711", "2001:db8::1" },
        { "::1", "::1" },
        { "", NULL },
        { "unknown", NULL },
        { "192.0.2", NULL },
        { "192.0.2.07", NULL },
        { "192.0.2.7:", NULL },
        { "192.0.2.7:65536", NULL },
        { "192.0.2.7:80:80", NULL },
        { "[192.0.2.7]", NULL },
        { "[]", NULL },
        { "[", NULL },
        { "]:1", NULL },
        { "[[::1]]", NULL },
        { "2001:db8::1%eth0", NULL },
        { "2001:db8:1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:0:1:2", NULL },
    };
    char text[ADDRESS_TEXT];
    struct address a;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool good = address_parse_port(text_of(rows[i].given), &a);

        if (good != (rows[i].printed != NULL) || (good && !text_is(address_print(&a, text), text_of(rows[i].printed))))
            fail_msg("%s", rows[i].given);
    }
}

static void test_address_networks(void **state)
{
    static const struct {
        const char *network, *in, *out;
    } rows[] = {
        { "10.0.0.0/8", "10.255.255.255", "11.0.0.0" },
        { "10.0.0.7", "::ffff:10.0.0.7", "10.0.0.6" },
        { "192.0.2.128/25", "192.0.2.129", "192.0.2.127" },
        { "0.0.0.0/0", "203.0.113.7", "2001:db8::1" },
        { "2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::" },
        { "::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3" },
        { "2001:db8::1/128", "2001:db8::1", "2001:db8::2" },
    };
    static const char *const none[] = { "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "10.0.0.0:80", "proxy" };
    struct address in, out;
    struct network n;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(network_parse(text_of(rows[i].network), &n));
        assert_true(address_parse(text_of(rows[i].in), &in) && address_parse(text_of(rows[i].out), &out));
        if (!network_has(&n, &in) || network_has(&n, &out))
            fail_msg("%s", rows[i].network);
    }
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_false(network_parse(text_of(none[i]), &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_instants),
        cmocka_unit_test(test_codec),
        cmocka_unit_test(test_buffers_have_a_maximum),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_arena_runs_its_defers_backwards),
        cmocka_unit_test(test_json_takes),
        cmocka_unit_test(test_json_refuses),
        cmocka_unit_test(test_json_has_bounds),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_address_networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
