/* Cursors: what was written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "port/cursor.h"
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
		struct str text = cursor_write(numbers[i], STR("list"), &a);
		assert_true(text.n > 0);
		assert_int_equal(cursor_read(text, STR("list"), &a, &got, &why), OK);
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
	struct str text = cursor_write(123456, STR("list"), &a);
	for (size_t i = 0; i < text.n; i++) {
		int64_t got = -1;
		char *other = str_cstr(&a, text);
		other[i] = other[i] == 'A' ? 'Q' : 'A';
		assert_int_equal(cursor_read((struct str){ other, text.n }, STR("list"), &a, &got, &why), INVALID);
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
		assert_int_equal(cursor_read(str_of(texts[i]), STR("list"), &a, &got, &why), INVALID);
	struct str good = cursor_write(1, STR("list"), &a);
	assert_int_equal(cursor_read(str_slice(good, 0, good.n - 1), STR("list"), &a, &got, &why), INVALID);
	assert_int_equal(cursor_read(str_printf(&a, "%.*s=", STRF(good)), STR("list"), &a, &got, &why), INVALID);
	arena_deinit(&a);
}

static void test_cursor_of_another_list_then_refused(void **state)
{
	struct arena a;
	struct fault why;
	struct str text;
	int64_t number = -1;

	(void)state;
	arena_init(&a, 1 << 16);
	assert_int_equal(cursor_read(cursor_write(7, STR("alice"), &a), STR("bob"), &a, &number, &why), INVALID);
	assert_int_equal(cursor_read(cursor_write(7, STR("alice"), &a), STR(""), &a, &number, &why), INVALID);
	assert_int_equal(cursor_read(cursor_write_text(STR("1234567"), STR("alice"), &a), STR("alice"), &a, &number, &why), INVALID);
	assert_true(number == -1 && why.code == F_BAD_CURSOR);
	assert_int_equal(cursor_read_text(cursor_write_text(STR("a text"), STR("bob"), &a), STR("alice"), &a, &text, &why), INVALID);
	assert_int_equal(cursor_read_text(cursor_write_text(STR("a text"), STR("bob"), &a), STR("bob"), &a, &text, &why), OK);
	assert_true(str_equal(text, STR("a text")));
	arena_deinit(&a);
}

static void test_cursor_when_the_arena_is_full_then_empty(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1);
	assert_int_equal(cursor_write(1, STR("list"), &a).n, 0);
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cursor_then_the_same_number_comes_back),
		cmocka_unit_test(test_cursor_when_one_character_is_changed_then_refused),
		cmocka_unit_test(test_cursor_of_another_length_or_alphabet_then_refused),
		cmocka_unit_test(test_cursor_of_another_list_then_refused),
		cmocka_unit_test(test_cursor_when_the_arena_is_full_then_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
