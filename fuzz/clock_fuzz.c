/* Dates and times: what a parser accepts is formatted to the same text again, or to the same time if its form is obsolete. */
#include "base/clock.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = { (const char *)data, n };
	char iso[ISO8601_CHARS + 1], amz[AMZ_DATE_CHARS + 1], http[HTTP_DATE_CHARS + 1];
	int64_t ms, again;
	if (clock_parse_iso8601(s, &ms)) {
		clock_iso8601(ms, iso);
		assert(str_equal(str_slice(str_of(iso), 0, 19), str_slice(s, 0, 19)));
		assert(s.n < ISO8601_CHARS || str_equal(str_of(iso), s));
	}
	if (clock_parse_amz_date(s, &ms)) {
		clock_amz_date(ms, amz);
		assert(str_equal(str_of(amz), s));
	}
	if (clock_parse_http_date(s, &ms)) {
		clock_http_date(ms, http);
		assert(clock_parse_http_date(str_of(http), &again) && again == ms);
		assert(s.n != HTTP_DATE_CHARS || str_equal(str_of(http), s));
	}
	return 0;
}
