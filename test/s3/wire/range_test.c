/* Ranges against objects of given sizes, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "s3/wire/range.h"

struct row {
	const char *value;
	uint64_t size;
	enum range_kind kind;
	uint64_t first, length;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct range r = { 77, 77 };
		enum range_kind kind = range_parse(str_of(rows[i].value), rows[i].size, &r);
		if (kind != rows[i].kind)
			fail_msg("\"%s\" of %zu: kind %d", rows[i].value, (size_t)rows[i].size, (int)kind);
		assert_int_equal(r.first, kind == RANGE_PART ? rows[i].first : 77);
		assert_int_equal(r.length, kind == RANGE_PART ? rows[i].length : 77);
	}
}

static void test_range_when_satisfiable_then_gives_the_part(void **state)
{
	static const struct row rows[] = {
		{ "bytes=0-0", 10, RANGE_PART, 0, 1 },
		{ "bytes=2-5", 10, RANGE_PART, 2, 4 },
		{ "bytes=0-9", 10, RANGE_PART, 0, 10 },
		{ "bytes=9-", 10, RANGE_PART, 9, 1 },
		{ "bytes=0-", 10, RANGE_PART, 0, 10 },
		{ "bytes=3-100", 10, RANGE_PART, 3, 7 },
		{ "bytes=-1", 10, RANGE_PART, 9, 1 },
		{ "bytes=-10", 10, RANGE_PART, 0, 10 },
		{ "bytes=-11", 10, RANGE_PART, 0, 10 },
		{ "BYTES= 1-2", 10, RANGE_PART, 1, 2 },
		{ "bytes=0-18446744073709551615", 10, RANGE_PART, 0, 10 },
		{ "bytes=0-99999999999999999999999999", 10, RANGE_PART, 0, 10 },
		{ "bytes=-99999999999999999999999999", 10, RANGE_PART, 0, 10 },
		{ "bytes=0-0", UINT64_MAX, RANGE_PART, 0, 1 },
	};
	(void)state;
	check(rows, COUNT_OF(rows));
}

static void test_range_when_no_byte_is_in_the_object_then_unsatisfiable(void **state)
{
	static const struct row rows[] = {
		{ "bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=10-20", 10, RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=-1", 0, RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=99999999999999999999999999-", 10, RANGE_UNSATISFIABLE, 0, 0 },
	};
	(void)state;
	check(rows, COUNT_OF(rows));
}

static void test_range_when_several_or_malformed_then_whole(void **state)
{
	static const struct row rows[] = {
		{ "", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=-", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=0-,-1", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=5-4", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=1", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=a-b", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=1-b", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=--1", 10, RANGE_WHOLE, 0, 0 },
		{ "bytes=+1-2", 10, RANGE_WHOLE, 0, 0 },
		{ "items=0-1", 10, RANGE_WHOLE, 0, 0 },
	};
	(void)state;
	check(rows, COUNT_OF(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range_when_satisfiable_then_gives_the_part),
		cmocka_unit_test(test_range_when_no_byte_is_in_the_object_then_unsatisfiable),
		cmocka_unit_test(test_range_when_several_or_malformed_then_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
