/* The strict head, ranges, WebSocket frames. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "madang/call.h"
#include "madang/http.h"
#include "wire/exchange.h"
#include "wire/http_head.h"
#include "wire/ws_reader.h"

static void test_heads(void **state)
{
    static const struct {
        const char *head;
        int status;
    } rows[] = {
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0 },
        { "GET / HTTP/1.0\r\n\r\n", 0 },
        { "GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 0 },
        { "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400 },
        { "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400 },
        { "GET /\r\nHost: a\r\n\r\n", 400 },
        { "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
        { "GET / HTTP/1.1\nHost: a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400 },
        { "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501 },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400 },
        { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
          "chunked\r\n\r\n",
          400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\n\r\n", 417 },
        { "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nnovalue\r\n\r\n", 400 },
    };
    struct head_limits limits = { 8192, 100 };
    char named[] = "GET / HTTP/1.1\r\nHoSt: a\r\nX-One:\t two \r\n\r\n";
    static struct pair fields[100];
    struct head_facts facts;

    (void)state;
    assert_null(head_read(named, sizeof named - 1, &limits, &facts, fields));
    assert_int_equal(facts.fields, 2);
    assert_true(text_is(fields[0].name, T("host")) && text_is(fields[1].name, T("x-one")) && text_is(fields[1].value, T("two")));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *head = strdup(rows[i].head);
        problem p = head_read(head, strlen(head), &limits, &facts, fields);

        free(head);

        if ((p ? p->status : 0) != rows[i].status)
            fail_msg("%s: %d instead of %d", rows[i].head, p ? p->status : 0, rows[i].status);
    }
    assert_int_equal(head_end(T("GET / HTTP/1.1\r\n\r\nrest"), 0), 18);
    assert_int_equal(head_end(T("GET / HTTP/1.1\r\n\r"), 0), 0);
}

static void test_networks(void **state)
{
    static const struct {
        const char *address, *network;
    } rows[] = {
        { "192.0.2.7", "192.0.2.7" },
        { "::ffff:192.0.2.7", "192.0.2.7" },
        { "2001:db8::1", "20010db800000000" },
        { "2001:db8::a:b:c:d", "20010db800000000" },
        { "2001:db8:0:0:a:b:c:d", "20010db800000000" },
        { "2001:DB8:1:2:a:b:c:d", "20010db800010002" },
        { "2001:db8:1:2::", "20010db800010002" },
        { "::1", "0000000000000000" },
        { "-", "-" },
        { "", "" },
        { "2001:db8:1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:0:1:2", "2001:db8:1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:0:1:2" },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 16);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(text_is(address_network(&a, text_of(rows[i].address)), text_of(rows[i].network)));
    arena_fini(&a);
}

static void test_ranges(void **state)
{
    static const struct {
        struct text in;
        enum range_kind kind;
        int64_t first, last;
    } rows[] = {
        { TEXT_INIT("bytes=0-9"), RANGE_PART, 0, 9 },
        { TEXT_INIT("bytes=90-"), RANGE_PART, 90, 99 },
        { TEXT_INIT("bytes=-5"), RANGE_PART, 95, 99 },
        { TEXT_INIT("bytes=0-1000"), RANGE_PART, 0, 99 },
        { TEXT_INIT("bytes=100-"), RANGE_UNSATISFIABLE, 0, 0 },
        { TEXT_INIT("bytes=-0"), RANGE_UNSATISFIABLE, 0, 0 },
        { TEXT_INIT("bytes=9-5"), RANGE_WHOLE, 0, 99 },
        { TEXT_INIT("bytes=a-b"), RANGE_WHOLE, 0, 99 },
        { TEXT_INIT("bytes=0-1,5-6"), RANGE_WHOLE, 0, 99 },
        { TEXT_INIT("lines=1-2"), RANGE_WHOLE, 0, 99 },
        { TEXT_INIT(""), RANGE_WHOLE, 0, 99 },
        { TEXT_INIT("bytes=-500"), RANGE_PART, 0, 99 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t first, last;

        assert_int_equal(range_parse(rows[i].in, 100, &first, &last), rows[i].kind);
        if (rows[i].kind != RANGE_UNSATISFIABLE) {
            assert_int_equal(first, rows[i].first);
            assert_int_equal(last, rows[i].last);
        }
    }
    assert_true(etag_matches(T("W/\"a\", \"b\""), T("\"b\"")));
    assert_true(etag_matches(T("*"), T("\"b\"")));
    assert_false(etag_matches(T("\"bb\""), T("\"b\"")));
}

static void test_disposition(void **state)
{
    static const struct {
        struct text name, out;
    } rows[] = {
        { TEXT_INIT(""), TEXT_INIT("attachment") },
        { TEXT_INIT("a b.txt"), TEXT_INIT("attachment; filename=\"a b.txt\"") },
        { TEXT_INIT("한글.pdf"), TEXT_INIT("attachment; filename=\"__.pdf\"; filename*=UTF-8''%ED%95%9C%EA%B8%80.pdf") },
        { TEXT_INIT("a\"b%41"), TEXT_INIT("attachment; filename=\"a_b_41\"; filename*=UTF-8''a%22b%2541") },
        { TEXT_INIT("../x\r\n\\y\x7f"), TEXT_INIT("attachment; filename=\".._x___y_\"") },
        { TEXT_INIT("\xffz"), TEXT_INIT("attachment; filename=\"_z\"") },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 16);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct text out = content_disposition(&a, rows[i].name);

        if (!text_is(out, rows[i].out))
            fail_msg("%.*s", TEXT_ARG(out));
    }
    arena_fini(&a);
}

struct heard {
    int opcode;
    char text[64];
    size_t count;
};

static bool hear(void *arg, int opcode, struct text payload)
{
    struct heard *h = arg;

    h->opcode = opcode;
    h->count++;
    snprintf(h->text, sizeof h->text, "%.*s", TEXT_ARG(payload));
    return true;
}

/* A client's frame with the mask 0. */
static size_t frame(unsigned char *out, int first, bool masked, struct text payload)
{
    size_t n = 2;

    out[0] = (unsigned char)first;
    out[1] = (unsigned char)((masked ? 0x80 : 0) | payload.len);
    if (masked) {
        memset(out + n, 0, 4);
        n += 4;
    }
    memcpy(out + n, payload.at, payload.len);
    return n + payload.len;
}

static void test_frames(void **state)
{
    static const struct {
        int first;
        bool masked;
        struct text payload;
        int code;
    } rows[] = {
        { 0x81, true, TEXT_INIT("hello"), 0 },
        { 0x81, false, TEXT_INIT("hello"), 1002 },
        { 0xC1, true, TEXT_INIT("x"), 1002 },
        { 0x83, true, TEXT_INIT("x"), 1002 },
        { 0x8B, true, TEXT_INIT("x"), 1002 },
        { 0x80, true, TEXT_INIT("x"), 1002 },
        { 0x09, true, TEXT_INIT("x"), 1002 },
        { 0x81, true, TEXT_INIT("\xff"), 1007 },
        { 0x81, true, TEXT_INIT("\xE2\x82"), 1007 },
        { 0x8A, true, TEXT_INIT("late"), 0 },
        { 0x81, true, TEXT_INIT("0123456789012345678901234567890123456789"), 1009 },
    };
    struct ws_rules rules = { .message_max = 32 };
    unsigned char bytes[128];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ws_reader *r = ws_reader_lease();
        struct heard h = { 0 };
        size_t n = frame(bytes, rows[i].first, rows[i].masked, rows[i].payload);

        assert_int_equal(ws_reader_feed(r, &rules, (struct text){ (char *)bytes, n }, hear, &h), rows[i].code);
        if (!rows[i].code) {
            assert_int_equal(h.count, 1);
            assert_true(ws_reader_is_idle(r));
        }
        ws_reader_give(&r);
    }
    ws_readers_free();
}

static void test_fragments_byte_by_byte(void **state)
{
    struct ws_rules rules = { .message_max = 32 };
    struct ws_reader *r = ws_reader_lease();
    struct heard h = { 0 };
    unsigned char bytes[128];
    size_t n = frame(bytes, 0x01, true, T("\xED\x95")); /* half a character, … */

    (void)state;
    n += frame(bytes + n, 0x89, true, T("ping"));  /* a control frame in between, … */
    n += frame(bytes + n, 0x80, true, T("\x9C!")); /* and the rest */
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(ws_reader_feed(r, &rules, (struct text){ (char *)bytes + i, 1 }, hear, &h), 0);
        assert_int_equal(ws_reader_is_idle(r), i == n - 1);
    }
    assert_int_equal(h.count, 2);
    assert_string_equal(h.text, "한!");
    ws_reader_give(&r);
    ws_readers_free();
}

static void test_compressed(void **state)
{
    struct ws_rules rules = { .message_max = 100000, .deflate = true };
    static char plain[5000], raw[6000];
    struct ws_reader *r = ws_reader_lease();
    struct heard h = { 0 };
    struct buf packed;
    unsigned char header[10];
    size_t n;

    (void)state;
    memset(plain, 'a', sizeof plain);
    assert_true(ws_deflate((struct text){ plain, sizeof plain }, &packed));
    n = ws_frame_header(WS_TEXT, true, packed.len, header);
    assert_int_equal(n, 2);
    memcpy(raw, header, n);
    raw[1] = (char)(raw[1] | 0x80);
    memset(raw + n, 0, 4);
    memcpy(raw + n + 4, packed.at, packed.len);
    assert_int_equal(ws_reader_feed(r, &rules, (struct text){ raw, n + 4 + packed.len }, hear, &h), 0);
    assert_int_equal(h.count, 1);
    rules.message_max = 4000; /* a bomb: inflated it is too big */
    assert_int_equal(ws_reader_feed(r, &rules, (struct text){ raw, n + 4 + packed.len }, hear, &h), 1009);
    buf_fini(&packed);
    ws_reader_give(&r);
    ws_readers_free();
}

static void test_close_codes(void **state)
{
    (void)state;
    assert_int_equal(ws_close_code(T("")), WS_CODE_NONE);
    assert_int_equal(ws_close_code(T("\x03\xE8")), 1000);
    assert_int_equal(ws_close_code(T("\x03")), 0);
    assert_int_equal(ws_close_code(T("\x03\xED")), 0); /* 1005 is never sent */
    assert_int_equal(ws_close_code(T("\x03\xF7")), 0); /* 1015 neither */
    assert_int_equal(ws_close_code(T("\x0B\xB8")), 3000);
    assert_int_equal(ws_close_code(T("\x13\x88")), 0); /* 5000 */
    assert_int_equal(ws_close_code(T("\x03\xE8\xff")), 0);
}

static void test_statuses(void **state)
{
    static const int more[] = { 200, 301, 302, 303, 304, 307, 308, 410, 425, 428, 429, 507 };

    (void)state;
    for (size_t i = 0; i < PROBLEM_COUNT; i++)
        assert_true(exchange_has_status(problem_table[i].status));
    for (size_t i = 0; i < COUNT_OF(more); i++)
        assert_true(exchange_has_status(more[i]));
    assert_false(exchange_has_status(0) || exchange_has_status(299) || exchange_has_status(600) || exchange_has_status(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),       cmocka_unit_test(test_networks),    cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_disposition), cmocka_unit_test(test_frames),      cmocka_unit_test(test_fragments_byte_by_byte),
        cmocka_unit_test(test_compressed),  cmocka_unit_test(test_close_codes), cmocka_unit_test(test_statuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
