/* The three renderings of the settings, and that the two files in the repository are what the
 * program prints: after a change of settings.def print them again. */
#include "temp.h"

#include "config/settings_table.h"

static struct buf out;

static int begin(void **state)
{
	buf_init(&out, (size_t)1 << 20);
	return 0;
}

static int end(void **state)
{
	buf_deinit(&out);
	return 0;
}

static void test_reference_page_is_what_the_program_prints(void **state)
{
	static char memory[1 << 20];
	settings_markdown(&out);
	assert_true(buf_ok(&out));
	assert_str(temp_read("doc/settings.md", memory, sizeof memory), buf_str(&out));
}

static void test_sample_environment_is_what_the_program_prints(void **state)
{
	static char memory[1 << 20];
	settings_env_example(&out);
	assert_true(buf_ok(&out));
	assert_str(temp_read(".env.example", memory, sizeof memory), buf_str(&out));
}

static void test_help_fits_a_terminal_and_names_every_setting(void **state)
{
	settings_help(&out, FLAGS_ALL);
	for (struct str rest = buf_str(&out); rest.p != NULL;) {
		struct str line = str_cut(&rest, '\n');
		assert_true(line.n <= 92);
		assert_false(str_ends_with(line, STR(" ")));
	}
#define SETTING(field, kind, env, flag, def, min, max, unit, sentence) \
	assert_true(str_find(buf_str(&out), STR(env)) < out.n); \
	assert_true(str_find(buf_str(&out), STR(flag)) < out.n); \
	assert_true(str_find(buf_str(&out), STR(def)) < out.n);
#include "config/settings.def"
#undef SETTING
}

static void test_help_of_each_kind_has_its_form(void **state)
{
	const struct str entries[] = {
		STR("  --max-size N                The largest image.\n"
			"                              [default 5242880 bytes; TINTYPE_MAX_SIZE]\n"),
		STR("  --[no-]open                 Let anyone list, get and delete even though the API is not on\n"
			"                              loopback, or a key is set.\n"
			"                              [default off; TINTYPE_OPEN]\n"),
		STR("  --dev on|off|auto           Explain signature errors in detail;"),
		STR("  --log-level debug|info|warn|error\n"
			"                              The lowest level that is written to the log.\n"),
		STR("  TINTYPE_API_KEY=TEXT        The API key"),
	};
	settings_help(&out, FLAGS_ALL);
	for (size_t i = 0; i < COUNT_OF(entries); i++)
		assert_true(str_find(buf_str(&out), entries[i]) < out.n);
}

static void test_help_of_some_then_only_these(void **state)
{
	settings_help(&out, SETTING_BIT(data_dir) | SETTING_BIT(region));
	assert_true(str_find(buf_str(&out), STR("  --data DIR ")) < out.n);
	assert_true(str_find(buf_str(&out), STR("  --region TEXT ")) < out.n);
	assert_true(str_find(buf_str(&out), STR("--api")) == out.n);
}

static void test_sample_environment_has_every_default_commented_out(void **state)
{
	settings_env_example(&out);
	for (struct str rest = buf_str(&out); rest.p != NULL;) {
		struct str line = str_cut(&rest, '\n');
		assert_true(line.n == 0 || line.p[0] == '#');
	}
#define SETTING(field, kind, env, flag, def, min, max, unit, sentence) \
	assert_true(str_find(buf_str(&out), STR("\n#" env "=" def "\n")) < out.n);
#include "config/settings.def"
#undef SETTING
}

static void test_reference_page_has_one_row_of_five_cells_each(void **state)
{
	size_t rows = 0, settings = 0;
	settings_markdown(&out);
	for (struct str rest = buf_str(&out); rest.p != NULL;) {
		struct str line = str_cut(&rest, '\n');
		size_t bars = 0;
		for (size_t i = 0; i < line.n; i++)
			bars += line.p[i] == '|';
		assert_true(bars == 0 || bars == 6);
		rows += bars == 6;
	}
#define SETTING(field, kind, env, flag, def, min, max, unit, sentence) settings++;
#include "config/settings.def"
#undef SETTING
	assert_int_equal(rows, settings + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reference_page_is_what_the_program_prints, begin, end),
		cmocka_unit_test_setup_teardown(test_sample_environment_is_what_the_program_prints, begin, end),
		cmocka_unit_test_setup_teardown(test_help_fits_a_terminal_and_names_every_setting, begin, end),
		cmocka_unit_test_setup_teardown(test_help_of_each_kind_has_its_form, begin, end),
		cmocka_unit_test_setup_teardown(test_help_of_some_then_only_these, begin, end),
		cmocka_unit_test_setup_teardown(test_sample_environment_has_every_default_commented_out, begin, end),
		cmocka_unit_test_setup_teardown(test_reference_page_has_one_row_of_five_cells_each, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
