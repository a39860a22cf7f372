/* Flags and operands, and the spans of --since. */
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ALL (~0u >> (32 - OPTIONS) & ~ALLOWS(FOLLOW))
#define PARSE(o, why, ...) \
	options_parse((o), ALL, (int)COUNT_OF(((char *[]){ "verb", __VA_ARGS__ })), (char *[]){ "verb", __VA_ARGS__, NULL }, (why))

static void test_options_when_mixed_with_operands_then_both(void **state)
{
	char *argv[] = { "verb", "a", "--jobs", "7", "-", "--limit=9", "--json", "-o", "x", "b", "--", "--all", "-z", NULL };
	struct options o;
	assert_int_equal(options_parse(&o, ALL, 13, argv, NULL), OK);
	assert_int_equal(o.jobs, 7);
	assert_int_equal(o.limit, 9);
	assert_true(o.json);
	assert_false(o.all);
	assert_string_equal(o.output, "x");
	assert_int_equal(o.n_operands, 5);
	const char *const want[] = { "a", "-", "b", "--all", "-z" };
	for (size_t i = 0; i < COUNT_OF(want); i++)
		assert_string_equal(o.operands[i], want[i]);
}

static void test_options_when_not_given_then_defaults(void **state)
{
	char *argv[] = { "verb", NULL };
	struct options o;
	assert_int_equal(options_parse(&o, ALL, 1, argv, NULL), OK);
	assert_int_equal(o.jobs, 4);
	assert_int_equal(o.limit, 50);
	assert_null(o.endpoint);
	assert_int_equal(o.n_operands, 0);
}

static void test_options_when_wrong_then_the_message_names_the_flag(void **state)
{
	static const struct {
		const char *word, *value, *says;
	} rows[] = { { "--nonsense", "1", "--nonsense" }, { "-z", "1", "-z" }, { "-fX", "1", "-fX" },
		{ "--limit", "0", "--limit must be a number from 1" }, { "--limit", "x", "not 'x'" }, { "--limit", "", "--limit" },
		{ "--limit=", "a", "--limit" }, { "--jobs", "65", "to 64" }, { "--jobs", "18446744073709551616", "--jobs" },
		{ "--since", "soon", "--since" }, { "--json=yes", "a", "--json does not take a value" },
		{ "a", "--limit", "--limit needs a value" }, { "---", "a", "---" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct options o;
		struct fault why = { 0 };
		char word[64], value[64];
		memcpy(word, rows[i].word, strlen(rows[i].word) + 1);
		memcpy(value, rows[i].value, strlen(rows[i].value) + 1);
		if (PARSE(&o, &why, word, value) != INVALID || strstr(why.text, rows[i].says) == NULL)
			fail_msg("%s %s: %s", rows[i].word, rows[i].value, why.text);
	}
}

static void test_options_when_a_letter_is_shared_then_the_verb_decides(void **state)
{
	struct options o;
	char *follow[] = { "verb", "-f", NULL }, *force[] = { "verb", "-f", NULL };
	assert_int_equal(options_parse(&o, ALLOWS(FOLLOW), 2, follow, NULL), OK);
	assert_true(o.follow && !o.force);
	assert_int_equal(options_parse(&o, ALLOWS(FORCE), 2, force, NULL), OK);
	assert_true(o.force && !o.follow);
}

static void test_span_when_written_then_milliseconds(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} rows[] = { { "15m", 900000 }, { "90s", 90000 }, { "90", 90000 }, { "2h", 7200000 }, { "7d", 604800000 }, { "3652d", 315532800000 },
		{ "3653d", -1 }, { "0s", -1 }, { "", -1 }, { "m", -1 }, { "-1m", -1 }, { "1.5h", -1 }, { "1w", -1 }, { "15mm", -1 },
		{ "18446744073709551615d", -1 } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t ms = -1;
		assert_int_equal(options_parse_span(str_of(rows[i].text), &ms), rows[i].ms >= 0);
		assert_int_equal(ms, rows[i].ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_when_mixed_with_operands_then_both),
		cmocka_unit_test(test_options_when_not_given_then_defaults),
		cmocka_unit_test(test_options_when_wrong_then_the_message_names_the_flag),
		cmocka_unit_test(test_options_when_a_letter_is_shared_then_the_verb_decides),
		cmocka_unit_test(test_span_when_written_then_milliseconds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
