#include "api/fixture.h"

#define NAME_OF(n) "{\"fileName\":\"" n "\",\"fileType\":\"image/png\"}"
#define SIZE_OF(n) "{\"fileName\":\"a.png\",\"fileType\":\"image/png\",\"fileSize\":" n "}"
#define TYPE_OF(t) "{\"fileName\":\"a\",\"fileType\":\"" t "\"}"

static const struct answer *post(const char *body)
{
	return ASK("POST", "/prod/upload", body);
}

static void test_slot_when_requested_then_the_response_has_all_a_client_needs(void **state)
{
	struct image_row row;
	struct fault why;
	char hash[2 * SHA256_BYTES + 1];

	(void)state;
	post(SIZE_OF("1234"));
	assert_int_equal(fixture.x.answer.status, 200);
	assert_int_equal(fixture.step, HANDLER_RUN_ASYNC);
	assert_str(header_of("Content-Type"), "application/json");
	assert_true(uuid_valid(answer_text("imageId")));
	assert_true(str_equal(fixture.x.answer.image_id, answer_text("imageId")));
	assert_string_equal(fixture.x.answer.route, "POST /upload");
	assert_str(answer_text("method"), "PUT");
	assert_true(holds(answer_text("uploadUrl"), "X-Amz-Signature="));
	assert_false(holds(answer_text("fileUrl"), "?"));
	assert_true(str_starts_with(answer_text("uploadUrl"), answer_text("fileUrl")));
	assert_int_equal(answer_text("expiresAt").n, 24);
	assert_true(answer_has("headers"));
	assert_false(answer_has("fields"));
	assert_int_equal(table_get(fixture.product.table, answer_text("imageId"), &fixture.own, &row, &why), OK);
	sha256_hex(answer_text("deleteToken"), hash);
	assert_str(row.delete_hash, hash);
	assert_int_equal(row.file_size, 1234);
	assert_int_equal(row.status, IMAGE_PENDING);
}

static void test_slot_when_metadata_are_given_then_the_row_and_the_record_have_them(void **state)
{
	(void)state;
	for (int uppy = 0; uppy < 2; uppy++) {
		struct image_row row;
		struct fault why;
		ASK("POST", uppy ? "/prod/uppy" : "/prod/upload",
			"{\"fileName\":\"a.png\",\"fileType\":\"image/png\",\"metadata\":{\"b\":\"\\\"\",\"a\":\"1\"}}");
		assert_int_equal(fixture.x.answer.status, 200);
		struct str id = answer_text("imageId");
		assert_int_equal(table_get(fixture.product.table, id, &fixture.own, &row, &why), OK);
		assert_str(row.metadata, "{\"a\":\"1\",\"b\":\"\\\"\"}");
		ASK("GET", path_of("/prod/images/", id, ""));
		assert_true(holds(fixture.x.answer.body, "\"metadata\":{\"a\":\"1\",\"b\":\"\\\"\"}"));
	}
}

struct row {
	const char *body;
	int status;
	const char *code, *word;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		post(rows[i].body);
		if (fixture.x.answer.status != rows[i].status)
			fail_msg("%s: %.*s", rows[i].body, STRF(fixture.x.answer.body));
		if (rows[i].status != 200)
			assert_problem(rows[i].status, rows[i].code);
		if (rows[i].word != NULL && !holds(fixture.x.answer.body, rows[i].word))
			fail_msg("%s: %.*s", rows[i].body, STRF(fixture.x.answer.body));
	}
}

#define LIMITED(members) "{\"fileName\":\"a.png\",\"fileType\":\"image/png\"," members "}"

static struct image_row row_of_answer(void)
{
	struct image_row row;
	struct fault why;
	assert_int_equal(fixture.x.answer.status, 200);
	assert_int_equal(table_get(fixture.product.table, answer_text("imageId"), &fixture.own, &row, &why), OK);
	return row;
}

static void test_slot_when_it_tightens_the_limits_then_the_smaller_ones_hold(void **state)
{
	static const struct {
		const char *body;
		uint64_t max_bytes, life_s;
	} rows[] = { { LIMITED("\"method\":\"PUT\""), 5242880, 300 }, { LIMITED("\"maxSize\":1000"), 1000, 300 },
		{ LIMITED("\"maxSize\":99999999"), 5242880, 300 }, { LIMITED("\"fileSize\":10,\"maxSize\":1000"), 10, 300 },
		{ LIMITED("\"expiresIn\":60"), 5242880, 60 }, { LIMITED("\"expiresIn\":604800"), 5242880, 300 },
		{ LIMITED("\"method\":\"POST\",\"maxSize\":1000,\"expiresIn\":7"), 1000, 7 },
		{ LIMITED("\"allowedTypes\":[\"image/gif\",\"IMAGE/PNG\"]"), 5242880, 300 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		post(rows[i].body);
		struct image_row row = row_of_answer();
		assert_int_equal(row.max_bytes, rows[i].max_bytes);
		assert_in_range(row.expires_ms - row.created_ms, (rows[i].life_s - 1) * 1000, rows[i].life_s * 1000);
		assert_int_equal(row.ends_ms, row.expires_ms + 3600 * 1000);
	}
}

static void test_slot_when_its_own_limits_refuse_it_then_413_or_415(void **state)
{
	static const struct row rows[] = {
		{ LIMITED("\"fileSize\":1001,\"maxSize\":1000"), 413, "image_too_large", "1000 bytes" },
		{ LIMITED("\"allowedTypes\":[\"image/jpeg\"]"), 415, "type_not_allowed",
			"image/png is not one of the allowedTypes of this request: image/jpeg" },
		{ "{\"fileName\":\"a\",\"fileType\":\"application/octet-stream\"}", 415, "type_not_allowed",
			"A file of unknown type is not allowed here: use image/" },
		{ "{\"fileName\":\"a\",\"fileType\":\"text/html\",\"allowedTypes\":[\"text/html\"]}", 415, "type_not_allowed",
			"A file of type text/html is not allowed here: use image/" },
		{ LIMITED("\"allowedTypes\":[]"), 400, "bad_field", "allowedTypes" },
		{ LIMITED("\"allowedTypes\":\"image/png\""), 400, "bad_field", "allowedTypes" },
		{ LIMITED("\"allowedTypes\":[\"image/png,image/gif\"]"), 400, "bad_field", "allowedTypes" },
		{ LIMITED("\"allowedTypes\":[\"image/*\"]"), 400, "bad_field", "allowedTypes" },
		{ LIMITED("\"allowedTypes\":[7]"), 400, "bad_field", "allowedTypes" },
		{ LIMITED("\"maxSize\":0"), 400, "bad_field", "maxSize" },
		{ LIMITED("\"maxSize\":\"1\""), 400, "bad_field", "maxSize" },
		{ LIMITED("\"maxSize\":1.0"), 400, "bad_field", "maxSize" },
		{ LIMITED("\"expiresIn\":0"), 400, "bad_field", "expiresIn" },
		{ LIMITED("\"expiresIn\":604801"), 400, "bad_field", "expiresIn" },
		{ LIMITED("\"expiresIn\":null"), 400, "bad_field", "expiresIn" },
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void test_slot_when_a_member_is_unknown_then_400_names_it(void **state)
{
	(void)state;
	post("{\"fileName\":\"a.png\",\"fileType\":\"image/png\",\"userId\":\"7\"}");
	assert_problem(400, "bad_field");
	assert_true(holds(fixture.x.answer.body, "userId is not known"));
}

static void test_slot_when_a_form_is_requested_then_fields_instead_of_headers(void **state)
{
	(void)state;
	post("{\"fileName\":\"a.png\",\"fileType\":\"image/png\",\"method\":\"POST\"}");
	assert_int_equal(fixture.x.answer.status, 200);
	assert_str(answer_text("method"), "POST");
	assert_false(answer_has("headers"));
	json_t *body = answer_json();
	const json_t *fields = json_object_get(body, "fields");
	assert_non_null(json_object_get(fields, "key"));
	assert_string_equal(json_string_value(json_object_get(fields, "Content-Type")), "image/png");
	json_decref(body);
}

static void test_slot_when_a_size_is_given_then_headers_name_type_and_length(void **state)
{
	(void)state;
	post(SIZE_OF("1234"));
	json_t *body = answer_json();
	const json_t *headers = json_object_get(body, "headers");
	const char *name;
	json_t *value;
	bool has_type = false;
	json_object_foreach((json_t *)headers, name, value) has_type |=
		strcasecmp(name, "content-type") == 0 && strcmp(json_string_value(value), "image/png") == 0;
	assert_true(has_type);
	json_decref(body);
}

static void test_body_when_it_arrives_byte_by_byte_then_it_is_the_same(void **state)
{
	static const char body[] = SIZE_OF("1234");

	(void)state;
	assert_int_equal(ask_in_pieces((struct ask){ "POST", "/prod/upload", body }, 1)->status, 200);
	assert_int_equal(ask_in_pieces((struct ask){ "POST", "/prod/upload", body, .chunked = true }, 7)->status, 200);
}

static void test_body_when_it_is_not_a_json_object_then_400(void **state)
{
	static const struct row rows[] = {
		{ NULL, 400, "bad_json", "empty" },
		{ "hello", 400, "bad_json", "not valid JSON" },
		{ "[]", 400, "bad_json", "not an object" },
		{ "{\"fileName\":\"a\",\"fileName\":\"b\",\"fileType\":\"image/png\"}", 400, "bad_json", "twice" },
		{ SIZE_OF("1e400"), 400, "bad_json", "out of range" },
		{ SIZE_OF("9223372036854775808"), 400, "bad_json", "out of range" },
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void test_body_when_it_is_a_form_then_refused_with_a_hint_before_its_length_is_checked(void **state)
{
	static char file[100000];
	(void)state;
	ask_in_pieces(
		(struct ask){ "POST", "/prod/upload", file, .body_bytes = sizeof file, .content_type = "multipart/form-data; boundary=x" }, 5000);
	assert_problem(400, "bad_json");
	assert_true(holds(fixture.x.answer.body, "then PUT the file there"));
}

static void test_body_when_it_is_10000_deep_then_400(void **state)
{
	char body[10001];

	(void)state;
	memset(body, '[', 10000);
	body[10000] = '\0';
	post(body);
	assert_problem(400, "bad_json");
}

static void test_file_name_when_bad_then_400(void **state)
{
	static const struct row rows[] = {
		{ "{\"fileType\":\"image/png\"}", 400, "bad_field", "fileName" },
		{ "{\"fileName\":7,\"fileType\":\"image/png\"}", 400, "bad_field", "fileName" },
		{ NAME_OF(""), 400, "bad_field", "fileName" },
		{ NAME_OF("   "), 400, "bad_field", "fileName" },
		{ NAME_OF("a\\u0000b"), 400, "bad_json", "U+0000" },
		{ NAME_OF("\xff\xfe"), 400, "bad_json", "UTF-8" },
		{ NAME_OF("\\ud800"), 400, "bad_json", NULL },
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void test_file_name_when_over_255_bytes_then_400(void **state)
{
	char body[400];

	(void)state;
	snprintf(body, sizeof(body), "{\"fileName\":\"%0255d\",\"fileType\":\"image/png\"}", 7);
	assert_int_equal(post(body)->status, 200);
	snprintf(body, sizeof(body), "{\"fileName\":\"%0256d\",\"fileType\":\"image/png\"}", 7);
	post(body);
	assert_problem(400, "bad_field");
}

static void test_file_name_when_odd_then_it_comes_back_intact(void **state)
{
	static const struct {
		const char *json, *text;
	} rows[] = {
		{ "\\u0001\\u001f\\u007f", "\x01\x1f\x7f" },
		{ "a\\r\\nX-Evil: 1", "a\r\nX-Evil: 1" },
		{ "/etc/passwd", "/etc/passwd" },
		{ "..\\\\..\\\\x", "..\\..\\x" },
		{ "..", ".." },
		{ "\\u202egnp.exe", "\xe2\x80\xaegnp.exe" },
		{ "\\\"quoted\\\" 'n' `b`", "\"quoted\" 'n' `b`" },
		{ "<script>&amp;", "<script>&amp;" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char body[200];
		snprintf(body, sizeof(body), "{\"fileName\":\"%s\",\"fileType\":\"image/png\"}", rows[i].json);
		assert_int_equal(post(body)->status, 200);
		assert_int_equal(ASK("GET", path_of("/prod/images/", answer_text("imageId"), ""))->status, 200);
		assert_str(answer_text("fileName"), rows[i].text);
	}
}

static void test_file_name_when_63_emoji_then_it_comes_back_intact(void **state)
{
	char name[63 * 4 + 1], body[400];

	(void)state;
	for (size_t i = 0; i < 63; i++)
		memcpy(name + 4 * i, "\xf0\x9f\x98\x80", 5);
	snprintf(body, sizeof(body), "{\"fileName\":\"%s\",\"fileType\":\"image/png\"}", name);
	assert_int_equal(post(body)->status, 200);
	ASK("GET", path_of("/prod/images/", answer_text("imageId"), ""));
	assert_str(answer_text("fileName"), name);
}

static void test_file_type_when_bad_then_400_or_415(void **state)
{
	static const struct row rows[] = {
		{ "{\"fileName\":\"a\"}", 400, "bad_field", "fileType" },
		{ TYPE_OF("image/svg+xml"), 415, "type_not_allowed", NULL },
		{ TYPE_OF("text/html"), 415, "type_not_allowed", NULL },
		{ TYPE_OF("image/jpeg; charset=x"), 400, "bad_field", "fileType" },
		{ TYPE_OF("jpeg"), 400, "bad_field", "fileType" },
		{ TYPE_OF(""), 400, "bad_field", "fileType" },
		{ TYPE_OF("IMAGE/JPEG"), 200, NULL, NULL },
		{ TYPE_OF("image/jpg"), 200, NULL, NULL },
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void test_file_type_when_of_other_spelling_then_it_is_canonical(void **state)
{
	(void)state;
	post(TYPE_OF("Image/JPG"));
	assert_int_equal(ASK("GET", path_of("/prod/images/", answer_text("imageId"), ""))->status, 200);
	assert_str(answer_text("fileType"), "image/jpeg");
}

static void test_file_size_when_at_its_limits_then_accepted_or_refused(void **state)
{
	static const struct row rows[] = {
		{ SIZE_OF("-1"), 400, "bad_field", "fileSize" },
		{ SIZE_OF("0"), 400, "bad_field", "fileSize" },
		{ SIZE_OF("1"), 200, NULL, NULL },
		{ SIZE_OF("5242880"), 200, NULL, NULL },
		{ SIZE_OF("5242880.0"), 400, "bad_field", "fileSize must be an integer" },
		{ SIZE_OF("5242881"), 413, "image_too_large", "The file is too large: the limit is 5 MiB (5242880 bytes)." },
		{ SIZE_OF("9223372036854775807"), 413, "image_too_large", NULL },
		{ SIZE_OF("\"5\""), 400, "bad_field", "fileSize" },
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static const char *padded(size_t bytes)
{
	static const char head[] = NAME_OF("a.png");
	char *body = arena_alloc(&fixture.own, bytes + 1);

	memset(body, ' ', bytes);
	memcpy(body, head, sizeof(head) - 1);
	return body;
}

static void test_body_when_over_16_kib_is_announced_then_413_before_any_of_it(void **state)
{
	(void)state;
	assert_int_equal(post(padded(16384))->status, 200);
	post(padded(16385));
	assert_problem(413, "body_too_large");
	assert_int_equal(fixture.step, HANDLER_ANSWER);
}

static void test_body_when_over_16_kib_in_chunks_then_413(void **state)
{
	(void)state;
	assert_int_equal(ask_in_pieces((struct ask){ "POST", "/prod/upload", padded(16384), .chunked = true }, 1000)->status, 200);
	ask_in_pieces((struct ask){ "POST", "/prod/upload", padded(16385), .chunked = true }, 1000);
	assert_problem(413, "body_too_large");
	ask_in_pieces((struct ask){ "POST", "/prod/upload", padded(1 << 20), .chunked = true }, SIZE_MAX);
	assert_problem(413, "body_too_large");
}

static void test_slot_when_the_table_refuses_then_503_and_nothing_is_recorded(void **state)
{
	static const struct {
		enum fault_code code;
		int status;
		const char *name;
		bool again;
	} rows[] = {
		{ F_STORAGE_FAILED, 503, "storage_failed", true },
		{ F_DISK_FULL, 503, "disk_full", true },
		{ F_SLOTS_FULL, 503, "slots_full", true },
		{ F_OVERLOADED, 503, "overloaded", true },
		{ F_UPSTREAM_FAILED, 502, "upstream_failed", true },
	};
	struct image_counts counts;
	struct fault why;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		fake_table_fail_nth(fixture.table, 1, rows[i].code);
		post(NAME_OF("a.png"));
		assert_problem(rows[i].status, rows[i].name);
		assert_int_equal(header_of("Retry-After").n > 0, rows[i].again);
	}
	assert_int_equal(table_counts(fixture.product.table, &counts, &why), OK);
	assert_int_equal(counts.pending, 0);
	assert_int_equal(post(NAME_OF("a.png"))->status, 200);
}

static void test_slot_when_any_call_of_a_port_fails_then_the_response_is_a_problem(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= 4; n++) {
		uint64_t before = fake_store_calls(fixture.store);
		fake_store_fail_nth(fixture.store, n, F_STORAGE_FAILED);
		int status = post(NAME_OF("a.png"))->status;
		uint64_t used = fake_store_calls(fixture.store) - before;
		assert_int_equal(status, used >= n ? 503 : 200);
		fake_store_fail_nth(fixture.store, 0, F_NONE);
	}
}

static void test_slot_when_the_table_blocks_then_a_worker_makes_it(void **state)
{
	(void)state;
	fake_table_make_wait(fixture.table);
	struct made m = make_slot();
	assert_int_equal(fixture.step, HANDLER_READ_BODY);
	assert_int_equal(fixture.wakes, 0);
	assert_true(uuid_valid(m.id));
	fake_table_fail_nth(fixture.table, 1, F_DISK_FULL);
	post(NAME_OF("a"));
	assert_problem(503, "disk_full");
}

static void test_slot_when_its_insert_is_started_and_fails_then_the_response_shows_nothing_of_it(void **state)
{
	(void)state;
	fake_table_fail_nth(fixture.table, 1, F_STORAGE_FAILED);
	post(NAME_OF("a"));
	assert_int_equal(fixture.step, HANDLER_RUN_ASYNC);
	assert_int_equal(fixture.wakes, 1);
	assert_int_equal(fixture.x.answer.image_id.n, 0);
	assert_false(holds(fixture.x.answer.body, "X-Amz"));
	assert_false(answer_has("deleteToken"));
}

static void test_slot_when_the_body_is_wrong_then_resumed_at_once_without_using_the_table(void **state)
{
	uint64_t before = fake_table_calls(fixture.table);

	(void)state;
	post("{");
	assert_int_equal(fixture.wakes, 1);
	assert_int_equal(fixture.x.answer.status, 400);
	assert_int_equal(fake_table_calls(fixture.table), before);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

static const struct answer *post_uppy(const char *body)
{
	return ASK("POST", "/prod/uppy", body);
}

static void test_uppy_when_a_put_is_requested_then_it_has_no_fields(void **state)
{
	struct image_row row;
	struct fault why;

	(void)state;
	assert_int_equal(post_uppy(SIZE_OF("1234"))->status, 200);
	assert_int_equal(fixture.step, HANDLER_RUN_ASYNC);
	assert_str(answer_text("method"), "PUT");
	assert_true(holds(answer_text("url"), "X-Amz-Signature="));
	assert_int_equal(answer_text("expiresAt").n, 24);
	assert_false(answer_has("fields"));
	json_t *body = answer_json();
	assert_int_equal(json_integer_value(json_object_get(body, "expires")), 300);
	assert_string_equal(json_string_value(json_object_get(json_object_get(body, "headers"), "Content-Type")), "image/png");
	json_decref(body);
	assert_int_equal(table_get(fixture.product.table, answer_text("imageId"), &fixture.own, &row, &why), OK);
	assert_true(str_equal(row.key, answer_text("key")));
	assert_true(str_ends_with(answer_text("fileUrl"), row.key));
	assert_int_equal(row.file_size, 1234);
}

static void test_uppy_when_a_form_is_requested_then_its_key_is_concrete(void **state)
{
	(void)state;
	post_uppy("{\"fileName\":\"a.png\",\"fileType\":\"image/png\",\"method\":\"POST\"}");
	assert_str(answer_text("method"), "POST");
	assert_false(answer_has("headers"));
	json_t *body = answer_json();
	const json_t *fields = json_object_get(body, "fields");
	assert_str(answer_text("key"), json_string_value(json_object_get(fields, "key")));
	assert_null(json_object_get(fields, "file"));
	assert_string_equal(json_string_value(json_object_get(fields, "Content-Type")), "image/png");
	json_decref(body);
}

static void test_uppy_when_the_body_or_the_table_is_wrong_then_the_same_problems_as_of_upload(void **state)
{
	(void)state;
	post_uppy("{");
	assert_problem(400, "bad_json");
	post_uppy(TYPE_OF("text/html"));
	assert_problem(415, "type_not_allowed");
	post_uppy(SIZE_OF("5242881"));
	assert_problem(413, "image_too_large");
	fake_table_fail_nth(fixture.table, 1, F_STORAGE_FAILED);
	post_uppy(NAME_OF("a"));
	assert_problem(503, "storage_failed");
	assert_false(holds(fixture.x.answer.body, "X-Amz"));
	assert_false(answer_has("deleteToken"));
}

static void test_uppy_when_the_table_blocks_then_a_worker_makes_it(void **state)
{
	(void)state;
	fake_table_make_wait(fixture.table);
	assert_int_equal(post_uppy(NAME_OF("a"))->status, 200);
	assert_int_equal(fixture.step, HANDLER_READ_BODY);
	assert_true(answer_has("url"));
	fake_table_fail_nth(fixture.table, 1, F_DISK_FULL);
	post_uppy(NAME_OF("a"));
	assert_problem(503, "disk_full");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_slot_when_the_table_blocks_then_a_worker_makes_it),
		T(test_slot_when_its_insert_is_started_and_fails_then_the_response_shows_nothing_of_it),
		T(test_slot_when_the_body_is_wrong_then_resumed_at_once_without_using_the_table),
		T(test_slot_when_requested_then_the_response_has_all_a_client_needs),
		T(test_slot_when_a_form_is_requested_then_fields_instead_of_headers),
		T(test_slot_when_metadata_are_given_then_the_row_and_the_record_have_them),
		T(test_slot_when_a_member_is_unknown_then_400_names_it),
		T(test_slot_when_it_tightens_the_limits_then_the_smaller_ones_hold),
		T(test_slot_when_its_own_limits_refuse_it_then_413_or_415),
		T(test_slot_when_a_size_is_given_then_headers_name_type_and_length),
		T(test_body_when_it_arrives_byte_by_byte_then_it_is_the_same),
		T(test_body_when_it_is_not_a_json_object_then_400),
		T(test_body_when_it_is_a_form_then_refused_with_a_hint_before_its_length_is_checked),
		T(test_body_when_it_is_10000_deep_then_400),
		T(test_file_name_when_bad_then_400),
		T(test_file_name_when_over_255_bytes_then_400),
		T(test_file_name_when_odd_then_it_comes_back_intact),
		T(test_file_name_when_63_emoji_then_it_comes_back_intact),
		T(test_file_type_when_bad_then_400_or_415),
		T(test_file_type_when_of_other_spelling_then_it_is_canonical),
		T(test_file_size_when_at_its_limits_then_accepted_or_refused),
		T(test_body_when_over_16_kib_is_announced_then_413_before_any_of_it),
		T(test_body_when_over_16_kib_in_chunks_then_413),
		T(test_slot_when_the_table_refuses_then_503_and_nothing_is_recorded),
		T(test_slot_when_any_call_of_a_port_fails_then_the_response_is_a_problem),
		T(test_uppy_when_a_put_is_requested_then_it_has_no_fields),
		T(test_uppy_when_a_form_is_requested_then_its_key_is_concrete),
		T(test_uppy_when_the_body_or_the_table_is_wrong_then_the_same_problems_as_of_upload),
		T(test_uppy_when_the_table_blocks_then_a_worker_makes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
