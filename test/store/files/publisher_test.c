/* What comes after the response: moves, what hinders them, readers while things move, and the trash. */

#include "store/fixture.h"

#include "store/files/io.h"
#include "unit.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Links and unlinks, as many of them as `left` fail with the errno; the engine's threads see all at once. */

#define ALWAYS 1000000

static struct trouble {
	atomic_int left, err;
} links, unlinks;

static void arm(struct trouble *t, int left, int err)
{
	atomic_store(&t->err, err);
	atomic_store(&t->left, left);
}

static bool strikes(struct trouble *t)
{
	if (atomic_load(&t->left) <= 0 || atomic_fetch_sub(&t->left, 1) <= 0)
		return false;
	errno = atomic_load(&t->err);
	return true;
}

static int link_or_fail(int from_dir, const char *from, int to_dir, const char *to)
{
	return strikes(&links) ? -1 : local_io_system.link(from_dir, from, to_dir, to);
}

static int unlink_or_fail(int dir, const char *name)
{
	return strikes(&unlinks) ? -1 : local_io_system.unlink(dir, name);
}

static int set_up(void **state)
{
	static struct fixture fixture;

	local_io.link = link_or_fail;
	local_io.unlink = unlink_or_fail;
	fixture_init(&fixture);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	arm(&links, 0, 0);
	arm(&unlinks, 0, 0);
	fixture_deinit(*state);
	local_io = local_io_system;
	return 0;
}

static void upload(struct fixture *p, unsigned n)
{
	struct fault why = { 0 };

	assert_int_equal(fixture_insert(p, n, &why), OK);
	assert_int_equal(fixture_upload(p, n, STR("hello"), &why), OK);
}

static void test_numbers_cross_a_directory_then_files_are_in_both(void **state)
{
	struct fixture *p = *state;
	char path[160];
	struct stat st;

	fixture_open(p);
	p->engine->tree.next_file = TREE_FILES_PER_DIR - 2;
	for (unsigned n = 1; n <= 4; n++)
		upload(p, n);
	fixture_settles(p, 4);
	assert_int_equal(fixture_files(p, "objects/000000"), 2);
	assert_int_equal(fixture_files(p, "objects/000001"), 2);
	(void)snprintf(path, sizeof path, "%s/objects/000001", p->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	fixture_check(p);
}

static void test_no_hard_links_then_renamed(void **state)
{
	struct fixture *p = *state;

	fixture_open(p);
	arm(&links, ALWAYS, EPERM);
	upload(p, 1);
	fixture_settles(p, 1);
	assert_true(fixture_has(p, 1, STR("hello")));
}

static void test_move_fails_then_read_from_staging_and_moved_at_the_next_start(void **state)
{
	struct fixture *p = *state;

	fixture_open(p);
	arm(&links, ALWAYS, EIO);
	upload(p, 1);
	fixture_close(p); /* the publisher has tried */
	arm(&links, 0, 0);
	arm(&unlinks, 0, 0);
	assert_int_equal(fixture_files(p, "incoming"), 1);
	fixture_open(p);
	fixture_check(p);
	assert_true(fixture_has(p, 1, STR("hello")));
}

static void test_start_when_nothing_can_be_moved_then_reads_work_and_moves_are_retried(void **state)
{
	struct fixture *p = *state;

	fixture_open(p);
	arm(&links, ALWAYS, ENOSPC);
	upload(p, 1);
	fixture_close(p);
	fixture_write(p, "incoming/00000000000000ff", "no row", 0600);
	fixture_open(p);
	assert_true(fixture_has(p, 1, STR("hello")));
	assert_int_equal(fixture_files(p, "incoming"), 1);
	arm(&links, 0, 0);
	arm(&unlinks, 0, 0);
	fixture_settles(p, 1);
	fixture_check(p);
}

static void test_move_waits_then_the_object_is_read_from_incoming(void **state)
{
	struct fixture *p = *state;

	fixture_open(p);
	arm(&links, ALWAYS, EIO);
	upload(p, 1);
	assert_true(fixture_has(p, 1, STR("hello")));
	assert_int_equal(fixture_files(p, "objects"), 0);
	assert_int_equal(fixture_files(p, "incoming"), 1);
	fixture_close(p);
}

static void test_move_that_could_not_be_recorded_then_found_in_incoming(void **state)
{
	struct fixture *p = *state;
	struct incoming *in = NULL;
	struct fault why;

	fixture_open(p);
	upload(p, 1);
	fixture_settles(p, 1);
	/* Put the file back, and notify the publisher that it has missed some. */
	char from[160], to[160];
	unsigned long long file = (unsigned long long)fixture_ask(p, "SELECT file FROM objects");
	(void)snprintf(from, sizeof from, "%s/objects/%06llx/%016llx", p->dir, file / TREE_FILES_PER_DIR, file);
	(void)snprintf(to, sizeof to, "%s/incoming/%016llx", p->dir, file);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(bucket_begin(&engine_ports(p->engine)->buckets, 0, &in, &why), OK);
	struct publisher *m = &p->engine->publisher;
	pthread_mutex_lock(&m->lock);
	m->rescan = true;
	pthread_cond_signal(&m->wanted);
	pthread_mutex_unlock(&m->lock);
	wait_until(fixture_files(p, "objects") == 1 && fixture_files(p, "incoming") == 1);
	assert_true(fixture_has(p, 1, STR("hello")));
	/* A body on its way has no row either, and stays. */
	struct object_commit c = { .bucket = p->options.bucket, .key = STR("k"), .content_type = STR("t/t") };
	assert_int_equal(bucket_finish(&in, &c, &why), OK);
}

static void test_many_deleted_then_all_files_and_the_trash_are_removed(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	fixture_open(p);
	for (unsigned n = 1; n <= 50; n++)
		upload(p, n);
	for (unsigned n = 1; n <= 50; n++)
		assert_int_equal(fixture_remove(p, n, &why), OK);
	fixture_settles(p, 0);
	fixture_check(p);
}

static void test_file_that_cannot_be_removed_then_kept_in_the_trash_for_the_next_start(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	fixture_open(p);
	upload(p, 1);
	fixture_settles(p, 1);
	arm(&unlinks, ALWAYS, EIO);
	assert_int_equal(fixture_remove(p, 1, &why), OK);
	fixture_close(p);
	arm(&links, 0, 0);
	arm(&unlinks, 0, 0);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM trash"), 1);
	assert_int_equal(fixture_files(p, "objects"), 1);
	fixture_open(p);
	fixture_check(p);
	assert_int_equal(fixture_files(p, "objects"), 0);
}

static void test_temporary_failure_then_retried_by_itself(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	fixture_open(p);
	arm(&links, 1, ENOSPC);
	upload(p, 1);
	fixture_settles(p, 1);
	assert_int_equal(links.left, 0);
	arm(&unlinks, 1, EIO);
	assert_int_equal(fixture_remove(p, 1, &why), OK);
	fixture_settles(p, 0);
	assert_int_equal(unlinks.left, 0);
	fixture_check(p);
}

static void test_file_of_another_size_than_its_row_then_a_failure_and_no_short_object(void **state)
{
	struct fixture *p = *state;
	struct arena a;
	struct object_file f;
	struct fault why;
	char path[160];

	fixture_open(p);
	assert_int_equal(store_put(&engine_ports(p->engine)->store, STR("k"), STR("t/t"), STR("hello"), &why), OK);
	fixture_settles(p, 1);
	unsigned long long file = (unsigned long long)fixture_ask(p, "SELECT file FROM objects");
	(void)snprintf(path, sizeof path, "%s/objects/%06llx/%016llx", p->dir, file / TREE_FILES_PER_DIR, file);
	assert_int_equal(truncate(path, 2), 0);
	arena_init(&a, 1 << 16);
	assert_int_equal(bucket_open(&engine_ports(p->engine)->buckets, p->options.bucket, STR("k"), &a, &f, &why), IO);
	assert_int_equal(why.code, F_STORAGE_FAILED);
	arena_deinit(&a);
}

/* readers while an object is replaced */

static atomic_bool done;
static atomic_int wrong;

static void *keep_opening(void *arg)
{
	struct fixture *p = arg;

	while (!atomic_load(&done)) {
		struct arena a;
		struct object_file f;
		struct fault why;
		arena_init(&a, 1 << 16);
		if (bucket_open(&engine_ports(p->engine)->buckets, p->options.bucket, STR("k"), &a, &f, &why) != OK) {
			atomic_fetch_add(&wrong, 1);
		} else {
			char first = 0;
			if (f.fd >= 0 ? pread(f.fd, &first, 1, 0) != 1 : f.bytes.n < 1)
				atomic_fetch_add(&wrong, 1);
			object_file_close(&f);
		}
		arena_deinit(&a);
	}
	return NULL;
}

static void test_open_while_replaced_then_always_one_of_them(void **state)
{
	struct fixture *p = *state;
	pthread_t read_pool[3];
	struct fault why;

	fixture_open(p);
	atomic_store(&done, false);
	assert_int_equal(store_put(&engine_ports(p->engine)->store, STR("k"), STR("t/t"), STR("0"), &why), OK);
	for (size_t i = 0; i < COUNT_OF(read_pool); i++)
		assert_int_equal(pthread_create(&read_pool[i], NULL, keep_opening, p), 0);
	for (int i = 0; i < 300; i++)
		assert_int_equal(store_put(&engine_ports(p->engine)->store, STR("k"), STR("t/t"), STR("1"), &why), OK);
	atomic_store(&done, true);
	for (size_t i = 0; i < COUNT_OF(read_pool); i++)
		pthread_join(read_pool[i], NULL);
	assert_int_equal(wrong, 0);
	fixture_settles(p, 1);
	fixture_check(p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* A deleted object's file that was not moved yet is held by a backup over a restart too. */
static void test_start_while_a_backup_holds_then_files_of_the_trash_stay_in_incoming(void **state)
{
	struct fixture *p = *state;
	struct fault why = { 0 };
	char lease[128];

	fixture_open(p);
	arm(&links, ALWAYS, EIO);
	upload(p, 1);
	fixture_write(p, "backup.lease", "", 0600);
	assert_int_equal(fixture_remove(p, 1, &why), OK);
	fixture_close(p);
	fixture_write(p, "incoming/0000000000abcdef", "left over", 0600);
	fixture_open(p);
	assert_int_equal(fixture_files(p, "incoming"), 1);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM trash"), 1);
	fixture_close(p);
	(void)snprintf(lease, sizeof lease, "%s/backup.lease", p->dir);
	assert_int_equal(unlink(lease), 0);
	fixture_open(p);
	assert_int_equal(fixture_files(p, "incoming"), 0);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM trash"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_start_while_a_backup_holds_then_files_of_the_trash_stay_in_incoming),
		TEST(test_numbers_cross_a_directory_then_files_are_in_both),
		TEST(test_no_hard_links_then_renamed),
		TEST(test_move_fails_then_read_from_staging_and_moved_at_the_next_start),
		TEST(test_start_when_nothing_can_be_moved_then_reads_work_and_moves_are_retried),
		TEST(test_move_waits_then_the_object_is_read_from_incoming),
		TEST(test_move_that_could_not_be_recorded_then_found_in_incoming),
		TEST(test_many_deleted_then_all_files_and_the_trash_are_removed),
		TEST(test_file_that_cannot_be_removed_then_kept_in_the_trash_for_the_next_start),
		TEST(test_temporary_failure_then_retried_by_itself),
		TEST(test_file_of_another_size_than_its_row_then_a_failure_and_no_short_object),
		TEST(test_open_while_replaced_then_always_one_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
