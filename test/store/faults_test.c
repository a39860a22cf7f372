/* Every sync and every write on the way of an upload fails in turn: nothing is recorded, nothing is left,
 * and the next attempt works. And the order of the syncs that are before a response.
 *
 * fsync and fdatasync are this program's own, so that those of SQLite are seen too; SQLite's writes are
 * reached by its table of system calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "store/files/io.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYNCS_MAX 256
#define CALLS_MAX 400

/* the syncs */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char synced[SYNCS_MAX][32]; /* the last part of each path, in order */
static size_t n_synced;
static atomic_int fail_sync_in; /* 1: the next fails; 0: none does */
static sem_t *hold_sync;        /* the next waits for it, once */
static sem_t holding;           /* posted when it does */

static bool counts_down(atomic_int *left)
{
	int was = atomic_load(left);

	while (was > 0)
		if (atomic_compare_exchange_weak(left, &was, was - 1))
			return was == 1;
	return false;
}

static void note_sync(int fd)
{
	char link[64], path[256];

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = '\0';
	const char *name = strrchr(path, '/');
	pthread_mutex_lock(&lock);
	if (n_synced < SYNCS_MAX)
		(void)snprintf(synced[n_synced++], sizeof synced[0], "%.31s", name != NULL ? name + 1 : path);
	sem_t *hold = hold_sync;
	hold_sync = NULL;
	pthread_mutex_unlock(&lock);
	if (hold == NULL)
		return;
	sem_post(&holding);
	while (sem_wait(hold) != 0)
		continue;
}

/* What dies here is a process, and what the kernel holds stays: nothing has to reach the disk. */
static int sync_or_fail(int fd)
{
	note_sync(fd);
	if (counts_down(&fail_sync_in)) {
		errno = EIO;
		return -1;
	}
	return 0;
}

int fsync(int fd)
{
	return sync_or_fail(fd);
}

int fdatasync(int fd)
{
	return sync_or_fail(fd);
}

/* SQLite's writes */

static atomic_int fail_write_in;
static int write_errno;

static ssize_t pwrite_or_fail(int fd, const void *p, size_t n, off_t at)
{
	if (counts_down(&fail_write_in)) {
		errno = write_errno;
		return -1;
	}
	return pwrite(fd, p, n, at);
}

static void catch_writes(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)pwrite_or_fail), SQLITE_OK);
	assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)pwrite_or_fail), SQLITE_OK);
}

/* SQLite's memory */

static sqlite3_mem_methods system_memory;
static atomic_int fail_memory_in;

static void *new_or_fail(int n)
{
	return counts_down(&fail_memory_in) ? NULL : system_memory.xMalloc(n);
}

static void *grow_or_fail(void *p, int n)
{
	return counts_down(&fail_memory_in) ? NULL : system_memory.xRealloc(p, n);
}

/* Before SQLite is used at all. */
static void catch_memory(void)
{
	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &system_memory) != SQLITE_OK)
		abort();
	sqlite3_mem_methods ours = system_memory;
	ours.xMalloc = new_or_fail;
	ours.xRealloc = grow_or_fail;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK)
		abort();
}

/* the tests' fixture */

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture_init(&fixture);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	atomic_store(&fail_sync_in, 0);
	atomic_store(&fail_write_in, 0);
	fixture_deinit(*state);
	local_io = local_io_system; /* only now: the engine's threads read it to their end */
	return 0;
}

static void forget_syncs(void)
{
	pthread_mutex_lock(&lock);
	n_synced = 0;
	pthread_mutex_unlock(&lock);
}

/* Where `name` comes among the syncs from `from` on. */
static size_t find_sync(size_t from, const char *name)
{
	size_t i = from;

	pthread_mutex_lock(&lock);
	while (i < n_synced && strcmp(synced[i], name) != 0)
		i++;
	if (i >= n_synced)
		i = SYNCS_MAX;
	pthread_mutex_unlock(&lock);
	return i;
}

static void test_insert_then_the_wal_is_synced_before_the_response(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	fixture_open(p);
	forget_syncs();
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	assert_true(find_sync(0, "tintype.db-wal") < SYNCS_MAX);
	forget_syncs();
	assert_int_equal(fixture_remove(p, 1, &why), OK);
	assert_true(find_sync(0, "tintype.db-wal") < SYNCS_MAX);
}

static void test_upload_then_file_directory_and_wal_are_synced_in_order_before_the_response(void **state)
{
	struct fixture *p = *state;
	struct fault why;
	char name[32];

	fixture_open(p);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	(void)snprintf(name, sizeof name, "%016llx", (unsigned long long)p->engine->tree.next_file);
	forget_syncs();
	assert_int_equal(fixture_upload(p, 1, STR("hello"), &why), OK);
	size_t file = find_sync(0, name);
	assert_true(file < SYNCS_MAX);
	size_t directory = find_sync(file, "incoming");
	assert_true(directory < SYNCS_MAX);
	assert_true(find_sync(directory, "tintype.db-wal") < SYNCS_MAX);
}

static void test_open_then_the_data_directory_is_synced_in_its_parent(void **state)
{
	struct fixture *p = *state;
	struct engine *e = NULL;
	struct fault why = { 0 };
	char parent[64];

	(void)snprintf(parent, sizeof parent, "%s", p->dir);
	*strrchr(parent, '/') = '\0';
	forget_syncs();
	fixture_open(p);
	size_t own = find_sync(0, strrchr(p->dir, '/') + 1);
	assert_true(own < SYNCS_MAX);
	assert_true(find_sync(own, strrchr(parent, '/') + 1) < SYNCS_MAX);
	fixture_close(p);
	atomic_store(&fail_sync_in, 2);
	assert_int_equal(engine_open(&p->options, &e, &why), IO);
	assert_non_null(strstr(why.text, "Cannot sync the directory that holds"));
}

/* One whole upload with something armed to fail: it works or fails cleanly, and works afterwards. */
static bool upload_survives(struct fixture *p, enum fault_code code)
{
	struct fault why = { 0 };
	bool failed = false;

	if (fixture_insert(p, 1, &why) != OK) {
		failed = true;
		assert_int_equal(why.code, code);
		assert_int_equal(fixture_status(p, 1), -1);
		assert_int_equal(fixture_insert(p, 1, &why), OK);
	}
	if (fixture_upload(p, 1, STR("hello"), &why) != OK) {
		failed = true;
		assert_int_equal(why.code, code);
		assert_int_equal(fixture_status(p, 1), IMAGE_PENDING);
		assert_false(fixture_has(p, 1, STR("hello")));
		assert_int_equal(fixture_files(p, "incoming") + fixture_files(p, "objects"), 0);
		assert_int_equal(fixture_upload(p, 1, STR("hello"), &why), OK);
	}
	assert_true(fixture_has(p, 1, STR("hello")));
	return failed;
}

static enum status insert_first(struct fixture *p, struct fault *why)
{
	return fixture_insert(p, 1, why);
}

static enum status upload_first(struct fixture *p, struct fault *why)
{
	return fixture_upload(p, 1, STR("hello"), why);
}

static enum status remove_first(struct fixture *p, struct fault *why)
{
	return fixture_remove(p, 1, why);
}

static void check_and_end(struct fixture *p)
{
	fixture_close(p);
	assert_int_equal(fixture_files(p, "incoming") + fixture_files(p, "objects"), 1);
	fixture_open(p);
	assert_true(fixture_has(p, 1, STR("hello")));
	fixture_check(p);
	fixture_deinit(p);
}

static void test_each_sync_fails_in_turn_then_nothing_is_recorded_and_the_next_works(void **state)
{
	struct fixture *p = *state;
	int n = 0, failures = 0, left = 0;

	fixture_deinit(p);
	for (; left == 0; n++) {
		assert_true(n < CALLS_MAX);
		fixture_init(p);
		fixture_open(p);
		atomic_store(&fail_sync_in, n + 1);
		failures += upload_survives(p, F_STORAGE_FAILED);
		fixture_close(p);
		left = atomic_exchange(&fail_sync_in, 0);
		fixture_open(p);
		check_and_end(p);
	}
	assert_true(failures >= 4); /* insert; file, directory and log of the upload */
	fixture_init(p);
}

static int fail_writes(struct fixture *p, int err, enum fault_code code)
{
	int n = 0, failures = 0, left = 0;

	write_errno = err;
	for (; left == 0; n++) {
		assert_true(n < CALLS_MAX);
		fixture_init(p);
		fixture_open(p);
		atomic_store(&fail_write_in, n + 1);
		failures += upload_survives(p, code);
		left = atomic_exchange(&fail_write_in, 0);
		check_and_end(p);
	}
	return failures;
}

static void test_each_write_of_the_database_fails_in_turn_then_nothing_is_recorded(void **state)
{
	struct fixture *p = *state;

	fixture_deinit(p);
	catch_writes();
	assert_true(fail_writes(p, EIO, F_STORAGE_FAILED) >= 4);
	assert_int_equal(fail_writes(p, ENOSPC, F_DISK_FULL), 0); /* the log is written back, and what failed is tried again */
	fixture_init(p);
}

/* Insert, upload, remove, each with the n-th allocation failing; and then without. */
static int act_without_memory(struct fixture *p, int n)
{
	struct fault why = { 0 };
	enum status (*const steps[])(struct fixture *, struct fault *) = { insert_first, upload_first, remove_first };
	int failures = 0;

	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		atomic_store(&fail_memory_in, n);
		enum status status = steps[i](p, &why);
		atomic_store(&fail_memory_in, 0);
		if (status == OK)
			continue;
		assert_int_equal(why.code, F_STORAGE_FAILED);
		assert_int_equal(steps[i](p, &why), OK);
		failures++;
	}
	return failures;
}

static void test_each_allocation_of_the_database_fails_in_turn_then_nothing_is_recorded(void **state)
{
	struct fixture *p = *state;
	int failures = 0;

	fixture_deinit(p);
	for (int n = 1; n < 120; n += n < 40 ? 1 : 7) {
		fixture_init(p);
		fixture_open(p);
		failures += act_without_memory(p, n);
		assert_int_equal(fixture_status(p, 1), -1);
		fixture_settles(p, 0);
		fixture_check(p);
		fixture_deinit(p);
	}
	assert_true(failures > 20);
	fixture_init(p);
}

/* the body's own calls */

static atomic_int next_errno; /* 0: none, the next call succeeds */

static ssize_t failing_write(int fd, const void *p, size_t n)
{
	(void)fd;
	(void)p;
	(void)n;
	errno = next_errno;
	return -1;
}

static ssize_t short_write(int fd, const void *p, size_t n)
{
	static int turn;

	if (turn++ % 2 == 0) {
		errno = EINTR;
		return -1;
	}
	return write(fd, p, n > 1 ? 1 : n);
}

static int failing_open(int dir, const char *name, int flags, mode_t mode)
{
	int error = (flags & O_CREAT) != 0 ? atomic_load(&next_errno) : 0;

	if (error != 0) {
		errno = error;
		return -1;
	}
	return local_io_system.open(dir, name, flags, mode);
}

static void test_write_of_a_body_fails_then_sticky_and_nothing_is_left(void **state)
{
	static const struct {
		int err;
		enum fault_code code;
	} rows[] = { { ENOSPC, F_DISK_FULL }, { EDQUOT, F_DISK_FULL }, { EIO, F_STORAGE_FAILED } };
	struct fixture *p = *state;
	struct fault why;

	fixture_open(p);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct incoming *in = NULL;
		struct object_commit c = { .bucket = p->options.bucket, .key = STR("k"), .content_type = STR("t/t") };
		assert_int_equal(bucket_begin(&engine_ports(p->engine)->buckets, 5, &in, &why), OK);
		next_errno = rows[i].err;
		local_io.write = failing_write;
		assert_int_equal(bucket_write(in, "hello", 5, &why), fault_status(rows[i].code));
		assert_int_equal(why.code, rows[i].code);
		local_io.write = local_io_system.write;
		assert_int_equal(bucket_write(in, "hello", 5, &why), fault_status(rows[i].code));
		assert_int_equal(bucket_finish(&in, &c, &why), fault_status(rows[i].code));
		assert_int_equal(why.code, rows[i].code);
		assert_null(in);
		assert_int_equal(fixture_files(p, "incoming"), 0);
	}
}

static void test_begin_when_no_file_can_be_made_then_failed_and_nothing_reserved(void **state)
{
	struct fixture *p = *state;
	struct incoming *in = NULL;
	struct fault why;

	next_errno = 0;
	local_io.open = failing_open; /* before the engine's threads read it */
	fixture_open(p);
	next_errno = ENOSPC;
	assert_int_equal(bucket_begin(&engine_ports(p->engine)->buckets, 5, &in, &why), BUSY);
	next_errno = EMFILE;
	assert_int_equal(bucket_begin(&engine_ports(p->engine)->buckets, 5, &in, &why), IO);
	assert_null(in);
	assert_int_equal(p->engine->space.promised_bytes, 0);
}

static void test_short_and_interrupted_writes_then_the_body_is_whole(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	local_io.write = short_write;
	fixture_open(p);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	assert_int_equal(fixture_upload(p, 1, STR("hello"), &why), OK);
	assert_true(fixture_has(p, 1, STR("hello")));
}

/* what a failed commit leaves in the log */

static void fail_a_commit_and_die(struct fixture *p)
{
	struct fault why;

	fixture_open(p);
	if (fixture_insert(p, 1, &why) != OK)
		_exit(3);
	atomic_store(&fail_sync_in, 3); /* file, directory, log */
	if (fixture_upload(p, 1, STR("hello"), &why) == OK)
		_exit(4);
	(void)raise(SIGKILL);
}

static void test_commit_whose_sync_failed_then_not_there_after_a_crash(void **state)
{
	struct fixture *p = *state;
	struct fault why;
	int status = 0;

	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		fail_a_commit_and_die(p);
		_exit(5);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	fixture_open(p);
	assert_int_equal(fixture_status(p, 1), IMAGE_PENDING);
	assert_int_equal(fixture_upload(p, 1, STR("hello"), &why), OK);
	fixture_settles(p, 1);
	fixture_check(p);
}

/* a batch */

struct caller {
	struct fixture *p;
	unsigned n;
	struct fault why;
	enum status end;
	pthread_t thread;
};

static void *insert_one(void *arg)
{
	struct caller *c = arg;

	c->end = fixture_insert(c->p, c->n, &c->why);
	return NULL;
}

static void start(struct caller *c)
{
	assert_int_equal(pthread_create(&c->thread, NULL, insert_one, c), 0);
}

static size_t queued(struct group_commit *c)
{
	size_t n = 0;

	pthread_mutex_lock(&c->lock);
	for (const struct change *q = c->first; q != NULL; q = q->next)
		n++;
	pthread_mutex_unlock(&c->lock);
	return n;
}

static void wait_queued(struct fixture *p, size_t n)
{
	while (queued(&p->engine->group_commit) < n)
		sched_yield();
}

static void test_commit_of_a_batch_fails_then_each_of_its_changes_fails(void **state)
{
	struct fixture *p = *state;
	sem_t go;
	struct caller first = { .p = p, .n = 1 }, second = { .p = p, .n = 2 }, again = { .p = p, .n = 2 };

	fixture_open(p);
	sem_init(&go, 0, 0);
	sem_init(&holding, 0, 0);
	pthread_mutex_lock(&lock);
	hold_sync = &go;
	pthread_mutex_unlock(&lock);
	start(&first);
	while (sem_wait(&holding) != 0)
		continue;
	start(&second);
	wait_queued(p, 1);
	start(&again);
	wait_queued(p, 2);
	atomic_store(&fail_sync_in, 2); /* the one that is held goes well */
	sem_post(&go);
	pthread_join(first.thread, NULL);
	pthread_join(second.thread, NULL);
	pthread_join(again.thread, NULL);
	assert_int_equal(first.end, OK);
	assert_int_equal(second.why.code, F_STORAGE_FAILED);
	assert_int_equal(again.why.code, F_STORAGE_FAILED); /* not "exists": what it saw never came to be */
	assert_int_equal(fixture_status(p, 1), IMAGE_PENDING);
	assert_int_equal(fixture_status(p, 2), -1);
	sem_destroy(&go);
	sem_destroy(&holding);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_insert_then_the_wal_is_synced_before_the_response),
		TEST(test_upload_then_file_directory_and_wal_are_synced_in_order_before_the_response),
		TEST(test_open_then_the_data_directory_is_synced_in_its_parent),
		TEST(test_each_sync_fails_in_turn_then_nothing_is_recorded_and_the_next_works),
		TEST(test_each_write_of_the_database_fails_in_turn_then_nothing_is_recorded),
		TEST(test_each_allocation_of_the_database_fails_in_turn_then_nothing_is_recorded),
		TEST(test_write_of_a_body_fails_then_sticky_and_nothing_is_left),
		TEST(test_begin_when_no_file_can_be_made_then_failed_and_nothing_reserved),
		TEST(test_short_and_interrupted_writes_then_the_body_is_whole),
		TEST(test_commit_whose_sync_failed_then_not_there_after_a_crash),
		TEST(test_commit_of_a_batch_fails_then_each_of_its_changes_fails),
	};

	catch_memory();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
