/* What is shown is inert, whole and in units people read. */
#include "cli/output.h"

#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_size_when_each_unit_then_text(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = { { 0, "0 B" }, { 1, "1 B" }, { 1023, "1023 B" }, { 1024, "1.0 KiB" }, { 1536, "1.5 KiB" }, { 1048524, "1023.9 KiB" },
		{ 1048575, "1.0 MiB" }, { 5242880, "5.0 MiB" }, { 1073741824, "1.0 GiB" }, { UINT64_MAX, "16.0 EiB" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[SHOW_SIZE_CHARS];
		show_size(rows[i].bytes, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void test_line_with_terminal_controls_then_escaped(void **state)
{
	char shown[256] = "";
	FILE *f = fmemopen(shown, sizeof shown, "w");
	show_line(f, "%s: %s %d", "a\x1b[2J\r\nb", "\xe2\x80\xae\x07", 5);
	fclose(f);
	assert_string_equal(shown, "a\\x1b[2J\\x0d\\x0ab: \\u{202e}\\x07 5\n");
}

static void test_json_when_any_text_then_ascii_that_reads_back(void **state)
{
	char shown[256] = "";
	FILE *f = fmemopen(shown, sizeof shown, "w");
	json_t *o = json_object(), *back;
	json_object_set_new(o, "n", show_json_text(STR("\x7f\xe2\x80\xae\xff\n")));
	show_json(f, o);
	fclose(f);
	assert_string_equal(shown, "{\"n\":\"\\u007f\\u202E\\uFFFD\\n\"}\n");
	back = json_loads(shown, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(back, "n")), "\x7f\xe2\x80\xae\xef\xbf\xbd\n");
	json_decref(back);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size_when_each_unit_then_text),
		cmocka_unit_test(test_line_with_terminal_controls_then_escaped),
		cmocka_unit_test(test_json_when_any_text_then_ascii_that_reads_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
