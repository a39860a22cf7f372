/* Opening and closing: the directory's lock and state, the database's version, what a start finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "base/metrics.h"
#include "fake/rows.h"
#include "store/db/schema.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The engine does not open, with this code and these words. */
static void assert_refused(struct fixture *p, enum fault_code code, const char *words)
{
	struct engine *e = NULL;
	struct fault why = { 0 };

	assert_int_equal(engine_open(&p->options, &e, &why), fault_status(code));
	assert_int_equal(why.code, code);
	if (strstr(why.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why.text, words);
	assert_null(e);
}

static mode_t mode_of(const struct fixture *p, const char *name)
{
	char path[128];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/%s", p->dir, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void test_open_when_the_directory_is_missing_then_made_private(void **state)
{
	static const char *const private_files[] = { "credentials", "lock", "tintype.db", "tintype.db-wal", "tintype.db-shm" };
	struct fixture *p = *state;

	assert_int_equal(rmdir(p->dir), 0);
	fixture_open(p);
	assert_int_equal(mode_of(p, "."), 0700);
	assert_int_equal(mode_of(p, "incoming"), 0700);
	assert_int_equal(mode_of(p, "objects"), 0700);
	for (size_t i = 0; i < COUNT_OF(private_files); i++)
		assert_int_equal(mode_of(p, private_files[i]), 0600);
}

static void test_open_when_another_process_has_it_then_locked_and_nothing_changed(void **state)
{
	struct fixture *p = *state;

	fixture_open(p);
	fixture_write(p, "incoming/0000000000abcdef", "in flight", 0600);
	assert_refused(p, F_DIR_LOCKED, "Another tintype server uses this data directory; stop it or choose another with --data.");
	assert_int_equal(fixture_files(p, "incoming"), 1);
	fixture_close(p);
	fixture_open(p);
	assert_int_equal(fixture_files(p, "incoming"), 0);
}

static void test_open_when_the_path_is_a_file_then_reported(void **state)
{
	struct fixture *p = *state;
	char path[128];

	fixture_write(p, "file", "", 0600);
	(void)snprintf(path, sizeof path, "%s/file", p->dir);
	p->options.dir = path;
	assert_refused(p, F_STORAGE_FAILED, "Not a directory");
	p->options.dir = "/nowhere/at/all";
	assert_refused(p, F_STORAGE_FAILED, "Cannot make the data directory /nowhere/at/all: No such file or directory.");
}

static void test_open_when_others_may_write_then_refused(void **state)
{
	struct fixture *p = *state;

	assert_int_equal(chmod(p->dir, 0777), 0);
	assert_refused(p, F_STORAGE_FAILED, "can be written by others; run chmod go-w on it, or choose another with --data");
	assert_int_equal(mode_of(p, "."), 0777);
}

static void test_open_when_a_part_is_a_symlink_then_refused(void **state)
{
	struct fixture *p = *state;
	char path[128];

	(void)snprintf(path, sizeof path, "%s/incoming", p->dir);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_refused(p, F_STORAGE_FAILED, "Cannot open the directory incoming");
}

static void test_reopen_then_keys_and_rows_are_the_same(void **state)
{
	struct fixture *p = *state;
	struct fault why;
	char id[KEY_ID_MAX + 1];

	fixture_open(p);
	(void)snprintf(id, sizeof id, "%s", p->engine->keys.slots->id);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	assert_int_equal(fixture_insert(p, 2, &why), OK);
	assert_int_equal(fixture_upload(p, 1, STR("hello"), &why), OK);
	fixture_close(p);
	fixture_check(p);
	fixture_open(p);
	assert_string_equal(p->engine->keys.slots->id, id);
	assert_true(fixture_has(p, 1, STR("hello")));
	assert_int_equal(fixture_status(p, 2), IMAGE_PENDING);
}

static void test_open_when_the_schema_is_newer_then_unknown(void **state)
{
	struct fixture *p = *state;

	fixture_open(p);
	fixture_close(p);
	(void)fixture_ask(p, "PRAGMA user_version=1000");
	assert_refused(p, F_SCHEMA_UNKNOWN, "was written by a newer tintype (version 1000, this one knows ");
}

static void test_open_when_the_database_is_of_another_program_then_unknown(void **state)
{
	struct fixture *p = *state;

	fixture_write(p, "tintype.db", "", 0600);
	(void)fixture_ask(p, "CREATE TABLE t(a)");
	assert_refused(p, F_SCHEMA_UNKNOWN, "is not a tintype database");
}

static void test_open_when_the_database_is_garbage_then_reported(void **state)
{
	struct fixture *p = *state;

	fixture_write(p, "tintype.db",
		"this is no database, only a long line of text that is as long as the head of one, which "
		"has a hundred bytes",
		0600);
	assert_refused(p, F_STORAGE_FAILED, "file is not a database");
}

static void test_open_after_a_crash_then_incoming_is_moved_or_removed(void **state)
{
	struct fixture *p = *state;
	struct fault why;
	char from[160], to[160];

	fixture_open(p);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	assert_int_equal(fixture_upload(p, 1, STR("hello"), &why), OK);
	fixture_settles(p, 1);
	uint64_t file = (uint64_t)fixture_ask(p, "SELECT file FROM objects");
	fixture_close(p);
	(void)snprintf(from, sizeof from, "%s/objects/%06llx/%016llx", p->dir, (unsigned long long)file / 4096, (unsigned long long)file);
	(void)snprintf(to, sizeof to, "%s/incoming/%016llx", p->dir, (unsigned long long)file);
	assert_int_equal(rename(from, to), 0);
	fixture_write(p, "incoming/00000000000000ff", "no row", 0600);
	fixture_write(p, "incoming/stray", "no name of ours", 0600);
	fixture_open(p);
	fixture_check(p);
	assert_true(fixture_has(p, 1, STR("hello")));
	/* A crash between the new name and the end of the old one. */
	fixture_close(p);
	assert_int_equal(link(from, to), 0);
	fixture_open(p);
	fixture_check(p);
	assert_true(fixture_has(p, 1, STR("hello")));
}

static void test_open_after_a_crash_then_the_trash_is_emptied(void **state)
{
	struct fixture *p = *state;

	fixture_open(p);
	fixture_close(p);
	char path[128];
	(void)snprintf(path, sizeof path, "%s/objects/000000", p->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	fixture_write(p, "objects/000000/0000000000000005", "deleted", 0600);
	(void)fixture_ask(p, "INSERT INTO trash VALUES(5)");
	(void)fixture_ask(p, "INSERT INTO trash VALUES(6)");
	fixture_open(p);
	fixture_check(p);
}

static void test_a_new_file_after_a_restart_then_no_number_is_reused(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	for (unsigned n = 1; n <= 5; n++) {
		fixture_open(p);
		assert_int_equal(fixture_insert(p, n, &why), OK);
		assert_int_equal(fixture_upload(p, n, STR("hello"), &why), OK);
		assert_int_equal(fixture_remove(p, n, &why), OK);
		assert_int_equal(fixture_insert(p, n, &why), OK);
		assert_int_equal(fixture_upload(p, n, STR("other"), &why), OK);
		fixture_close(p);
		fixture_check(p);
	}
	assert_int_equal(fixture_ask(p, "SELECT count(DISTINCT file) FROM objects"), 5);
	assert_int_equal(fixture_ask(p, "SELECT next_file FROM tally"), 11);
}

static void test_ready_then_as_a_write_would_be_accepted_or_not(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	fixture_open(p);
	assert_int_equal(engine_ready(p->engine, &why), OK);
	fixture_close(p);
	p->options.reserve_bytes = (uint64_t)1 << 60;
	fixture_open(p);
	assert_int_equal(engine_ready(p->engine, &why), BUSY);
	assert_int_equal(why.code, F_DISK_FULL);
}

static void test_reserve_then_bodies_are_refused_and_everything_else_works(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	fixture_open(p);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	assert_int_equal(fixture_upload(p, 1, STR("hello"), &why), OK);
	fixture_close(p);
	p->options.reserve_bytes = (uint64_t)1 << 60;
	fixture_open(p);
	assert_int_equal(fixture_insert(p, 2, &why), OK);
	assert_int_equal(fixture_upload(p, 2, STR("hello"), &why), BUSY);
	assert_int_equal(why.code, F_DISK_FULL);
	assert_true(fixture_has(p, 1, STR("hello")));
	assert_int_equal(fixture_remove(p, 1, &why), OK);
	fixture_settles(p, 0);
	fixture_close(p);
	p->options.reserve_bytes = 0;
	fixture_open(p);
	assert_int_equal(fixture_upload(p, 2, STR("hello"), &why), OK);
}

static void test_announced_bytes_then_no_space_is_reserved_until_they_arrive(void **state)
{
	struct fixture *p = *state;
	struct incoming *first = NULL, *second = NULL;
	struct statvfs fs;
	struct fault why;

	fixture_open(p);
	assert_int_equal(statvfs(p->dir, &fs), 0);
	uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
	struct bucket_store *b = &engine_ports(p->engine)->buckets;
	assert_int_equal(bucket_begin(b, room / 3 * 2, &first, &why), OK);
	assert_int_equal(bucket_begin(b, room / 3 * 2, &second, &why), OK);
	assert_int_equal(bucket_write(second, "x", 1, &why), OK);
	assert_int_equal(p->engine->space.promised_bytes, 0);
	bucket_abandon(&first);
	bucket_abandon(&second);
	assert_int_equal(bucket_begin(b, 2 * room, &first, &why), BUSY);
	assert_int_equal(why.code, F_DISK_FULL);
	p->options.small_bytes = BUCKET_SMALL_BYTES;
	fixture_close(p);
	fixture_open(p);
	b = &engine_ports(p->engine)->buckets;
	assert_int_equal(bucket_begin(b, 100, &first, &why), OK);
	assert_int_equal(bucket_write(first, "hello", 5, &why), OK);
	assert_int_equal(p->engine->space.promised_bytes, 5);
	bucket_abandon(&first);
	assert_int_equal(p->engine->space.promised_bytes, 0);
}

/* Another user's, whichever user runs this. */
static void refuse_owner(struct fixture *p, const char *name, const char *sentence)
{
	struct engine *e = NULL;
	struct fault why;
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", p->dir, name);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(engine_open(&p->options, &e, &why), IO);
	assert_non_null(strstr(why.text, sentence));
	assert_int_equal(chown(path, geteuid(), getegid()), 0);
}

static void refuse_writable(struct fixture *p, const char *name)
{
	struct engine *e = NULL;
	struct fault why;
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", p->dir, name);
	assert_int_equal(chmod(path, 0722), 0);
	assert_int_equal(engine_open(&p->options, &e, &why), IO);
	assert_non_null(strstr(why.text, "can be written by others"));
	assert_int_equal(chmod(path, 0700), 0);
}

static void test_data_of_another_user_or_writable_by_others_then_refused(void **state)
{
	static const char *const names[] = { "", "incoming", "objects", "tintype.db", "credentials" };
	struct fixture *p = *state;
	struct engine *e = NULL;
	struct fault why;

	fixture_open(p);
	fixture_close(p);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		refuse_writable(p, names[i]);
		if (geteuid() == 0)
			refuse_owner(p, names[i], "belongs to another user");
	}
	if (geteuid() != 0) {
		p->options.dir = "/usr";
		assert_int_equal(engine_open(&p->options, &e, &why), IO);
		assert_non_null(strstr(why.text, "belongs to another user"));
		p->options.dir = p->dir;
	}
}

static void test_expired_slots_then_removed_in_one_commit_and_block_no_insert(void **state)
{
	struct fixture *p = *state;
	struct image_counts removed;
	struct fault why;

	p->options.max_pending = 600;
	fixture_open(p);
	for (unsigned n = 1; n <= 600; n++)
		assert_int_equal(fixture_insert(p, n, &why), OK);
	assert_int_equal(fixture_insert(p, 601, &why), BUSY);
	assert_int_equal(why.code, F_SLOTS_FULL);
	/* Row n is made at so many milliseconds: this one comes when the others have expired. */
	assert_int_equal(fixture_insert(p, 4000000, &why), OK);
	int64_t before = metric_get(M_COMMITS);
	assert_int_equal(table_remove_due(&engine_ports(p->engine)->table, 1700000000000 + 3900000 + 601, &removed, &why), OK);
	assert_int_equal(metric_get(M_COMMITS), before + 1);
	assert_int_equal(removed.pending, 600 - TABLE_DUE_MAX);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM images"), 1);
	fixture_check(p);
}

static void test_find_key_then_only_those_of_the_file(void **state)
{
	struct fixture *p = *state;

	fixture_write(p, "credentials",
		"# ours\n[other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n"
		"[tintype]\naws_access_key_id=AKIAOWNER\naws_secret_access_key=owner/secret+\n\n"
		"[slots]\r\naws_access_key_id = AKIASLOTS\r\naws_secret_access_key = slots\r\n",
		0600);
	fixture_open(p);
	struct key_ring *r = engine_ports(p->engine)->ring;
	assert_string_equal(key_find(r, STR("AKIAOWNER"))->secret, "owner/secret+");
	assert_int_equal(key_find(r, STR("AKIAOWNER"))->power, KEY_OWNER);
	assert_string_equal(key_find(r, STR("AKIASLOTS"))->secret, "slots");
	assert_int_equal(key_find(r, STR("AKIASLOTS"))->power, KEY_SLOTS);
	assert_int_equal(key_find(r, STR("AKIAOTHER"))->power, KEY_USER);
	assert_string_equal(key_find(r, STR("AKIAOTHER"))->user, "other");
	assert_null(key_find(r, STR("AKIANOBODY")));
	assert_null(key_find(r, STR("")));
}

static void test_public_url_then_urls_begin_with_it(void **state)
{
	struct fixture *p = *state;
	struct arena a;
	struct fault why;
	struct presigned out;
	struct presign_request r = { .method = STR("GET"), .key = STR("images/a b.jpg"), .now_ms = 1700000000000, .expires_s = 300 };

	p->options.public_url = STR("");
	fixture_open(p);
	arena_init(&a, 1 << 16);
	assert_int_equal(store_presign(&engine_ports(p->engine)->store, &r, &a, &out, &why), IO);
	fixture_close(p);
	p->options.public_url = STR("https://pictures.example");
	fixture_open(p);
	assert_int_equal(store_presign(&engine_ports(p->engine)->store, &r, &a, &out, &why), OK);
	assert_true(str_equal(out.address, STR("https://pictures.example/image-uploads/images/a%20b.jpg")));
	assert_true(str_starts_with(out.url, STR("https://pictures.example/image-uploads/images/a%20b.jpg?")));
	assert_true(str_find(out.url, str_of(p->engine->keys.slots->id)) < out.url.n);
	assert_true(str_find(out.url, str_of(p->engine->keys.slots->secret)) == out.url.n);
	assert_int_equal(out.expires_ms, 1700000300000);
	r.now_ms += 999; /* the signature knows whole seconds alone */
	assert_int_equal(store_presign(&engine_ports(p->engine)->store, &r, &a, &out, &why), OK);
	assert_int_equal(out.expires_ms, 1700000300000);
	arena_deinit(&a);
}

static void test_open_under_another_bucket_when_there_are_images_then_refused(void **state)
{
	struct fixture *p = *state;
	struct fault why = { 0 };

	fixture_open(p);
	fixture_close(p);
	p->options.bucket = STR("another");
	fixture_open(p); /* without images the name is free to choose */
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	fixture_close(p);
	p->options.bucket = STR("a-third");
	assert_refused(p, F_BAD_SETTING, "set BUCKET_NAME=");
}

static void test_free_of_nothing_then_nothing(void **state)
{
	struct engine *e = NULL;

	(void)state;
	engine_free(&e);
	assert_null(e);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open_when_the_directory_is_missing_then_made_private),
		TEST(test_open_when_another_process_has_it_then_locked_and_nothing_changed),
		TEST(test_open_when_the_path_is_a_file_then_reported),
		TEST(test_open_when_others_may_write_then_refused),
		TEST(test_open_when_a_part_is_a_symlink_then_refused),
		TEST(test_reopen_then_keys_and_rows_are_the_same),
		TEST(test_open_when_the_schema_is_newer_then_unknown),
		TEST(test_open_when_the_database_is_of_another_program_then_unknown),
		TEST(test_open_when_the_database_is_garbage_then_reported),
		TEST(test_open_after_a_crash_then_incoming_is_moved_or_removed),
		TEST(test_open_after_a_crash_then_the_trash_is_emptied),
		TEST(test_a_new_file_after_a_restart_then_no_number_is_reused),
		TEST(test_ready_then_as_a_write_would_be_accepted_or_not),
		TEST(test_reserve_then_bodies_are_refused_and_everything_else_works),
		TEST(test_announced_bytes_then_no_space_is_reserved_until_they_arrive),
		TEST(test_data_of_another_user_or_writable_by_others_then_refused),
		TEST(test_expired_slots_then_removed_in_one_commit_and_block_no_insert),
		TEST(test_find_key_then_only_those_of_the_file),
		TEST(test_public_url_then_urls_begin_with_it),
		TEST(test_open_under_another_bucket_when_there_are_images_then_refused),
		TEST(test_free_of_nothing_then_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
