#include "madang/finding.h"

#include <stdarg.h>

#include "madang/buf.h"

static const char *const words[] = { "ok", "warn", "fail" };
static bool as_json;
static size_t counts[COUNT_OF(words)];

void findings_begin(bool json)
{
    as_json = json;
    memset(counts, 0, sizeof counts);
    if (json)
        fputc('[', stdout);
}

/* What a server says may have lines of its own. */
static void PRINTF_LIKE(2, 0) put_line(struct buf *b, const char *format, va_list args)
{
    size_t from = b->len;

    buf_vprintf(b, format, args);
    while (b->len > from && (unsigned char)b->at[b->len - 1] <= ' ')
        b->len--;
    for (size_t i = from; i < b->len; i++)
        if ((unsigned char)b->at[i] < ' ')
            b->at[i] = ' ';
}

static void print_json(enum finding f, const char *about, const char *todo, struct text says)
{
    struct buf b;

    buf_init(&b, 65536);
    buf_printf(&b, "%s{\"state\":\"%s\",\"about\":\"%s\",\"says\":", counts[0] + counts[1] + counts[2] > 1 ? ",\n" : "\n",
               words[f], about);
    buf_put_json_string(&b, utf8_is_valid(says) ? says : T("?"));
    if (f != FOUND_OK) {
        buf_put(&b, T(",\"todo\":"));
        buf_put_json_string(&b, text_of(todo));
    }
    buf_put_char(&b, '}');
    fwrite(b.at, 1, b.len, stdout);
    buf_fini(&b);
}

void finding(enum finding f, const char *about, const char *todo, const char *format, ...)
{
    struct buf says;
    va_list args;

    buf_init(&says, 8192);
    va_start(args, format);
    put_line(&says, format, args);
    va_end(args);
    counts[f]++;
    if (as_json)
        print_json(f, about, todo, buf_text(&says));
    else
        printf("%-4s  %-20s  %.*s%s%s\n", words[f], about, TEXT_ARG(buf_text(&says)), f == FOUND_OK ? "" : " — ",
               f == FOUND_OK ? "" : todo);
    fflush(stdout);
    buf_fini(&says);
}

bool findings_end(void)
{
    if (as_json)
        fputs("\n]\n", stdout);
    else
        printf("%zu ok, %zu to look at, %zu wrong\n", counts[FOUND_OK], counts[FOUND_WARN], counts[FOUND_FAIL]);
    return counts[FOUND_FAIL] == 0;
}
