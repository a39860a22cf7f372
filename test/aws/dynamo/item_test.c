/* Rows as items and back: attribute names, which are left out, and items that tintype did not write. */
#include "aws/dynamo/item.h"

#include "fake/rows.h"
#include "unit.h"

#include <string.h>

static json_t *item_of(const struct image_row *row, bool resolved_only, struct arena *a)
{
	struct dynamo_item item;
	struct buf b;
	json_error_t where;
	dynamo_item_of(row, resolved_only, a, &item);
	buf_init_arena(&b, a, 1 << 20);
	dynamo_item_put(&item, STR(""), "", &b);
	assert_true(buf_ok(&b) && arena_ok(a));
	json_t *json = json_loadb(b.p, b.n, JSON_ALLOW_NUL, &where);
	assert_non_null(json);
	return json;
}

static void assert_round(const struct image_row *row, struct arena *a)
{
	struct image_row back;
	struct fault why;
	json_t *json = item_of(row, false, a);
	assert_int_equal(dynamo_item_read(json, a, &back, &why), OK);
	assert_true(row_equal(&back, row));
	json_decref(json);
}

static void test_item_of_a_row_in_each_state_then_read_gives_it_back(void **state)
{
	struct arena a CLEANUP(arena_deinit);
	(void)state;
	arena_init(&a, 1 << 20);
	struct image_row row = row_pending(&a, 7), rejected = row;
	struct resolution good = row_verdict(&a, 7, 1700000123456, STR("")), bad = row_verdict(&a, 7, 1, STR("no \"image\"\x01\n"));
	assert_round(&row, &a);
	row_resolve(&a, &row, &good);
	assert_round(&row, &a);
	row_resolve(&a, &rejected, &bad);
	assert_round(&rejected, &a);
	row.is_public = true;
	assert_round(&row, &a);
}

static void test_item_of_the_longest_name_and_the_largest_numbers_then_read_gives_them_back(void **state)
{
	struct arena a CLEANUP(arena_deinit);
	char name[255];
	(void)state;
	arena_init(&a, 1 << 20);
	memset(name, '"', sizeof name);
	struct image_row row = row_pending(&a, 7);
	row.file_name = (struct str){ name, sizeof name };
	row.file_size = UINT64_MAX;
	row.width = row.height = row.orientation = row.frames = row.removed = UINT32_MAX;
	row.expires_ms = row.ends_ms = INT64_MAX;
	assert_round(&row, &a);
}

static void assert_text(const json_t *item, const char *name, const char *want)
{
	assert_str(dynamo_item_get_text(item, name), str_of(want));
}

static void test_item_then_attributes_have_the_api_names_and_empty_ones_are_left_out(void **state)
{
	struct arena a CLEANUP(arena_deinit);
	(void)state;
	arena_init(&a, 1 << 20);
	struct image_row row = row_pending(&a, 1);
	struct resolution s = row_verdict(&a, 1, 1700000123456, STR(""));
	json_t *pending = item_of(&row, false, &a);
	assert_text(pending, "status", "pending");
	assert_null(json_object_get(pending, "uploadedAt"));
	assert_null(json_object_get(pending, "owner"));
	assert_null(json_object_get(pending, "etag"));
	assert_null(json_object_get(pending, "width"));
	row_resolve(&a, &row, &s);
	json_t *uploaded = item_of(&row, false, &a);
	assert_text(uploaded, "status", "uploaded");
	assert_text(uploaded, "imageId", "9e3779b1-0000-4000-8000-000000000001");
	assert_text(uploaded, "fileType", "image/jpeg");
	assert_text(uploaded, "uploadedAt", "2023-11-14T22:15:23.456Z");
	assert_str(dynamo_item_get_number(uploaded, "fileSize"), STR("2001"));
	assert_str(dynamo_item_get_number(uploaded, "receivedSize"), STR("3001"));
	assert_str(dynamo_item_get_number(uploaded, "stripped"), STR("1"));
	assert_null(json_object_get(pending, "stripped"));
	assert_null(json_object_get(uploaded, "endsMs"));
	json_decref(pending);
	json_decref(uploaded);
}

static void test_item_of_a_resolution_then_the_clients_values_are_not_in_it(void **state)
{
	static const char *const kept[] = { "imageId", "owner", "objectKey", "fileName", "createdAt", "expiresMs", "deleteHash" };
	struct arena a CLEANUP(arena_deinit);
	struct dynamo_item item;
	(void)state;
	arena_init(&a, 1 << 20);
	struct image_row row = row_pending(&a, 1);
	dynamo_item_of(&row, true, &a, &item);
	for (size_t i = 0; i < item.n; i++)
		for (size_t k = 0; k < COUNT_OF(kept); k++)
			assert_string_not_equal(item.attributes[i].name, kept[k]);
	assert_int_equal(item.n, 21);
}

#define HEAD "{\"imageId\":{\"S\":\"x\"},\"objectKey\":{\"S\":\"k\"},"
#define FULL HEAD "\"status\":{\"S\":\"pending\"}"

static enum status read_of(const char *text, struct image_row *row, struct fault *why)
{
	static struct arena a;
	json_error_t where;
	arena_deinit(&a);
	arena_init(&a, 1 << 16);
	json_t *json = json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_ANY, &where);
	assert_non_null(json);
	enum status end = dynamo_item_read(json, &a, row, why);
	json_decref(json);
	if (end != OK)
		arena_deinit(&a);
	return end;
}

static void test_read_of_an_item_with_unknown_attributes_then_ignored(void **state)
{
	struct image_row row;
	struct fault why;
	(void)state;
	assert_int_equal(read_of(FULL ",\"more\":{\"M\":{}},\"ttl\":{\"N\":\"1\"}}", &row, &why), OK);
	assert_str(row.key, STR("k"));
	assert_str(row.owner, STR(""));
	assert_int_equal(read_of("1", &row, &why), UPSTREAM);
}

static void test_read_of_a_foreign_item_then_upstream_failed_and_the_attribute_is_in_the_cause(void **state)
{
	static const char *const bad[][2] = { { "{}", "missing" }, { "[]", "missing" }, { "null", "missing" },
		{ HEAD "\"status\":{\"S\":\"done\"}}", "status" }, { HEAD "\"status\":{\"N\":\"1\"}}", "status" },
		{ HEAD "\"status\":\"pending\"}", "status" },
		{ "{\"imageId\":{\"S\":\"\"},\"objectKey\":{\"S\":\"k\"},\"status\":{\"S\":\"pending\"}}", "missing" },
		{ FULL ",\"width\":{\"N\":\"4294967296\"}}", "width" }, { FULL ",\"width\":{\"N\":\"-1\"}}", "width" },
		{ FULL ",\"width\":{\"N\":\"1e3\"}}", "width" }, { FULL ",\"width\":{\"S\":\"1\"}}", "width" },
		{ FULL ",\"width\":{\"N\":1}}", "width" }, { FULL ",\"fileSize\":{\"N\":\"18446744073709551616\"}}", "fileSize" },
		{ FULL ",\"endsMs\":{\"N\":\"9223372036854775808\"}}", "endsMs" }, { FULL ",\"uploadedAt\":{\"S\":\"yesterday\"}}", "uploadedAt" },
		{ FULL ",\"uploadedAt\":{\"S\":\"1969-12-31T23:59:59.999Z\"}}", "uploadedAt" },
		{ FULL ",\"fileName\":{\"NULL\":true}}", "fileName" } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct image_row row = { .width = 77 };
		struct fault why;
		assert_int_equal(read_of(bad[i][0], &row, &why), UPSTREAM);
		assert_int_equal(why.code, F_UPSTREAM_FAILED);
		assert_non_null(strstr(why.cause, bad[i][1]));
		assert_int_equal(row.width, 77);
	}
}

static void test_read_when_the_arena_is_full_then_too_much(void **state)
{
	struct arena big CLEANUP(arena_deinit), little CLEANUP(arena_deinit);
	struct image_row out;
	struct fault why;
	(void)state;
	arena_init(&big, 1 << 20);
	arena_init(&little, 64);
	struct image_row row = row_pending(&big, 1);
	json_t *json = item_of(&row, false, &big);
	assert_int_equal(dynamo_item_read(json, &little, &out, &why), LIMIT);
	json_decref(json);
}

static int forget(void **state)
{
	struct image_row row;
	struct fault why;
	(void)state;
	return read_of("{}", &row, &why) == OK;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_item_of_a_row_in_each_state_then_read_gives_it_back),
		cmocka_unit_test(test_item_of_the_longest_name_and_the_largest_numbers_then_read_gives_them_back),
		cmocka_unit_test(test_item_then_attributes_have_the_api_names_and_empty_ones_are_left_out),
		cmocka_unit_test(test_item_of_a_resolution_then_the_clients_values_are_not_in_it),
		cmocka_unit_test_teardown(test_read_of_an_item_with_unknown_attributes_then_ignored, forget),
		cmocka_unit_test(test_read_of_a_foreign_item_then_upstream_failed_and_the_attribute_is_in_the_cause),
		cmocka_unit_test(test_read_when_the_arena_is_full_then_too_much),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
