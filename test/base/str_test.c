/* Borrowed strings. The empty str with p == NULL goes through every function: UBSan watches. */
#include "unit.h"

#include "base/arena.h"

#include <string.h>

static const struct str NONE = { NULL, 0 };

static void test_str_of_null_is_empty(void **state)
{
	assert_int_equal(str_of(NULL).n, 0);
	assert_null(str_of(NULL).p);
	assert_str(str_of("ab"), STR("ab"));
}

static void test_equal_compares_length_and_bytes(void **state)
{
	assert_true(str_equal(STR("a\0b"), STR("a\0b")));
	assert_false(str_equal(STR("a\0b"), STR("a\0c")));
	assert_false(str_equal(STR("a"), STR("ab")));
	assert_true(str_equal(NONE, STR("")));
}

static void test_nocase_folds_ascii_letters_only(void **state)
{
	assert_true(str_equal_nocase(STR("Content-TYPE"), STR("content-type")));
	assert_false(str_equal_nocase(STR("@"), STR("`")));
	assert_false(str_equal_nocase(STR("["), STR("{")));
	assert_false(str_equal_nocase(STR("\xc3\x84"), STR("\xc3\xa4")));
	assert_true(str_equal_nocase(NONE, NONE));
}

static void test_compare_orders_bytes_unsigned_and_prefix_first(void **state)
{
	assert_true(str_compare(STR("a"), STR("b")) < 0);
	assert_true(str_compare(STR("\xff"), STR("a")) > 0);
	assert_true(str_compare(STR("a"), STR("ab")) < 0);
	assert_true(str_compare(STR("ab"), STR("a")) > 0);
	assert_int_equal(str_compare(NONE, STR("")), 0);
	assert_true(str_compare(NONE, STR("a")) < 0);
}

static void test_starts_with_and_ends_with_accept_empty_and_refuse_longer(void **state)
{
	assert_true(str_starts_with(STR("abc"), STR("ab")));
	assert_false(str_starts_with(STR("abc"), STR("b")));
	assert_false(str_starts_with(STR("a"), STR("ab")));
	assert_true(str_starts_with(NONE, NONE));
	assert_true(str_ends_with(STR("abc"), STR("bc")));
	assert_true(str_ends_with(STR("abc"), NONE));
	assert_false(str_ends_with(STR("c"), STR("bc")));
	assert_true(str_starts_with_nocase(STR("ABc"), STR("ab")));
	assert_false(str_starts_with_nocase(STR("A"), STR("ab")));
}

static void test_unquote_accepts_one_whole_pair(void **state)
{
	assert_str(str_unquote(STR("\"ab\"")), STR("ab"));
	assert_str(str_unquote(STR("\"\"a\"\"")), STR("\"a\""));
	assert_str(str_unquote(STR("\"\"")), STR(""));
	assert_str(str_unquote(STR("\"")), STR("\""));
	assert_str(str_unquote(STR("\"a")), STR("\"a"));
	assert_int_equal(str_unquote(NONE).n, 0);
}

static void test_find_gives_first_or_length(void **state)
{
	assert_int_equal(str_find_char(STR("a=b=c"), '='), 1);
	assert_int_equal(str_find_char(STR("abc"), '='), 3);
	assert_int_equal(str_find_char(NONE, '='), 0);
	assert_int_equal(str_find(STR("xaab"), STR("ab")), 2);
	assert_int_equal(str_find(STR("xaab"), STR("ba")), 4);
	assert_int_equal(str_find(STR("x"), STR("")), 0);
	assert_int_equal(str_find(NONE, STR("x")), 0);
}

static void test_slice_clamps_both_ends(void **state)
{
	assert_str(str_slice(STR("abc"), 1, 2), STR("b"));
	assert_str(str_slice(STR("abc"), 1, 99), STR("bc"));
	assert_str(str_slice(STR("abc"), 99, 100), STR(""));
	assert_str(str_slice(STR("abc"), 2, 1), STR(""));
	assert_null(str_slice(NONE, 1, 2).p);
}

static void test_cut_gives_every_piece_including_empty_ones(void **state)
{
	struct str rest = STR("a&&b&");
	assert_str(str_cut(&rest, '&'), STR("a"));
	assert_str(str_cut(&rest, '&'), STR(""));
	assert_str(str_cut(&rest, '&'), STR("b"));
	assert_non_null(rest.p);
	assert_str(str_cut(&rest, '&'), STR(""));
	assert_null(rest.p);
	assert_int_equal(rest.n, 0);
}

static void test_trim_accepts_blanks_and_tabs_only(void **state)
{
	assert_str(str_trim(STR(" \t a b\t ")), STR("a b"));
	assert_str(str_trim(STR(" \t ")), STR(""));
	assert_str(str_trim(STR("\na\n")), STR("\na\n"));
	assert_str(str_trim(NONE), STR(""));
}

static void test_to_u64_reads_digits_up_to_the_largest(void **state)
{
	uint64_t n = 7;
	assert_true(str_to_u64(STR("18446744073709551615"), &n));
	assert_true(n == UINT64_MAX);
	assert_true(str_to_u64(STR("0007"), &n));
	assert_true(n == 7);
}

static void test_to_u64_when_not_plain_digits_refuses_and_leaves_out(void **state)
{
	const char *bad[] = { "", "18446744073709551616", "99999999999999999999", "-1", "+1", " 1", "1 ", "0x1", "1.0" };
	uint64_t n = 7;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(str_to_u64(str_of(bad[i]), &n));
	assert_true(n == 7);
}

static void test_consists_of_accepts_letters_digits_and_the_given_characters(void **state)
{
	struct str rest = STR("abc");
	assert_true(str_equal(str_take(&rest, 2), STR("ab")) && str_equal(rest, STR("c")));
	assert_true(str_equal(str_take(&rest, 9), STR("c")) && rest.n == 0 && str_take(&rest, 1).n == 0);
	static const char *const words[] = { "GET", "PUT", "HEAD" }, *const no_words[] = { "", "get", "GE", "GET ", "GETX", "PUT HEAD" };
	for (size_t i = 0; i < COUNT_OF(words); i++)
		assert_true(str_is_word_of(str_of(words[i]), STR("GET PUT HEAD")));
	for (size_t i = 0; i < COUNT_OF(no_words); i++)
		assert_false(str_is_word_of(str_of(no_words[i]), STR("GET PUT HEAD")));
	assert_true(str_is_word_of_nocase(STR("x-AMZ-b"), STR("X-Amz-A X-Amz-B")));
	assert_false(str_is_word_of_nocase(STR("x-amz-c"), STR("X-Amz-A X-Amz-B")));
	assert_false(str_is_word_of(STR("a"), STR("")));
	assert_true(str_consists_of(STR("azAZ09-_"), STR("_-")));
	assert_true(str_consists_of_lower(STR("az09-"), STR("-")));
	assert_false(str_consists_of_lower(STR("azA"), STR("-")));
	static const char *const bad[] = { "", "a.", "a@", "a[", "a`", "a{", "a/", "a:", "a\xc3\xa9" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_false(str_consists_of(str_of(bad[i]), STR("_-")));
		assert_false(str_consists_of_lower(str_of(bad[i]), STR("_-")));
	}
	assert_false(str_consists_of((struct str){ "a\0b", 3 }, STR("-")));
}

static void test_copies_live_in_the_arena(void **state)
{
	struct arena a;
	arena_init(&a, 1000);
	struct str s = STR("A\0z");
	struct str copy = str_dup(&a, s);
	assert_str(copy, s);
	assert_ptr_not_equal(copy.p, s.p);
	assert_str(str_lower(&a, STR("AbZ[@\xc3\x84")), STR("abz[@\xc3\x84"));
	assert_string_equal(str_cstr(&a, STR("abc")), "abc");
	assert_string_equal(str_cstr(&a, NONE), "");
	assert_str(str_printf(&a, "%d-%s", 42, "x"), STR("42-x"));
	assert_str(str_printf(&a, "%s", ""), STR(""));
	assert_true(arena_ok(&a));
	arena_deinit(&a);
}

static void test_copies_when_the_arena_is_full_are_null(void **state)
{
	struct arena a;
	arena_init(&a, 16);
	assert_non_null(str_dup(&a, STR("123456789")).p);
	assert_null(str_dup(&a, STR("x")).p);
	assert_int_equal(str_dup(&a, STR("x")).n, 0);
	assert_null(str_lower(&a, STR("x")).p);
	assert_null(str_cstr(&a, STR("x")));
	assert_null(str_printf(&a, "%d", 1).p);
	assert_false(arena_ok(&a));
	arena_deinit(&a);
}

static void test_str_is_one_of_then_whole_words_alone(void **state)
{
	assert_true(str_is_one_of(STR("on"), STR("on|off"), '|'));
	assert_true(str_is_one_of(STR("off"), STR("on|off"), '|'));
	assert_false(str_is_one_of(STR("o"), STR("on|off"), '|'));
	assert_false(str_is_one_of(STR("on|off"), STR("on|off"), '|'));
	assert_false(str_is_one_of(STR(""), STR("on|off"), '|'));
	assert_false(str_is_one_of(STR("on"), (struct str){ 0 }, '|'));
}

static void test_concat_then_the_pieces_in_order(void **state)
{
	struct arena a;
	arena_init(&a, 4096);
	struct str s = STR_CONCAT(&a, STR("ab"), STR(""), (struct str){ NULL, 0 }, STR("c"));
	assert_true(str_equal(s, STR("abc")));
	assert_int_equal(s.p[s.n], '\0');
	assert_true(str_equal(str_concat(&a, &s, 0), STR("")));
	assert_true(arena_ok(&a));
	arena_deinit(&a);
}

static void test_concat_and_decimal_when_the_arena_is_full_then_nothing(void **state)
{
	char big[4096] = { 0 };
	struct arena a;
	arena_init(&a, 64);
	assert_null(STR_CONCAT(&a, STR("a"), { big, sizeof big }).p);
	assert_false(arena_ok(&a));
	assert_null(str_decimal(&a, 1).p);
	arena_deinit(&a);
}

static void test_decimal_then_as_printf(void **state)
{
	static const uint64_t numbers[] = { 0, 9, 10, 1234567890, UINT64_MAX };
	struct arena a;
	arena_init(&a, 4096);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		assert_true(str_equal(str_decimal(&a, numbers[i]), str_printf(&a, "%llu", (unsigned long long)numbers[i])));
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_concat_then_the_pieces_in_order),
		cmocka_unit_test(test_concat_and_decimal_when_the_arena_is_full_then_nothing),
		cmocka_unit_test(test_decimal_then_as_printf),
		cmocka_unit_test(test_str_is_one_of_then_whole_words_alone),
		cmocka_unit_test(test_str_of_null_is_empty),
		cmocka_unit_test(test_equal_compares_length_and_bytes),
		cmocka_unit_test(test_nocase_folds_ascii_letters_only),
		cmocka_unit_test(test_compare_orders_bytes_unsigned_and_prefix_first),
		cmocka_unit_test(test_starts_with_and_ends_with_accept_empty_and_refuse_longer),
		cmocka_unit_test(test_unquote_accepts_one_whole_pair),
		cmocka_unit_test(test_find_gives_first_or_length),
		cmocka_unit_test(test_slice_clamps_both_ends),
		cmocka_unit_test(test_cut_gives_every_piece_including_empty_ones),
		cmocka_unit_test(test_trim_accepts_blanks_and_tabs_only),
		cmocka_unit_test(test_to_u64_reads_digits_up_to_the_largest),
		cmocka_unit_test(test_to_u64_when_not_plain_digits_refuses_and_leaves_out),
		cmocka_unit_test(test_consists_of_accepts_letters_digits_and_the_given_characters),
		cmocka_unit_test(test_copies_live_in_the_arena),
		cmocka_unit_test(test_copies_when_the_arena_is_full_are_null),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
