/* Conditional requests in the order of RFC 9110 13.2.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "s3/wire/conditions.h"

#define ETAG "0123456789abcdef0123456789abcdef"
#define BEFORE "Sun, 22 Nov 2026 07:37:21 GMT"
#define THEN "Sun, 22 Nov 2026 07:37:22 GMT"
#define AFTER "Sun, 22 Nov 2026 07:37:23 GMT"
#define THEN_MS INT64_C(1795333042789)

struct row {
	const char *match, *none_match, *modified, *unmodified;
	enum condition_verdict verdict;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct conditions c = { str_of(rows[i].match), str_of(rows[i].none_match), str_of(rows[i].modified), str_of(rows[i].unmodified) };
		enum condition_verdict verdict = conditions_check(&c, STR(ETAG), THEN_MS);
		if (verdict != rows[i].verdict)
			fail_msg("row %zu: verdict %d", i, (int)verdict);
	}
}

static void test_conditions_when_one_is_given_then_evaluated(void **state)
{
	static const struct row rows[] = {
		{ NULL, NULL, NULL, NULL, CONDITION_HOLDS },
		{ "\"" ETAG "\"", NULL, NULL, NULL, CONDITION_HOLDS },
		{ ETAG, NULL, NULL, NULL, CONDITION_HOLDS },
		{ "*", NULL, NULL, NULL, CONDITION_HOLDS },
		{ "\"x\", \"" ETAG "\"", NULL, NULL, NULL, CONDITION_HOLDS },
		{ "\"x\"", NULL, NULL, NULL, CONDITION_FAILS },
		{ "", NULL, NULL, NULL, CONDITION_FAILS },
		{ "W/\"" ETAG "\"", NULL, NULL, NULL, CONDITION_FAILS },
		{ NULL, "\"" ETAG "\"", NULL, NULL, CONDITION_NOT_MODIFIED },
		{ NULL, "W/\"" ETAG "\"", NULL, NULL, CONDITION_NOT_MODIFIED },
		{ NULL, "*", NULL, NULL, CONDITION_NOT_MODIFIED },
		{ NULL, "\"x\"", NULL, NULL, CONDITION_HOLDS },
		{ NULL, NULL, BEFORE, NULL, CONDITION_HOLDS },
		{ NULL, NULL, THEN, NULL, CONDITION_NOT_MODIFIED },
		{ NULL, NULL, AFTER, NULL, CONDITION_NOT_MODIFIED },
		{ NULL, NULL, "Sunday, 22-Nov-26 07:37:21 GMT", NULL, CONDITION_HOLDS },
		{ NULL, NULL, "Sunday, 22-Nov-26 07:37:22 GMT", NULL, CONDITION_NOT_MODIFIED },
		{ NULL, NULL, "Sun Nov 22 07:37:22 2026", NULL, CONDITION_NOT_MODIFIED },
		{ NULL, NULL, "yesterday", NULL, CONDITION_HOLDS },
		{ NULL, NULL, NULL, BEFORE, CONDITION_FAILS },
		{ NULL, NULL, NULL, THEN, CONDITION_HOLDS },
		{ NULL, NULL, NULL, "Sunday, 22-Nov-26 07:37:21 GMT", CONDITION_FAILS },
		{ NULL, NULL, NULL, "Sun Nov 22 07:37:21 2026", CONDITION_FAILS },
		{ NULL, NULL, NULL, "yesterday", CONDITION_HOLDS },
	};
	(void)state;
	check(rows, COUNT_OF(rows));
}

static void test_conditions_when_tag_and_date_are_given_then_the_tag_wins(void **state)
{
	static const struct row rows[] = {
		{ "\"" ETAG "\"", NULL, NULL, BEFORE, CONDITION_HOLDS },
		{ "\"x\"", NULL, NULL, AFTER, CONDITION_FAILS },
		{ NULL, "\"x\"", AFTER, NULL, CONDITION_HOLDS },
		{ NULL, "\"" ETAG "\"", BEFORE, NULL, CONDITION_NOT_MODIFIED },
	};
	(void)state;
	check(rows, COUNT_OF(rows));
}

static void test_conditions_when_both_kinds_are_given_then_must_match_comes_first(void **state)
{
	static const struct row rows[] = {
		{ "\"x\"", "\"" ETAG "\"", NULL, NULL, CONDITION_FAILS },
		{ "\"" ETAG "\"", "\"" ETAG "\"", NULL, NULL, CONDITION_NOT_MODIFIED },
		{ NULL, NULL, AFTER, BEFORE, CONDITION_FAILS },
	};
	(void)state;
	check(rows, COUNT_OF(rows));
}

static void test_if_range_when_strong_tag_or_exact_date_then_holds(void **state)
{
	static const struct {
		const char *value;
		bool holds;
	} rows[] = { { NULL, true }, { "\"" ETAG "\"", true }, { THEN, true }, { "Sunday, 22-Nov-26 07:37:22 GMT", true },
		{ "Sun Nov 22 07:37:22 2026", true }, { "Sun Nov 22 07:37:21 2026", false }, { "\"x\"", false }, { "W/\"" ETAG "\"", false },
		{ BEFORE, false }, { AFTER, false }, { "", false } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(if_range_holds(str_of(rows[i].value), STR(ETAG), THEN_MS), rows[i].holds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions_when_one_is_given_then_evaluated),
		cmocka_unit_test(test_conditions_when_tag_and_date_are_given_then_the_tag_wins),
		cmocka_unit_test(test_conditions_when_both_kinds_are_given_then_must_match_comes_first),
		cmocka_unit_test(test_if_range_when_strong_tag_or_exact_date_then_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
