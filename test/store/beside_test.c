/* Reading a data directory that another engine uses: what it sees, and that it changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "fake/rows.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int status_of(struct engine *e, unsigned n, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct image_row row = { 0 };

	arena_init(&a, 1 << 16);
	enum status got = table_get(&engine_ports(e)->table, row_id(&a, n), &a, &row, why);
	return got == OK ? (int)row.status : -1;
}

static bool has_object(struct engine *e, unsigned n, struct str body)
{
	struct arena a CLEANUP(arena_deinit);
	struct object_file f CLEANUP(object_file_close) = { .fd = -1 };
	struct fault why;
	char bytes[16];

	arena_init(&a, 1 << 16);
	if (bucket_open(&engine_ports(e)->buckets, str_of(e->bucket), row_pending(&a, n).key, &a, &f, &why) != OK)
		return false;
	if (f.fd < 0)
		return str_equal(f.bytes, body);
	ssize_t got = pread(f.fd, bytes, sizeof bytes, 0);
	return got >= 0 && str_equal((struct str){ bytes, (size_t)got }, body);
}

static void test_beside_a_server_then_each_read_sees_the_last_commit(void **state)
{
	struct fixture *p = *state;
	struct engine *beside = NULL;
	struct fault why = { 0 };
	struct image_counts counts;

	fixture_open(p);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	assert_int_equal(engine_open_beside(&p->options, &beside, &why), OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(status_of(beside, 1, &why), IMAGE_PENDING);
	assert_int_equal(fixture_upload(p, 1, STR("hello"), &why), OK);
	for (int i = 0; i < 3; i++)
		assert_true(has_object(beside, 1, STR("hello")));
	assert_int_equal(status_of(beside, 1, &why), IMAGE_UPLOADED);
	assert_int_equal(table_counts(&engine_ports(beside)->table, &counts, &why), OK);
	assert_int_equal(counts.uploaded, 1);
	assert_int_equal(fixture_remove(p, 1, &why), OK);
	assert_false(has_object(beside, 1, STR("hello")));
	assert_int_equal(status_of(beside, 1, &why), -1);
	engine_free(&beside);
}

static void test_beside_a_stopped_server_then_nothing_is_locked_or_recovered(void **state)
{
	struct fixture *p = *state;
	struct engine *beside = NULL;
	struct fault why = { 0 };

	fixture_open(p);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	fixture_close(p);
	fixture_write(p, "incoming/0000000000abcdef", "left over", 0600);
	assert_int_equal(engine_open_beside(&p->options, &beside, &why), OK);
	assert_int_equal(status_of(beside, 1, &why), IMAGE_PENDING);
	assert_int_equal(fixture_files(p, "incoming"), 1);
	assert_false(engine_in_use(p->dir));
	fixture_open(p);
	assert_int_equal(fixture_files(p, "incoming"), 0);
	engine_free(&beside);
}

static void assert_refused(struct fixture *p, enum fault_code code, const char *words)
{
	struct engine *e = NULL;
	struct fault why = { 0 };

	assert_int_equal(engine_open_beside(&p->options, &e, &why), fault_status(code));
	assert_int_equal(why.code, code);
	if (strstr(why.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why.text, words);
	assert_null(e);
}

static void test_beside_when_there_is_nothing_to_read_then_refused_and_nothing_made(void **state)
{
	struct fixture *p = *state;

	assert_refused(p, F_STORAGE_FAILED, "Cannot open the directory incoming");
	assert_int_equal(fixture_files(p, "."), 0);
	fixture_open(p);
	fixture_close(p);
	p->options.bucket = STR("another");
	assert_refused(p, F_NO_SUCH_BUCKET, "There is no bucket another in ");
	(void)fixture_ask(p, "PRAGMA user_version=1000");
	assert_refused(p, F_SCHEMA_UNKNOWN, "has version 1000, and this program reads ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_beside_a_server_then_each_read_sees_the_last_commit),
		TEST(test_beside_a_stopped_server_then_nothing_is_locked_or_recovered),
		TEST(test_beside_when_there_is_nothing_to_read_then_refused_and_nothing_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
