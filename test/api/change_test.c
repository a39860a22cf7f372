/* PATCH /images/{imageId}: what of a record an application changes, and that two editors do not overwrite each other. */
#include "api/fixture.h"

static const struct answer *patch(struct str id, const char *body, const char *if_match)
{
	return ASK("PATCH", path_of("/prod/images/", id, ""), body, .if_match = if_match);
}

static void assert_etag(const char *expected)
{
	assert_int_equal(fixture.x.answer.status, 200);
	assert_str(header_of("ETag"), expected);
}

static void test_change_then_the_record_says_it_and_has_the_next_version(void **state)
{
	struct made m = make_image();

	(void)state;
	ASK("GET", path_of("/prod/images/", m.id, ""));
	assert_etag("\"2\"");
	assert_int_equal(answer_integer("version"), 2);
	patch(m.id, "{\"fileName\":\"new name.png\",\"metadata\":{\"a\":\"1\"},\"visibility\":\"private\"}", NULL);
	assert_etag("\"3\"");
	assert_str(answer_text("fileName"), "new name.png");
	assert_true(holds(fixture.x.answer.body, "\"metadata\":{\"a\":\"1\"}"));
	assert_int_equal(answer_integer("version"), 3);
	patch(m.id, "{\"metadata\":null}", NULL);
	assert_etag("\"4\"");
	assert_false(answer_has("metadata"));
	assert_str(answer_text("fileName"), "new name.png");
	ASK("GET", path_of("/prod/images/", m.id, ""));
	assert_etag("\"4\"");
	assert_true(holds(answer_text("downloadUrl"), "new%2520name.png"));
}

static void test_change_when_pending_then_its_upload_keeps_it(void **state)
{
	struct made m = make_slot();

	(void)state;
	patch(m.id, "{\"metadata\":{\"a\":\"1\"}}", "\"1\"");
	assert_etag("\"2\"");
	assert_str(answer_text("status"), "pending");
}

static void test_change_when_if_match_names_the_version_or_any_then_changed(void **state)
{
	static const char *const good[] = { "\"2\"", "*", "\"1\", \"3\"", "W/\"9\",\"4\" ,\"5\"", NULL };
	struct made m = make_image();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		patch(m.id, "{\"fileName\":\"a\"}", i == 1 ? "*" : i == 2 ? "\"4\", \"3\"" : good[i]);
	/* versions 2 to 3 by its tag, 3 to 4 by *; the third names 4 */
	assert_etag("\"7\"");
}

static void test_change_when_if_match_names_another_version_then_412_and_nothing_changes(void **state)
{
	static const char *const stale[] = { "\"1\"", "\"3\"", "W/\"2\"", "\"1\",\"3\"", "", "\"22\"", "x", "\"*\"" };
	struct made m = make_image();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(stale); i++) {
		patch(m.id, "{\"fileName\":\"b\"}", stale[i]);
		assert_problem(412, "precondition");
		assert_true(holds(fixture.x.answer.body, "at version 2"));
	}
	ASK("GET", path_of("/prod/images/", m.id, ""));
	assert_etag("\"2\"");
	assert_false(str_equal(answer_text("fileName"), STR("b")));
}

static void change_meanwhile(void *id)
{
	struct image_row row;
	struct fault why;
	assert_int_equal(table_change(fixture.product.table,
						 &(struct image_change){ .image_id = *(struct str *)id, .has_file_name = true, .file_name = STR("the other's") },
						 &fixture.own, &row, &why),
		OK);
}

static void test_change_when_another_comes_between_then_412(void **state)
{
	struct made m = make_image();

	(void)state;
	fake_table_meet_nth(fixture.table, 2, change_meanwhile, &m.id);
	patch(m.id, "{\"fileName\":\"mine\"}", "\"2\"");
	assert_problem(412, "precondition");
	assert_true(holds(fixture.x.answer.body, "at version 3"));
	ASK("GET", path_of("/prod/images/", m.id, ""));
	assert_str(answer_text("fileName"), "the other's");
}

static void test_change_when_wrong_or_of_no_image_then_refused(void **state)
{
	struct made m = make_image();

	(void)state;
	patch(m.id, "{\"fileName\":\" \"}", NULL);
	assert_problem(400, "bad_field");
	patch(m.id, "{\"status\":\"uploaded\"}", NULL);
	assert_problem(400, "bad_field");
	assert_true(holds(fixture.x.answer.body, "status is not known"));
	patch(STR(SOME_ID), "{\"fileName\":\"a\"}", NULL);
	assert_problem(404, "no_such_image");
	patch(STR(SOME_ID), "{\"fileName\":\"a\"}", "*");
	assert_problem(404, "no_such_image");
	patch(STR(SOME_ID), "{\"fileName\":\"a\"}", "\"1\"");
	assert_problem(404, "no_such_image");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_change_then_the_record_says_it_and_has_the_next_version),
		T(test_change_when_pending_then_its_upload_keeps_it),
		T(test_change_when_if_match_names_the_version_or_any_then_changed),
		T(test_change_when_if_match_names_another_version_then_412_and_nothing_changes),
		T(test_change_when_another_comes_between_then_412),
		T(test_change_when_wrong_or_of_no_image_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
