/* Buffers on the heap, in an arena and over fixed memory: growth, the maximum, the sticky error. */
#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

static void test_new_buffer_is_an_empty_c_string(void **state)
{
	struct buf b;
	buf_init(&b, 10);
	assert_string_equal(b.p, "");
	assert_int_equal(buf_str(&b).n, 0);
	assert_true(buf_ok(&b));
	buf_deinit(&b);
	buf_deinit(&b);
}

static void test_appends_grow_and_keep_what_was_there(void **state)
{
	struct buf b;
	buf_init(&b, 100000);
	for (int i = 0; i < 10000; i++)
		buf_put_char(&b, (char)('a' + i % 26));
	buf_put(&b, STR("A\0B"));
	buf_put(&b, (struct str){ NULL, 0 });
	buf_printf(&b, "%d|%s", 12345, "");
	assert_true(buf_ok(&b));
	assert_int_equal(b.n, 10009);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(b.p[i], 'a' + i % 26);
	assert_str(str_slice(buf_str(&b), 10000, b.n), STR("A\0B12345|"));
	assert_int_equal(b.p[b.n], '\0');
	buf_deinit(&b);
}

static void test_maximum_is_reached_exactly_and_not_passed(void **state)
{
	struct buf b;
	buf_init(&b, 5);
	buf_put(&b, STR("12345"));
	assert_true(buf_ok(&b));
	buf_put(&b, STR(""));
	assert_true(buf_ok(&b));
	buf_put_char(&b, '6');
	assert_false(buf_ok(&b));
	assert_str(buf_str(&b), STR("12345"));
	buf_clear(&b);
	buf_put(&b, STR("ab"));
	assert_true(buf_ok(&b));
	assert_string_equal(b.p, "ab");
	buf_deinit(&b);
}

static void test_error_is_sticky_until_cleared(void **state)
{
	struct buf b;
	buf_init(&b, 5);
	buf_put(&b, STR("123456"));
	assert_false(buf_ok(&b));
	buf_put(&b, STR("1"));
	buf_printf(&b, "1");
	assert_int_equal(b.n, 0);
	assert_false(buf_ok(&b));
	buf_deinit(&b);
}

static void test_printf_past_the_maximum_appends_nothing(void **state)
{
	struct buf b;
	buf_init(&b, 5);
	buf_printf(&b, "%s", "1234");
	buf_printf(&b, "%s", "56");
	assert_false(buf_ok(&b));
	assert_string_equal(b.p, "1234");
	buf_deinit(&b);
	buf_init(&b, 1000);
	buf_printf(&b, "x");
	buf_printf(&b, "%0*d", 500, 7); /* does not fit the first memory: formatted again */
	assert_int_equal(b.n, 501);
	assert_int_equal(b.p[500], '7');
	buf_deinit(&b);
}

/* Around the end of each memory a buffer ever has. */
static void test_printf_of_every_length_is_whole(void **state)
{
	for (int n = 0; n < 600; n++) {
		struct buf b;
		buf_init(&b, 1000);
		buf_put(&b, STR("head"));
		buf_printf(&b, "%.*s%0*d", 0, "", n + 1, 7);
		assert_true(buf_ok(&b));
		assert_int_equal(b.n, n + 5);
		assert_int_equal(b.p[b.n - 1], '7');
		assert_int_equal(b.p[b.n], '\0');
		buf_deinit(&b);
	}
}

static void test_content_is_followed_by_a_nul_after_reuse(void **state)
{
	struct buf b;
	buf_init(&b, 100);
	buf_put(&b, STR("abc"));
	buf_clear(&b);
	assert_string_equal(b.p, "");
	buf_put_char(&b, 'x');
	assert_string_equal(b.p, "x");
	buf_clear(&b);
	buf_put(&b, STR("y"));
	assert_string_equal(b.p, "y");
	buf_deinit(&b);
}

static void test_arena_buffer_grows_and_shares_the_cap(void **state)
{
	struct arena a;
	struct buf b;
	arena_init(&a, 4096);
	buf_init_arena(&b, &a, 100000);
	for (int i = 0; i < 1000; i++)
		buf_put_char(&b, 'x');
	assert_true(buf_ok(&b));
	for (int i = 0; i < 10000; i++)
		buf_put_char(&b, 'x');
	assert_false(buf_ok(&b));
	assert_false(arena_ok(&a));
	buf_deinit(&b);
	arena_deinit(&a);
}

static void test_fixed_buffer_never_writes_beyond_its_memory(void **state)
{
	char memory[9];
	struct buf b;
	memory[8] = '#';
	buf_init_fixed(&b, memory, 8);
	assert_string_equal(b.p, "");
	buf_put(&b, STR("1234567"));
	assert_true(buf_ok(&b));
	assert_ptr_equal(b.p, memory);
	buf_put_char(&b, '8');
	buf_printf(&b, "%d", 9);
	assert_false(buf_ok(&b));
	assert_string_equal(memory, "1234567");
	assert_int_equal(memory[8], '#');
	buf_deinit(&b);
}

static void test_memory_failing_keeps_what_is_there(void **state)
{
	struct buf b;
	buf_init(&b, 100000);
	buf_put(&b, STR("kept"));
	char big[1000] = { 0 };
	mem_fail_nth(1);
	buf_put(&b, (struct str){ big, sizeof big });
	mem_fail_nth(0);
	assert_false(buf_ok(&b));
	assert_true(b.starved);
	assert_string_equal(b.p, "kept");
	buf_clear(&b);
	assert_false(b.starved);
	buf_deinit(&b);
	buf_init(&b, 1);
	buf_put(&b, STR("too long"));
	assert_false(buf_ok(&b) || b.starved);
	buf_deinit(&b);
}

static void test_zeroed_buffer_accepts_nothing(void **state)
{
	struct buf b = { 0 };
	buf_put_char(&b, 'x');
	assert_false(buf_ok(&b));
	buf_clear(&b);
	buf_deinit(&b);
}

static void test_integers_are_written_in_decimal(void **state)
{
	static const int64_t values[] = { 0, 1, -1, 9, 10, 99, 100, INT64_MAX, INT64_MIN, 1234567890123 };
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		struct buf b, want;
		buf_init(&b, 100);
		buf_init(&want, 100);
		buf_put_i64(&b, values[i]);
		buf_put_u64(&b, (uint64_t)values[i]);
		buf_printf(&want, "%lld%llu", (long long)values[i], (unsigned long long)values[i]);
		assert_str(buf_str(&b), buf_str(&want));
		buf_deinit(&b);
		buf_deinit(&want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers_are_written_in_decimal),
		cmocka_unit_test(test_new_buffer_is_an_empty_c_string),
		cmocka_unit_test(test_appends_grow_and_keep_what_was_there),
		cmocka_unit_test(test_maximum_is_reached_exactly_and_not_passed),
		cmocka_unit_test(test_error_is_sticky_until_cleared),
		cmocka_unit_test(test_printf_past_the_maximum_appends_nothing),
		cmocka_unit_test(test_printf_of_every_length_is_whole),
		cmocka_unit_test(test_content_is_followed_by_a_nul_after_reuse),
		cmocka_unit_test(test_arena_buffer_grows_and_shares_the_cap),
		cmocka_unit_test(test_fixed_buffer_never_writes_beyond_its_memory),
		cmocka_unit_test(test_memory_failing_keeps_what_is_there),
		cmocka_unit_test(test_zeroed_buffer_accepts_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
