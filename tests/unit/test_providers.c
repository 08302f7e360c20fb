/* Server-sent events, and what models say in them. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "providers/llm_dialects.h"
#include "providers/mail_providers.h"
#include "providers/mend.h"
#include "providers/sse.h"

#define TEXT_PARTS(literal) literal, sizeof(literal) - 1

static void note(void *arg, struct text name, struct text data)
{
    struct buf *out = arg;

    buf_printf(out, "%.*s=%.*s|", TEXT_ARG(name), TEXT_ARG(data));
}

static void test_events(void **state)
{
    static const struct {
        const char *bytes, *events;
    } rows[] = {
        { "data: a\n\n", "=a|" },
        { "event: token\ndata:a\n\n", "token=a|" },
        { "event: x\r\ndata: a\r\n\r\n", "x=a|" },
        { "data: a\r\rdata: b\r\r", "=a|=b|" },
        { "data: a\ndata: b\n\n", "=a\nb|" },
        { "data:  a\n\n", "= a|" },
        { "\xEF\xBB\xBF"
          "data: a\n\n",
          "=a|" },
        { ": a comment\n\nid: 3\nretry: 9\nunknown: x\n\ndata: a\n\n", "=a|" },
        { "event: only\n\ndata: a\n\n", "=a|" }, /* a name without data is no event, and does not stick */
        { "data\n\n", "=|" },
        { "data: not ended\n", "" },
        { "data: \xEC\x95\x88\xEB\x85\x95\n\n", "=\xEC\x95\x88\xEB\x85\x95|" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t cut = 1; cut < 8; cut++) {
            struct text rest = text_of(rows[i].bytes);
            struct sse s;
            struct buf out;

            sse_init(&s, 1000);
            buf_init(&out, 10000);
            while (rest.len) {
                size_t n = rest.len < cut ? rest.len : cut;

                assert_true(sse_feed(&s, text_until(rest, n), note, &out));
                rest = text_from(rest, n);
            }
            buf_put_char(&out, '\0');
            assert_string_equal(out.at, rows[i].events);
            sse_fini(&s);
            buf_fini(&out);
        }
}

static void test_event_without_end(void **state)
{
    static const char *const lines[] = { "data: 0123456789012345678901234567890123456789\n", "0123456789" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct buf out;
        struct sse s;
        int fed = 0;

        sse_init(&s, 100);
        buf_init(&out, 1000);
        while (fed < 50 && sse_feed(&s, text_of(lines[i]), note, &out))
            fed++;
        assert_true(fed < 12);
        assert_int_equal(out.len, 0);
        sse_fini(&s);
        buf_fini(&out);
    }
}

static void test_dialects(void **state)
{
    static const struct {
        const struct llm_dialect *dialect;
        const char *name, *data, *words;
        bool whole, last, finished, failed, again;
    } rows[] = {
        { &llm_clova_v3, "token", "{\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"finishReason\":null,\"seed\":7}",
          "a" },
        { &llm_clova_v1, "token", "{\"message\":{\"content\":\"a\"},\"stopReason\":null,\"inputLength\":3}", "a" },
        { &llm_clova_v3, "token", "{\"message\":{\"thinkingContent\":\"secret\"}}", "" }, /* never shown */
        { &llm_clova_v3, "result", "{\"message\":{\"content\":\"all\"},\"finishReason\":\"stop\"}", "all", true, true, true },
        { &llm_clova_v1, "result", "{\"message\":{\"content\":\"all\"},\"stopReason\":\"STOP_BEFORE\"}", "all", true, true,
          true },
        { &llm_clova_v3, "signal", "{\"data\":\"[DONE]\"}", "", false, true },
        { &llm_clova_v3, "unheard-of", "not even json", "" },
        { &llm_clova_v3, "token", "not even json", "", false, false, false, true, false },
        { &llm_clova_v3, "error", "{\"status\":{\"code\":\"42901\",\"message\":\"x\"}}", "", false, false, false, true, true },
        { &llm_clova_v3, "error", "{\"status\":{\"code\":\"40003\"}}", "", false, false, false, true, false },
        { &llm_clova_v3, "error", "{\"status\":{\"code\":\"50000\"}}", "", false, false, false, true, true },
        { &llm_clova_v3, "error", "{}", "", false, false, false, true, false },
        { &llm_openai, "", "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}", "a" },
        { &llm_openai, "", "{\"choices\":[{\"delta\":{\"role\":\"assistant\"},\"finish_reason\":null}]}", "" },
        { &llm_openai, "", "{\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}", "", false, false, true },
        { &llm_openai, "", "{\"choices\":[],\"usage\":{\"total_tokens\":3}}", "" },
        { &llm_openai, "", "[DONE]", "", false, true },
        { &llm_openai, "", " [DONE]\t", "", false, true },
        { &llm_openai, "", "{\"choices\":null,\"usage\":{}}", "" },
        { &llm_openai, "", "{\"choices\":[{\"delta\":null,\"finish_reason\":\"\"}],\"error\":null}", "" },
        { &llm_openai, "",
          "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}},{\"index\":0,\"delta\":{\"content\":\"a\"}}]}", "a" },
        { &llm_openai, "", "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}", "" },
        { &llm_openai, "",
          "{\"id\":1,\"id\":2,\"choices\":[{\"delta\":{\"content\":\"a\"},\"logprobs\":-Infinity}],\"created\":1e999}", "a" },
        { &llm_openai, "", "{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image\"}]}}]}",
          "a" },
        { &llm_openai, "", "{\"error\":{\"code\":503,\"message\":\"busy\"}}", "", false, false, false, true, true },
        { &llm_openai, "", "{\"error\":{\"code\":400}}", "", false, false, false, true, false },
        { &llm_openai, "", "{\"error\":\"no\"}", "", false, false, false, true, false },
        { &llm_openai, "", "{\"error\":{\"code\":null,\"type\":\"server_error\"}}", "", false, false, false, true, true },
        { &llm_openai, "", "{\"object\":\"error\",\"code\":503}", "", false, false, false, true, true },
        { &llm_clova_v3, "token", "{\"message\":null,\"finishReason\":\"\"}", "" },
        { &llm_openai, "", "{\"error\":{\"message\":\"x\",\"type\":null,\"code\":\"50000\"}}", "", false, false, false, true,
          true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct llm_said said = { .words = T("") };
        struct arena a;

        arena_init(&a, 1 << 20);
        rows[i].dialect->event(&a, text_of(rows[i].name), text_of(rows[i].data), &said);
        assert_true(text_is(said.words, text_of(rows[i].words)));
        assert_int_equal(said.whole, rows[i].whole);
        assert_int_equal(said.last, rows[i].last);
        assert_int_equal(said.finished, rows[i].finished);
        assert_int_equal(said.failed != NULL, rows[i].failed);
        assert_int_equal(said.again, rows[i].again);
        arena_fini(&a);
    }
}

/* Whatever way it is cut, the same characters come out. */
static void test_mending(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *words;
    } rows[] = {
        { TEXT_PARTS("네가요"), "네가요" },
        { TEXT_PARTS("a\0b"), "ab" },
        { TEXT_PARTS("\xED\xA0\xBD\xED\xB8\x8A!"), "😊!" }, /* two halves */
        { TEXT_PARTS("\xED\xA0\xBDx"), "\xEF\xBF\xBDx" },  /* the first alone */
        { TEXT_PARTS("\xED\xB8\x8Ax"), "\xEF\xBF\xBDx" },  /* the second alone */
        { TEXT_PARTS("\xED\xA0\xBD\xED\xA0\xBD\xED\xB8\x8A"), "\xEF\xBF\xBD😊" },
        { TEXT_PARTS("\xEA\xB0!"), "\xEF\xBF\xBD!" },
        { TEXT_PARTS("\x80\xFF"), "\xEF\xBF\xBD\xEF\xBF\xBD" },
        { TEXT_PARTS("\xEA\xB0"), "\xEF\xBF\xBD" },
        { TEXT_PARTS("\xED\xA0\xBD"), "\xEF\xBF\xBD" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t cut = 1; cut < 8; cut++) {
            struct text rest = { rows[i].bytes, rows[i].len };
            struct mend m = { .count = 0 };
            struct buf out;

            buf_init(&out, 1000);
            while (rest.len) {
                size_t n = rest.len < cut ? rest.len : cut;

                mend_words(&m, text_until(rest, n), &out);
                rest = text_from(rest, n);
            }
            mend_end(&m, &out);
            assert_true(text_is(buf_text(&out), text_of(rows[i].words)));
            buf_fini(&out);
        }
}

/* No header of a letter can be broken out of, whatever its subject and sender are. */
static void test_letters(void **state)
{
    static const char long_and_broken[] =
        "\xEA\xB0\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
        "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80 <a@b.example>";
    static const char *const froms[] = { "마당 <a@b.example>", "\"A, B\" <a@b.example>", "<a@b.example>", "a@b.example",
                                         long_and_broken };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(froms); i++) {
        struct mail m = { T("to@c.example"), T("안녕\r\nBcc: all@c.example"), T("text\r\n.\r\n") };
        struct text head, line;
        struct arena a;

        arena_init(&a, 1 << 20);
        head = letter_text(&a, text_of(froms[i]), &m, 1700000000);
        head = text_until(head, (size_t)(strstr(head.at, "\r\n\r\n") - head.at));
        assert_null(strstr(head.at, "Bcc"));
        while (head.len) {
            line = text_cut(head, '\n', &head);
            assert_in_range(line.len, 1, 79);
            for (size_t n = 0; n < line.len; n++)
                assert_true(line.at[n] == '\r' || (line.at[n] >= 0x20 && line.at[n] < 0x7F));
        }
        arena_fini(&a);
    }
}

static void test_tokens(void **state)
{
    (void)state;
    assert_in_range(llm_tokens(T("")), 0, 10);
    assert_in_range(llm_tokens(T("The quick brown fox jumps over the lazy dog.")), 10, 25);
    assert_in_range(llm_tokens(T("오늘은 어떤 하루였나요? 마음이 복잡해요.")), 12, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),  cmocka_unit_test(test_event_without_end), cmocka_unit_test(test_dialects),
        cmocka_unit_test(test_mending), cmocka_unit_test(test_letters),           cmocka_unit_test(test_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
