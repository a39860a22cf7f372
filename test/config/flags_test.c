/* The parser of flags: each kind in each form, and the messages for refused ones. */
#include "unit.h"

#include "config/flags.h"

#include <stdio.h>
#include <string.h>

static const struct flag_name rows[] = { { "value", 'v', FLAG_VALUE }, { "switch", 's', FLAG_SWITCH }, { "toggle", 0, FLAG_TOGGLE },
	{ "", 0, FLAG_VALUE }, { "other", 'o', FLAG_VALUE, .excludes = 1 << 1 } };

static const struct flag_name *row(size_t i)
{
	return i < COUNT_OF(rows) ? &rows[i] : NULL;
}

/* All words as "0=a operand 1" (row and value; operands as they are), or the message for the first refused one. */
static const char *read_words(bool has_operands, unsigned __int128 takes, int argc, char **argv)
{
	static char out[512];
	struct fault why;
	struct flags f = { row, takes, has_operands, false, argc, argv };
	out[0] = '\0';
	while (f.argc > 0) {
		struct flag_word w;
		size_t n = strlen(out);
		if (flags_next(&f, &w, &why) != OK) {
			snprintf(out, sizeof out, "%s", why.text);
			break;
		}
		if (w.name != NULL)
			snprintf(
				out + n, sizeof out - n, "%s%zu%s%s", n > 0 ? " " : "", w.row, w.value != NULL ? "=" : "", w.value != NULL ? w.value : "");
		else if (w.operand != NULL)
			snprintf(out + n, sizeof out - n, "%s%s", n > 0 ? " " : "", w.operand);
	}
	return out;
}

#define READ(operands, takes, ...) read_words((operands), (takes), (int)COUNT_OF(((char *[]){ __VA_ARGS__ })), (char *[]){ __VA_ARGS__ })

static void test_each_kind_is_read_in_each_form(void **state)
{
	assert_string_equal(READ(false, FLAGS_ALL, "--value", "a", "--value=b", "--value=", "-v", "c"), "0=a 0=b 0= 0=c");
	assert_string_equal(READ(false, FLAGS_ALL, "-va", "-v-s", "-v=b"), "0=a 0=-s 0==b");
	assert_string_equal(READ(false, FLAGS_ALL, "--value", "--switch", "--value=a=b"), "0=--switch 0=a=b");
	assert_string_equal(READ(false, FLAGS_ALL, "--switch", "-s"), "1 1");
	assert_string_equal(READ(false, FLAGS_ALL, "--toggle", "--no-toggle", "--toggle=off", "--toggle=x"), "2=on 2=off 2=off 2=x");
}

static void test_operands_are_anywhere_and_after_two_dashes(void **state)
{
	assert_string_equal(READ(true, FLAGS_ALL, "a", "--switch", "b", "-", "--", "--switch", "--", "-v"), "a 1 b - --switch -- -v");
	assert_string_equal(READ(true, FLAGS_ALL, "--"), "");
	assert_string_equal(READ(false, FLAGS_ALL, "a"), "unexpected argument \"a\"; see --help");
	assert_string_equal(READ(false, FLAGS_ALL, "-"), "unknown option \"-\"; see --help");
	assert_string_equal(READ(false, FLAGS_ALL, "--"), "unknown option \"--\"; see --help");
}

static void test_unknown_or_invalid_option_is_refused_without_its_value(void **state)
{
	assert_string_equal(READ(true, FLAGS_ALL, "--nope=secret"), "unknown option \"--nope\"; see --help");
	assert_string_equal(READ(true, FLAGS_ALL, "-x"), "unknown option \"-x\"; see --help");
	assert_string_equal(READ(true, FLAGS_ALL, "-sv"), "unknown option \"-sv\"; see --help");
	assert_string_equal(READ(true, FLAGS_ALL, "--no-switch"), "unknown option \"--no-switch\"; see --help");
	assert_string_equal(READ(true, FLAGS_ALL, "--no-toggle=on"), "unknown option \"--no-toggle\"; see --help");
	assert_string_equal(READ(true, FLAGS_ALL, "--="), "unknown option \"--\"; see --help");
	assert_string_equal(READ(true, 1, "--switch"), "unknown option \"--switch\"; see --help");
	assert_string_equal(READ(true, FLAGS_ALL, "--\x1b[2J"), "unknown option \"--\\x1b[2J\"; see --help");
}

static void test_a_value_missing_or_too_much_is_refused(void **state)
{
	assert_string_equal(READ(true, FLAGS_ALL, "--value"), "--value needs a value");
	assert_string_equal(READ(true, FLAGS_ALL, "-v"), "--value needs a value");
	assert_string_equal(READ(true, FLAGS_ALL, "--switch=yes"), "--switch does not take a value");
}

static void test_a_flag_that_excludes_another_is_refused_in_either_order(void **state)
{
	assert_string_equal(READ(true, FLAGS_ALL, "--other", "a", "--switch"), "--switch cannot be given with --other; see --help");
	assert_string_equal(READ(true, FLAGS_ALL, "-s", "b", "-ox"), "--other cannot be given with --switch; see --help");
	assert_string_equal(READ(true, FLAGS_ALL, "-oa", "--value=b", "--toggle", "-oc"), "4=a 0=b 2=on 4=c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind_is_read_in_each_form),
		cmocka_unit_test(test_operands_are_anywhere_and_after_two_dashes),
		cmocka_unit_test(test_unknown_or_invalid_option_is_refused_without_its_value),
		cmocka_unit_test(test_a_value_missing_or_too_much_is_refused),
		cmocka_unit_test(test_a_flag_that_excludes_another_is_refused_in_either_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
