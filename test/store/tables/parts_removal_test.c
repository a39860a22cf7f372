/* Many parts of an upload that ended: they are removed in bounded commits, and a death between two of these leaves the rest to
 * the next start. So is what a bucket's completed uploads left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "base/metrics.h"
#include "store/tables/uploads.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY STR("samples/one")
#define MORE_PARTS 600
#define PARTS (2 + MORE_PARTS)
_Static_assert(PARTS > 2 * UPLOADS_PARTS_STEP && PARTS < 3 * UPLOADS_PARTS_STEP, "three steps");
#define TEXT(n) #n
#define TEXT_OF(n) TEXT(n)
#define WRITES_MAX 200

static atomic_int writes_left; /* of the database; the last one kills; 0: none does */

static ssize_t write_or_die(int fd, const void *p, size_t n, off_t at)
{
	if (atomic_load(&writes_left) > 0 && atomic_fetch_sub(&writes_left, 1) == 1)
		(void)raise(SIGKILL);
	return pwrite(fd, p, n, at);
}

static enum status put_part(struct fixture *p, struct str id, unsigned number, struct str body)
{
	struct incoming *in = NULL;
	struct object_commit c = { .bucket = p->options.bucket, .key = KEY, .upload_id = id, .part_number = number };
	struct fault why;

	TRY(bucket_begin(&engine_ports(p->engine)->buckets, body.n, &in, &why));
	enum status status = bucket_write(in, body.p, body.n, &why);
	return status == OK ? bucket_finish(&in, &c, &why) : status;
}

/* An upload of many parts, most of them in the database; one is a file. */
static void start_upload(struct fixture *p, struct arena *a, struct str *id)
{
	static char large[20000];
	const struct part_upload u = { .bucket = p->options.bucket, .key = KEY, .content_type = STR("video/mp4") };
	struct fault why;

	p->options.small_bytes = BUCKET_SMALL_BYTES;
	fixture_open(p);
	assert_int_equal(parts_start(&engine_ports(p->engine)->parts, &u, a, id, &why), OK);
	assert_int_equal(put_part(p, *id, 1, STR("small")), OK);
	assert_int_equal(put_part(p, *id, 2, (struct str){ large, sizeof large }), OK);
	fixture_settles(p, 1);
	fixture_close(p);
	/* the others like the first, without a commit for each */
	fixture_run(p,
		"WITH RECURSIVE r(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM r LIMIT " TEXT_OF(
			MORE_PARTS) ")"
						" INSERT INTO parts SELECT upload, i, 1000 + i, size, etag, modified_ms, flags, checksum FROM parts, r WHERE number=1;"
						"INSERT INTO bodies SELECT file, x'736d616c6c' FROM parts WHERE number > 2;"
						"UPDATE tally SET next_file=10000");
	fixture_open(p);
}

static enum status abort_upload(struct fixture *p, struct str id)
{
	struct fault why;

	return parts_abort(&engine_ports(p->engine)->parts, p->options.bucket, KEY, id, &why);
}

static void test_upload_of_many_parts_aborted_then_they_are_removed_in_several_commits(void **state)
{
	struct fixture *p = *state;
	struct arena a;
	struct str id;

	arena_init(&a, 1 << 12);
	start_upload(p, &a, &id);
	int64_t commits = metric_get(M_COMMITS);
	assert_int_equal(abort_upload(p, id), OK);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM uploads"), 0);
	fixture_settles(p, 0);
	/* that of the abort, three of the parts, one that found none, one of the file */
	assert_int_equal(metric_get(M_COMMITS) - commits, 6);
	fixture_check(p);
	arena_deinit(&a);
}

/* In a child: abort the upload, and die at the n-th write of the database after it was asked for. Gives whether it died. */
static bool abort_and_die(struct fixture *p, int n)
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
		struct arena a;
		struct str id;

		arena_init(&a, 1 << 12);
		start_upload(p, &a, &id);
		if (vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)write_or_die) != SQLITE_OK ||
			vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)write_or_die) != SQLITE_OK)
			_exit(2);
		atomic_store(&writes_left, n);
		if (abort_upload(p, id) != OK)
			_exit(3);
		engine_free(&p->engine); /* runs the publisher to its end */
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static void test_death_while_many_parts_are_removed_then_the_next_start_removes_the_rest(void **state)
{
	unsigned between = 0;

	for (int n = 1;; n += 3) {
		struct fixture p;

		assert_true(n < WRITES_MAX);
		fixture_init(&p);
		bool died = abort_and_die(&p, n);
		long long left = fixture_ask(&p, "SELECT count(*) FROM parts WHERE upload NOT IN (SELECT n FROM uploads)");
		between += left > 0 && left < PARTS;
		fixture_open(&p);
		long long uploads = fixture_ask(&p, "SELECT count(*) FROM uploads");
		assert_int_equal(fixture_ask(&p, "SELECT count(*) FROM parts"), uploads * PARTS);
		fixture_check(&p);
		fixture_deinit(&p);
		if (!died)
			break;
	}
	assert_true(between > 0);
}

static void test_bucket_of_many_completed_uploads_removed_then_they_are_forgotten_in_several_commits(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	fixture_open(p);
	assert_int_equal(catalog_create(&engine_ports(p->engine)->catalog, STR("scans"), STR("alice"), &why), OK);
	fixture_close(p);
	fixture_run(p,
		"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 250) INSERT INTO"
		" completed(upload, secret, bucket, key, size, etag, content_type, modified_ms)"
		" SELECT n, x'00', (SELECT id FROM buckets WHERE name='scans'), 'k', 1, 'e', 't/t', 1 FROM r");
	fixture_open(p);
	int64_t commits = metric_get(M_COMMITS);
	assert_int_equal(catalog_remove(&engine_ports(p->engine)->catalog, STR("scans"), &why), OK);
	assert_int_equal(metric_get(M_COMMITS) - commits, 3);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM completed"), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* first: it forks, and no thread has run yet */
		cmocka_unit_test(test_death_while_many_parts_are_removed_then_the_next_start_removes_the_rest),
		TEST(test_upload_of_many_parts_aborted_then_they_are_removed_in_several_commits),
		TEST(test_bucket_of_many_completed_uploads_removed_then_they_are_forgotten_in_several_commits),
	};

	/* in memory: what is asked is what is left, and not how long the disk takes */
	if (access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
