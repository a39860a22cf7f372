/* GET /images by owner, status, hash and order; POST /images/delete. */
#include "image/slot.h"

#include "api/fixture.h"

#define OWNER "0123456789abcdef0123456789abcdef"
#define SHA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct answer *list(const char *query)
{
	return ASK("GET", str_printf(&fixture.own, "/prod/images?%s", query).p, .authorization = "Bearer " KEY);
}

/* An image of this owner; of LIST_PENDING: a slot. */
static struct str add(struct str owner, const char *name, enum image_status status)
{
	struct slot slot;
	struct fault why;
	struct image_row now;
	struct slot_request want = {
		.file_name = str_of(name), .file_type = STR("image/png"), .owner = owner, .metadata = STR(""), .allowed_types = STR("")
	};
	assert_int_equal(slot_prepare(&fixture.product, &want, &fixture.own, &slot, &why), OK);
	assert_int_equal(table_insert(fixture.product.table, &slot.row, &why), OK);
	struct resolution s = { .image_id = slot.row.image_id,
		.status = status,
		.file_type = STR("image/png"),
		.file_size = 1,
		.etag = STR("0123456789abcdef0123456789abcdef"),
		.uploaded_ms = 1795332442123,
		.received_sha256 = STR(SHA),
		.reason = status == IMAGE_REJECTED ? STR("It is damaged.") : STR("") };
	if (status != IMAGE_PENDING)
		assert_int_equal(table_resolve(fixture.product.table, &s, &fixture.own, &now, &why), OK);
	return slot.row.image_id;
}

/* The first letters of the names on the page, in their order. */
static const char *names(void)
{
	static char letters[32];
	json_t *body = answer_json(), *image;
	size_t i, n = 0;
	assert_int_equal(fixture.x.answer.status, 200);
	json_array_foreach(json_object_get(body, "images"), i, image) letters[n++] = json_string_value(json_object_get(image, "fileName"))[0];
	letters[n] = '\0';
	json_decref(body);
	return letters;
}

static void fill(void)
{
	add(STR(OWNER), "a", IMAGE_UPLOADED);
	add(STR("fedcba9876543210fedcba9876543210"), "x", IMAGE_UPLOADED);
	add(STR(OWNER), "b", IMAGE_PENDING);
	add(STR(OWNER), "c", IMAGE_REJECTED);
	add(STR(OWNER), "d", IMAGE_UPLOADED);
	add(STR(""), "y", IMAGE_UPLOADED);
}

static void test_list_when_of_one_owner_then_by_status_and_order(void **state)
{
	static const struct {
		const char *query, *names;
	} rows[] = { { "", "ydxa" }, { "order=oldest", "axdy" }, { "owner=" OWNER, "da" }, { "owner=" OWNER "&order=oldest", "ad" },
		{ "owner=" OWNER "&status=all", "dcba" }, { "owner=" OWNER "&status=pending", "b" }, { "owner=" OWNER "&status=rejected", "c" },
		{ "owner=" OWNER "&sha256=" SHA, "da" }, { "owner=" OWNER "&status=all&order=oldest&limit=2", "ab" },
		{ "owner=00000000000000000000000000000000&status=all", "" }, { "skip=1&limit=2", "dx" }, { "skip=0", "ydxa" }, { "skip=9", "" },
		{ "owner=" OWNER "&skip=1", "a" }, { "name=X", "x" }, { "name=x&type=image/png", "x" }, { "type=image/gif", "" },
		{ "from=2026-11-22T07:27:22Z&order=oldest", "axdy" }, { "to=2026-11-22T07:27:22Z", "" }, { "name=&type=", "ydxa" },
		{ "sha256=" SHA, "y" } };

	(void)state;
	fill();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		list(rows[i].query);
		if (strcmp(names(), rows[i].names) != 0)
			fail_msg("%s: %s", rows[i].query, names());
	}
	list("owner=" OWNER "&status=rejected");
	assert_true(holds(fixture.x.answer.body, "\"status\":\"rejected\"") && holds(fixture.x.answer.body, "\"reason\":\"It is damaged.\""));
	list("owner=" OWNER "&status=pending");
	assert_true(holds(fixture.x.answer.body, "\"status\":\"pending\"") && holds(fixture.x.answer.body, "\"expiresAt\":"));
	list("owner=" OWNER);
	assert_false(holds(fixture.x.answer.body, "\"status\""));
}

static void test_list_when_a_cursor_is_of_another_list_then_400(void **state)
{
	(void)state;
	fill();
	list("owner=" OWNER "&status=all&limit=1");
	struct str cursor = answer_text("nextCursor");
	list(str_printf(&fixture.own, "owner=" OWNER "&status=all&cursor=%.*s", STRF(cursor)).p);
	assert_string_equal(names(), "cba");
	list(str_printf(&fixture.own, "owner=" OWNER "&cursor=%.*s", STRF(cursor)).p);
	assert_problem(400, "bad_cursor");
	list(str_printf(&fixture.own, "owner=" OWNER "&status=all&order=oldest&cursor=%.*s", STRF(cursor)).p);
	assert_problem(400, "bad_cursor");
}

static void test_list_when_a_parameter_is_wrong_then_400_says_what_to_do(void **state)
{
	static const struct {
		const char *query, *word;
	} rows[] = { { "x=1", "x is not known; the parameters of this call are: limit" }, { "Limit=1", "Limit is not known" },
		{ "%22%3c=1", "A parameter is not known" }, { "status=new", "status must be one of: uploaded pending rejected all" },
		{ "status=", "status must be one of" }, { "status=all&status=all", "given once" },
		{ "order=asc", "order must be one of: newest oldest" }, { "owner=me", "owner must be 32 hexadecimal digits" },
		{ "sha256=ab&owner=" OWNER, "sha256 must be" },
		{ "sha256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&owner=" OWNER, "sha256 must be" },
		{ "skip=-1", "skip must be an integer from 0 to 10000000" }, { "skip=10000001", "skip must be" },
		{ "skip=1&name=a", "skip cannot be combined" }, { "skip=1&owner=" OWNER "&sha256=" SHA, "skip cannot be combined" },
		{ "from=yesterday", "from must be a time in UTC, such as 2026-11-30T00:00:00Z" }, { "to=", "to must be a time" },
		{ "status=all", "one owner only" }, { "status=all&sha256=" SHA, "one owner only" } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		list(rows[i].query);
		assert_problem(400, "bad_field");
		if (!holds(fixture.x.answer.body, rows[i].word))
			fail_msg("%s: %.*s", rows[i].query, STRF(fixture.x.answer.body));
	}
}

static const struct answer *delete_many(const char *body)
{
	return ASK("POST", "/prod/images/delete", body, .authorization = "Bearer " KEY);
}

static void test_delete_of_many_then_what_has_become_of_each(void **state)
{
	(void)state;
	struct str first = add(STR(OWNER), "a", IMAGE_UPLOADED), kept = add(STR(OWNER), "b", IMAGE_UPLOADED),
			   last = add(STR(""), "c", IMAGE_PENDING);
	delete_many(
		str_printf(&fixture.own, "{\"imageIds\":[\"%.*s\",\"" SOME_ID "\",\"%.*s\",\"%.*s\"]}", STRF(first), STRF(first), STRF(last)).p);
	assert_int_equal(fixture.x.answer.status, 200);
	assert_str(fixture.x.answer.body,
		str_printf(&fixture.own,
			"{\"results\":[{\"imageId\":\"%.*s\",\"deleted\":true},{\"imageId\":\"" SOME_ID "\",\"deleted\":false,"
			"\"code\":\"no_such_image\"},{\"imageId\":\"%.*s\",\"deleted\":false,\"code\":\"no_such_image\"},{\"imageId\":\"%.*s\","
			"\"deleted\":true}],\"deleted\":2}",
			STRF(first), STRF(first), STRF(last))
			.p);
	ASK("GET", path_of("/prod/images/", kept, ""), .authorization = "Bearer " KEY);
	assert_int_equal(fixture.x.answer.status, 200);
}

static void test_delete_of_many_when_storage_fails_then_the_rest_is_kept_and_named(void **state)
{
	(void)state;
	struct str a = add(STR(""), "a", IMAGE_UPLOADED), b = add(STR(""), "b", IMAGE_UPLOADED), c = add(STR(""), "c", IMAGE_UPLOADED);
	const char *body = str_printf(&fixture.own, "{\"imageIds\":[\"%.*s\",\"%.*s\",\"%.*s\"]}", STRF(a), STRF(b), STRF(c)).p;
	fake_table_fail_nth(fixture.table, 5, F_STORAGE_FAILED); /* all are read, then removed one after the other */
	delete_many(body);
	assert_int_equal(fixture.x.answer.status, 200);
	assert_int_equal(answer_integer("deleted"), 1);
	assert_true(holds(fixture.x.answer.body,
		str_printf(&fixture.own, "{\"imageId\":\"%.*s\",\"deleted\":false,\"code\":\"storage_failed\"}]", STRF(c)).p));
	delete_many(body);
	assert_int_equal(answer_integer("deleted"), 2);
}

static void test_delete_of_1000_then_in_one_request_and_not_of_1001(void **state)
{
	struct buf b;

	(void)state;
	buf_init_arena(&b, &fixture.own, 1 << 17);
	buf_put(&b, STR("{\"imageIds\":["));
	for (unsigned i = 0; i < 1000; i++)
		buf_printf(&b, "%s\"%.*s\"", i > 0 ? "," : "", STRF(row_id(&fixture.own, i)));
	size_t n = b.n;
	buf_put(&b, STR("]}"));
	delete_many(b.p);
	assert_int_equal(fixture.x.answer.status, 200);
	assert_int_equal(answer_integer("deleted"), 0);
	b.n = n;
	buf_put(&b, STR(",\"" SOME_ID "\"]}"));
	delete_many(b.p);
	assert_problem(400, "bad_field");
	assert_true(holds(fixture.x.answer.body, "1 to 1000"));
	while (b.n <= 65536)
		buf_put_char(&b, ' ');
	delete_many(b.p);
	assert_problem(413, "body_too_large");
}

static void test_delete_of_many_when_the_body_is_wrong_or_the_key_is_missing_then_refused(void **state)
{
	static const char *const bodies[] = { "{}", "{\"imageIds\":[]}", "{\"imageIds\":\"" SOME_ID "\"}", "{\"imageIds\":[7]}",
		"{\"imageIds\":[\"x\"]}", "{\"imageIds\":[\"" SOME_ID "\"],\"all\":true}" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		delete_many(bodies[i]);
		assert_problem(400, "bad_field");
	}
	ASK("POST", "/prod/images/delete", "{\"imageIds\":[\"" SOME_ID "\"]}");
	assert_problem(401, "key_needed");
	ASK("GET", "/prod/images/delete", .authorization = "Bearer " KEY);
	assert_problem(405, "bad_method");
	assert_str(header_of("Allow"), "POST, OPTIONS");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup_with_key, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_list_when_of_one_owner_then_by_status_and_order),
		T(test_list_when_a_cursor_is_of_another_list_then_400),
		T(test_list_when_a_parameter_is_wrong_then_400_says_what_to_do),
		T(test_delete_of_many_then_what_has_become_of_each),
		T(test_delete_of_many_when_storage_fails_then_the_rest_is_kept_and_named),
		T(test_delete_of_1000_then_in_one_request_and_not_of_1001),
		T(test_delete_of_many_when_the_body_is_wrong_or_the_key_is_missing_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
