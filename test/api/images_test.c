#include "api/fixture.h"

/* Many uploaded rows straight into the table; row n has the n-th id. */
static void fill(unsigned n)
{
	struct image_row now;
	struct fault why;

	for (unsigned i = 1; i <= n; i++) {
		struct image_row row = row_pending(&fixture.own, i);
		struct resolution s = row_verdict(&fixture.own, i, 1795332442000 + i, (struct str){ 0 });
		assert_int_equal(table_insert(fixture.product.table, &row, &why), OK);
		assert_int_equal(table_resolve(fixture.product.table, &s, &fixture.own, &now, &why), OK);
	}
}

static void reject(struct str id)
{
	struct resolution s = { .image_id = id,
		.status = IMAGE_REJECTED,
		.file_type = STR("text/html"),
		.file_size = 12,
		.uploaded_ms = 1795332442123,
		.ends_ms = 1795937242123,
		.reason = STR("These bytes are no image.") };
	struct image_row now;
	struct fault why;

	assert_int_equal(table_resolve(fixture.product.table, &s, &fixture.own, &now, &why), OK);
}

static struct str listed_id(size_t i)
{
	json_t *body = answer_json();
	struct str id =
		str_dup(&fixture.own, str_of(json_string_value(json_object_get(json_array_get(json_object_get(body, "images"), i), "imageId"))));

	json_decref(body);
	return id;
}

static void test_wait_when_not_a_number_of_seconds_then_400_and_else_answered_at_once_where_nobody_may_wait(void **state)
{
	static const char *const bad[] = { "", "26", "-1", "+1", "1.0", "0x1", "1&wait=1" };
	struct made m = make_slot();

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		ASK("GET", str_printf(&fixture.own, "/prod/images/%.*s?wait=%s", STRF(m.id), bad[i]).p);
		assert_problem(400, "bad_field");
		assert_int_equal(fixture.step, HANDLER_ANSWER);
	}
	ASK("GET", path_of("/prod/images/", m.id, "?wait=25"));
	assert_int_equal(fixture.step, HANDLER_RUN);
	assert_str(answer_text("status"), "pending");
}

static void test_list_when_there_are_no_images_then_an_empty_page(void **state)
{
	(void)state;
	make_slot();
	assert_int_equal(ASK("GET", "/prod/images")->status, 200);
	assert_int_equal(fixture.step, HANDLER_RUN);
	assert_str(fixture.x.answer.body, "{\"images\":[],\"count\":0,\"total\":0}");
}

static void test_list_when_there_are_images_then_the_newest_is_first(void **state)
{
	(void)state;
	fill(3);
	assert_int_equal(ASK("GET", "/prod/images")->status, 200);
	assert_int_equal(answer_integer("count"), 3);
	assert_false(answer_has("nextCursor"));
	assert_true(str_equal(listed_id(0), row_id(&fixture.own, 3)));
	assert_true(str_equal(listed_id(2), row_id(&fixture.own, 1)));
}

static void test_list_when_pages_are_followed_then_each_image_comes_once(void **state)
{
	char target[400] = "/prod/images?limit=4";
	unsigned next = 10;

	(void)state;
	fill(10);
	for (;;) {
		assert_int_equal(ASK("GET", target)->status, 200);
		int64_t count = answer_integer("count");
		for (int64_t i = 0; i < count; i++)
			assert_true(str_equal(listed_id((size_t)i), row_id(&fixture.own, next--)));
		if (!answer_has("nextCursor"))
			break;
		assert_int_equal(count, 4);
		snprintf(target, sizeof(target), "/prod/images?cursor=%.*s&limit=4", STRF(answer_text("nextCursor")));
	}
	assert_int_equal(next, 0);
}

static void test_list_when_no_limit_is_reported_then_50(void **state)
{
	(void)state;
	fill(51);
	ASK("GET", "/prod/images");
	assert_int_equal(answer_integer("count"), 50);
	assert_true(answer_has("nextCursor"));
}

static void test_list_when_a_parameter_is_bad_then_400_before_the_table_is_read(void **state)
{
	static const struct {
		const char *query, *code;
	} rows[] = { { "limit=0", "bad_field" }, { "limit=1001", "bad_field" }, { "limit=-1", "bad_field" }, { "limit=", "bad_field" },
		{ "limit", "bad_field" }, { "limit=ten", "bad_field" }, { "limit=1.0", "bad_field" }, { "limit=%2010", "bad_field" },
		{ "limit=18446744073709551617", "bad_field" }, { "limit=1&limit=1", "bad_field" }, { "urls=no", "bad_field" },
		{ "urls=", "bad_field" }, { "urls=false&urls=false", "bad_field" }, { "limit=5&limit=", "bad_field" },
		{ "cursor=a&cursor=b", "bad_field" } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char target[200];
		uint64_t before = fake_table_calls(fixture.table);
		snprintf(target, sizeof(target), "/prod/images?%s", rows[i].query);
		ASK("GET", target);
		assert_problem(400, rows[i].code);
		assert_int_equal(fake_table_calls(fixture.table), before);
	}
}

static void test_list_when_the_cursor_is_not_ours_then_400(void **state)
{
	(void)state;
	fill(1);
	ASK("GET", "/prod/images?cursor=no%20cursor");
	assert_problem(400, "bad_cursor");
}

static void test_list_when_parameters_are_at_their_bounds_then_200(void **state)
{
	(void)state;
	assert_int_equal(ASK("GET", "/prod/images?limit=1")->status, 200);
	assert_int_equal(ASK("GET", "/prod/images?limit=1000&urls=false&order=newest&status=uploaded")->status, 200);
	assert_int_equal(ASK("GET", "/prod/images?cursor=")->status, 200);
}

static void test_list_when_a_page_is_of_the_longest_then_it_is_whole(void **state)
{
	struct image_row now;
	struct fault why;
	char name[256];

	(void)state;
	memset(name, 1, 255);
	name[255] = '\0';
	for (unsigned i = 1; i <= 1000; i++) {
		struct image_row row = row_pending(&fixture.own, i);
		struct resolution s = row_verdict(&fixture.own, i, 1795332442000 + i, (struct str){ 0 });
		row.file_name = str_of(name);
		assert_int_equal(table_insert(fixture.product.table, &row, &why), OK);
		assert_int_equal(table_resolve(fixture.product.table, &s, &fixture.own, &now, &why), OK);
	}
	assert_int_equal(ASK("GET", "/prod/images?limit=1000")->status, 200);
	assert_int_equal(answer_integer("count"), 1000);
	assert_true(fixture.x.arena.used_bytes < fixture.x.arena.cap_bytes);
}

static void test_list_when_a_record_is_written_then_it_has_what_a_gallery_needs(void **state)
{
	struct made m = make_image();
	static const char *const members[] = { "imageId", "version", "fileName", "fileUrl", "visibility", "downloadUrl", "fileSize", "fileType",
		"uploadedAt", "width", "height", "orientation", "frames", "etag", "stripped", "verified" };

	(void)state;
	ASK("GET", "/prod/images");
	json_t *body = answer_json();
	const json_t *image = json_array_get(json_object_get(body, "images"), 0);
	assert_int_equal(json_object_size(image), COUNT_OF(members));
	for (size_t i = 0; i < COUNT_OF(members); i++)
		assert_non_null(json_object_get(image, members[i]));
	assert_true(str_equal(str_of(json_string_value(json_object_get(image, "imageId"))), m.id));
	assert_string_equal(json_string_value(json_object_get(image, "fileName")), "a \"b\".png");
	json_decref(body);
}

static void test_get_when_uploaded_then_the_record_is_whole(void **state)
{
	struct made m = make_image();

	(void)state;
	assert_int_equal(ASK("GET", path_of("/prod/images/", m.id, ""))->status, 200);
	assert_string_equal(fixture.x.answer.route, "GET /images/{imageId}");
	assert_true(str_equal(fixture.x.answer.image_id, m.id));
	assert_str(answer_text("status"), "uploaded");
	assert_str(answer_text("fileType"), "image/png");
	assert_str(answer_text("uploadedAt"), "2026-11-22T07:27:22.123Z");
	assert_str(answer_text("etag"), "0123456789abcdef0123456789abcdef");
	assert_int_equal(answer_integer("fileSize"), sizeof(tiny_png));
	assert_int_equal(answer_integer("width"), 1);
	assert_int_equal(answer_integer("height"), 2);
	assert_int_equal(answer_integer("orientation"), 6);
	assert_int_equal(answer_integer("frames"), 3);
	assert_true(holds(answer_text("downloadUrl"), "X-Amz-Signature="));
	assert_false(holds(answer_text("fileUrl"), "?"));
	assert_int_equal(answer_text("expiresAt").n, 24);
	assert_false(answer_has("reason"));
}

static void test_get_when_pending_then_what_was_declared_and_no_download(void **state)
{
	(void)state;
	ASK("POST", "/prod/upload", "{\"fileName\":\"a\",\"fileType\":\"image/gif\",\"fileSize\":77}");
	struct str ends = answer_text("expiresAt");
	assert_int_equal(ASK("GET", path_of("/prod/images/", answer_text("imageId"), ""))->status, 200);
	assert_str(answer_text("status"), "pending");
	assert_str(answer_text("fileType"), "image/gif");
	assert_int_equal(answer_integer("fileSize"), 77);
	assert_true(str_equal(answer_text("expiresAt"), ends));
	assert_true(answer_has("fileUrl"));
	assert_false(answer_has("downloadUrl"));
	assert_false(answer_has("uploadedAt"));
	assert_false(answer_has("etag"));
}

static void test_get_when_pending_without_a_size_then_none_is_reported(void **state)
{
	struct made m = make_slot();

	(void)state;
	ASK("GET", path_of("/prod/images/", m.id, ""));
	assert_false(answer_has("fileSize"));
}

static void test_get_when_rejected_then_the_reason(void **state)
{
	struct made m = make_slot();

	(void)state;
	reject(m.id);
	assert_int_equal(ASK("GET", path_of("/prod/images/", m.id, ""))->status, 200);
	assert_str(answer_text("status"), "rejected");
	assert_str(answer_text("reason"), "These bytes are no image.");
	assert_false(answer_has("downloadUrl"));
	assert_false(answer_has("uploadedAt"));
}

static void test_image_when_the_id_is_not_a_uuid_then_404_before_the_table_is_read(void **state)
{
	static const char *const ids[] = { "x", "0B9F1C52-6F0E-4A7E-9A53-3F1F7B7F2A10", "0b9f1c526f0e4a7e9a533f1f7b7f2a10", "..", "%2e%2e",
		"0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a1" };
	static const struct {
		const char *method, *after;
	} calls[] = { { "GET", "" }, { "HEAD", "" }, { "DELETE", "" }, { "GET", "/file" }, { "POST", "/complete" } };

	(void)state;
	for (size_t j = 0; j < COUNT_OF(calls); j++) {
		uint64_t before = fake_table_calls(fixture.table);
		for (size_t i = 0; i < COUNT_OF(ids); i++) {
			ASK(calls[j].method, path_of("/prod/images/", str_of(ids[i]), calls[j].after));
			assert_problem(404, "no_such_image");
		}
		assert_int_equal(fake_table_calls(fixture.table), before);
		ASK(calls[j].method, path_of("/prod/images/", STR(SOME_ID), calls[j].after));
		assert_problem(404, "no_such_image");
	}
}

static void test_file_when_uploaded_then_302_to_a_fresh_url(void **state)
{
	struct made m = make_image();

	(void)state;
	assert_int_equal(ASK("GET", path_of("/prod/images/", m.id, "/file"))->status, 302);
	assert_true(str_starts_with(header_of("Cache-Control"), STR("private, max-age=")));
	assert_str(header_of("Vary"), "Authorization");
	assert_true(holds(header_of("Location"), "X-Amz-Signature="));
	assert_true(holds(header_of("Location"), str_cstr(&fixture.own, m.id)));
	assert_int_equal(fixture.x.answer.body.n, 0);
}

static void test_file_when_not_uploaded_then_404_with_the_reason(void **state)
{
	struct made m = make_slot();

	(void)state;
	ASK("GET", path_of("/prod/images/", m.id, "/file"));
	assert_problem(404, "no_such_image");
	assert_true(holds(answer_text("detail"), "pending"));
	reject(m.id);
	ASK("GET", path_of("/prod/images/", m.id, "/file"));
	assert_problem(404, "no_such_image");
	assert_true(holds(answer_text("detail"), "These bytes are no image."));
}

static void test_links_when_the_server_makes_none_then_409_and_else_a_signed_one(void **state)
{
	struct made m = make_image();
	const char *path = path_of("/prod/images/", m.id, "/links");

	(void)state;
	ASK("POST", path, "{}");
	assert_problem(409, "no_links");
	assert_true(delivery_keys_parse(STR("a-key-of-thirty-two-characters-or-more"), &fixture.product.delivery.keys));
	fixture.product.delivery.url = STR("https://img.example");
	fixture.product.delivery.ttl_s = 86400;
	assert_int_equal(ASK("POST", path, "{\"expiresIn\":60}")->status, 200);
	assert_true(str_starts_with(answer_text("url"), STR("https://img.example/i/")));
	assert_str(answer_text("variant"), "original");
	assert_true(answer_has("expiresAt"));
	ASK("POST", path, "{\"expiresIn\":0}");
	assert_problem(400, "bad_field");
	ASK("POST", path_of("/prod/images/", STR(SOME_ID), "/links"), "{}");
	assert_problem(404, "no_such_image");
}

static void test_complete_when_the_bytes_are_there_then_the_record(void **state)
{
	struct made m = make_slot();
	struct str bytes = { (const char *)tiny_png, sizeof(tiny_png) };
	struct image_row row;
	struct fault why;

	(void)state;
	assert_int_equal(table_get(fixture.product.table, m.id, &fixture.own, &row, &why), OK);
	assert_int_equal(store_put(fixture.product.store, row.key, STR("image/png"), bytes, &why), OK);
	assert_int_equal(ASK("POST", path_of("/prod/images/", m.id, "/complete"))->status, 200);
	assert_str(answer_text("status"), "uploaded");
	assert_int_equal(answer_integer("width"), 1);
	assert_int_equal(answer_integer("fileSize"), sizeof(tiny_png));
	struct str first = str_dup(&fixture.own, fixture.x.answer.body);
	(void)first;
	assert_int_equal(ASK("POST", path_of("/prod/images/", m.id, "/complete"), "{\"any\":\"body\"}")->status, 200);
	assert_int_equal(fixture.step, HANDLER_RUN);
}

static void test_complete_when_nothing_arrived_then_409(void **state)
{
	struct made m = make_slot();

	(void)state;
	ASK("POST", path_of("/prod/images/", m.id, "/complete"));
	assert_problem(409, "not_arrived");
}

static void test_complete_when_the_bytes_are_not_an_image_then_the_record_is_rejected(void **state)
{
	struct made m = make_slot();
	struct image_row row;
	struct fault why;

	(void)state;
	assert_int_equal(table_get(fixture.product.table, m.id, &fixture.own, &row, &why), OK);
	assert_int_equal(store_put(fixture.product.store, row.key, STR("image/png"), STR("<html>"), &why), OK);
	assert_int_equal(ASK("POST", path_of("/prod/images/", m.id, "/complete"))->status, 200);
	assert_str(answer_text("status"), "rejected");
	assert_true(answer_text("reason").n > 0);
	assert_int_equal(fake_store_count(fixture.store), 0);
}

static void test_delete_when_open_then_object_and_row_are_gone(void **state)
{
	struct made m = make_image();

	(void)state;
	assert_int_equal(ASK("DELETE", path_of("/prod/images/", m.id, ""))->status, 204);
	assert_int_equal(fixture.x.answer.body.n, 0);
	assert_int_equal(fake_store_count(fixture.store), 0);
	ASK("GET", path_of("/prod/images/", m.id, ""));
	assert_problem(404, "no_such_image");
	ASK("DELETE", path_of("/prod/images/", m.id, ""));
	assert_problem(404, "no_such_image");
}

static void test_delete_when_pending_then_deleted_too(void **state)
{
	struct made m = make_slot();

	(void)state;
	assert_int_equal(ASK("DELETE", path_of("/prod/images/", m.id, ""))->status, 204);
}

/* Each call of each port fails in turn: the response is 503 or, where the call was not needed, as ever. */
static void fail_each(const char *method, const char *target)
{
	for (uint64_t n = 1; n <= 3; n++) {
		uint64_t before = fake_table_calls(fixture.table);
		fake_table_fail_nth(fixture.table, n, F_STORAGE_FAILED);
		ASK(method, target);
		bool met = fake_table_calls(fixture.table) - before >= n;
		fake_table_fail_nth(fixture.table, 0, F_NONE);
		if (met)
			assert_problem(503, "storage_failed");
		else
			break;
		assert_true(header_of("Retry-After").n > 0);
	}
	fake_store_fail_nth(fixture.store, 1, F_STORAGE_FAILED);
	ASK(method, target);
	fake_store_fail_nth(fixture.store, 0, F_NONE);
}

static void test_calls_when_a_port_fails_then_503_without_the_cause(void **state)
{
	struct made m = make_image();

	(void)state;
	fail_each("GET", "/prod/images");
	assert_problem(503, "storage_failed");
	fail_each("GET", path_of("/prod/images/", m.id, ""));
	assert_problem(503, "storage_failed");
	fail_each("GET", path_of("/prod/images/", m.id, "/file"));
	assert_problem(503, "storage_failed");
	fail_each("POST", path_of("/prod/images/", m.id, "/complete"));
	assert_problem(503, "storage_failed");
	fake_table_fail_nth(fixture.table, 1, F_DISK_FULL);
	ASK("DELETE", path_of("/prod/images/", m.id, ""));
	assert_problem(503, "disk_full");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_wait_when_not_a_number_of_seconds_then_400_and_else_answered_at_once_where_nobody_may_wait),
		T(test_list_when_there_are_no_images_then_an_empty_page),
		T(test_list_when_there_are_images_then_the_newest_is_first),
		T(test_list_when_pages_are_followed_then_each_image_comes_once),
		T(test_list_when_no_limit_is_reported_then_50),
		T(test_list_when_a_parameter_is_bad_then_400_before_the_table_is_read),
		T(test_list_when_the_cursor_is_not_ours_then_400),
		T(test_list_when_parameters_are_at_their_bounds_then_200),
		T(test_list_when_a_page_is_of_the_longest_then_it_is_whole),
		T(test_list_when_a_record_is_written_then_it_has_what_a_gallery_needs),
		T(test_get_when_uploaded_then_the_record_is_whole),
		T(test_get_when_pending_then_what_was_declared_and_no_download),
		T(test_get_when_pending_without_a_size_then_none_is_reported),
		T(test_get_when_rejected_then_the_reason),
		T(test_image_when_the_id_is_not_a_uuid_then_404_before_the_table_is_read),
		T(test_file_when_uploaded_then_302_to_a_fresh_url),
		T(test_file_when_not_uploaded_then_404_with_the_reason),
		T(test_links_when_the_server_makes_none_then_409_and_else_a_signed_one),
		T(test_complete_when_the_bytes_are_there_then_the_record),
		T(test_complete_when_nothing_arrived_then_409),
		T(test_complete_when_the_bytes_are_not_an_image_then_the_record_is_rejected),
		T(test_delete_when_open_then_object_and_row_are_gone),
		T(test_delete_when_pending_then_deleted_too),
		T(test_calls_when_a_port_fails_then_503_without_the_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
