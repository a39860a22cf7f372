/* The progress line: what it says, and that it never wraps or acts. */
#include "cli/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_line_when_half_way_then_bar_and_rate(void **state)
{
	struct progress p = { .sent_bytes = 1048576, .total_bytes = 2097152, .done = 1, .files = 3, .start_ms = 1000, .current = "a\x1b.png" };
	struct buf b;
	buf_init(&b, 1000);
	progress_format(&p, 3000, 100, &b);
	assert_string_equal(b.p, "1/3 [##########----------] 50%  1.0 MiB of 2.0 MiB  512.0 KiB/s  a\\x1b.png");
	buf_deinit(&b);
}

static void test_line_when_terminal_is_narrow_then_name_is_cut(void **state)
{
	struct progress p = { .total_bytes = 100, .files = 1 };
	memset(p.current, 'x', sizeof p.current - 1);
	for (unsigned columns = 80; columns < 120; columns++) {
		struct buf b;
		buf_init(&b, 1000);
		progress_format(&p, 5, columns, &b);
		assert_int_equal(b.n, columns);
		buf_deinit(&b);
	}
}

static void test_line_when_nothing_to_send_or_files_grew_then_at_most_whole(void **state)
{
	static const struct progress rows[] = { { .total_bytes = 0 }, { .total_bytes = 10, .sent_bytes = 50 } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b;
		buf_init(&b, 1000);
		progress_format(&rows[i], 0, 100, &b);
		assert_non_null(strstr(b.p, " 100% "));
		buf_deinit(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_when_half_way_then_bar_and_rate),
		cmocka_unit_test(test_line_when_terminal_is_narrow_then_name_is_cut),
		cmocka_unit_test(test_line_when_nothing_to_send_or_files_grew_then_at_most_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
