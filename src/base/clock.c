/* The clocks, and the written forms of time.
 *
 * A form is a pattern: a digit in it stands for one figure of the field with that number (year,
 * month, day, hour, minute, second, millisecond), all else for itself. The same pattern writes and
 * reads. Days are counted by our own arithmetic on the proleptic Gregorian calendar: no locale, no
 * time zone, no static buffer. Years are 0000 to 9999; a time outside is written as the nearest one
 * inside. There is no second 60.
 * Source: ISO 8601-1 5.4; Signature Version 4, X-Amz-Date; RFC 9110 5.6.7 (IMF-fixdate). */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#define DAY_MS INT64_C(86400000)
#define FIRST_MS INT64_C(-62167219200000)   /* 0000-01-01T00:00:00.000Z */
#define LAST_MS INT64_C(253402300799999)    /* 9999-12-31T23:59:59.999Z */

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, MILLI, FIELDS };

static const char ISO8601[] = "0000-11-22T33:44:55.666Z";
static const char ISO8601_SECONDS[] = "0000-11-22T33:44:55Z";
static const char AMZ_DATE[] = "00001122T334455Z";
static const char HTTP_DATE_TIME[] = " 0000 33:44:55 GMT";   /* behind "Sun, 22 Nov" */
static const char WEEKDAYS[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char MONTHS[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};
static const int64_t MONTH_DAYS[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

static int64_t read_clock(clockid_t id, int64_t per_second)
{
	struct timespec t;
	clock_gettime(id, &t);
	return t.tv_sec * per_second + t.tv_nsec / (1000000000 / per_second);
}

int64_t clock_now_ms(void)
{
	return read_clock(CLOCK_REALTIME, 1000);
}

int64_t clock_mono_ms(void)
{
	return read_clock(CLOCK_MONOTONIC, 1000);
}

int64_t clock_mono_us(void)
{
	return read_clock(CLOCK_MONOTONIC, 1000000);
}

/* Days from 1970-01-01. A year is taken to begin in March, so that the leap day is its last, and
 * counted within its era of 400 years, which always has 146097 days. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t month_from_march = (month + 9) % 12;
	int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* The reverse. */
static void civil_from_days(int64_t days, int64_t field[FIELDS])
{
	int64_t since = days + 719468;   /* 0000-03-01 */
	int64_t era = (since >= 0 ? since : since - 146096) / 146097;
	int64_t day_of_era = since - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month_from_march = (5 * day_of_year + 2) / 153;
	field[DAY] = day_of_year - (153 * month_from_march + 2) / 5 + 1;
	field[MONTH] = (month_from_march + 2) % 12 + 1;
	field[YEAR] = era * 400 + year_of_era + (field[MONTH] <= 2);
}

static int64_t bounded(int64_t ms)
{
	if (ms < FIRST_MS)
		return FIRST_MS;
	return ms > LAST_MS ? LAST_MS : ms;
}

/* Rounded down, before 1970 as well. */
static int64_t day_of(int64_t ms)
{
	return (ms - (ms < 0 ? DAY_MS - 1 : 0)) / DAY_MS;
}

static void split(int64_t ms, int64_t field[FIELDS])
{
	int64_t days = day_of(ms);
	int64_t rest = ms - days * DAY_MS;
	civil_from_days(days, field);
	field[HOUR] = rest / 3600000;
	field[MINUTE] = rest / 60000 % 60;
	field[SECOND] = rest / 1000 % 60;
	field[MILLI] = rest % 1000;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool join(const int64_t field[FIELDS], int64_t *ms)
{
	if (field[MONTH] < 1 || field[MONTH] > 12 || field[HOUR] > 23 || field[MINUTE] > 59 || field[SECOND] > 59)
		return false;
	int64_t last = MONTH_DAYS[field[MONTH] - 1] + (field[MONTH] == 2 && is_leap(field[YEAR]));
	if (field[DAY] < 1 || field[DAY] > last)
		return false;
	int64_t days = days_from_civil(field[YEAR], field[MONTH], field[DAY]);
	*ms = days * DAY_MS + field[HOUR] * 3600000 + field[MINUTE] * 60000 + field[SECOND] * 1000 + field[MILLI];
	return true;
}

/* Write the pattern with the fields' figures, and a NUL. Backwards, for the last figure is the
 * remainder by ten. */
static void write_pattern(const char *pattern, int64_t field[FIELDS], char *out)
{
	size_t n = strlen(pattern);
	out[n] = '\0';
	while (n-- > 0) {
		int which = pattern[n] - '0';
		if (which < 0 || which >= FIELDS) {
			out[n] = pattern[n];
			continue;
		}
		out[n] = (char)('0' + field[which] % 10);
		field[which] /= 10;
	}
}

static bool read_pattern(const char *pattern, struct str s, int64_t field[FIELDS])
{
	if (s.n != strlen(pattern))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int which = pattern[i] - '0';
		bool is_figure = which >= 0 && which < FIELDS;
		if (!is_figure && s.p[i] != pattern[i])
			return false;
		if (is_figure && (s.p[i] < '0' || s.p[i] > '9'))
			return false;
		if (is_figure)
			field[which] = field[which] * 10 + (s.p[i] - '0');
	}
	return true;
}

void clock_iso8601(int64_t ms, char out[ISO8601_CHARS + 1])
{
	int64_t field[FIELDS];
	split(bounded(ms), field);
	write_pattern(ISO8601, field, out);
}

void clock_amz_date(int64_t ms, char out[AMZ_DATE_CHARS + 1])
{
	int64_t field[FIELDS];
	split(bounded(ms), field);
	write_pattern(AMZ_DATE, field, out);
}

/* 1970-01-01 was a Thursday. */
static const char *weekday(int64_t days)
{
	return WEEKDAYS[((days + 4) % 7 + 7) % 7];
}

void clock_http_date(int64_t ms, char out[HTTP_DATE_CHARS + 1])
{
	int64_t field[FIELDS];
	ms = bounded(ms);
	split(ms, field);
	memcpy(out, weekday(day_of(ms)), 3);
	memcpy(out + 8, MONTHS[field[MONTH] - 1], 3);
	write_pattern(HTTP_DATE_TIME, field, out + 11);
	out[3] = ',';
	out[4] = ' ';
	out[5] = (char)('0' + field[DAY] / 10);
	out[6] = (char)('0' + field[DAY] % 10);
	out[7] = ' ';
}

bool clock_parse_iso8601(struct str s, int64_t *ms)
{
	int64_t field[FIELDS] = { 0 };
	const char *pattern = s.n == ISO8601_CHARS ? ISO8601 : ISO8601_SECONDS;
	return read_pattern(pattern, s, field) && join(field, ms);
}

bool clock_parse_amz_date(struct str s, int64_t *ms)
{
	int64_t field[FIELDS] = { 0 };
	return read_pattern(AMZ_DATE, s, field) && join(field, ms);
}

/* 1 to 12, or 0. */
static int64_t month_number(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(MONTHS); i++)
		if (str_equal(name, str_of(MONTHS[i])))
			return (int64_t)i + 1;
	return 0;
}

bool clock_parse_http_date(struct str s, int64_t *ms)
{
	int64_t field[FIELDS] = { 0 };
	int64_t parsed;
	if (!read_pattern(", 22 ", str_slice(s, 3, 8), field))
		return false;
	if (!read_pattern(HTTP_DATE_TIME, str_slice(s, 11, s.n), field))
		return false;
	field[MONTH] = month_number(str_slice(s, 8, 11));
	if (!join(field, &parsed) || !str_equal(str_slice(s, 0, 3), str_of(weekday(day_of(parsed)))))
		return false;
	*ms = parsed;
	return true;
}
