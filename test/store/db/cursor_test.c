/* Cursors: what was written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/hash.h"
#include "store/db/cursor.h"
#include <string.h>

static void test_cursor_then_the_same_number_comes_back(void **state)
{
	static const int64_t numbers[] = { 0, 1, 255, 256, 1000000, (int64_t)1 << 40, INT64_MAX };
	struct arena a;
	struct fault why;

	(void)state;
	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		int64_t got = -1;
		struct str text = cursor_write(numbers[i], &a);
		assert_true(text.n > 0);
		assert_int_equal(cursor_read(text, &a, &got, &why), OK);
		assert_true(got == numbers[i]);
	}
	arena_deinit(&a);
}

static void test_cursor_when_one_character_is_changed_then_refused(void **state)
{
	struct arena a;
	struct fault why;

	(void)state;
	arena_init(&a, 1 << 16);
	struct str text = cursor_write(123456, &a);
	for (size_t i = 0; i < text.n; i++) {
		int64_t got = -1;
		char *other = str_cstr(&a, text);
		other[i] = other[i] == 'A' ? 'Q' : 'A';
		assert_int_equal(cursor_read((struct str){ other, text.n }, &a, &got, &why), INVALID);
		assert_int_equal(why.code, F_BAD_CURSOR);
		assert_true(got == -1);
	}
	arena_deinit(&a);
}

static void test_cursor_of_another_length_or_alphabet_then_refused(void **state)
{
	static const char *const texts[] = { "x", "AAAA", "AQAAAAAAAAABAAAAAA==", "../../etc/passwd", "%00", "' OR 1=1 --",
		"AQAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
	struct arena a;
	struct fault why;
	int64_t got;

	(void)state;
	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_int_equal(cursor_read(str_of(texts[i]), &a, &got, &why), INVALID);
	struct str good = cursor_write(1, &a);
	assert_int_equal(cursor_read(str_slice(good, 0, good.n - 1), &a, &got, &why), INVALID);
	assert_int_equal(cursor_read(str_printf(&a, "%.*s=", STRF(good)), &a, &got, &why), INVALID);
	arena_deinit(&a);
}

static void test_cursor_when_the_arena_is_full_then_empty(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1);
	assert_int_equal(cursor_write(1, &a).n, 0);
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cursor_then_the_same_number_comes_back),
		cmocka_unit_test(test_cursor_when_one_character_is_changed_then_refused),
		cmocka_unit_test(test_cursor_of_another_length_or_alphabet_then_refused),
		cmocka_unit_test(test_cursor_when_the_arena_is_full_then_empty),
	};

	crypto_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
