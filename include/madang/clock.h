/* base: clock — points in time, calendar dates and their text forms (RFC 3339, and Postgres's text output). */
#ifndef MADANG_CLOCK_H
#define MADANG_CLOCK_H

#include "madang/text.h"

struct instant {
    int64_t us; /* microseconds since 1970-01-01T00:00:00Z */
};

struct date {
    int year, month, day; /* 1..9999, 1..12, 1..31 */
};

#define SECONDS(n) ((n)*1000)
#define MINUTES(n) ((n)*60 * 1000)

uint64_t clock_ms(void);         /* monotonic; only differences mean something */
uint64_t clock_us(void);         /* the same in microseconds */
struct instant clock_wall(void); /* now */
int64_t clock_wall_seconds(void);
struct instant instant_after_ms(struct instant from, int64_t ms);
/* The day it is in Korea, whose law and whose people ask for days. All that is kept or sent of time is an instant, in UTC; only
 * where a day is made of one, it is this day. */
struct date date_in_korea(struct instant at);
/* Full years from birth to the day. */
int date_years_between(struct date birth, struct date day);

#define INSTANT_TEXT_SIZE 32
#define DATE_TEXT_SIZE 16
/* "2026-01-02T03:04:05.678Z"; returns the length. */
size_t instant_format(struct instant at, char out[static INSTANT_TEXT_SIZE]);
size_t date_format(struct date d, char out[static DATE_TEXT_SIZE]);
/* RFC 3339 with any offset; up to 9 fraction digits, cut to microseconds. Also accepts a space for the 'T' and an
 * offset of hours only, as Postgres writes them. */
bool instant_parse(struct text t, struct instant *out) MUST_USE;
bool date_parse(struct text t, struct date *out) MUST_USE; /* "2026-01-02", a real day */
/* "Fri, 20 Nov 2026 05:50:28 GMT" of RFC 9110, 29 characters and NUL. */
void http_date_format(int64_t seconds, char out[static 30]);

#endif
