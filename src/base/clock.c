#include "madang/clock.h"

static uint64_t read_us(clockid_t id)
{
    struct timespec now;

    CHECK(clock_gettime(id, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

uint64_t clock_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_ms(void)
{
    return clock_us() / 1000;
}

struct instant clock_wall(void)
{
    return (struct instant){ (int64_t)read_us(CLOCK_REALTIME) };
}

int64_t clock_wall_seconds(void)
{
    return (int64_t)(read_us(CLOCK_REALTIME_COARSE) /
                     1000000); /* as of the last tick of the kernel's, without the hardware's counter */
}

struct instant instant_after_ms(struct instant from, int64_t ms)
{
    return (struct instant){ from.us + ms * 1000 };
}

static void split(struct instant at, struct tm *out, int64_t *us)
{
    int64_t seconds = at.us / 1000000;
    time_t t;

    *us = at.us % 1000000;
    if (*us < 0) {
        *us += 1000000;
        seconds--;
    }
    t = (time_t)seconds;
    CHECK(gmtime_r(&t, out) != NULL);
}

static struct date date_in_utc(struct instant at)
{
    struct tm tm;
    int64_t us;

    split(at, &tm, &us);
    return (struct date){ tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday };
}

/* Nine hours ahead all year: there is no summer time since 1988. */
struct date date_in_korea(struct instant at)
{
    return date_in_utc((struct instant){ at.us + 9 * 3600 * INT64_C(1000000) });
}

int date_years_between(struct date birth, struct date day)
{
    bool before_birthday = day.month < birth.month || (day.month == birth.month && day.day < birth.day);

    return day.year - birth.year - before_birthday;
}

static char *put_digits(char *at, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + digits;
}

size_t date_format(struct date d, char out[static DATE_TEXT_SIZE])
{
    char *at = put_digits(out, d.year, 4); /* 1..9999: struct date */

    *at++ = '-';
    at = put_digits(at, d.month, 2);
    *at++ = '-';
    at = put_digits(at, d.day, 2);
    *at = '\0';
    return (size_t)(at - out);
}

#define DAY_US (86400 * INT64_C(1000000))

size_t instant_format(struct instant at, char out[static INSTANT_TEXT_SIZE])
{
    static _Thread_local int64_t day = INT64_MIN; /* most instants are of the same one */
    static _Thread_local char day_text[DATE_TEXT_SIZE];
    int64_t days = at.us / DAY_US - (at.us % DAY_US < 0), ms = (at.us - days * DAY_US) / 1000;
    char *to = out + 10;

    if (days != day) {
        date_format(date_in_utc(at), day_text);
        day = days;
    }
    memcpy(out, day_text, 10);
    *to++ = 'T';
    to = put_digits(to, (int)(ms / 3600000), 2);
    *to++ = ':';
    to = put_digits(to, (int)(ms / 60000 % 60), 2);
    *to++ = ':';
    to = put_digits(to, (int)(ms / 1000 % 60), 2);
    *to++ = '.';
    to = put_digits(to, (int)(ms % 1000), 3);
    *to++ = 'Z';
    *to = '\0';
    return (size_t)(to - out);
}

/* Takes exactly `digits` digits off the front. */
static bool take_number(struct text *t, size_t digits, int *out)
{
    int value = 0;

    if (t->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (t->at[i] < '0' || t->at[i] > '9')
            return false;
        value = value * 10 + (t->at[i] - '0');
    }
    *t = text_from(*t, digits);
    *out = value;
    return true;
}

static bool take_char(struct text *t, char c)
{
    if (t->len == 0 || t->at[0] != c)
        return false;
    *t = text_from(*t, 1);
    return true;
}

static bool take_date(struct text *t, struct date *out)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap;

    if (!take_number(t, 4, &out->year) || !take_char(t, '-') || !take_number(t, 2, &out->month) || !take_char(t, '-') ||
        !take_number(t, 2, &out->day))
        return false;
    leap = (out->year % 4 == 0 && out->year % 100 != 0) || out->year % 400 == 0;
    return out->year >= 1 && out->month >= 1 && out->month <= 12 && out->day >= 1 &&
           out->day <= days[out->month - 1] + (leap && out->month == 2);
}

bool date_parse(struct text t, struct date *out)
{
    return take_date(&t, out) && t.len == 0;
}

static bool take_fraction(struct text *t, int64_t *us)
{
    int64_t unit = 100000;
    size_t digits = 0;

    if (!take_char(t, '.'))
        return true;
    for (; t->len && t->at[0] >= '0' && t->at[0] <= '9'; *t = text_from(*t, 1), digits++) {
        *us += (t->at[0] - '0') * unit;
        unit /= 10;
    }
    return digits >= 1 && digits <= 9;
}

static bool take_offset(struct text *t, int *seconds)
{
    int hours, minutes = 0, sign = 1;

    *seconds = 0;
    if (take_char(t, 'Z') || take_char(t, 'z'))
        return true;
    if (take_char(t, '-'))
        sign = -1;
    else if (!take_char(t, '+'))
        return false;
    if (!take_number(t, 2, &hours) || (take_char(t, ':') && !take_number(t, 2, &minutes)))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return hours < 24 && minutes < 60;
}

bool instant_parse(struct text t, struct instant *out)
{
    struct date d;
    struct tm tm = { 0 };
    int64_t us = 0;
    int offset;

    if (!take_date(&t, &d) || (!take_char(&t, 'T') && !take_char(&t, 't') && !take_char(&t, ' ')) ||
        !take_number(&t, 2, &tm.tm_hour) || !take_char(&t, ':') || !take_number(&t, 2, &tm.tm_min) || !take_char(&t, ':') ||
        !take_number(&t, 2, &tm.tm_sec) || !take_fraction(&t, &us) || !take_offset(&t, &offset) || t.len)
        return false;
    if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
        return false;
    tm.tm_year = d.year - 1900;
    tm.tm_mon = d.month - 1;
    tm.tm_mday = d.day;
    out->us = ((int64_t)timegm(&tm) - offset) * 1000000 + us;
    return true;
}

void http_date_format(int64_t seconds, char out[static 30])
{
    static const char day[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char month[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t t = (time_t)seconds;
    struct tm tm;
    int length;

    CHECK(gmtime_r(&t, &tm) != NULL);
    length = snprintf(out, 30, "%s, %02d %s %04d %02d:%02d:%02d GMT", day[tm.tm_wday], tm.tm_mday, month[tm.tm_mon],
                      tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    CHECK(length == 29);
}
