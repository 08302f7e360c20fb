/* base: log — what the operator must know, once, with its cause.
 *
 * A line is formatted here and handed to the sink (a bounded ring with a writer thread of its own, see ops/log_writer),
 * so a stalled reader costs counted lines, never the loop. Levels below the configured one cost one comparison.
 * Never log a secret: tokens, passwords, codes, keys, mail bodies.
 */
#ifndef MADANG_LOG_H
#define MADANG_LOG_H

#include "madang/shape.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level level);
void log_set_json(bool json);
/* The sink borrows the line (with its newline) for the call. NULL: straight to stderr. */
void log_set_sink(void (*sink)(struct text line));
bool log_wants(enum log_level level);
void log_write(enum log_level level, const char *area, const struct pair *fields, size_t count, const char *format, ...)
    PRINTF_LIKE(5, 6);

#define log_debug(area, ...) log_at(LOG_DEBUG, area, __VA_ARGS__)
#define log_info(area, ...) log_at(LOG_INFO, area, __VA_ARGS__)
#define log_warn(area, ...) log_at(LOG_WARN, area, __VA_ARGS__)
#define log_error(area, ...) log_at(LOG_ERROR, area, __VA_ARGS__)
#define log_at(level, area, ...)                          \
    do {                                                  \
        if (log_wants(level))                             \
            log_write(level, area, NULL, 0, __VA_ARGS__); \
    } while (0)

#endif
