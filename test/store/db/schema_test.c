/* From version to version: a database as version 1 left it is brought up to this one with everything in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "fake/rows.h"
#include "store/db/schema.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What version 1 made, to the letter. */
static const char version_1[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE buckets(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL);"
	"CREATE TABLE images(n INTEGER PRIMARY KEY, id BLOB NOT NULL, status INTEGER NOT NULL, seq INTEGER,"
	" owner TEXT NOT NULL, key TEXT NOT NULL, file_name TEXT NOT NULL, file_type TEXT NOT NULL,"
	" file_size INTEGER NOT NULL, etag TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,"
	" orientation INTEGER NOT NULL, frames INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" expires_ms INTEGER NOT NULL, uploaded_ms INTEGER NOT NULL, ends_ms INTEGER NOT NULL,"
	" reason TEXT NOT NULL, delete_hash TEXT NOT NULL);"
	"CREATE UNIQUE INDEX images_id ON images(id);"
	"CREATE UNIQUE INDEX images_seq ON images(seq) WHERE seq IS NOT NULL;"
	"CREATE INDEX images_ends ON images(ends_ms) WHERE ends_ms <> 0;"
	"CREATE TABLE objects(bucket INTEGER NOT NULL, key TEXT NOT NULL, file INTEGER NOT NULL, size INTEGER NOT NULL,"
	" etag TEXT NOT NULL, content_type TEXT NOT NULL, modified_ms INTEGER NOT NULL,"
	" PRIMARY KEY(bucket, key)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX objects_file ON objects(file);"
	"CREATE TABLE trash(file INTEGER PRIMARY KEY);"
	"CREATE TABLE tally(one INTEGER PRIMARY KEY CHECK(one = 1), pending INTEGER NOT NULL, uploaded INTEGER NOT NULL,"
	" rejected INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, next_seq INTEGER NOT NULL, next_file INTEGER NOT NULL);"
	"INSERT INTO tally VALUES(1, 0, 0, 0, 0, 1, 1);"
	"PRAGMA user_version=1;"
	"COMMIT;"
	/* and what it held: an uploaded image and a pending one, an object of no image, a file that is to go */
	"INSERT INTO buckets VALUES(1, 'image-uploads', 1700000000000);"
	"INSERT INTO images SELECT 1, x'%.*s', 1, 1, '', '%.*s', 'a.jpg', 'image/jpeg', 5, '5d41402abc4b2a76b9719d911017c592', 1, 1, 1, 1,"
	" 1700000000000, 1700000300000, 1700000001000, 0, '', 'hash';"
	"INSERT INTO images SELECT 2, x'%.*s', 0, NULL, '', '%.*s', 'b.jpg', 'image/jpeg', 0, '', 0, 0, 0, 0,"
	" 1700000000000, 1700000300000, 0, 1900000000000, '', 'hash';"
	"INSERT INTO objects VALUES(1, '%.*s', 1, 5, '5d41402abc4b2a76b9719d911017c592', 'image/jpeg', 1700000001000);"
	"INSERT INTO objects VALUES(1, 'plain/\xC3\xA9', 2, 6, '06d80eb0c50b49a509b49f2424e8c805', 'text/plain', 1700000002000);"
	"INSERT INTO trash VALUES(3);"
	"UPDATE tally SET pending=1, uploaded=1, stored_bytes=5, next_seq=2, next_file=4;";

static void run_sql(const struct fixture *p, const char *sql)
{
	char path[128];
	sqlite3 *sq;
	char *text = NULL;

	(void)snprintf(path, sizeof path, "%s/tintype.db", p->dir);
	assert_int_equal(sqlite3_open(path, &sq), SQLITE_OK);
	if (sqlite3_exec(sq, sql, NULL, NULL, &text) != SQLITE_OK)
		fail_msg("%s", text);
	sqlite3_close(sq);
}

/* A UUID without its dashes. */
static struct str bare(struct arena *a, struct str id)
{
	char *p = arena_alloc(a, id.n);
	size_t n = 0;

	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] != '-')
			p[n++] = id.p[i];
	return (struct str){ p, n };
}

static void make_version_1(const struct fixture *p)
{
	static char sql[8192];
	char path[128];
	struct arena a;

	arena_init(&a, 1 << 16);
	struct image_row one = row_pending(&a, 1), two = row_pending(&a, 2);
	struct str id_1 = bare(&a, one.image_id), id_2 = bare(&a, two.image_id);
	int n = snprintf(sql, sizeof sql, version_1, STRF(id_1), STRF(one.key), STRF(id_2), STRF(two.key), STRF(one.key));
	assert_true(n > 0 && (size_t)n < sizeof sql);
	arena_deinit(&a);
	fixture_write(p, "tintype.db", "", 0600);
	run_sql(p, sql);
	static const char *const dirs[] = { "incoming", "objects", "objects/000000" };
	for (size_t i = 0; i < COUNT_OF(dirs); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", p->dir, dirs[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	fixture_write(p, "objects/000000/0000000000000001", "hello", 0600);
	fixture_write(p, "incoming/0000000000000002", "world!", 0600);
	fixture_write(p, "objects/000000/0000000000000003", "gone", 0600);
}

static void expect_all(struct fixture *p)
{
	struct arena a;
	struct fault why;
	struct object o;
	struct bucket_info bucket;
	struct object_file f;
	struct image_counts counts;

	arena_init(&a, 1 << 20);
	assert_true(fixture_has(p, 1, STR("hello")));
	assert_int_equal(fixture_status(p, 2), IMAGE_PENDING);
	assert_int_equal(store_get(&engine_ports(p->engine)->store, STR("plain/\xC3\xA9"), 100, &a, &o, &why), OK);
	assert_true(str_equal(o.body, STR("world!")));
	assert_int_equal(o.info.modified_ms, 1700000002000);
	assert_int_equal(bucket_open(&engine_ports(p->engine)->buckets, p->options.bucket, STR("plain/\xC3\xA9"), &a, &f, &why), OK);
	assert_int_equal(f.meta.n_headers + f.meta.n_parts, 0);
	assert_int_equal(f.meta.checksum.kind, CHECKSUM_NONE);
	object_file_close(&f);
	assert_int_equal(catalog_info(&engine_ports(p->engine)->catalog, p->options.bucket, &a, &bucket, &why), OK);
	assert_true(str_equal(bucket.owner, STR(SCHEMA_OWNER)));
	assert_int_equal(bucket.created_ms, 1700000000000);
	assert_int_equal(bucket.cors.n, 0);
	assert_int_equal(table_counts(&engine_ports(p->engine)->table, &counts, &why), OK);
	assert_int_equal(counts.uploaded, 1);
	assert_int_equal(counts.pending, 1);
	arena_deinit(&a);
}

static void test_open_of_version_1_then_everything_is_kept(void **state)
{
	struct fixture *p = *state;

	make_version_1(p);
	p->options.small_bytes = BUCKET_SMALL_BYTES;
	for (unsigned round = 0; round < 2; round++) {
		fixture_open(p);
		expect_all(p);
		fixture_settles(p, 2);
		fixture_check(p);
		fixture_close(p);
		assert_int_equal(fixture_ask(p, "PRAGMA user_version"), SCHEMA_VERSION);
	}
}

static void test_use_of_an_upgraded_database_then_as_of_any(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	make_version_1(p);
	p->options.small_bytes = BUCKET_SMALL_BYTES;
	fixture_open(p);
	assert_int_equal(fixture_upload(p, 2, STR("second"), &why), OK);
	assert_int_equal(fixture_remove(p, 1, &why), OK);
	assert_true(fixture_has(p, 2, STR("second")));
	fixture_settles(p, 1);
	fixture_check(p);
}

static long long shape(const struct fixture *p)
{
	return fixture_ask(p, "SELECT sum(length(sql)) FROM sqlite_schema");
}

static void test_delivery_key_then_random_and_kept(void **state)
{
	struct fixture *p = *state;
	char first[SCHEMA_SECRET_CHARS + 1] = "";

	for (unsigned round = 0; round < 3; round++) {
		if (round == 2) {
			fixture_deinit(p);
			fixture_init(p);
			make_version_1(p);
		}
		fixture_open(p);
		struct str key = engine_delivery_key(p->engine);
		assert_int_equal(key.n, SCHEMA_SECRET_CHARS);
		if (round > 0)
			assert_int_equal(str_equal(key, str_of(first)), round == 1);
		memcpy(first, key.p, key.n);
		fixture_close(p);
	}
}

static void test_new_database_then_the_same_as_an_upgraded_one(void **state)
{
	struct fixture *p = *state;

	fixture_open(p);
	fixture_close(p);
	long long fresh = shape(p);
	fixture_deinit(p);
	fixture_init(p);
	make_version_1(p);
	fixture_open(p);
	fixture_close(p);
	assert_int_equal(shape(p), fresh);
}

static void test_step_that_fails_then_the_old_version_is_untouched(void **state)
{
	struct fixture *p = *state;
	struct engine *e = NULL;
	struct fault why = { 0 };

	make_version_1(p);
	run_sql(p, "CREATE TABLE parts(in_the_way)");
	assert_int_equal(engine_open(&p->options, &e, &why), IO);
	assert_int_equal(fixture_ask(p, "PRAGMA user_version"), 1);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM pragma_table_info('buckets')"), 3);
	run_sql(p, "DROP TABLE parts");
	fixture_open(p);
	expect_all(p);
}

/* What version 6, of the release before, had: without what came after it, and no image had an owner. */
static const char to_version_6[] =
	"DROP INDEX images_unowned; DROP INDEX images_owner; DROP INDEX images_received; DROP TABLE users; DROP TABLE kept_ids; DROP TABLE api_keys; DROP TABLE outbox;"
	"DROP TABLE webhook; DROP TABLE migration; DROP TABLE history; UPDATE images SET owner='';"
	"ALTER TABLE images DROP COLUMN version; ALTER TABLE images DROP COLUMN issuer; ALTER TABLE images DROP COLUMN subject;"
	"ALTER TABLE images DROP COLUMN max_bytes; ALTER TABLE images DROP COLUMN metadata; ALTER TABLE images DROP COLUMN request_hash;"
	"ALTER TABLE images RENAME COLUMN kept_metadata TO metadata; PRAGMA user_version=6;";

static struct image_row row_of(struct fixture *p, struct arena *a, unsigned n)
{
	struct image_row row = { 0 };
	struct fault why;

	assert_int_equal(table_get(&engine_ports(p->engine)->table, row_id(a, n), a, &row, &why), OK);
	return row;
}

static void test_open_of_version_6_then_rows_are_nobodys_with_what_was_kept_of_their_metadata(void **state)
{
	struct fixture *p = *state;
	struct arena a;
	struct fault why;
	struct image_row before[4], now;
	struct image_page page;

	arena_init(&a, 1 << 20);
	fixture_open(p);
	for (unsigned n = 1; n <= 3; n++)
		assert_int_equal(fixture_insert(p, n, &why), OK);
	for (unsigned n = 1; n <= 2; n++) {
		struct resolution verdict = row_verdict(&a, n, 5000, n == 1 ? STR("") : STR("no image"));
		assert_int_equal(table_resolve(&engine_ports(p->engine)->table, &verdict, &a, &now, &why), OK);
	}
	for (unsigned n = 1; n <= 3; n++)
		before[n] = row_of(p, &a, n);
	fixture_close(p);
	run_sql(p, to_version_6);
	fixture_open(p);
	for (unsigned n = 1; n <= 3; n++) {
		before[n].version = 1;
		before[n].max_bytes = 0;
		before[n].owner = STR("");
		now = row_of(p, &a, n);
		assert_true(row_equal(&now, &before[n]));
	}
	assert_true(row_of(p, &a, 1).kept_metadata.n > 0);
	assert_int_equal(table_list(&engine_ports(p->engine)->table, &(struct image_query){ .limit = 10 }, &a, &page, &why), OK);
	assert_int_equal(page.n, 1);
	assert_int_equal(table_list(&engine_ports(p->engine)->table,
						 &(struct image_query){ .limit = 10, .received_sha256 = before[1].received_sha256 }, &a, &page, &why),
		OK);
	assert_int_equal(page.n, 1);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM users"), 0);
	assert_int_equal(fixture_insert(p, 4, &why), OK);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM users WHERE pending=1"), 1);
	assert_int_equal(fixture_remove(p, 1, &why), OK);
	assert_int_equal(fixture_ask(p, "PRAGMA user_version"), SCHEMA_VERSION);
	arena_deinit(&a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open_of_version_1_then_everything_is_kept),
		TEST(test_open_of_version_6_then_rows_are_nobodys_with_what_was_kept_of_their_metadata),
		TEST(test_use_of_an_upgraded_database_then_as_of_any),
		TEST(test_new_database_then_the_same_as_an_upgraded_one),
		TEST(test_delivery_key_then_random_and_kept),
		TEST(test_step_that_fails_then_the_old_version_is_untouched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
