/* Faults: the table, the sentence and where it is cut. */
#include "unit.h"

#include "base/arena.h"
#include "base/codec.h"
#include "base/fault.h"
#include "base/mem.h"

#include <string.h>

static void test_set_gives_status_and_writes_text(void **state)
{
	struct fault why;
	memset(&why, 'x', sizeof why);
	assert_int_equal(fault_set(&why, NO_SUCH_IMAGE, "image %.*s", STRF(STR("abc"))), NOT_FOUND);
	assert_int_equal(why.code, F_NO_SUCH_IMAGE);
	assert_string_equal(why.text, "image abc");
	assert_string_equal(why.cause, "");
}

static void test_set_without_a_fault_gives_status(void **state)
{
	assert_int_equal(fault_set(NULL, DISK_FULL, "no room"), BUSY);
	fault_cause(NULL, "nobody listens");
}

static void test_cause_keeps_code_and_text(void **state)
{
	struct fault why;
	assert_int_equal(fault_set(&why, STORAGE_FAILED, "text"), IO);
	fault_cause(&why, "open: %s", "EIO");
	assert_int_equal(why.code, F_STORAGE_FAILED);
	assert_string_equal(why.text, "text");
	assert_string_equal(why.cause, "open: EIO");
}

static void test_text_may_quote_the_old_text(void **state)
{
	struct fault why;
	fault_set(&why, INVALID_INPUT, "inner");
	fault_set(&why, BAD_FIELD, "outer: %s", why.text);
	assert_string_equal(why.text, "outer: inner");
}

static void test_text_of_255_bytes_is_whole_and_of_256_cut(void **state)
{
	struct fault why;
	fault_set(&why, INTERNAL, "%0255d", 1);
	assert_int_equal(strlen(why.text), 255);
	assert_int_equal(why.text[254], '1');
	fault_set(&why, INTERNAL, "%0256d", 1);
	assert_int_equal(strlen(why.text), 255);
	assert_int_equal(why.text[254], '0');
}

/* At each offset around the end, with code points of two, three and four bytes. */
static void test_text_when_cut_ends_at_a_code_point(void **state)
{
	const char *points[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x93\xb7" };
	for (size_t i = 0; i < COUNT_OF(points); i++)
		for (int fill = 245; fill < 262; fill++) {
			struct fault why;
			fault_set(&why, INTERNAL, "%0*d%s%s%s%s", fill, 0, points[i], points[i], points[i], points[i]);
			assert_true(utf8_valid(str_of(why.text)));
			assert_in_range(strlen(why.text), 252, 255);
			fault_cause(&why, "%0*d%s%s%s%s", fill, 0, points[i], points[i], points[i], points[i]);
			assert_true(utf8_valid(str_of(why.cause)));
		}
}

static void test_names_are_the_table_in_lower_case(void **state)
{
	assert_string_equal(fault_name(F_NONE), "none");
	assert_string_equal(fault_name(F_NO_SUCH_IMAGE), "no_such_image");
	for (enum fault_code code = 0; code < FAULT_CODES; code++)
		for (const char *c = fault_name(code); *c != '\0'; c++)
			assert_true((*c >= 'a' && *c <= 'z') || *c == '_');
}

static void test_only_code_none_is_ok(void **state)
{
	for (enum fault_code code = 0; code < FAULT_CODES; code++)
		assert_int_equal(fault_status(code) == OK, code == F_NONE);
}

static void test_each_failure_has_the_http_status_of_a_failure(void **state)
{
	for (enum fault_code code = 0; code < FAULT_CODES; code++)
		assert_int_equal(fault_http_status(code) >= 300, code != F_NONE);
	assert_int_equal(fault_http_status(F_NO_SUCH_IMAGE), 404);
	assert_int_equal(fault_http_status(F_KEY_NEEDED), 401);
}

static void test_cause_of_an_allocation_failure_is_distinguished(void **state)
{
	struct fault why;
	struct arena a;
	arena_init(&a, 100);
	assert_int_equal(fault_check_arena(&a, &why), OK);
	assert_null(arena_alloc(&a, 1000));
	assert_int_equal(fault_check_arena(&a, &why), LIMIT);
	assert_int_equal(why.code, F_TOO_MUCH);
	arena_deinit(&a);
	arena_init(&a, 100);
	mem_fail_nth(1);
	assert_null(arena_alloc(&a, 10));
	mem_fail_nth(0);
	assert_int_equal(fault_check_arena(&a, &why), IO);
	assert_int_equal(why.code, F_OUT_OF_MEMORY);
	arena_deinit(&a);
}

static void test_cause_of_a_buffer_error_is_distinguished(void **state)
{
	struct fault why;
	struct buf b;
	buf_init(&b, 3);
	buf_put(&b, STR("abc"));
	assert_int_equal(fault_check_buf(&b, &why), OK);
	buf_put(&b, STR("d"));
	assert_int_equal(fault_check_buf(&b, &why), LIMIT);
	buf_deinit(&b);
	buf_init(&b, 100);
	mem_fail_nth(1);
	buf_put(&b, STR("a"));
	mem_fail_nth(0);
	assert_int_equal(fault_check_buf(&b, &why), IO);
	assert_int_equal(why.code, F_OUT_OF_MEMORY);
	buf_deinit(&b);
}

static enum status try_twice(enum status first, int *reached)
{
	TRY(first);
	*reached = 1;
	return OK;
}

static void test_try_returns_what_is_not_ok(void **state)
{
	int reached = 0;
	assert_int_equal(try_twice(LIMIT, &reached), LIMIT);
	assert_int_equal(reached, 0);
	assert_int_equal(try_twice(OK, &reached), OK);
	assert_int_equal(reached, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_gives_status_and_writes_text),
		cmocka_unit_test(test_set_without_a_fault_gives_status),
		cmocka_unit_test(test_cause_keeps_code_and_text),
		cmocka_unit_test(test_text_may_quote_the_old_text),
		cmocka_unit_test(test_text_of_255_bytes_is_whole_and_of_256_cut),
		cmocka_unit_test(test_text_when_cut_ends_at_a_code_point),
		cmocka_unit_test(test_names_are_the_table_in_lower_case),
		cmocka_unit_test(test_only_code_none_is_ok),
		cmocka_unit_test(test_each_failure_has_the_http_status_of_a_failure),
		cmocka_unit_test(test_cause_of_an_allocation_failure_is_distinguished),
		cmocka_unit_test(test_cause_of_a_buffer_error_is_distinguished),
		cmocka_unit_test(test_try_returns_what_is_not_ok),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
