/* The clocks, and wall time as text. The calendar is computed here: gmtime_r and timegm would be
 * right, too, but every log line and every row needs this, and neither parses. */
#include "svc/clock.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

static int64_t read_us(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now); /* cannot fail for these three clocks */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t svc_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t svc_boot_us(void)
{
    return read_us(CLOCK_BOOTTIME);
}

int64_t svc_unix_us(void)
{
    return read_us(CLOCK_REALTIME);
}

#define DAY_US (INT64_C(86400) * 1000000)
enum {
    DAYS_PER_ERA = 146097, /* 400 years of the Gregorian calendar */
    EPOCH_DAY = 719468,    /* 1970-01-01, counted from 0000-03-01 */
};

/* Years start in March here, so that the leap day is the last day of its year and the month lengths
 * follow one formula. */
static int64_t day_of(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - EPOCH_DAY;
}

static void date_of(int64_t unix_day, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    int64_t day = unix_day + EPOCH_DAY;
    int64_t era = day / DAYS_PER_ERA;
    int64_t day_of_era = day - era * DAYS_PER_ERA;
    int64_t year =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    *ret_day = (unsigned)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *ret_month = (unsigned)(march_month < 10 ? march_month + 3 : march_month - 9);
    *ret_year = (unsigned)(year + era * 400 + (*ret_month <= 2));
}

static char *put(char *at, unsigned value, int digits)
{
    for (int i = digits; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + digits;
}

const char *svc_time_text(int64_t unix_us, char buf[SVC_TIME_TEXT])
{
    /* Four digits of year are what the text has room for; nothing real is outside of them. */
    const int64_t first = day_of(1, 1, 1) * DAY_US, last = day_of(10000, 1, 1) * DAY_US - 1;
    unix_us = unix_us < first ? first : unix_us > last ? last : unix_us;

    int64_t unix_day = unix_us / DAY_US - (unix_us % DAY_US < 0);
    int64_t in_day = unix_us - unix_day * DAY_US;
    unsigned year, month, day, second = (unsigned)(in_day / 1000000);
    date_of(unix_day, &year, &month, &day);

    char *at = put(buf, year, 4);
    *at++ = '-';
    at = put(at, month, 2);
    *at++ = '-';
    at = put(at, day, 2);
    *at++ = 'T';
    at = put(at, second / 3600, 2);
    *at++ = ':';
    at = put(at, second / 60 % 60, 2);
    *at++ = ':';
    at = put(at, second % 60, 2);
    *at++ = '.';
    at = put(at, (unsigned)(in_day % 1000000), 6);
    *at++ = 'Z';
    *at = '\0';
    return buf;
}

struct scan {
    const char *at, *end;
    bool bad;
};

static bool accept(struct scan *scan, char wanted)
{
    bool there = scan->at < scan->end && *scan->at == wanted;
    scan->at += there;
    return there;
}

static void expect(struct scan *scan, char wanted)
{
    if (!accept(scan, wanted))
        scan->bad = true;
}

static bool digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static unsigned number(struct scan *scan, int digits, unsigned min, unsigned max)
{
    unsigned value = 0;
    for (int i = 0; i < digits; i++) {
        if (!digit(scan)) {
            scan->bad = true;
            return min;
        }
        value = value * 10 + (unsigned)(*scan->at++ - '0');
    }
    if (value >= min && value <= max)
        return value;
    scan->bad = true;
    return min;
}

static int64_t fraction_us(struct scan *scan)
{
    if (!accept(scan, '.'))
        return 0;
    int64_t value = 0, unit = 100000;
    scan->bad = scan->bad || !digit(scan);
    for (; unit && digit(scan); unit /= 10)
        value += (*scan->at++ - '0') * unit;
    return value; /* a seventh digit stays behind and makes the zone wrong */
}

/* "Z", "+HH:MM", "+HHMM" or "+HH". */
static int64_t zone_us(struct scan *scan)
{
    if (accept(scan, 'Z'))
        return 0;
    int sign = accept(scan, '-') ? -1 : 1;
    if (sign > 0)
        expect(scan, '+');
    unsigned hours = number(scan, 2, 0, 23), minutes = 0;
    if (accept(scan, ':') || digit(scan))
        minutes = number(scan, 2, 0, 59);
    return sign * (int64_t)(hours * 60 + minutes) * 60 * 1000000;
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

int svc_time_parse(const char *text, size_t len, int64_t *ret_unix_us)
{
    struct scan scan = {text, text + len, false};
    unsigned year = number(&scan, 4, 1, 9999);
    expect(&scan, '-');
    unsigned month = number(&scan, 2, 1, 12);
    expect(&scan, '-');
    unsigned day = number(&scan, 2, 1, 31);
    if (!accept(&scan, ' ')) /* RFC 3339 section 5.6 allows it, and Postgres writes it */
        expect(&scan, 'T');
    unsigned second = number(&scan, 2, 0, 23) * 3600;
    expect(&scan, ':');
    second += number(&scan, 2, 0, 59) * 60;
    expect(&scan, ':');
    second += number(&scan, 2, 0, 59);
    int64_t fraction = fraction_us(&scan);
    int64_t zone = zone_us(&scan);
    if (scan.bad || scan.at != scan.end || day > days_in(year, month))
        return -1;
    *ret_unix_us = day_of(year, month, day) * DAY_US + (int64_t)second * 1000000 + fraction - zone;
    return 0;
}
