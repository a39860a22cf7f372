/* Bodies in the database and multipart uploads when things go wrong: every write and sync fails in turn, SQLite's too, and its
 * memory; a process dies at any call. What was answered is there, what failed changed nothing and works the
 * next time, and nothing is left over. And ten thousand parts.
 *
 * fsync and fdatasync are this program's own, so that those of SQLite are seen too. They write nothing: a process that dies loses
 * nothing that the kernel holds, and thousands of databases are made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "store/files/io.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS_MAX 600
#define ETAG "0123456789abcdef0123456789abcdef-2"
#define KEY STR("samples/one")

/* calls that fail, or are the last */

static atomic_int calls_left; /* 1: the next; 0: none */
static bool kills;

static bool fails(void)
{
	int was = atomic_load(&calls_left);

	while (was > 0 && !atomic_compare_exchange_weak(&calls_left, &was, was - 1))
		continue;
	if (was == 1 && kills)
		(void)raise(SIGKILL);
	errno = EIO;
	return was == 1;
}

int fsync(int fd)
{
	(void)fd;
	return fails() ? -1 : 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return fails() ? -1 : 0;
}

static ssize_t pwrite_or_fail(int fd, const void *p, size_t n, off_t at)
{
	return fails() ? -1 : pwrite(fd, p, n, at);
}

static ssize_t write_or_fail(int fd, const void *p, size_t n)
{
	return fails() ? -1 : write(fd, p, n);
}

static int open_or_fail(int dir, const char *name, int flags, mode_t mode)
{
	return (flags & O_CREAT) != 0 && fails() ? -1 : local_io_system.open(dir, name, flags, mode);
}

static int link_or_fail(int from_dir, const char *from, int to_dir, const char *to)
{
	return fails() ? -1 : local_io_system.link(from_dir, from, to_dir, to);
}

static int unlink_or_fail(int dir, const char *name)
{
	return kills && fails() ? -1 : local_io_system.unlink(dir, name);
}

static void catch_calls(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	local_io.write = write_or_fail;
	local_io.open = open_or_fail;
	local_io.link = link_or_fail;
	local_io.unlink = unlink_or_fail;
	assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)pwrite_or_fail), SQLITE_OK);
	assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)pwrite_or_fail), SQLITE_OK);
}

static sqlite3_mem_methods system_memory;
static atomic_int memory_left;

static bool starves(void)
{
	int was = atomic_load(&memory_left);

	while (was > 0 && !atomic_compare_exchange_weak(&memory_left, &was, was - 1))
		continue;
	return was == 1;
}

static void *new_or_fail(int n)
{
	return starves() ? NULL : system_memory.xMalloc(n);
}

static void *grow_or_fail(void *p, int n)
{
	return starves() ? NULL : system_memory.xRealloc(p, n);
}

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

/* the acts */

static char bytes[60000];

/* What the acts work on: the sizes decide what is in the database and what in files. */
struct sample {
	struct fixture *p;
	struct arena a;
	struct str id;
	size_t part_bytes;
	struct fault why;
};

static struct str part_of(const struct sample *f, unsigned number)
{
	return (struct str){ bytes + number, f->part_bytes };
}

static enum status put_body(struct sample *f, struct object_commit *c, struct str body)
{
	struct incoming *in = NULL;

	c->bucket = f->p->options.bucket;
	enum status status = bucket_begin(&engine_ports(f->p->engine)->buckets, body.n, &in, &f->why);
	if (status == OK)
		status = bucket_write(in, body.p, body.n, &f->why);
	if (status == OK)
		return bucket_finish(&in, c, &f->why);
	bucket_abandon(&in);
	return status;
}

static enum status put_object(struct sample *f)
{
	static const struct header large[] = { { { "x-amz-meta-large", 16 }, { bytes, 1500 } } };
	struct object_commit c = { .key = STR("plain"), .content_type = STR("t/t"), .meta = { .headers = large, .n_headers = 1 } };

	return put_body(f, &c, part_of(f, 7));
}

static enum status replace_object(struct sample *f)
{
	struct object_commit c = { .key = STR("plain"), .content_type = STR("t/t") };

	return put_body(f, &c, part_of(f, 8));
}

static enum status start_sample(struct sample *f)
{
	const struct part_upload u = { .bucket = f->p->options.bucket, .key = KEY, .content_type = STR("video/mp4") };

	return parts_start(&engine_ports(f->p->engine)->parts, &u, &f->a, &f->id, &f->why);
}

static enum status put_part(struct sample *f, unsigned number, struct str body)
{
	struct object_commit c = { .key = KEY, .upload_id = f->id, .part_number = number };

	return put_body(f, &c, body);
}

static enum status put_first(struct sample *f)
{
	return put_part(f, 1, part_of(f, 3));
}

static enum status put_second(struct sample *f)
{
	return put_part(f, 2, part_of(f, 2));
}

static enum status replace_first(struct sample *f)
{
	return put_part(f, 1, part_of(f, 1));
}

/* The parts as they are listed make the object. */
static enum status complete_sample(struct sample *f)
{
	struct part_page page;
	struct object_info made;

	TRY(parts_list(&engine_ports(f->p->engine)->parts, f->id, 0, 10, &f->a, &page, &f->why));
	const struct part_completion c = { .bucket = f->p->options.bucket,
		.key = KEY,
		.id = f->id,
		.parts = page.parts,
		.n_parts = page.n,
		.etag = STR(ETAG),
		.meta = { .parts = page.parts, .n_parts = page.n } };
	return parts_complete(&engine_ports(f->p->engine)->parts, &c, &f->a, &made, &f->why);
}

static enum status abort_sample(struct sample *f)
{
	return parts_abort(&engine_ports(f->p->engine)->parts, f->p->options.bucket, KEY, f->id, &f->why);
}

static enum status remove_object(struct sample *f)
{
	struct object_removal r = { .key = STR("plain") };

	TRY(catalog_remove_objects(&engine_ports(f->p->engine)->catalog, f->p->options.bucket, &r, 1, &f->why));
	return r.status;
}

typedef enum status (*step_fn)(struct sample *f);
static const step_fn steps[] = { put_object, replace_object, start_sample, put_first, put_second, replace_first, complete_sample,
	start_sample, put_second, abort_sample, remove_object };
#define COMPLETED 7 /* so many steps, and the sample is there */

static void begin_sample(struct sample *f, struct fixture *p, size_t part_bytes)
{
	*f = (struct sample){ .p = p, .part_bytes = part_bytes };
	arena_init(&f->a, 16 << 20);
}

/* The object under a key is these bytes; or there is none. */
static bool has_object(struct sample *f, struct str key, struct str first, struct str second)
{
	struct object o;
	struct fault why = { 0 };

	enum status status = store_get(&engine_ports(f->p->engine)->store, key, 1 << 20, &f->a, &o, &why);
	assert_true(status == OK || why.code == F_NO_SUCH_KEY);
	if (status != OK)
		return false;
	assert_int_equal(o.body.n, first.n + second.n);
	assert_memory_equal(o.body.p, first.p, first.n);
	if (second.n > 0)
		assert_memory_equal(o.body.p + first.n, second.p, second.n);
	return true;
}

static bool sample_is_there(struct sample *f)
{
	return has_object(f, KEY, part_of(f, 1), part_of(f, 2));
}

static size_t count_uploads(struct sample *f)
{
	struct part_upload_page page;
	const struct part_upload_query q = { .bucket = f->p->options.bucket, .limit = 10 };

	assert_int_equal(parts_list_uploads(&engine_ports(f->p->engine)->parts, &q, &f->a, &page, &f->why), OK);
	return page.n;
}

/* failures */

/* All steps with something armed: each that fails is tried again without. */
static int run_steps(struct sample *f, atomic_int *armed, int n)
{
	int failures = 0;

	atomic_store(armed, n);
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		if (steps[i](f) == OK)
			continue;
		atomic_store(armed, 0);
		assert_int_equal(f->why.code, F_STORAGE_FAILED);
		failures++;
		assert_int_equal(steps[i](f), OK);
	}
	return failures;
}

static void check_sample(struct sample *f)
{
	assert_true(sample_is_there(f));
	assert_false(has_object(f, STR("plain"), STR(""), STR("")));
	assert_int_equal(count_uploads(f), 0);
}

static int fail_at(struct fixture *p, atomic_int *armed, int n, size_t part_bytes)
{
	struct sample f;

	fixture_init(p);
	p->options.small_bytes = BUCKET_SMALL_BYTES;
	begin_sample(&f, p, part_bytes);
	fixture_open(p);
	int failures = run_steps(&f, armed, n);
	check_sample(&f);
	fixture_close(p);
	int left = atomic_exchange(armed, 0);
	fixture_open(p);
	check_sample(&f);
	fixture_check(p);
	arena_deinit(&f.a);
	fixture_deinit(p);
	return left > 0 ? -1 : failures;
}

static int set_up(void **state)
{
	static struct fixture fixture; /* each test makes its directories */

	*state = &fixture;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)('a' + i * 2654435761u % 26);
	return 0;
}

static int tear_down(void **state)
{
	atomic_store(&calls_left, 0);
	atomic_store(&memory_left, 0);
	kills = false;
	(void)state;
	return 0;
}

static void test_each_call_fails_in_turn_then_nothing_is_recorded_and_the_next_works(void **state)
{
	static const size_t sizes[] = { 1000, 20000 };
	struct fixture *p = *state;

	catch_calls();
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		int failures = 0, now = 0;
		for (int n = 1; now >= 0; n += i == 0 ? 3 : 1) { /* in the database there is less to fail */
			assert_true(n < CALLS_MAX);
			now = fail_at(p, &calls_left, n, sizes[i]);
			failures += now > 0;
		}
		assert_true(failures >= (int)COUNT_OF(steps));
	}
}

static void test_each_allocation_of_the_database_fails_in_turn_then_nothing_is_recorded(void **state)
{
	struct fixture *p = *state;
	int failures = 0;

	for (int n = 1; n < 300; n += n < 30 ? 1 : 11) {
		int now = fail_at(p, &memory_left, n, n % 2 == 0 ? 1000 : 20000);
		failures += now > 0;
	}
	assert_true(failures > 10);
}

/* death */

static void answered(int pipe_fd, unsigned n)
{
	if (write(pipe_fd, &n, sizeof n) != (ssize_t)sizeof n)
		_exit(3);
}

static void act(struct sample *f, int pipe_fd)
{
	if (engine_open(&f->p->options, &f->p->engine, &f->why) != OK)
		_exit(5);
	for (unsigned i = 0; i < COUNT_OF(steps); i++) {
		if (steps[i](f) != OK)
			_exit(4);
		answered(pipe_fd, i + 1);
	}
	engine_free(&f->p->engine); /* runs the publisher to its end */
	answered(pipe_fd, COUNT_OF(steps) + 1);
}

/* Run the steps in a child that dies at the n-th call; returns the last step that was answered. */
static unsigned die_at(struct sample *f, int n)
{
	int ends[2], status = 0;
	unsigned last = 0, step;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		kills = true;
		catch_calls();
		atomic_store(&calls_left, n);
		act(f, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	while (read(ends[0], &step, sizeof step) == (ssize_t)sizeof step)
		last = step;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return last;
}

/* One step more than was answered may have been done: the sample is there whole or its upload is, never both. */
static void check_after(struct sample *f, unsigned last)
{
	fixture_open(f->p);
	bool there = sample_is_there(f);
	if (last >= COMPLETED)
		assert_true(there);
	if (last + 1 < COMPLETED)
		assert_false(there);
	if (last >= 3 && last < COMPLETED)
		assert_int_equal(count_uploads(f), there ? 0 : 1);
	if (last >= COUNT_OF(steps) - 1)
		assert_int_equal(count_uploads(f), 0);
	fixture_check(f->p); /* at once, without waiting */
	fixture_deinit(f->p);
}

static void test_kill_at_any_call_then_what_was_confirmed_is_there_and_nothing_else(void **state)
{
	static const size_t sizes[] = { 1000, 20000 };
	struct fixture *p = *state;

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		unsigned last = 0;
		for (int n = 1; last <= COUNT_OF(steps); n += i == 0 ? 3 : 1) {
			struct sample f;
			assert_true(n < CALLS_MAX);
			fixture_init(p);
			p->options.small_bytes = BUCKET_SMALL_BYTES;
			begin_sample(&f, p, sizes[i]);
			last = die_at(&f, n);
			check_after(&f, last);
			arena_deinit(&f.a);
		}
	}
}

/* many */

struct many {
	struct write_completion wait;
	struct object_commit commit;
	sem_t *done;
};

static void count_down(struct write_completion *w, enum status status)
{
	assert(status == OK);
	sem_post(((struct many *)w)->done);
}

/* Not waited for one by one: they share their commits. */
static void put_many(struct sample *f, uint32_t n)
{
	struct many *all = arena_array(&f->a, n, sizeof *all);
	sem_t done;

	assert_non_null(all);
	sem_init(&done, 0, 0);
	for (uint32_t i = 0; i < n; i++) {
		struct incoming *in = NULL;
		struct str body = str_slice(STR("0123456789"), 0, 1 + (i + 1) % 10);
		all[i] = (struct many){ .wait.done = count_down,
			.done = &done,
			.commit = { .bucket = f->p->options.bucket, .key = KEY, .upload_id = f->id, .part_number = i + 1 } };
		assert_int_equal(bucket_begin(&engine_ports(f->p->engine)->buckets, body.n, &in, &f->why), OK);
		assert_int_equal(bucket_write(in, body.p, body.n, &f->why), OK);
		bucket_start_finish(&in, &all[i].commit, &all[i].wait);
	}
	for (uint32_t i = 0; i < n; i++)
		while (sem_wait(&done) != 0)
			continue;
	sem_destroy(&done);
}

static void test_ten_thousand_parts_then_listed_and_completed(void **state)
{
	struct fixture *p = *state;
	struct sample f;
	struct part_page page;
	struct object_info made;
	struct object_file file;

	fixture_init(p);
	p->options.small_bytes = BUCKET_SMALL_BYTES;
	begin_sample(&f, p, 1000);
	fixture_open(p);
	assert_int_equal(start_sample(&f), OK);
	put_many(&f, PART_NUMBER_MAX);
	assert_int_equal(parts_list(&engine_ports(p->engine)->parts, f.id, 0, PART_NUMBER_MAX, &f.a, &page, &f.why), OK);
	assert_int_equal(page.n, PART_NUMBER_MAX);
	assert_false(page.more);
	for (uint32_t i = 0; i < page.n; i++)
		assert_int_equal(page.parts[i].number, i + 1);
	const struct part_completion c = { .bucket = p->options.bucket,
		.key = KEY,
		.id = f.id,
		.parts = page.parts,
		.n_parts = page.n,
		.etag = STR(ETAG),
		.meta = { .parts = page.parts, .n_parts = page.n } };
	assert_int_equal(parts_complete(&engine_ports(p->engine)->parts, &c, &f.a, &made, &f.why), OK);
	assert_int_equal(made.size, 55000);
	assert_int_equal(bucket_open(&engine_ports(p->engine)->buckets, p->options.bucket, KEY, &f.a, &file, &f.why), OK);
	assert_int_equal(file.meta.n_parts, PART_NUMBER_MAX);
	object_file_close(&file);
	fixture_settles(p, 1);
	fixture_check(p);
	arena_deinit(&f.a);
	fixture_deinit(p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kill_at_any_call_then_what_was_confirmed_is_there_and_nothing_else),
		TEST(test_ten_thousand_parts_then_listed_and_completed),
		TEST(test_each_allocation_of_the_database_fails_in_turn_then_nothing_is_recorded),
		TEST(test_each_call_fails_in_turn_then_nothing_is_recorded_and_the_next_works),
	};

	/* in memory: this tests what a failing call leaves, and not durability */
	if (access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	catch_memory();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
