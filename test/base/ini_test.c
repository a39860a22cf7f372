/* Lines of INI: what each is, and that a mistake is reported with its line. */
#include "unit.h"

#include "base/ini.h"

#include <string.h>

static void expect_line(struct ini *ini, enum ini_kind kind, const char *name, const char *value)
{
	struct ini_line line;
	struct fault why;
	assert_int_equal(ini_next(ini, &line, &why), OK);
	assert_int_equal(line.kind, kind);
	assert_str(line.name, str_of(name));
	assert_str(line.value, str_of(value));
}

static void test_ini_next_then_sections_and_settings_without_blanks_and_comments(void **state)
{
	struct ini ini = { .rest = STR("# a\r\n\n\t; b\n[ one ] # c\r\n a =b c# ; d\nx=y;z\r\n[]\n\tn\t=\n") };
	expect_line(&ini, INI_SECTION, "one", "");
	assert_int_equal(ini.number, 4);
	expect_line(&ini, INI_SETTING, "a", "b c#");
	expect_line(&ini, INI_SETTING, "x", "y;z");
	expect_line(&ini, INI_SECTION, "", "");
	expect_line(&ini, INI_SETTING, "n", "");
	assert_int_equal(ini.number, 8);
	expect_line(&ini, INI_END, "", "");
	expect_line(&ini, INI_END, "", "");
	ini = (struct ini){ 0 };
	expect_line(&ini, INI_END, "", "");
}

static void test_ini_next_when_indented_lines_are_skipped_then_sections_are_still_read(void **state)
{
	struct ini ini = { .rest = STR("[a]\ns3 =\n  no setting\n\tx = y\n [b]\nz = 1"), .skip_indented = true };
	expect_line(&ini, INI_SECTION, "a", "");
	expect_line(&ini, INI_SETTING, "s3", "");
	expect_line(&ini, INI_SECTION, "b", "");
	expect_line(&ini, INI_SETTING, "z", "1");
	expect_line(&ini, INI_END, "", "");
}

static void test_ini_next_when_malformed_then_refused_with_the_line(void **state)
{
	static const struct {
		struct str text;
		const char *sentence;
	} rows[] = {
		{ { "x = y\n", 6 }, "line 1 is before the first [section]" },
		{ { " x = y\n", 7 }, "line 1 is before the first [section]" },
		{ { "\n[a\n", 4 }, "line 2 begins a section and has no ] at its end" },
		{ { "[a]\n\nnonsense\n", 14 }, "line 3 is neither [section] nor name = value" },
		{ { "[a]\n = y\n", 9 }, "line 2 is neither [section] nor name = value" },
		{ { "[a]\nx\0=y\n", 9 }, "line 2 holds a NUL byte" },
		{ { "[a]\n#\0\n", 7 }, "line 2 holds a NUL byte" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ini ini = { .rest = rows[i].text };
		struct ini_line line = { INI_SECTION };
		struct fault why;
		enum status status = OK;
		while (status == OK && line.kind != INI_END)
			status = ini_next(&ini, &line, &why);
		assert_int_equal(status, INVALID);
		assert_string_equal(why.text, rows[i].sentence);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ini_next_then_sections_and_settings_without_blanks_and_comments),
		cmocka_unit_test(test_ini_next_when_indented_lines_are_skipped_then_sections_are_still_read),
		cmocka_unit_test(test_ini_next_when_malformed_then_refused_with_the_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
