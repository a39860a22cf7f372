/* Cursors of a list on DynamoDB: what comes back is what was given, and nothing else is taken. */
#include "aws/dynamo/cursor.h"

#include "base/codec.h"
#include "unit.h"

#include <string.h>

#define ID "0a1b2c3d-0000-4000-8000-0123456789ab"

static void test_order_then_later_times_sort_after_earlier_ones(void **state)
{
	struct arena a CLEANUP(arena_deinit);
	(void)state;
	arena_init(&a, 1 << 16);
	static const int64_t times[] = { 1, 999, 1000, 1700000000000, 1700000000001, INT64_MAX };
	for (size_t i = 0; i + 1 < COUNT_OF(times); i++)
		assert_true(str_compare(dynamo_order(times[i], STR(ID), &a), dynamo_order(times[i + 1], STR(ID), &a)) < 0);
	assert_str(dynamo_order(1700000000000, STR(ID), &a), STR("0000001700000000000#" ID));
}

static void test_read_of_what_was_written_then_the_same_key(void **state)
{
	struct arena a CLEANUP(arena_deinit);
	struct fault why;
	struct str order, want;
	(void)state;
	arena_init(&a, 1 << 16);
	want = dynamo_order(1700000000000, STR(ID), &a);
	assert_int_equal(dynamo_cursor_read(dynamo_cursor_write(want, STR("list"), &a), STR("list"), &a, &order, &why), OK);
	assert_str(order, want);
}

static void test_read_of_a_cursor_of_another_list_then_bad_cursor(void **state)
{
	struct arena a CLEANUP(arena_deinit);
	struct fault why;
	struct str order;
	(void)state;
	arena_init(&a, 1 << 16);
	struct str cursor = dynamo_cursor_write(dynamo_order(1700000000000, STR(ID), &a), STR("alice"), &a);
	assert_int_equal(dynamo_cursor_read(cursor, STR("alice"), &a, &order, &why), OK);
	assert_int_equal(dynamo_cursor_read(cursor, STR("bob"), &a, &order, &why), INVALID);
	assert_int_equal(dynamo_cursor_read(cursor, STR(""), &a, &order, &why), INVALID);
	assert_int_equal(why.code, F_BAD_CURSOR);
}

/* A cursor whose check is right for any 56 bytes. */
static struct str forge(unsigned char version, const char *order, struct arena *a)
{
	unsigned char digest[SHA256_BYTES];
	struct buf raw, b;
	buf_init_arena(&raw, a, 256);
	buf_put_char(&raw, (char)version);
	buf_put(&raw, str_of(order));
	sha256(buf_str(&raw), digest);
	buf_put(&raw, (struct str){ (const char *)digest, 4 });
	buf_init_arena(&b, a, 512);
	base64url_encode(&b, buf_str(&raw));
	return buf_str(&b);
}

static void test_read_of_a_cursor_with_a_valid_checksum_but_another_form_then_bad_cursor(void **state)
{
	static const struct {
		unsigned char version;
		const char *order;
	} bad[] = {
		{ 1, "0000001700000000000#" ID },
		{ 2, "0000001700000000000!" ID },
		{ 2, "000000170000000000x#" ID },
		{ 2, "9999999999999999999#" ID },
		{ 2, "0000001700000000000#0A1B2C3D-0000-4000-8000-0123456789ab" },
		{ 2, "0000001700000000000#\"},\"x\":{\"S\":\"yyyyyyyyyyyyyyyyyyyyyy" },
		{ 2, "0000001700000000000#" ID "0" },
		{ 2, "" },
	};
	struct arena a CLEANUP(arena_deinit);
	struct fault why;
	struct str order = STR("untouched");
	(void)state;
	arena_init(&a, 1 << 16);
	assert_int_equal(dynamo_cursor_read(forge(2, "0000001700000000000#" ID, &a), STR(""), &a, &order, &why), OK);
	order = STR("untouched");
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(dynamo_cursor_read(forge(bad[i].version, bad[i].order, &a), STR(""), &a, &order, &why), INVALID);
		assert_int_equal(why.code, F_BAD_CURSOR);
		assert_str(order, STR("untouched"));
	}
}

static void test_read_of_a_changed_cursor_then_bad_cursor(void **state)
{
	struct arena a CLEANUP(arena_deinit);
	struct fault why;
	struct str order;
	(void)state;
	arena_init(&a, 1 << 20);
	struct str good = dynamo_cursor_write(dynamo_order(1700000000000, STR(ID), &a), STR(""), &a);
	for (size_t i = 0; i < good.n; i++) {
		char *bad = str_cstr(&a, good);
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		assert_int_equal(dynamo_cursor_read((struct str){ bad, good.n }, STR(""), &a, &order, &why), INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_then_later_times_sort_after_earlier_ones),
		cmocka_unit_test(test_read_of_what_was_written_then_the_same_key),
		cmocka_unit_test(test_read_of_a_cursor_of_another_list_then_bad_cursor),
		cmocka_unit_test(test_read_of_a_cursor_with_a_valid_checksum_but_another_form_then_bad_cursor),
		cmocka_unit_test(test_read_of_a_changed_cursor_then_bad_cursor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
