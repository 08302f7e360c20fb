#include "madang/log.h"

#include <unistd.h>

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static enum log_level level_min = LOG_INFO;
static bool as_json;
static void (*sink)(struct text line);

void log_set_level(enum log_level level)
{
    level_min = level;
}

void log_set_json(bool json)
{
    as_json = json;
}

void log_set_sink(void (*to)(struct text line))
{
    sink = to;
}

bool log_wants(enum log_level level)
{
    return level >= level_min;
}

static void put_json(struct buf *b, enum log_level level, const char *at, const char *area, struct text message,
                     const struct pair *fields, size_t count)
{
    buf_printf(b, "{\"at\":\"%s\",\"level\":\"%s\",\"area\":\"%s\",\"message\":", at, level_names[level], area);
    buf_put_json_string(b, message);
    for (size_t i = 0; i < count; i++) {
        buf_put_char(b, ',');
        buf_put_json_string(b, fields[i].name);
        buf_put_char(b, ':');
        buf_put_json_string(b, fields[i].value);
    }
    buf_put(b, T("}\n"));
}

/* What comes from outside cannot begin a line of its own. */
static void put_printable(struct buf *b, struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.at[i];

        buf_put_char(b, c < 0x20 || c == 0x7F ? '?' : (char)c);
    }
}

static void put_plain(struct buf *b, enum log_level level, const char *at, const char *area, struct text message,
                      const struct pair *fields, size_t count)
{
    buf_printf(b, "%s %-5s %-8s ", at, level_names[level], area);
    put_printable(b, message);
    for (size_t i = 0; i < count; i++) {
        buf_printf(b, " %.*s=", TEXT_ARG(fields[i].name));
        put_printable(b, fields[i].value);
    }
    buf_put_char(b, '\n');
}

void log_write(enum log_level level, const char *area, const struct pair *fields, size_t count, const char *format, ...)
{
    char at[INSTANT_TEXT_SIZE], message[1024];
    va_list args;
    int length;
    struct buf b;
    struct text said;

    va_start(args, format);
    length = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    CHECK(length >= 0);
    said = (struct text){ message, (size_t)length < sizeof message ? (size_t)length : sizeof message - 1 };
    instant_format(clock_wall(), at);
    buf_init(&b, 16384);
    (as_json ? put_json : put_plain)(&b, level, at, area, said, fields, count);
    if (sink)
        sink(buf_text(&b));
    else if (write(STDERR_FILENO, b.at, b.len) < 0)
        log_set_level(LOG_ERROR); /* nobody can be told */
    buf_fini(&b);
}
