/* Path-style addresses: what is a key, byte for byte, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "s3/wire/address.h"

static struct arena arena;

static int begin(void **state)
{
	(void)state;
	arena_init(&arena, 65536);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

static void test_address_when_path_is_sent_then_key_is_decoded_once(void **state)
{
	static const struct {
		const char *path;
		enum address_level level;
		const char *bucket, *key;
	} rows[] = {
		{ "/", AT_SERVICE, "", "" },
		{ "/b", AT_BUCKET, "b", "" },
		{ "/b/", AT_BUCKET, "b", "" },
		{ "/b/k", AT_OBJECT, "b", "k" },
		{ "/b/a/b/c", AT_OBJECT, "b", "a/b/c" },
		{ "/b/a%2Fb", AT_OBJECT, "b", "a/b" },
		{ "/b/a+b", AT_OBJECT, "b", "a+b" },
		{ "/b/a%20b", AT_OBJECT, "b", "a b" },
		{ "/b/a%2520b", AT_OBJECT, "b", "a%20b" },
		{ "/b//k", AT_OBJECT, "b", "/k" },
		{ "/b/a//k/", AT_OBJECT, "b", "a//k/" },
		{ "/b/../k", AT_OBJECT, "b", "../k" },
		{ "/b/..", AT_OBJECT, "b", ".." },
		{ "/b/%2e%2E/k", AT_OBJECT, "b", "../k" },
		{ "/b/.", AT_OBJECT, "b", "." },
		{ "/b/\xC3\xA9%C3%A9", AT_OBJECT, "b", "\xC3\xA9\xC3\xA9" },
		{ "/%62/k", AT_OBJECT, "b", "k" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct address at = { 0 };
		struct fault why = { 0 };
		if (address_parse(&arena, str_of(rows[i].path), &at, &why) != OK)
			fail_msg("%s: %s", rows[i].path, why.text);
		assert_int_equal(at.level, rows[i].level);
		assert_true(str_equal(at.bucket, str_of(rows[i].bucket)));
		assert_true(str_equal(at.key, str_of(rows[i].key)));
	}
}

static void test_address_when_path_is_not_a_key_then_refused(void **state)
{
	static const char *const rows[] = { "", "b/k", "*", "/b/%00", "/b/a%00b", "/b/%", "/b/%2", "/b/%zz", "/b/%FF", "/b/%C3", "/b/%ED%A0%80",
		"//k", "/%zz/k", "/%00/k" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct address at = { 0 };
		struct fault why = { 0 };
		assert_int_equal(address_parse(&arena, str_of(rows[i]), &at, &why), INVALID);
		assert_int_equal(why.code, F_KEY_INVALID);
	}
}

static void check_length(size_t n, const char *unit, enum fault_code code)
{
	struct address at = { 0 };
	struct fault why = { 0 };
	struct buf b;
	buf_init_arena(&b, &arena, 16384);
	buf_put(&b, STR("/b/"));
	for (size_t i = 0; i < n; i++)
		buf_put(&b, str_of(unit));
	assert_int_equal(address_parse(&arena, buf_str(&b), &at, &why), fault_status(code));
	assert_int_equal(why.code, code);
}

static void test_address_when_key_has_1024_bytes_then_accepted_and_1025_refused(void **state)
{
	(void)state;
	check_length(1024, "k", F_NONE);
	check_length(1025, "k", F_KEY_TOO_LONG);
	check_length(1024, "%6B", F_NONE);
	check_length(1025, "%6B", F_KEY_TOO_LONG);
	check_length(512, "%C3%A9", F_NONE);
	check_length(513, "%C3%A9", F_KEY_TOO_LONG);
}

static void test_address_when_arena_is_full_then_too_much(void **state)
{
	struct arena small;
	struct address at = { 0 };
	struct fault why = { 0 };
	(void)state;
	arena_init(&small, 1);
	assert_int_equal(address_parse(&small, STR("/bucket/%41%42%43%44%45%46"), &at, &why), LIMIT);
	assert_int_equal(why.code, F_TOO_MUCH);
	arena_deinit(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_address_when_path_is_sent_then_key_is_decoded_once, begin, end),
		cmocka_unit_test_setup_teardown(test_address_when_path_is_not_a_key_then_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_address_when_key_has_1024_bytes_then_accepted_and_1025_refused, begin, end),
		cmocka_unit_test(test_address_when_arena_is_full_then_too_much),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
