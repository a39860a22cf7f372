/* What is kept of what is removed: what the setting names, and only that. */
#include "image/kept_metadata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const struct strip_facts full = { .taken_at = "2024-05-06T07:08:09+02:00",
	.make = "Example ",
	.model = "Camera \"1\"",
	.has_position = true,
	.latitude = 46.5,
	.longitude = -7.25 };

static void expect(unsigned keep, const struct strip_facts *facts, const char *want)
{
	struct arena a CLEANUP(arena_deinit);
	arena_init(&a, 65536);
	struct str got = kept_metadata(keep, facts, &a);
	if (!str_equal(got, str_of(want)))
		fail_msg("%.*s is not %s", STRF(got), want);
}

static void test_keep_then_what_is_named_and_was_there(void **state)
{
	static const struct strip_facts none = { 0 }, named = { .make = "Example", .model = "Example 7" }, made = { .make = "Example" };
	const unsigned all = KEEP_TAKEN_AT | KEEP_CAMERA | KEEP_POSITION;
	(void)state;
	expect(0, &full, "");
	expect(all, &none, "");
	expect(KEEP_TAKEN_AT, &full, "{\"takenAt\":\"2024-05-06T07:08:09+02:00\"}");
	expect(KEEP_CAMERA, &full, "{\"camera\":\"Example Camera \\\"1\\\"\"}");
	expect(KEEP_CAMERA, &named, "{\"camera\":\"Example 7\"}");
	expect(KEEP_CAMERA, &made, "{\"camera\":\"Example\"}");
	expect(KEEP_POSITION, &full, "{\"position\":{\"latitude\":46.500000,\"longitude\":-7.250000}}");
	expect(all, &full,
		"{\"takenAt\":\"2024-05-06T07:08:09+02:00\",\"camera\":\"Example Camera \\\"1\\\"\","
		"\"position\":{\"latitude\":46.500000,\"longitude\":-7.250000}}");
}

static void test_words_then_the_set_they_name(void **state)
{
	(void)state;
	assert_int_equal(kept_metadata_read(STR("")), 0);
	assert_int_equal(kept_metadata_read(STR("taken-at")), KEEP_TAKEN_AT);
	assert_int_equal(kept_metadata_read(STR("position, camera")), KEEP_POSITION | KEEP_CAMERA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_then_what_is_named_and_was_there),
		cmocka_unit_test(test_words_then_the_set_they_name),
	};
	return cmocka_run_group_tests_name("kept metadata", tests, NULL, NULL);
}
