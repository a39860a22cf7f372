/* A full disk, and one below the reserve: a small tmpfs in a private mount namespace of this program. Without root
 * that needs a user namespace; where neither is allowed, the test fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DISK_BYTES (8u << 20)
#define RESERVE_BYTES (2u << 20)
#define BODY_BYTES 100000

static char body_bytes[BODY_BYTES];
static const struct str body = { body_bytes, BODY_BYTES };

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail_msg("cannot write %s: %s", path, strerror(errno));
	close(fd);
}

/* Mounts that are visible in this process only. Before the first thread. */
static int enter_namespace(void **state)
{
	char map[64];
	unsigned uid = geteuid(), gid = getegid();

	(void)state;
	if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0)
		fail_msg("this test needs a mount namespace (root, or user namespaces allowed): %s", strerror(errno));
	if (uid != 0) {
		(void)snprintf(map, sizeof map, "0 %u 1", uid);
		write_file("/proc/self/uid_map", map);
		write_file("/proc/self/setgroups", "deny");
		(void)snprintf(map, sizeof map, "0 %u 1", gid);
		write_file("/proc/self/gid_map", map);
	}
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		fail_msg("cannot make mounts private: %s", strerror(errno));
	return 0;
}

static int set_up(void **state)
{
	static struct fixture fixture;
	char options[64];

	fixture_init(&fixture);
	(void)snprintf(options, sizeof options, "size=%u,mode=0700", DISK_BYTES);
	if (mount("tmpfs", fixture.dir, "tmpfs", 0, options) != 0)
		fail_msg("cannot mount a tmpfs: %s", strerror(errno));
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *p = *state;

	fixture_close(p);
	assert_int_equal(umount2(p->dir, MNT_DETACH), 0);
	fixture_deinit(p);
	return 0;
}

/* Take room until `left` bytes are free. */
static void take_room(const struct fixture *p, uint64_t left)
{
	static char block[4096];
	struct statvfs fs;
	char path[128];

	(void)snprintf(path, sizeof path, "%s/filler", p->dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	for (;;) {
		assert_int_equal(fstatvfs(fd, &fs), 0);
		if (fs.f_bavail * fs.f_frsize <= left || write(fd, block, sizeof block) != (ssize_t)sizeof block)
			break;
	}
	close(fd);
}

static void give_room(const struct fixture *p)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/filler", p->dir);
	assert_int_equal(unlink(path), 0);
}

static void test_full_disk_then_refused_with_nothing_left_and_back_by_itself(void **state)
{
	struct fixture *p = *state;
	struct fault why;
	unsigned n = 10;

	fixture_open(p);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	assert_int_equal(fixture_insert(p, 2, &why), OK);
	assert_int_equal(fixture_upload(p, 1, body, &why), OK);
	fixture_settles(p, 1);
	take_room(p, 0);
	assert_int_equal(fixture_upload(p, 2, body, &why), BUSY);
	assert_int_equal(why.code, F_DISK_FULL);
	assert_int_equal(fixture_files(p, "incoming"), 0);
	assert_int_equal(fixture_status(p, 2), IMAGE_PENDING);
	/* Rows still find room in the log for a while. */
	while (fixture_insert(p, n, &why) == OK)
		n++;
	assert_int_equal(why.code, F_DISK_FULL);
	assert_int_equal(fixture_status(p, n), -1);
	assert_int_equal(engine_ready(p->engine, &why), BUSY);
	assert_int_equal(why.code, F_DISK_FULL);
	assert_true(fixture_has(p, 1, body));
	give_room(p);
	assert_int_equal(engine_ready(p->engine, &why), OK);
	assert_int_equal(fixture_insert(p, n, &why), OK);
	assert_int_equal(fixture_upload(p, 2, body, &why), OK);
	fixture_settles(p, 2);
	fixture_check(p);
}

static void test_body_that_fills_the_disk_then_cut_off_and_removed(void **state)
{
	struct fixture *p = *state;
	struct incoming *in = NULL;
	struct fault why;
	enum status status = OK;

	fixture_open(p);
	assert_int_equal(bucket_begin(&engine_ports(p->engine)->buckets, 0, &in, &why), OK);
	for (unsigned i = 0; i < DISK_BYTES / BODY_BYTES + 1 && status == OK; i++)
		status = bucket_write(in, body.p, body.n, &why);
	assert_int_equal(status, BUSY);
	assert_int_equal(why.code, F_DISK_FULL);
	bucket_abandon(&in);
	assert_int_equal(fixture_files(p, "incoming"), 0);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	assert_int_equal(fixture_upload(p, 1, body, &why), OK);
}

static void test_below_the_reserve_then_bodies_are_refused_and_deletes_work(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	p->options.reserve_bytes = RESERVE_BYTES;
	fixture_open(p);
	for (unsigned n = 1; n <= 3; n++)
		assert_int_equal(fixture_insert(p, n, &why), OK);
	assert_int_equal(fixture_upload(p, 1, body, &why), OK);
	assert_int_equal(fixture_upload(p, 2, body, &why), OK);
	fixture_settles(p, 2);
	take_room(p, RESERVE_BYTES - 4096);
	assert_int_equal(fixture_upload(p, 3, body, &why), BUSY);
	assert_int_equal(why.code, F_DISK_FULL);
	assert_int_equal(engine_ready(p->engine, &why), BUSY);
	assert_int_equal(fixture_insert(p, 4, &why), OK);
	assert_int_equal(fixture_remove(p, 1, &why), OK);
	assert_true(fixture_has(p, 2, body));
	fixture_settles(p, 1);
	give_room(p);
	assert_int_equal(fixture_upload(p, 3, body, &why), OK);
	assert_int_equal(engine_ready(p->engine, &why), OK);
}

static void test_last_of_the_reserve_then_no_new_rows_and_deletes_work(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	p->options.reserve_bytes = RESERVE_BYTES;
	fixture_open(p);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	take_room(p, RESERVE_BYTES / 4 - 4096);
	assert_int_equal(fixture_insert(p, 2, &why), BUSY);
	assert_int_equal(why.code, F_DISK_FULL);
	assert_int_equal(history_add(&engine_ports(p->engine)->history, &(struct history_point){ .minute = 1, .ms = 1 }, &why), BUSY);
	assert_int_equal(fixture_remove(p, 1, &why), OK);
	give_room(p);
	assert_int_equal(fixture_insert(p, 2, &why), OK);
}

/* Upload images of n bytes until one is refused. The number after the last that was taken. */
static unsigned fill_with(struct fixture *p, unsigned from, size_t n)
{
	struct fault why;

	while (fixture_insert(p, from, &why) == OK && fixture_upload(p, from, (struct str){ body_bytes, n }, &why) == OK)
		from++;
	assert_int_equal(why.code, F_DISK_FULL);
	return from;
}

static void remove_rows(struct fixture *p, unsigned from, unsigned to)
{
	struct fault why;

	for (unsigned n = from; n < to; n++)
		assert_int_equal(fixture_remove(p, n, &why), OK);
}

/* Upload image n once there is room for it, for which work that continues by itself may still be needed. */
static void upload_in_time(struct fixture *p, unsigned n, struct str bytes)
{
	struct fault why;
	enum status status = fixture_insert(p, n, &why);

	if (status != OK)
		fail_msg("insert %u: %s (%s)", n, why.text, why.cause);
	status = BUSY;
	for (int i = 0; i < 6000 && (status = fixture_upload(p, n, bytes, &why)) == BUSY; i++)
		usleep(10000);
	if (status != OK)
		fail_msg("%s (%s)", why.text, why.cause);
}

static void test_small_bodies_removed_then_their_space_is_returned(void **state)
{
	struct fixture *p = *state;

	p->options.reserve_bytes = RESERVE_BYTES;
	p->options.small_bytes = BUCKET_SMALL_BYTES;
	fixture_open(p);
	unsigned n = fill_with(p, 1, 16000);
	assert_true(n > 50);
	remove_rows(p, 1, n + (fixture_status(p, n) == IMAGE_PENDING));
	for (unsigned i = 1000; i < 1012; i++)
		upload_in_time(p, i, body);
	fixture_settles(p, 12);
	fixture_check(p);
}

static void test_small_bodies_removed_from_an_old_database_then_their_space_is_reused_and_compact_returns_it(void **state)
{
	struct fixture *p = *state;
	uint64_t before = 0, after = 0;
	struct fault why;

	p->options.reserve_bytes = RESERVE_BYTES;
	p->options.small_bytes = BUCKET_SMALL_BYTES;
	fixture_open(p);
	fixture_close(p);
	fixture_run(p, "PRAGMA auto_vacuum=NONE; VACUUM");
	assert_int_equal(fixture_ask(p, "PRAGMA auto_vacuum"), 0);
	fixture_open(p);
	unsigned n = fill_with(p, 1, 16000);
	remove_rows(p, 1, n + (fixture_status(p, n) == IMAGE_PENDING));
	for (unsigned i = 1000; i < 1100; i++) {
		if (i % 40 == 0 && i > 1000)
			remove_rows(p, i - 40, i);
		assert_int_equal(fixture_insert(p, i, &why), OK);
		assert_int_equal(fixture_upload(p, i, (struct str){ body_bytes, 16000 }, &why), OK);
	}
	remove_rows(p, 1080, 1099);
	assert_int_equal(engine_compact(p->engine, &before, &after, &why), OK);
	assert_true(after < before / 2);
	fixture_close(p);
	assert_int_equal(fixture_ask(p, "PRAGMA auto_vacuum"), 2);
	fixture_open(p);
	assert_true(fixture_has(p, 1099, (struct str){ body_bytes, 16000 }));
	for (unsigned i = 2000; i < 2030; i++)
		upload_in_time(p, i, body);
	fixture_settles(p, 30);
	fixture_check(p);
}

/* Nothing is left to be released: the file that fills the disk takes that space too. */
static void test_disk_filled_by_other_programs_then_everything_can_be_deleted(void **state)
{
	struct fixture *p = *state;
	struct fault why;
	unsigned small = 300, n = small + 20;

	p->options.small_bytes = BUCKET_SMALL_BYTES;
	fixture_open(p);
	for (unsigned i = 1; i < n; i++) {
		assert_int_equal(fixture_insert(p, i, &why), OK);
		assert_int_equal(fixture_upload(p, i, i < small ? STR("hello") : body, &why), OK);
	}
	fixture_settles(p, 20);
	for (unsigned i = n; i-- > 1;) {
		take_room(p, 0);
		assert_int_equal(fixture_remove(p, i, &why), OK);
	}
	give_room(p);
	fixture_settles(p, 0);
	fixture_check(p);
}

static void test_start_on_a_full_disk_then_deletes_free_space(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	fixture_open(p);
	for (unsigned i = 1; i < 30; i++) {
		assert_int_equal(fixture_insert(p, i, &why), OK);
		assert_int_equal(fixture_upload(p, i, body, &why), OK);
	}
	fixture_settles(p, 29);
	fixture_close(p);
	take_room(p, 0);
	fixture_open(p);
	assert_true(fixture_has(p, 1, body));
	remove_rows(p, 1, 30);
	fixture_settles(p, 0);
	upload_in_time(p, 100, body);
	fixture_settles(p, 1);
	fixture_check(p);
}

static bool has_ballast(const struct fixture *p)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/ballast", p->dir);
	return access(path, F_OK) == 0;
}

/* The engine does not start, for lack of room; the MiB that it asks for. */
static unsigned needed_mib(struct fixture *p)
{
	struct engine *e = NULL;
	struct fault why;
	char dir[64] = "";
	unsigned mib = 0;

	assert_int_equal(engine_open(&p->options, &e, &why), BUSY);
	assert_null(e);
	assert_int_equal(why.code, F_DISK_FULL);
	assert_int_equal(sscanf(why.text, "The disk that holds %63s is full: free at least %u MiB there and start again.", dir, &mib), 2);
	assert_string_equal(dir, p->dir);
	assert_string_equal(why.cause, "");
	return mib;
}

static void test_first_start_on_a_full_disk_then_an_error_message(void **state)
{
	struct fixture *p = *state;

	take_room(p, 0);
	(void)needed_mib(p);
	give_room(p);
	fixture_open(p);
}

static void test_second_start_on_a_disk_that_was_filled_again_then_an_error_message_and_with_that_space_it_starts(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	p->options.reserve_bytes = RESERVE_BYTES;
	fixture_open(p);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	assert_int_equal(fixture_upload(p, 1, body, &why), OK);
	fixture_settles(p, 1);
	assert_true(has_ballast(p));
	fixture_close(p);
	take_room(p, 0);
	fixture_open(p);
	assert_true(fixture_has(p, 1, body));
	fixture_close(p);
	assert_false(has_ballast(p));
	take_room(p, 0);
	unsigned mib = needed_mib(p);
	give_room(p);
	take_room(p, (uint64_t)mib << 20);
	fixture_open(p);
	assert_true(fixture_has(p, 1, body));
	assert_int_equal(fixture_remove(p, 1, &why), OK);
	fixture_settles(p, 0);
	give_room(p);
	upload_in_time(p, 2, body); /* a commit: the ballast is made after it */
	wait_until(has_ballast(p));
	fixture_settles(p, 1);
	fixture_check(p);
}

static void test_disk_that_never_has_more_than_the_reserve_then_there_is_a_ballast(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	p->options.reserve_bytes = (uint64_t)2 * DISK_BYTES;
	take_room(p, DISK_BYTES / 2);
	fixture_open(p);
	assert_false(has_ballast(p)); /* new rows need what is left */
	assert_int_equal(fixture_insert(p, 1, &why), BUSY);
	give_room(p);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	wait_until(has_ballast(p));
	assert_int_equal(fixture_upload(p, 1, body, &why), BUSY);
	fixture_close(p);
	take_room(p, 0);
	fixture_open(p);
	assert_false(has_ballast(p));
	assert_int_equal(fixture_remove(p, 1, &why), OK);
	fixture_check(p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_full_disk_then_refused_with_nothing_left_and_back_by_itself),
		TEST(test_body_that_fills_the_disk_then_cut_off_and_removed),
		TEST(test_below_the_reserve_then_bodies_are_refused_and_deletes_work),
		TEST(test_last_of_the_reserve_then_no_new_rows_and_deletes_work),
		TEST(test_small_bodies_removed_then_their_space_is_returned),
		TEST(test_small_bodies_removed_from_an_old_database_then_their_space_is_reused_and_compact_returns_it),
		TEST(test_disk_filled_by_other_programs_then_everything_can_be_deleted),
		TEST(test_start_on_a_full_disk_then_deletes_free_space),
		TEST(test_first_start_on_a_full_disk_then_an_error_message),
		TEST(test_second_start_on_a_disk_that_was_filled_again_then_an_error_message_and_with_that_space_it_starts),
		TEST(test_disk_that_never_has_more_than_the_reserve_then_there_is_a_ballast),
	};

	for (size_t i = 0; i < BODY_BYTES; i++)
		body_bytes[i] = (char)(i * 31);
	return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
