/* Dates and times as text: the limits of the calendar, both ways, and invalid dates. */
#include "unit.h"

#include "base/clock.h"

#include <string.h>
#include <time.h>

static const struct {
	int64_t ms;
	const char *iso, *amz, *http;
} KNOWN[] = {
	{ 0, "1970-01-01T00:00:00.000Z", "19700101T000000Z", "Thu, 01 Jan 1970 00:00:00 GMT" },
	{ -1, "1969-12-31T23:59:59.999Z", "19691231T235959Z", "Wed, 31 Dec 1969 23:59:59 GMT" },
	{ 784111777000, "1994-11-06T08:49:37.000Z", "19941106T084937Z", "Sun, 06 Nov 1994 08:49:37 GMT" },
	{ 951782400000, "2000-02-29T00:00:00.000Z", "20000229T000000Z", "Tue, 29 Feb 2000 00:00:00 GMT" },
	{ 951868799999, "2000-02-29T23:59:59.999Z", "20000229T235959Z", "Tue, 29 Feb 2000 23:59:59 GMT" },
	{ 1369353600000, "2013-05-24T00:00:00.000Z", "20130524T000000Z", "Fri, 24 May 2013 00:00:00 GMT" },
	{ 1709164800000, "2024-02-29T00:00:00.000Z", "20240229T000000Z", "Thu, 29 Feb 2024 00:00:00 GMT" },
	{ 1735689599999, "2024-12-31T23:59:59.999Z", "20241231T235959Z", "Tue, 31 Dec 2024 23:59:59 GMT" },
	{ 4107542399000, "2100-02-28T23:59:59.000Z", "21000228T235959Z", "Sun, 28 Feb 2100 23:59:59 GMT" },
	{ 4107542400000, "2100-03-01T00:00:00.000Z", "21000301T000000Z", "Mon, 01 Mar 2100 00:00:00 GMT" },
	{ 253402300799999, "9999-12-31T23:59:59.999Z", "99991231T235959Z", "Fri, 31 Dec 9999 23:59:59 GMT" },
	{ -62167219200000, "0000-01-01T00:00:00.000Z", "00000101T000000Z", "Sat, 01 Jan 0000 00:00:00 GMT" },
};

static int64_t whole_second(int64_t ms)
{
	return ms - (ms % 1000 + 1000) % 1000;
}

static void test_known_times_are_written_and_read(void **state)
{
	char iso[ISO8601_CHARS + 1], amz[AMZ_DATE_CHARS + 1], http[HTTP_DATE_CHARS + 1];
	int64_t ms = 0;
	for (size_t i = 0; i < COUNT_OF(KNOWN); i++) {
		clock_iso8601(KNOWN[i].ms, iso);
		clock_amz_date(KNOWN[i].ms, amz);
		clock_http_date(KNOWN[i].ms, http);
		assert_string_equal(iso, KNOWN[i].iso);
		assert_string_equal(amz, KNOWN[i].amz);
		assert_string_equal(http, KNOWN[i].http);
		assert_true(clock_parse_iso8601(str_of(iso), &ms));
		assert_true(ms == KNOWN[i].ms);
		assert_true(clock_parse_amz_date(str_of(amz), &ms));
		assert_true(ms == whole_second(KNOWN[i].ms));
		assert_true(clock_parse_http_date(str_of(http), &ms));
		assert_true(ms == whole_second(KNOWN[i].ms));
	}
}

/* Against libc's calendar, a step of 1000003 s at a time from 1900 to 2200. */
static void test_times_agree_with_libc(void **state)
{
	for (int64_t s = -2208988800; s < 7258118400; s += 1000003) {
		char ours[HTTP_DATE_CHARS + 1], theirs[64];
		struct tm tm;
		time_t t = (time_t)s;
		int64_t back = 0;
		clock_http_date(s * 1000, ours);
		strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
		assert_string_equal(ours, theirs);
		assert_true(clock_parse_http_date(str_of(ours), &back));
		assert_true(back == s * 1000);
	}
}

static void test_times_outside_four_digit_years_are_written_as_the_nearest(void **state)
{
	char iso[ISO8601_CHARS + 1];
	clock_iso8601(INT64_MAX, iso);
	assert_string_equal(iso, "9999-12-31T23:59:59.999Z");
	clock_iso8601(INT64_MIN, iso);
	assert_string_equal(iso, "0000-01-01T00:00:00.000Z");
}

static void test_iso8601_may_lack_milliseconds(void **state)
{
	int64_t ms = 0;
	assert_true(clock_parse_iso8601(STR("2026-11-22T07:37:22Z"), &ms));
	assert_true(ms == 1795333042000);
	assert_true(clock_parse_iso8601(STR("2026-11-22T07:37:22.123Z"), &ms));
	assert_true(ms == 1795333042123);
}

static void test_iso8601_of_another_form_is_refused(void **state)
{
	const char *bad[] = { "", "2026-11-22", "2026-11-22T07:37:22", "2026-11-22T07:37:22.1Z", "2026-11-22T07:37:22.1234Z",
		"2026-11-22t07:37:22Z", "2026-11-22T07:37:22z", "2026-11-22T07:37:22+00:00", "2026-11-22 07:37:22Z", "2026-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z", "2024-02-30T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-10T00:00:00Z", "2026-13-10T00:00:00Z",
		"2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
		"2026-01-01T00:00:0 Z", "-026-01-01T00:00:00Z", "2026-01-01T00:00:00.-01Z" };
	int64_t ms = 7;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(clock_parse_iso8601(str_of(bad[i]), &ms));
	assert_true(ms == 7);
}

static void test_amz_date_of_another_form_is_refused(void **state)
{
	const char *bad[] = { "", "20130524", "20130524T000000", "20130524T000000ZZ", "20130524 000000Z", "2013-05-24T00:00:00Z",
		"20130229T000000Z", "20130524T240000Z", "2013052aT000000Z" };
	int64_t ms = 7;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(clock_parse_amz_date(str_of(bad[i]), &ms));
	assert_true(ms == 7);
}

static void test_http_date_of_another_form_is_refused(void **state)
{
	const char *bad[] = { "", "Sun", ",", "Su", "Sunday, 06-Nov-94 08:49:37 UTC", "Sun, 06-Nov-94 08:49:37 GMT",
		"Sunday, 06-Nov-1994 08:49:37 GMT", "Monday, 06-Nov-94 08:49:37 GMT", "Sunday, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 31-Nov-94 08:49:37 GMT", "Sunday Nov  6 08:49:37 1994", "Sun Nov 6 08:49:37 1994", "Mon Nov  6 08:49:37 1994",
		"Sun Nov  6 08:49:37 1994 GMT", "Sun Nov 31 08:49:37 1994", "Sun, Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 6 Nov 1994 08:49:37 GMT", "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Mon, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 06 Xxx 1994 08:49:37 GMT" };
	int64_t ms = 7;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(clock_parse_http_date(str_of(bad[i]), &ms));
	assert_true(ms == 7);
}

/* RFC 9110 5.6.7: "A recipient that parses a timestamp value in an HTTP field MUST accept all three HTTP-date formats." */
static void test_http_date_of_an_obsolete_form_is_read(void **state)
{
	static const char *const same[] = { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
		"Sun Nov 06 08:49:37 1994" };
	int64_t ms = 0;
	for (size_t i = 0; i < COUNT_OF(same); i++, ms = 0) {
		assert_true(clock_parse_http_date(str_of(same[i]), &ms));
		assert_true(ms == 784111777000);
	}
	assert_true(clock_parse_http_date(STR("Sunday, 29-Nov-26 16:00:00 GMT"), &ms));
	assert_true(ms == 1795968000000);
	assert_true(clock_parse_http_date(STR("Sun Nov 29 16:00:00 2026"), &ms));
	assert_true(ms == 1795968000000);
}

static bool read_as_rfc850(int64_t seconds, int64_t *ms)
{
	char text[64];
	struct tm tm;
	time_t t = (time_t)seconds;
	strftime(text, sizeof text, "%A, %d-%b-00 %H:%M:%S GMT", gmtime_r(&t, &tm));
	char *year = strchr(text, '-') + strlen("-Jan-");
	year[0] = (char)('0' + tm.tm_year / 10 % 10);
	year[1] = (char)('0' + tm.tm_year % 10);
	return clock_parse_http_date(str_of(text), ms);
}

static void test_http_date_with_a_short_year_is_at_most_50_years_ahead(void **state)
{
	struct tm tm;
	time_t now = time(NULL);
	gmtime_r(&now, &tm);
	tm.tm_mday = 28; /* which each month of each year has */
	for (int years = -48; years <= 48; years++) {
		struct tm then = tm;
		int64_t ms = 0;
		then.tm_year += years;
		int64_t seconds = timegm(&then);
		assert_true(read_as_rfc850(seconds, &ms));
		assert_true(ms == seconds * 1000);
	}
	int64_t ms = 0, day = 86400;
	tm.tm_year += 50;
	int64_t limit = timegm(&tm);
	tm.tm_year -= 100;
	int64_t past = timegm(&tm);
	assert_true(read_as_rfc850(limit - 40 * day, &ms) && ms == (limit - 40 * day) * 1000);
	assert_true(read_as_rfc850(past + 40 * day, &ms) && ms == (past + 40 * day) * 1000);
}

static void test_clocks_move_forward_and_agree_on_the_unit(void **state)
{
	int64_t ms = clock_mono_ms(), us = clock_mono_us(), again = clock_mono_ms();
	assert_true(ms <= us / 1000 && us / 1000 <= again);
	int64_t before = (int64_t)time(NULL);
	int64_t now = clock_now_ms();
	assert_true(now / 1000 >= before - 1 && now / 1000 <= (int64_t)time(NULL) + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_times_are_written_and_read),
		cmocka_unit_test(test_times_agree_with_libc),
		cmocka_unit_test(test_times_outside_four_digit_years_are_written_as_the_nearest),
		cmocka_unit_test(test_iso8601_may_lack_milliseconds),
		cmocka_unit_test(test_iso8601_of_another_form_is_refused),
		cmocka_unit_test(test_amz_date_of_another_form_is_refused),
		cmocka_unit_test(test_http_date_of_another_form_is_refused),
		cmocka_unit_test(test_http_date_of_an_obsolete_form_is_read),
		cmocka_unit_test(test_http_date_with_a_short_year_is_at_most_50_years_ahead),
		cmocka_unit_test(test_clocks_move_forward_and_agree_on_the_unit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
