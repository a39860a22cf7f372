/* Data directories for tests. See fixture.h. */

#include "store/fixture.h"

#include "fake/rows.h"
#include "unit.h"
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void fixture_init(struct fixture *p)
{
	const char *tmp = getenv("TMPDIR");

	*p = (struct fixture){ 0 };
	(void)snprintf(p->dir, sizeof p->dir, "%.40s/local-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(p->dir));
	p->options = (struct engine_options){
		.dir = p->dir,
		.bucket = STR("image-uploads"),
		.region = STR("us-east-1"),
		.public_url = STR("http://127.0.0.1:9000"),
		.max_pending = 100000,
	};
}

void fixture_open(struct fixture *p)
{
	struct fault why = { 0 };

	if (engine_open(&p->options, &p->engine, &why) != OK)
		fail_msg("engine_open: %s (%s)", why.text, why.cause);
}

void fixture_close(struct fixture *p)
{
	engine_free(&p->engine);
	assert_null(p->engine);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

void fixture_deinit(struct fixture *p)
{
	fixture_close(p);
	assert_int_equal(nftw(p->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static size_t n_files;

static int count_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)path;
	(void)st;
	(void)at;
	n_files += kind == FTW_F;
	return 0;
}

size_t fixture_files(const struct fixture *p, const char *folder)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", p->dir, folder);
	n_files = 0;
	(void)nftw(path, count_one, 16, FTW_PHYS);
	return n_files;
}

static bool trash_is_empty(struct engine *e)
{
	struct fault why;
	struct db *d;
	bool row = true;

	assert_int_equal(read_pool_acquire(&e->read_pool, &d, &why), OK);
	sqlite3_stmt *s = DB_BIND(d, Q_TRASH_LIST, db_int(INT64_MIN), db_int(1));
	assert_int_equal(db_step(d, s, &row, &why), OK);
	sqlite3_reset(s);
	read_pool_release(&d);
	return !row;
}

void fixture_settles(struct fixture *p, size_t n)
{
	wait_until(fixture_files(p, "incoming") == 0 && fixture_files(p, "objects") == n && trash_is_empty(p->engine));
}

void fixture_write(const struct fixture *p, const char *name, const char *text, unsigned mode)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", p->dir, name);
	(void)unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

enum status fixture_insert(struct fixture *p, unsigned n, struct fault *why)
{
	struct arena a;

	arena_init(&a, 1 << 16);
	struct image_row row = row_pending(&a, n);
	if (n % 3 != 0)
		row.owner = str_printf(&a, "%032u", n % 3);
	enum status status = table_insert(&engine_ports(p->engine)->table, &row, why);
	arena_deinit(&a);
	return status;
}

static enum status finish(struct fixture *p, unsigned n, struct incoming **in, struct fault *why)
{
	struct arena a;
	struct image_row now;

	arena_init(&a, 1 << 16);
	struct resolution s = row_verdict(&a, n, 1700000000000, STR(""));
	struct object_commit c = {
		.bucket = p->options.bucket,
		.key = row_pending(&a, n).key,
		.content_type = STR("image/jpeg"),
		.resolve = &s,
		.arena = &a,
		.now = &now,
	};
	enum status status = bucket_finish(in, &c, why);
	arena_deinit(&a);
	return status;
}

enum status fixture_upload(struct fixture *p, unsigned n, struct str body, struct fault *why)
{
	struct incoming *in = NULL;
	struct str seen;
	unsigned char md5[16];

	enum status status = bucket_begin(&engine_ports(p->engine)->buckets, body.n, &in, why);
	if (status == OK)
		status = bucket_write(in, body.p, body.n, why);
	if (status == OK)
		status = bucket_view(in, &seen, md5, why);
	if (status == OK)
		status = finish(p, n, &in, why);
	bucket_abandon(&in);
	return status;
}

enum status fixture_remove(struct fixture *p, unsigned n, struct fault *why)
{
	struct arena a;

	arena_init(&a, 1 << 12);
	enum status status = table_remove(&engine_ports(p->engine)->table, row_id(&a, n), 0, why);
	arena_deinit(&a);
	return status;
}

int fixture_status(struct fixture *p, unsigned n)
{
	struct arena a;
	struct image_row row;
	struct fault why;

	arena_init(&a, 1 << 16);
	enum status status = table_get(&engine_ports(p->engine)->table, row_id(&a, n), &a, &row, &why);
	assert_true(status == OK || why.code == F_NO_SUCH_IMAGE);
	arena_deinit(&a);
	return status == OK ? (int)row.status : -1;
}

bool fixture_has(struct fixture *p, unsigned n, struct str body)
{
	struct arena a;
	struct object o;
	struct fault why;

	arena_init(&a, 1 << 24);
	enum status status = store_get(&engine_ports(p->engine)->store, row_pending(&a, n).key, 1 << 23, &a, &o, &why);
	assert_true(status == OK || why.code == F_NO_SUCH_KEY);
	bool same = status == OK && str_equal(o.body, body);
	if (status == OK && !same)
		fail_msg("object %u has other bytes", n);
	arena_deinit(&a);
	return same && fixture_status(p, n) == IMAGE_UPLOADED;
}

static sqlite3 *open_database(const struct fixture *p)
{
	char path[128];
	sqlite3 *sq;

	(void)snprintf(path, sizeof path, "%s/tintype.db", p->dir);
	assert_int_equal(sqlite3_open_v2(path, &sq, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	sqlite3_busy_timeout(sq, 10000);
	return sq;
}

void fixture_run(const struct fixture *p, const char *sql)
{
	sqlite3 *sq = open_database(p);

	assert_int_equal(sqlite3_exec(sq, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(sq);
}

long long fixture_ask(const struct fixture *p, const char *sql)
{
	sqlite3 *sq = open_database(p);
	sqlite3_stmt *s;

	const char *rest;
	assert_int_equal(sqlite3_prepare_v2(sq, sql, -1, &s, &rest), SQLITE_OK);
	assert_string_equal(rest, ""); /* what followed would not be run */
	int rc = sqlite3_step(s);
	long long n = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
	assert_true(rc == SQLITE_ROW || rc == SQLITE_DONE);
	sqlite3_finalize(s);
	sqlite3_close(sq);
	return n;
}

void fixture_check(const struct fixture *p)
{
	assert_int_equal(fixture_ask(p,
						 "SELECT count(*) FROM tally WHERE"
						 " pending=(SELECT count(*) FROM images WHERE status=0) AND"
						 " uploaded=(SELECT count(*) FROM images WHERE status=1) AND"
						 " rejected=(SELECT count(*) FROM images WHERE status=2) AND"
						 " stored_bytes=(SELECT ifnull(sum(file_size), 0) FROM images WHERE status=1)"),
		1);
	/* what is recorded of owners: of each that has images, and exactly that */
	assert_int_equal(fixture_ask(p,
						 "SELECT count(*) FROM users u JOIN (SELECT owner, sum(status=1) AS images, sum(status=0) AS pending,"
						 " sum(iif(status=1, file_size, 0)) AS bytes, sum(iif(status=0, max_bytes, 0)) AS reserved"
						 " FROM images WHERE owner <> '' GROUP BY owner) i ON i.owner=u.owner WHERE u.images=i.images"
						 " AND u.pending=i.pending AND u.bytes=i.bytes AND u.reserved_bytes=i.reserved"),
		fixture_ask(p, "SELECT count(DISTINCT owner) FROM images WHERE owner <> ''"));
	assert_int_equal(fixture_ask(p,
						 "SELECT count(*) FROM users WHERE owner NOT IN (SELECT owner FROM images)"
						 " AND (images <> 0 OR pending <> 0 OR bytes <> 0 OR reserved_bytes <> 0)"),
		0);
	assert_int_equal(fixture_ask(p,
						 "SELECT count(*) FROM tally WHERE"
						 " next_seq > (SELECT ifnull(max(seq), 0) FROM images) AND"
						 " next_file > (SELECT ifnull(max(file), 0) FROM (SELECT file FROM objects UNION ALL SELECT file FROM parts))"),
		1);
	assert_int_equal(fixture_ask(p,
						 "SELECT count(*) FROM images i WHERE status=1 AND"
						 " NOT EXISTS (SELECT 1 FROM objects o WHERE o.key = i.key)"),
		0);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM trash"), 0);
	assert_int_equal(fixture_files(p, "incoming"), 0);
	assert_int_equal(fixture_files(p, "objects"),
		fixture_ask(p,
			"SELECT (SELECT count(*) FROM objects WHERE flags & 32 = 0) +"
			" (SELECT count(*) FROM parts WHERE flags & 32 = 0)"));
	/* bytes and metadata of their own: each belongs to a row, and each row has them */
	assert_int_equal(
		fixture_ask(p, "SELECT (SELECT count(*) FROM objects WHERE flags & 32 <> 0) + (SELECT count(*) FROM parts WHERE flags & 32 <> 0)"),
		fixture_ask(p,
			"SELECT count(*) FROM bodies b WHERE EXISTS (SELECT 1 FROM objects WHERE file = b.file AND size = length(b.bytes))"
			" OR EXISTS (SELECT 1 FROM parts WHERE file = b.file AND size = length(b.bytes))"));
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM bodies"),
		fixture_ask(p,
			"SELECT count(*) FROM"
			" (SELECT file FROM objects WHERE flags & 32 <> 0 UNION SELECT file FROM parts WHERE flags & 32 <> 0)"));
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM metas"), fixture_ask(p, "SELECT count(*) FROM objects WHERE flags & 16 <> 0"));
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM parts WHERE upload NOT IN (SELECT n FROM uploads)"), 0);
}

int fixture_set_up(void **state)
{
	static struct fixture fixture;

	fixture_init(&fixture);
	*state = &fixture;
	return 0;
}

int fixture_tear_down(void **state)
{
	fixture_deinit(*state);
	return 0;
}
