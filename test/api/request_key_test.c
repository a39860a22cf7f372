/* Requests for slots with an Idempotency-Key: a repetition gets the answer of the first, or what has become of its image. */
#include "api/request_key.h"
#include "image/slot.h"

#include "api/fixture.h"

#define NAME_OF(n) "{\"fileName\":\"" n "\",\"fileType\":\"image/png\"}"
#define SIZE_OF(n) "{\"fileName\":\"a.png\",\"fileType\":\"image/png\",\"fileSize\":" n "}"
#define LIMITED(members) "{\"fileName\":\"a.png\",\"fileType\":\"image/png\"," members "}"

static struct image_row row_of_answer(void)
{
	struct image_row row;
	struct fault why;
	assert_int_equal(fixture.x.answer.status, 200);
	assert_int_equal(table_get(fixture.product.table, answer_text("imageId"), &fixture.own, &row, &why), OK);
	return row;
}

static const struct answer *post_keyed(const char *body, const char *key)
{
	return ASK("POST", "/prod/upload", body, .authorization = "Bearer " KEY, .idempotency_key = key);
}

static uint64_t count_pending(void)
{
	struct image_counts counts;
	struct fault why;
	assert_int_equal(table_counts(fixture.product.table, &counts, &why), OK);
	return counts.pending;
}

static void test_key_when_repeated_while_pending_then_the_same_image_and_a_fresh_url(void **state)
{
	static const char *const same[] = { "\"k-1\"", "k-1", " k-1\t", "\"k-1\"" };
	struct str id;

	(void)state;
	post_keyed(SIZE_OF("1234"), "k-1");
	assert_int_equal(fixture.step, HANDLER_READ_BODY);
	struct image_row row = row_of_answer();
	assert_int_equal(row.request_hash.n, 64);
	assert_false(answer_has("deleteToken"));
	id = answer_text("imageId");
	for (size_t i = 0; i < COUNT_OF(same); i++) {
		post_keyed(SIZE_OF("1234"), same[i]);
		assert_int_equal(fixture.x.answer.status, 200);
		assert_true(str_equal(answer_text("imageId"), id));
		assert_true(holds(answer_text("uploadUrl"), "X-Amz-Signature="));
		assert_true(str_equal(fixture.x.answer.image_id, id));
	}
	ASK("POST", "/prod/uppy", SIZE_OF("1234"), .authorization = "Bearer " KEY, .idempotency_key = "k-1");
	assert_true(str_equal(answer_text("imageId"), id));
	assert_true(answer_integer("expires") == 300);
	assert_int_equal(count_pending(), 1);
	post_keyed(SIZE_OF("1234"), "k-2");
	assert_false(str_equal(answer_text("imageId"), id));
	assert_int_equal(count_pending(), 2);
}

static void test_key_when_the_members_stand_in_another_order_then_it_is_the_same_request(void **state)
{
	(void)state;
	post_keyed("{\"fileName\":\"a\",\"fileType\":\"image/jpg\",\"metadata\":{\"a\":\"1\",\"b\":\"2\"}}", "k");
	struct str id = answer_text("imageId");
	post_keyed("{\"metadata\":{\"b\":\"2\",\"a\":\"1\"},\"fileType\":\"image/jpeg\",\"fileName\":\"a\"}", "k");
	assert_true(str_equal(answer_text("imageId"), id));
}

static void test_key_when_any_member_differs_then_422(void **state)
{
	static const char *const others[] = { SIZE_OF("1235"), NAME_OF("a.png"),
		"{\"fileName\":\"b.png\",\"fileType\":\"image/png\",\"fileSize\":1234}",
		"{\"fileName\":\"a.png\",\"fileType\":\"image/gif\",\"fileSize\":1234}", LIMITED("\"fileSize\":1234,\"method\":\"POST\""),
		LIMITED("\"fileSize\":1234,\"visibility\":\"private\""), LIMITED("\"fileSize\":1234,\"metadata\":{\"a\":\"\"}"),
		LIMITED("\"fileSize\":1234,\"maxSize\":2000"), LIMITED("\"fileSize\":1234,\"expiresIn\":9"),
		LIMITED("\"fileSize\":1234,\"allowedTypes\":[\"image/png\"]") };

	(void)state;
	post_keyed(SIZE_OF("1234"), "k");
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		post_keyed(others[i], "k");
		assert_problem(422, "key_reused");
	}
	assert_int_equal(count_pending(), 1);
}

static void test_key_when_the_image_is_uploaded_or_rejected_then_its_record(void **state)
{
	(void)state;
	for (enum image_status status = IMAGE_UPLOADED; status <= IMAGE_REJECTED; status++) {
		const char *key = status == IMAGE_UPLOADED ? "up" : "rejected";
		struct image_row row;
		struct fault why;
		post_keyed(SIZE_OF("1234"), key);
		struct resolution s = { .image_id = answer_text("imageId"),
			.status = status,
			.file_type = STR("image/png"),
			.file_size = 1234,
			.etag = STR("0123456789abcdef0123456789abcdef"),
			.uploaded_ms = 1795332442123,
			.reason = status == IMAGE_REJECTED ? STR("no") : STR("") };
		assert_int_equal(table_resolve(fixture.product.table, &s, &fixture.own, &row, &why), OK);
		post_keyed(SIZE_OF("1234"), key);
		assert_int_equal(fixture.x.answer.status, 200);
		assert_str(answer_text("status"), status == IMAGE_UPLOADED ? "uploaded" : "rejected");
		assert_str(header_of("ETag"), "\"2\"");
		post_keyed(SIZE_OF("1"), key);
		assert_problem(422, "key_reused");
	}
}

static void test_key_when_the_slot_has_ended_then_410(void **state)
{
	(void)state;
	post_keyed("{\"fileName\":\"a\",\"fileType\":\"image/png\",\"expiresIn\":1}", "k");
	struct image_row row = row_of_answer();
	fixture.product.rules.pending_ttl_s = 0;
	struct slot again;
	struct fault why;
	row.ends_ms = row.created_ms;
	assert_int_equal(slot_renew(&fixture.product, &(struct slot_request){ 0 }, &row, &fixture.own, &again, &why), DENIED);
	assert_int_equal(why.code, F_SLOT_ENDED);
	row.ends_ms += 10500;
	assert_int_equal(slot_renew(&fixture.product, &(struct slot_request){ 0 }, &row, &fixture.own, &again, &why), OK);
	assert_true(again.expires_ms <= row.ends_ms);
}

static void test_key_when_the_image_was_deleted_then_410(void **state)
{
	(void)state;
	post_keyed(SIZE_OF("1234"), "k");
	struct str id = answer_text("imageId");
	ASK("DELETE", path_of("/prod/images/", id, ""), .authorization = "Bearer " KEY);
	assert_int_equal(fixture.x.answer.status, 204);
	for (int i = 0; i < 2; i++) {
		post_keyed(SIZE_OF("1234"), "k");
		assert_problem(410, "image_gone");
	}
	ASK("GET", path_of("/prod/images/", id, ""), .authorization = "Bearer " KEY);
	assert_problem(404, "no_such_image");
	post_keyed(SIZE_OF("1234"), "another");
	assert_int_equal(fixture.x.answer.status, 200);
}

static void insert_same(void *arg)
{
	struct fault why;
	struct slot slot;
	struct slot_request want = { .file_name = STR("a.png"),
		.file_type = STR("image/png"),
		.has_size = true,
		.file_size = 1234,
		.owner = STR(""),
		.metadata = STR(""),
		.allowed_types = STR(""),
		.request_key = STR("k") };
	(void)arg;
	assert_int_equal(slot_prepare(&fixture.product, &want, &fixture.own, &slot, &why), OK);
	assert_int_equal(table_insert(fixture.product.table, &slot.row, &why), OK);
}

static void test_key_when_two_come_at_once_then_one_image(void **state)
{
	(void)state;
	fake_table_meet_nth(fixture.table, 1, insert_same, NULL);
	post_keyed(SIZE_OF("1234"), "k");
	assert_int_equal(fixture.x.answer.status, 200);
	assert_int_equal(count_pending(), 1);
}

/* The reply to the insert was lost, or the table is full of what is repeated: what is there counts. */
static void test_key_when_the_insert_fails_then_what_is_there_is_told(void **state)
{
	(void)state;
	fake_table_lose_nth(fixture.table, 1, F_STORAGE_FAILED);
	post_keyed(SIZE_OF("1234"), "lost");
	assert_int_equal(fixture.x.answer.status, 200);
	fake_table_fail_nth(fixture.table, 1, F_SLOTS_FULL);
	post_keyed(SIZE_OF("1234"), "lost");
	assert_int_equal(fixture.x.answer.status, 200);
	fake_table_fail_nth(fixture.table, 1, F_SLOTS_FULL);
	post_keyed(SIZE_OF("1234"), "new");
	assert_problem(503, "slots_full");
	fake_table_fail_nth(fixture.table, 1, F_STORAGE_FAILED);
	post_keyed(SIZE_OF("1234"), "new");
	assert_problem(503, "storage_failed");
	assert_int_equal(count_pending(), 1);
}

static void test_key_when_malformed_or_anonymous_or_without_a_secret_then_refused(void **state)
{
	static const char *const wrong[] = { "", "\"\"", "a\"b", "\"a\\b\"", "\"a\";x=1", "\xc3\xa4", "a\x01", "\"a\", \"b\"" };
	char longest[REQUEST_KEY_MAX_BYTES + 2];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		post_keyed(SIZE_OF("1234"), wrong[i]);
		assert_problem(400, "bad_field");
		assert_true(holds(fixture.x.answer.body, "Idempotency-Key must be"));
	}
	memset(longest, 'k', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	post_keyed(SIZE_OF("1234"), longest);
	assert_problem(400, "bad_field");
	longest[sizeof(longest) - 2] = '\0';
	post_keyed(SIZE_OF("1234"), longest);
	assert_int_equal(fixture.x.answer.status, 200);
	ASK("POST", "/prod/upload", SIZE_OF("1234"), .idempotency_key = "k");
	assert_problem(400, "bad_field");
	assert_true(holds(fixture.x.answer.body, "API key or a token"));
	fixture.product.has_request_secret = false;
	post_keyed(SIZE_OF("1234"), "k");
	assert_problem(409, "not_here");
}

static void test_id_then_of_owner_and_key_and_secret(void **state)
{
	struct slot_request want = { .file_name = STR("a"), .file_type = STR("image/png"), .owner = STR("ab"), .request_key = STR("c") };
	struct slot one, same, other;
	struct fault why;

	(void)state;
	assert_int_equal(slot_prepare(&fixture.product, &want, &fixture.own, &one, &why), OK);
	assert_int_equal(slot_prepare(&fixture.product, &want, &fixture.own, &same, &why), OK);
	assert_true(uuid_valid(one.row.image_id) && str_equal(one.row.image_id, same.row.image_id));
	want.owner = STR("a");
	want.request_key = STR("bc");
	assert_int_equal(slot_prepare(&fixture.product, &want, &fixture.own, &other, &why), OK);
	assert_false(str_equal(one.row.image_id, other.row.image_id));
	slot_set_secret(&fixture.product, STR("another"));
	want.owner = STR("ab");
	want.request_key = STR("c");
	assert_int_equal(slot_prepare(&fixture.product, &want, &fixture.own, &other, &why), OK);
	assert_false(str_equal(one.row.image_id, other.row.image_id));
}

static void test_id_when_anonymous_then_apart_from_keys_without_an_owner_and_the_token_is_the_same_again(void **state)
{
	struct slot_request want = { .file_name = STR("a"), .file_type = STR("image/png"), .owner = STR(""), .request_key = STR("c") };
	struct slot ownerless, one, same, other;
	struct fault why;

	(void)state;
	assert_int_equal(slot_prepare_row(&fixture.product, &want, &fixture.own, &ownerless, &why), OK);
	want.anonymous = true;
	assert_int_equal(slot_prepare_row(&fixture.product, &want, &fixture.own, &one, &why), OK);
	assert_int_equal(slot_prepare_row(&fixture.product, &want, &fixture.own, &same, &why), OK);
	want.request_key = STR("d");
	assert_int_equal(slot_prepare_row(&fixture.product, &want, &fixture.own, &other, &why), OK);
	assert_false(str_equal(ownerless.row.image_id, one.row.image_id));
	assert_true(str_equal(one.row.image_id, same.row.image_id));
	assert_true(delete_token_valid(one.delete_token) && str_equal(one.delete_token, same.delete_token));
	assert_true(str_equal(one.row.delete_hash, same.row.delete_hash));
	assert_false(str_equal(one.delete_token, other.delete_token));
	assert_int_equal(ownerless.delete_token.n, 0);
}

static int setup_with_key(void **state)
{
	fixture_setup_with_key(state);
	slot_set_secret(&fixture.product, STR("a secret"));
	return 0;
}

#define K(name) cmocka_unit_test_setup_teardown(name, setup_with_key, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		K(test_key_when_repeated_while_pending_then_the_same_image_and_a_fresh_url),
		K(test_key_when_the_members_stand_in_another_order_then_it_is_the_same_request),
		K(test_key_when_any_member_differs_then_422),
		K(test_key_when_the_image_is_uploaded_or_rejected_then_its_record),
		K(test_key_when_the_slot_has_ended_then_410),
		K(test_key_when_the_image_was_deleted_then_410),
		K(test_key_when_two_come_at_once_then_one_image),
		K(test_key_when_the_insert_fails_then_what_is_there_is_told),
		K(test_key_when_malformed_or_anonymous_or_without_a_secret_then_refused),
		K(test_id_then_of_owner_and_key_and_secret),
		K(test_id_when_anonymous_then_apart_from_keys_without_an_owner_and_the_token_is_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
