/* A process that dies at any system call of an upload, a deletion or a move: what was answered is whole
 * after the next start, what was not is whole or gone, and nothing else is left. A child runs the engine
 * with a table of system calls that kills it at the n-th; and another is killed from outside under load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "store/files/io.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAST_CALL_MAX 200

static int set_up(void **state)
{
	static struct fixture fixture; /* each test makes its directories */

	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	fixture_deinit(*state);
	return 0;
}

/* the table that kills */

static atomic_int calls_left;

static void count_call(void)
{
	if (atomic_fetch_sub(&calls_left, 1) == 1)
		(void)raise(SIGKILL);
}

static int killing_open(int dir, const char *name, int flags, mode_t mode)
{
	count_call();
	return local_io_system.open(dir, name, flags, mode);
}

static ssize_t killing_write(int fd, const void *p, size_t n)
{
	count_call();
	return local_io_system.write(fd, p, n);
}

static int killing_fdatasync(int fd)
{
	count_call();
	return local_io_system.fdatasync(fd);
}

static int killing_fsync(int fd)
{
	count_call();
	return local_io_system.fsync(fd);
}

static int killing_link(int from_dir, const char *from, int to_dir, const char *to)
{
	count_call();
	return local_io_system.link(from_dir, from, to_dir, to);
}

static int killing_unlink(int dir, const char *name)
{
	count_call();
	return local_io_system.unlink(dir, name);
}

static const struct local_io killing = {
	.open = killing_open,
	.write = killing_write,
	.fdatasync = killing_fdatasync,
	.fsync = killing_fsync,
	.link = killing_link,
	.unlink = killing_unlink,
	.statvfs = fstatvfs,
	.fallocate = fallocate,
};

/* Tell the parent that step n was answered. */
static void answered(int pipe_fd, unsigned n)
{
	if (write(pipe_fd, &n, sizeof n) != (ssize_t)sizeof n)
		_exit(3);
}

/* Two uploads, one deleted and one cut off: five answers. */
static void act(struct fixture *p, int pipe_fd)
{
	struct fault why;
	struct incoming *in = NULL;

	for (unsigned n = 1; n <= 2; n++) {
		if (fixture_insert(p, n, &why) != OK || fixture_upload(p, n, n == 1 ? STR("first") : STR("second"), &why) != OK)
			_exit(4);
		answered(pipe_fd, n);
	}
	if (bucket_begin(&engine_ports(p->engine)->buckets, 0, &in, &why) != OK || bucket_write(in, "cut off", 7, &why) != OK)
		_exit(4);
	answered(pipe_fd, 3);
	if (fixture_remove(p, 1, &why) != OK)
		_exit(4);
	answered(pipe_fd, 4);
	bucket_abandon(&in);
	engine_free(&p->engine); /* runs the publisher to its end */
	answered(pipe_fd, 5);
}

static unsigned last_answer(int fd)
{
	unsigned last = 0, n;

	while (read(fd, &n, sizeof n) == (ssize_t)sizeof n)
		last = n;
	return last;
}

/* Run `act` in a child that dies at the n-th call; returns the last step that was answered. */
static unsigned die_at(struct fixture *p, int n)
{
	int ends[2], status = 0;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		atomic_store(&calls_left, n);
		local_io = killing;
		struct fault why;
		if (engine_open(&p->options, &p->engine, &why) != OK)
			_exit(5);
		act(p, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	unsigned last = last_answer(ends[0]);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return last;
}

static void check_after(struct fixture *p, unsigned last)
{
	fixture_open(p);
	if (last >= 1 && last < 3)
		assert_true(fixture_has(p, 1, STR("first")));
	if (last >= 2)
		assert_true(fixture_has(p, 2, STR("second")));
	if (last >= 4)
		assert_int_equal(fixture_status(p, 1), -1);
	fixture_check(p); /* at once, without waiting */
	fixture_close(p);
}

static void test_kill_at_any_call_then_what_was_confirmed_is_there_and_nothing_else(void **state)
{
	struct fixture *p = *state;
	unsigned last = 0;
	int n = 0;

	while (last < 5) {
		n++;
		assert_true(n < LAST_CALL_MAX);
		fixture_init(p);
		last = die_at(p, n);
		check_after(p, last);
		if (last < 5)
			fixture_deinit(p);
	}
	/* Opening alone makes some; an upload open, write, two syncs, link, sync, unlink. */
	assert_true(n > 20);
}

/* killed from outside */

#define THREADS 4
#define BODY_BYTES 20000

struct load {
	struct fixture *p;
	int fd;
	unsigned first;
	pthread_t thread;
};

static char body[THREADS][BODY_BYTES];

static struct str body_of(unsigned n)
{
	struct str s = { body[n % THREADS], BODY_BYTES };
	return s;
}

static void *keep_busy(void *arg)
{
	struct load *l = arg;
	struct fault why;

	for (unsigned n = l->first;; n += THREADS) {
		if (fixture_insert(l->p, n, &why) != OK || fixture_upload(l->p, n, body_of(n), &why) != OK)
			_exit(4);
		answered(l->fd, n);
		if (n % 3 == 0 && fixture_remove(l->p, n, &why) != OK)
			_exit(4);
	}
}

static void run_load(struct fixture *p, int fd)
{
	struct load loads[THREADS];
	struct fault why;

	if (engine_open(&p->options, &p->engine, &why) != OK)
		_exit(5);
	for (unsigned i = 0; i < THREADS; i++) {
		loads[i] = (struct load){ .p = p, .fd = fd, .first = (unsigned)fixture_ask(p, "SELECT ifnull(max(n), 0) FROM images") * 8 + i };
		if (pthread_create(&loads[i].thread, NULL, keep_busy, &loads[i]) != 0)
			_exit(6);
	}
	pause();
}

/* Kill the child after so many answers, check each of them. */
static void kill_after(struct fixture *p, unsigned answers)
{
	unsigned got[512];
	int ends[2], status = 0;
	size_t n = 0;

	assert_true(answers < COUNT_OF(got) / 2);
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		run_load(p, ends[1]);
		_exit(7);
	}
	close(ends[1]);
	while (n < answers && read(ends[0], &got[n], sizeof got[n]) == (ssize_t)sizeof got[n])
		n++;
	assert_int_equal(kill(child, SIGKILL), 0);
	while (n < COUNT_OF(got) && read(ends[0], &got[n], sizeof got[n]) == (ssize_t)sizeof got[n])
		n++;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_true(n >= answers);
	fixture_open(p);
	for (size_t i = 0; i < n; i++)
		assert_true(got[i] % 3 == 0 || fixture_has(p, got[i], body_of(got[i])));
	fixture_check(p);
	fixture_close(p);
}

static void test_kill_under_load_then_every_answered_upload_is_whole(void **state)
{
	struct fixture *p = *state;

	for (unsigned i = 0; i < THREADS; i++)
		memset(body[i], 'a' + (int)i, BODY_BYTES);
	fixture_init(p);
	for (unsigned round = 1; round <= 8; round++)
		kill_after(p, 17 * round);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kill_at_any_call_then_what_was_confirmed_is_there_and_nothing_else, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kill_under_load_then_every_answered_upload_is_whole, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
