/* Rows by status, filtered, paged; one row; and what engines that can only list can return. */
#include "admin/fixture.h"

#include <stdio.h>

static void insert(unsigned n, const char *name)
{
	struct fault why;
	struct image_row row = row_pending(&fixture.own, n);
	row.file_name = str_of(name);
	assert_int_equal(table_insert(fake_table_port(fixture.table), &row, &why), OK);
}

static void resolve(unsigned n, const char *reason)
{
	struct fault why;
	struct image_row now;
	struct resolution s = row_verdict(&fixture.own, n, 1700000000000 + n, str_of(reason));
	assert_int_equal(table_resolve(fake_table_port(fixture.table), &s, &fixture.own, &now, &why), OK);
}

static void fill(void)
{
	insert(1, "waits.png");
	insert(2, "<script>alert(1)</script>.png");
	resolve(2, "");
	insert(3, "broken.jpg");
	resolve(3, "The bytes are no image.");
}

static size_t listed(const char *target)
{
	return json_array_size(json_object_get(ask(target, 200), "images"));
}

static const json_t *row(size_t i)
{
	return json_array_get(json_object_get(fixture.json, "images"), i);
}

static void test_list_then_rows_of_each_status_newest_first(void **state)
{
	fill();
	assert_int_equal(listed("/console/images"), 3);
	assert_string_equal(text_of(row(0), "fileName"), "broken.jpg");
	assert_true(json_is_null(json_object_get(fixture.json, "nextCursor")));
	assert_int_equal(json_integer_value(json_object_get(fixture.json, "looked")), 3);
	assert_int_equal(listed("/console/images?status=pending"), 1);
	assert_string_equal(text_of(row(0), "status"), "pending");
	assert_true(json_is_null(json_object_get(row(0), "uploadedAt")));
	assert_int_equal(listed("/console/images?status=uploaded"), 1);
	assert_string_equal(text_of(row(0), "fileName"), "<script>alert(1)</script>.png");
	assert_int_equal(listed("/console/images?status=rejected"), 1);
	assert_string_equal(text_of(row(0), "reason"), "The bytes are no image.");
}

static void test_list_then_no_row_gives_the_hash_of_its_delete_token(void **state)
{
	fill();
	struct image_row pending = row_pending(&fixture.own, 1);
	assert_true(pending.delete_hash.n > 0);
	ask("/console/images", 200);
	assert_true(str_find(fixture.x.answer.body, pending.delete_hash) == fixture.x.answer.body.n);
}

static void test_list_with_a_filter_then_by_name_id_and_type(void **state)
{
	fill();
	char target[200];
	struct str id = row_id(&fixture.own, 3);
	assert_int_equal(listed("/console/images?text=SCRIPT"), 1);
	assert_int_equal(listed("/console/images?text=+waits.png+"), 1);
	assert_int_equal(listed("/console/images?text=nobody"), 0);
	assert_int_equal(listed("/console/images?type=audio/"), 0);
	assert_int_equal(listed("/console/images?reason=NO+image"), 1);
	assert_int_equal(listed("/console/images?reason=no+such+reason"), 0);
	assert_int_equal(listed("/console/images?owner=nobody"), 0);
	assert_true(listed("/console/images?type=IMAGE/") == 3);
	snprintf(target, sizeof target, "/console/images?text=%.*s", STRF(id));
	assert_int_equal(listed(target), 1);
	assert_int_equal(json_integer_value(json_object_get(fixture.json, "looked")), 1);
	snprintf(target, sizeof target, "/console/images?status=pending&text=%.*s", STRF(id));
	assert_int_equal(listed(target), 0);
	assert_int_equal(listed("/console/images?text=0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10"), 0);
}

static void test_list_in_pages_then_each_row_once(void **state)
{
	char target[400];
	for (unsigned i = 1; i <= 10; i++)
		insert(i, "a.png");
	struct str cursor = STR("");
	size_t seen = 0;
	do {
		snprintf(target, sizeof target, "/console/images?limit=3&cursor=%.*s", STRF(cursor));
		seen += listed(target);
		const char *next = json_string_value(json_object_get(fixture.json, "nextCursor"));
		cursor = next == NULL ? STR("") : str_dup(&fixture.own, str_of(next));
	} while (cursor.n > 0);
	assert_int_equal(seen, 10);
}

static void test_list_of_the_most_rows_with_the_longest_names_then_it_fits(void **state)
{
	char name[1024];
	memset(name, '\x01', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	for (unsigned i = 0; i < ADMIN_QUERY_LIMIT_MAX; i++)
		insert(i, name);
	assert_int_equal(listed("/console/images?limit=100"), 100);
	assert_int_equal(json_string_length(json_object_get(row(99), "fileName")), sizeof name - 1);
}

static void test_list_with_bad_parameters_then_400_with_an_error_message(void **state)
{
	static const char *const bad[] = { "status=gone", "status=ALL", "limit=0", "limit=101", "limit=x", "limit=-1", "limit=1.0", "text=%ff",
		"text=a%00b" };
	char target[600];
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		snprintf(target, sizeof target, "/console/images?%s", bad[i]);
		assert_refused(target, 400, "bad_field");
		assert_true(strlen(text_of(fixture.json, "detail")) > 10);
	}
	snprintf(target, sizeof target, "/console/images?text=%0257d", 1);
	assert_refused(target, 400, "bad_field");
	snprintf(target, sizeof target, "/console/images?text=%0256d", 1);
	ask(target, 200);
	assert_refused("/console/images?cursor=x", 400, "bad_cursor");
}

static void test_show_then_every_member_and_404_for_none(void **state)
{
	static const char *const members[] = { "imageId", "status", "fileName", "fileType", "fileSize", "width", "height", "orientation",
		"frames", "etag", "key", "owner", "createdAt", "expiresAt", "uploadedAt", "endsAt", "reason", "verdict", "damage", "picture",
		"subject", "thumbnailBytes" };
	char target[100];
	fill();
	for (unsigned n = 1; n <= 3; n++) {
		snprintf(target, sizeof target, "/console/images/%.*s", STRF(row_id(&fixture.own, n)));
		ask(target, 200);
		for (size_t i = 0; i < COUNT_OF(members); i++)
			assert_non_null(json_object_get(fixture.json, members[i]));
		assert_int_equal(json_object_size(fixture.json), COUNT_OF(members));
	}
	assert_refused("/console/images/0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10", 404, "no_such_image");
}

/* As on DynamoDB: the list is of uploaded images. */
static void test_list_on_a_table_without_queries_then_uploaded_ones_and_a_clear_refusal_of_others(void **state)
{
	char target[200];
	admin_query_of_list_init(&fixture.listed, fake_table_port(fixture.table));
	fixture_make(&fixture.listed.port);
	fill();
	for (unsigned i = 10; i < 30; i++) {
		insert(i, i % 2 == 0 ? "even.png" : "odd.png");
		resolve(i, "");
	}
	assert_int_equal(listed("/console/images?status=uploaded&limit=100"), 21);
	assert_refused("/console/images?status=pending", 409, "not_here");
	assert_refused("/console/images?status=rejected", 409, "not_here");
	assert_refused("/console/images", 409, "not_here");
	assert_non_null(strstr(text_of(fixture.json, "detail"), "uploaded"));
	snprintf(target, sizeof target, "/console/images?status=pending&text=%.*s", STRF(row_id(&fixture.own, 1)));
	assert_int_equal(listed(target), 1);
	size_t seen = 0;
	struct str cursor = STR("");
	do {
		snprintf(target, sizeof target, "/console/images?status=uploaded&text=ODD&limit=3&cursor=%.*s", STRF(cursor));
		size_t n = listed(target);
		for (size_t i = 0; i < n; i++)
			assert_string_equal(text_of(row(i), "fileName"), "odd.png");
		seen += n;
		const char *next = json_string_value(json_object_get(fixture.json, "nextCursor"));
		cursor = next == NULL ? STR("") : str_dup(&fixture.own, str_of(next));
	} while (cursor.n > 0);
	assert_int_equal(seen, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_list_then_rows_of_each_status_newest_first),
		FIXTURE_TEST(test_list_then_no_row_gives_the_hash_of_its_delete_token),
		FIXTURE_TEST(test_list_with_a_filter_then_by_name_id_and_type),
		FIXTURE_TEST(test_list_in_pages_then_each_row_once),
		FIXTURE_TEST(test_list_of_the_most_rows_with_the_longest_names_then_it_fits),
		FIXTURE_TEST(test_list_with_bad_parameters_then_400_with_an_error_message),
		FIXTURE_TEST(test_show_then_every_member_and_404_for_none),
		FIXTURE_TEST(test_list_on_a_table_without_queries_then_uploaded_ones_and_a_clear_refusal_of_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
