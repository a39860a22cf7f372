/* The clocks, and the written forms of time.
 *
 * A form is a pattern: a digit in it stands for one figure of the field with that number (year, month, day, hour,
 * minute, second, millisecond), '?' for a letter of a name, all else for itself. The same pattern writes and reads.
 * The calendar is libc's, in UTC: no locale, no time zone, no static buffer. Years are 0000 to 9999; a time outside is
 * written as the nearest one inside. There is no second 60.
 * Source: ISO 8601-1 5.4; Signature Version 4, X-Amz-Date; RFC 9110 5.6.7 (IMF-fixdate, and to read the two obsolete forms too). */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#define FIRST_MS INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define LAST_MS INT64_C(253402300799999)  /* 9999-12-31T23:59:59.999Z */

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, MILLI, FIELDS };

static const char ISO8601[] = "0000-11-22T33:44:55.666Z";
static const char ISO8601_SECONDS[] = "0000-11-22T33:44:55Z";
static const char AMZ_DATE[] = "00001122T334455Z";
static const char HTTP_DATE[] = "???, 22 ??? 0000 33:44:55 GMT";
#define WEEKDAY_AT 0
#define MONTH_AT 8
static const char *const WEEKDAYS[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* What follows the weekday in the forms that a recipient of a date in HTTP must accept. */
static const struct http_form {
	const char *pattern;
	size_t month_at;
	bool is_rfc850; /* a whole weekday, and the year's last two digits */
} HTTP_FORMS[] = {
	{ ", 22 ??? 0000 33:44:55 GMT", 5, false },
	{ ", 22-??\?-00 33:44:55 GMT", 5, true },
	{ " ??? 22 33:44:55 0000", 1, false }, /* asctime */
	{ " ???  2 33:44:55 0000", 1, false },
};

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

/* Write the time in the pattern's form, and a NUL; gives its date. Backwards, for the last figure of a field is its
 * remainder by ten. */
static struct tm write_form(const char *pattern, int64_t ms, char *out)
{
	struct tm t;
	ms = ms < FIRST_MS ? FIRST_MS : ms > LAST_MS ? LAST_MS : ms;
	time_t seconds = ms / 1000 - (ms % 1000 < 0);
	gmtime_r(&seconds, &t);
	unsigned field[FIELDS] = { (unsigned)(t.tm_year + 1900), (unsigned)(t.tm_mon + 1), (unsigned)t.tm_mday, (unsigned)t.tm_hour,
		(unsigned)t.tm_min, (unsigned)t.tm_sec, (unsigned)(ms - seconds * 1000) };
	size_t n = strlen(pattern);
	out[n] = '\0';
	while (n-- > 0) {
		unsigned which = (unsigned char)pattern[n] - (unsigned)'0';
		out[n] = which < FIELDS ? (char)('0' + field[which] % 10) : pattern[n];
		if (which < FIELDS)
			field[which] /= 10;
	}
	return t;
}

static bool read_figures(const char *pattern, struct str s, int field[FIELDS])
{
	if (s.n != strlen(pattern))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned which = (unsigned char)pattern[i] - (unsigned)'0', figure = (unsigned char)s.p[i] - (unsigned)'0';
		if (which < FIELDS ? figure > 9 : pattern[i] != '?' && s.p[i] != pattern[i])
			return false;
		if (which < FIELDS)
			field[which] = field[which] * 10 + (int)figure;
	}
	return true;
}

/* The time of these fields and its date; false where libc would have to carry one of them over, as of 30 February. */
static bool join_fields(const int field[FIELDS], int64_t *ms, struct tm *date)
{
	struct tm t = { .tm_year = field[YEAR] - 1900,
		.tm_mon = field[MONTH] - 1,
		.tm_mday = field[DAY],
		.tm_hour = field[HOUR],
		.tm_min = field[MINUTE],
		.tm_sec = field[SECOND] };
	*date = t;
	int64_t seconds = timegm(date);
	*ms = seconds * 1000 + field[MILLI];
	return date->tm_mon == t.tm_mon && date->tm_mday == t.tm_mday && date->tm_hour == t.tm_hour && date->tm_min == t.tm_min &&
		date->tm_sec == t.tm_sec;
}

static bool read_form(const char *pattern, struct str s, int64_t *ms)
{
	int field[FIELDS] = { 0 };
	int64_t read_ms;
	struct tm date;
	bool good = read_figures(pattern, s, field) && join_fields(field, &read_ms, &date);
	if (good)
		*ms = read_ms;
	return good;
}

void clock_iso8601(int64_t ms, char out[ISO8601_CHARS + 1])
{
	write_form(ISO8601, ms, out);
}

void clock_amz_date(int64_t ms, char out[AMZ_DATE_CHARS + 1])
{
	write_form(AMZ_DATE, ms, out);
}

void clock_http_date(int64_t ms, char out[HTTP_DATE_CHARS + 1])
{
	struct tm t = write_form(HTTP_DATE, ms, out);
	memcpy(out + WEEKDAY_AT, WEEKDAYS[t.tm_wday], 3);
	memcpy(out + MONTH_AT, MONTHS + t.tm_mon * 3, 3);
}

bool clock_parse_iso8601(struct str s, int64_t *ms)
{
	return read_form(s.n == ISO8601_CHARS ? ISO8601 : ISO8601_SECONDS, s, ms);
}

bool clock_parse_amz_date(struct str s, int64_t *ms)
{
	return read_form(AMZ_DATE, s, ms);
}

/* RFC 9110 5.6.7: a date with a two-digit year "that appears to be more than 50 years in the future" is of "the most recent year in the
 * past that had the same last two digits". */
static bool join_short_year(int field[FIELDS], int64_t *ms, struct tm *date)
{
	struct tm limit;
	time_t seconds = clock_now_ms() / 1000;
	gmtime_r(&seconds, &limit);
	limit.tm_year += 50;
	int last = limit.tm_year + 1900;
	field[YEAR] = last - (last - field[YEAR]) % 100;
	if (join_fields(field, ms, date) && *ms / 1000 > timegm(&limit))
		field[YEAR] -= 100;
	return join_fields(field, ms, date);
}

static bool read_http_form(const struct http_form *form, struct str weekday, struct str rest, int64_t *ms)
{
	int field[FIELDS] = { 0 };
	struct tm date;
	if (!read_figures(form->pattern, rest, field))
		return false;
	while (field[MONTH] < 12 && memcmp(MONTHS + field[MONTH] * 3, rest.p + form->month_at, 3) != 0)
		field[MONTH]++;
	field[MONTH]++;
	if (!(form->is_rfc850 ? join_short_year(field, ms, &date) : join_fields(field, ms, &date)))
		return false;
	struct str name = str_of(WEEKDAYS[date.tm_wday]);
	return str_equal(weekday, form->is_rfc850 ? name : str_slice(name, 0, 3));
}

bool clock_parse_http_date(struct str s, int64_t *ms)
{
	size_t end = str_find_char(s, ',');
	struct str weekday = str_slice(s, 0, end < s.n ? end : 3), rest = str_slice(s, weekday.n, s.n);
	int64_t read_ms;
	for (size_t i = 0; i < COUNT_OF(HTTP_FORMS); i++)
		if (read_http_form(&HTTP_FORMS[i], weekday, rest, &read_ms)) {
			*ms = read_ms;
			return true;
		}
	return false;
}
