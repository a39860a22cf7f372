/* The inspection on a table that is large: what a page costs is bounded, the few that wait are found among the
 * many that are there, and the walks go by an index. The contract itself is in engine_contract_test. */
#include "store/fixture.h"
#include "unit.h"

#include "store/engine.h"

#include <stdio.h>
#include <string.h>

#define MANY 30000 /* uploaded rows */

static struct arena a;

/* Rows as the commit thread would have written them, in one statement: MANY uploaded, and after them three pending. */
#define COLUMNS \
	"n, id, status, seq, owner, key, file_name, file_type, file_size, etag, width, height, orientation, frames, created_ms, expires_ms," \
	" uploaded_ms, ends_ms, reason, delete_hash"

static const char rows_sql[] =
	"WITH RECURSIVE i(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM i WHERE k < 30000)"
	" INSERT INTO images(" COLUMNS
	") SELECT k, randomblob(16), 1, k, '', 'images/' || k, CASE k WHEN 100 THEN 'The Needle.png' ELSE 'hay.png' END, 'image/png',"
	" 67, 'e', 1, 1, 1, 1, 1000 + k, 2000 + k, 3000 + k, 0, '', 'h' FROM i;"
	"INSERT INTO images(" COLUMNS
	") SELECT 40000 + k, randomblob(16), 0, NULL, '', 'images/p' || k, 'waits.png', 'image/png', 0, '', 0, 0, 0, 0, 5000 + k, 6000 + k, 0,"
	" 9000 + k, '', 'h' FROM (SELECT 1 AS k UNION SELECT 2 UNION SELECT 3);";

static void run_sql(struct fixture *p, const char *sql)
{
	char path[256];
	sqlite3 *db;
	(void)snprintf(path, sizeof path, "%s/tintype.db", p->dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static struct fixture fixture;

static int setup(void **state)
{
	fixture_init(&fixture);
	fixture_open(&fixture);
	run_sql(&fixture, rows_sql);
	arena_init(&a, 64 << 20);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	arena_deinit(&a);
	fixture_deinit(&fixture);
	return 0;
}

static struct admin_query_page look(struct admin_query_filter q)
{
	struct admin_query_page page;
	struct fault why;
	assert_int_equal(admin_query_page(&engine_ports(fixture.engine)->admin_query, &q, &a, &page, &why), OK);
	return page;
}

static void test_page_when_few_rows_match_then_it_ends_at_its_bound_with_a_cursor(void **state)
{
	struct admin_query_filter q = { .limit = 10, .text = STR("needle") };
	struct admin_query_page page = look(q);
	assert_int_equal(page.n, 0);
	assert_int_equal(page.looked, ADMIN_QUERY_SCAN_MAX);
	q.cursor = page.next_cursor;
	page = look(q);
	assert_int_equal(page.n, 1);
	assert_true(str_equal(page.rows[0].file_name, STR("The Needle.png")));
	assert_int_equal(page.looked, MANY + 3 - ADMIN_QUERY_SCAN_MAX);
	assert_int_equal(page.next_cursor.n, 0);
}

static void test_page_of_a_rare_status_then_only_its_own_rows_are_read(void **state)
{
	struct admin_query_page page = look((struct admin_query_filter){ .limit = 10, .status = ADMIN_QUERY_PENDING });
	assert_int_equal(page.n, 3);
	assert_int_equal(page.looked, 3);
	assert_int_equal(page.rows[0].created_ms, 5003);
	page = look((struct admin_query_filter){ .limit = 10, .status = ADMIN_QUERY_REJECTED });
	assert_int_equal(page.n, 0);
	assert_int_equal(page.looked, 3);
}

/* Tables that have a row for each image, object, user or event. */
static bool is_large(const char *table)
{
	static const char *const large[] = { "images", "kept_ids", "objects", "parts", "uploads", "completed", "users", "outbox" };
	for (size_t i = 0; i < COUNT_OF(large); i++)
		if (strncmp(table, large[i], strlen(large[i])) == 0)
			return true;
	return false;
}

static sqlite3_stmt *plan_of(struct db *d, enum db_query_id q)
{
	char sql[4096];
	sqlite3_stmt *s;
	(void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", sqlite3_sql(db_query(d, q)));
	assert_int_equal(sqlite3_prepare_v2(d->sq, sql, -1, &s, NULL), SQLITE_OK);
	return s;
}

/* No statement sorts, or reads a large table from end to end: the time of a call must not grow with the number of images. */
static void test_statements_then_by_an_index_and_without_sorting(void **state)
{
	/* Counts, what is asked for by an operator, and the first of a table. */
	static const enum db_query_id reads_all[] = { Q_OUTBOX_COUNT_WAITING, Q_OUTBOX_RETRY, Q_UPLOAD_OLDEST, Q_USER_FIND, Q_CHECK_COUNTS,
		Q_CHECK_TALLY };
	struct fault why;
	struct db *d;
	assert_int_equal(read_pool_acquire(&fixture.engine->read_pool, &d, &why), OK);
	for (enum db_query_id q = 0; q < QUERIES; q++) {
		bool exempt = false;
		for (size_t i = 0; i < COUNT_OF(reads_all); i++)
			exempt = exempt || reads_all[i] == q;
		sqlite3_stmt *s = plan_of(d, q);
		while (sqlite3_step(s) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(s, 3);
			if (!exempt && (strstr(step, "TEMP B-TREE") != NULL || (strncmp(step, "SCAN ", 5) == 0 && is_large(step + 5))))
				fail_msg("%s: %s", step, sqlite3_sql(db_query(d, q)));
		}
		sqlite3_finalize(s);
	}
	read_pool_release(&d);
}

/* Where the rows of another index, or of the table itself, have the order of the list too, that one would be read to its end. */
static void test_lists_then_by_the_index_of_their_condition(void **state)
{
	static const struct {
		enum db_query_id q;
		const char *index;
	} rows[] = { { Q_IMAGE_LIST, "images_seq" }, { Q_IMAGE_LIST_OLDEST, "images_seq" }, { Q_IMAGE_LIST_OWN, "images_owner" },
		{ Q_IMAGE_LIST_OWN_OLDEST, "images_owner" }, { Q_IMAGE_LIST_HASH, "images_received" },
		{ Q_IMAGE_LIST_HASH_OLDEST, "images_received" }, { Q_IMAGE_LIST_UNOWNED, "images_unowned" },
		{ Q_IMAGE_LIST_UNOWNED_OLDEST, "images_unowned" }, { Q_IMAGE_WALK_ENDING, "images_ends" }, { Q_IMAGE_DUE, "images_ends" },
		{ Q_IMAGE_DUE_HEAD, "images_ends" } };
	struct fault why;
	struct db *d;
	assert_int_equal(read_pool_acquire(&fixture.engine->read_pool, &d, &why), OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char want[80];
		(void)snprintf(want, sizeof want, "SEARCH images USING INDEX %s (", rows[i].index);
		sqlite3_stmt *s = plan_of(d, rows[i].q);
		assert_int_equal(sqlite3_step(s), SQLITE_ROW);
		const char *step = (const char *)sqlite3_column_text(s, 3);
		if (strncmp(step, want, strlen(want)) != 0)
			fail_msg("%s: %s", step, sqlite3_sql(db_query(d, rows[i].q)));
		sqlite3_finalize(s);
	}
	read_pool_release(&d);
}

/* A row is committed while a page is being read: neither waits for the other. */
static void test_page_while_rows_are_written_then_neither_blocks(void **state)
{
	struct fault why;
	struct db *d;
	bool row = false;
	assert_int_equal(read_pool_acquire(&fixture.engine->read_pool, &d, &why), OK);
	sqlite3_stmt *s = DB_BIND(d, Q_IMAGE_WALK, db_int(INT64_MAX), db_int(10));
	assert_int_equal(db_step(d, s, &row, &why), OK);
	assert_true(row);
	assert_int_equal(fixture_insert(&fixture, 1, &why), OK);
	assert_int_equal(look((struct admin_query_filter){ .limit = 10, .status = ADMIN_QUERY_PENDING }).n, 4);
	assert_int_equal(db_step(d, s, &row, &why), OK);
	sqlite3_reset(s);
	read_pool_release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_page_when_few_rows_match_then_it_ends_at_its_bound_with_a_cursor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_page_of_a_rare_status_then_only_its_own_rows_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_statements_then_by_an_index_and_without_sorting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lists_then_by_the_index_of_their_condition, setup, teardown),
		cmocka_unit_test_setup_teardown(test_page_while_rows_are_written_then_neither_blocks, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
