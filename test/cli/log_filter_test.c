/* Log lines: which are wanted, and how they read. */
#include "cli/log_filter.h"

#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LINE \
	"{\"time\":\"2026-11-22T07:37:22.123Z\",\"level\":\"warn\",\"event\":\"request\",\"status\":404,\"ms\":1.5,\"path\":\"/a b\",\"id\":\"x\\u001b\"}"

static bool show(struct buf *b, const char *line, const struct line_filter *f)
{
	buf_init(b, 65536);
	return line_show(b, str_of(line), f);
}

static void test_line_when_object_then_head_and_fields(void **state)
{
	struct buf b;
	assert_true(show(&b, LINE, &(struct line_filter){ 0 }));
	assert_string_equal(b.p, "2026-11-22T07:37:22.123Z warn  request status=404 ms=1.5 path=\"/a b\" id=x\x1b");
	buf_deinit(&b);
}

static void test_line_that_is_not_a_json_object_then_unchanged(void **state)
{
	static const char *const rows[] = { "plain text", "{\"cut\":", "[1]", "" };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b;
		assert_true(show(&b, rows[i], &(struct line_filter){ .has_level = true, .level = LOG_ERROR, .from_ms = 1 }));
		assert_string_equal(b.p, rows[i]);
		buf_deinit(&b);
	}
}

static void test_line_when_filtered_then_matches_or_not(void **state)
{
	int64_t at;
	assert_true(clock_parse_iso8601(STR("2026-11-22T07:37:22.123Z"), &at));
	const struct {
		struct line_filter f;
		bool wanted;
	} rows[] = { { { .has_level = true, .level = LOG_WARN }, true }, { { .has_level = true, .level = LOG_ERROR }, false },
		{ { .has_level = true, .level = LOG_DEBUG }, true }, { { .from_ms = at }, true }, { { .from_ms = at + 1 }, false },
		{ { .grep = STR("404") }, true }, { { .grep = STR("status=404") }, true }, { { .grep = STR("\"status\":404") }, true },
		{ { .grep = STR("405") }, false } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b;
		assert_int_equal(show(&b, LINE, &rows[i].f), rows[i].wanted);
		buf_deinit(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_when_object_then_head_and_fields),
		cmocka_unit_test(test_line_that_is_not_a_json_object_then_unchanged),
		cmocka_unit_test(test_line_when_filtered_then_matches_or_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
