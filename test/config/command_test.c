/* What the rows of commands are shown as: help, list and manual. */
#include "config/command.h"

#include "base/buf.h"
#include "config/settings_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct flag_name *flag_at(size_t i)
{
	static const struct flag_name flags[] = { { "fast", 'f', FLAG_SWITCH, NULL, "Be fast." }, { "to", 0, FLAG_VALUE, "DIR", "Where to." },
		{ "other", 0, FLAG_SWITCH, NULL, "Of another command." } };
	return i < COUNT_OF(flags) ? &flags[i] : NULL;
}

static const struct command_row *row_at(size_t i)
{
	static const struct command_row rows[] = {
		{ "move", "move FILE...", "Move files.",
			"First line.\n\n  an example that is   not broken, though it is longer than the ninety-two columns that other lines may have",
			.takes_files = true, .takes = 3, .flags = flag_at },
		{ "look", "look", "Look at them.", .takes = 4, .flags = flag_at, .settings = SETTING_BIT(data_dir) },
		{ "serve", "serve [ANY NUMBER OF OPTIONS]", "Serve.", .settings = FLAGS_ALL },
	};
	return i < COUNT_OF(rows) ? &rows[i] : NULL;
}

static struct buf page;

static int set_up(void **state)
{
	buf_init(&page, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	buf_deinit(&page);
	return 0;
}

static void assert_has(const char *text)
{
	if (str_find(buf_str(&page), str_of(text)) == page.n)
		fail_msg("no \"%s\" in:\n%s", text, page.p);
}

static void assert_lacks(const char *text)
{
	assert_int_equal(str_find(buf_str(&page), str_of(text)), page.n);
}

static void test_help_begins_with_the_usage_and_has_what_the_command_takes(void **state)
{
	command_help(&page, row_at(0));
	assert_true(str_starts_with(buf_str(&page),
		STR("usage: tintype move FILE...\n\nMove files.\n\nFirst line.\n\n"
			"  an example that is   not broken, though it is longer than the ninety-two columns that other lines may have\n"
			"\nOptions:\n  -f, --fast                  Be fast.\n")));
	assert_has("  --to DIR ");
	assert_lacks("--other");
	assert_lacks("serve");
}

static void test_help_with_settings_says_whose_they_are(void **state)
{
	command_help(&page, row_at(1));
	assert_has("\nOptions:\n  --other ");
	assert_has("\nOptions that it shares with serve:\n  --data ");
	assert_lacks("--api");
}

static void test_list_has_a_line_for_each_command(void **state)
{
	command_list(&page, row_at);
	assert_string_equal(page.p,
		"  move FILE...                Move files.\n"
		"  look                        Look at them.\n"
		"  serve [ANY NUMBER OF OPTIONS]\n"
		"                              Serve.\n");
}

static void test_manual_has_each_table_once_and_names_each_commands_options(void **state)
{
	command_manual(&page, row_at);
	assert_has("\\fBmove FILE...\\fR\nMove files.\nFirst line.\n");
	assert_has("other lines may have\nOptions: \\-\\-fast, \\-\\-to.\n");
	assert_has("Look at them.\nOptions: \\-\\-other, \\-\\-data.\n");
	assert_has(".SH OPTIONS OF move, look\n.TP\n\\fB\\-f, \\-\\-fast\\fR\nBe fast.\n");
	assert_has(".SH OPTIONS OF serve\n");
	assert_has("\\fB\\-\\-data ");
	size_t first = str_find(buf_str(&page), STR(".SH OPTIONS OF move"));
	struct str rest = str_slice(buf_str(&page), first + 1, page.n);
	assert_int_equal(str_find(rest, STR(".SH OPTIONS OF look")), rest.n);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_help_begins_with_the_usage_and_has_what_the_command_takes),
		TEST(test_help_with_settings_says_whose_they_are),
		TEST(test_list_has_a_line_for_each_command),
		TEST(test_manual_has_each_table_once_and_names_each_commands_options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
