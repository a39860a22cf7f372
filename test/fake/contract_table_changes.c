/* The contract of the image table: what an application changes of a row, and the versions of records. */
#include "fake/contract_table.h"

#include "fake/bench.h"
#include "fake/rows.h"

static void test_insert_of_a_public_row_then_it_stays_public_when_it_is_resolved(void **state)
{
	struct bench *b = *state;
	struct image_row row = row_pending(&b->a, 1);
	row.is_public = true;
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
	assert_true(bench_row(b, 1).is_public);
	bench_resolve(b, 1, 5000, STR(""));
	assert_true(bench_row(b, 1).is_public);
}

static enum status set_public(struct bench *b, struct str id, bool is_public, struct image_row *now)
{
	const struct image_change c = { .image_id = id, .has_visibility = true, .is_public = is_public };
	return table_change(b->w.table, &c, &b->a, now, &b->why);
}

static void test_change_visibility_whatever_the_state_then_nothing_else_changes_but_the_version(void **state)
{
	struct bench *b = *state;
	for (unsigned i = 0; i < 3; i++)
		bench_insert(b, i);
	bench_resolve(b, 1, 5000, STR(""));
	bench_resolve(b, 2, 5000, STR("no image"));
	for (unsigned i = 0; i < 6; i++) {
		struct image_row before = bench_row(b, i / 2), now;
		bool is_public = i % 2 == 0;
		assert_int_equal(set_public(b, before.image_id, is_public, &now), OK);
		before.is_public = is_public;
		before.version++;
		assert_true(row_equal(&now, &before));
		struct image_row back = bench_row(b, i / 2);
		assert_true(row_equal(&back, &before));
		/* again: the same */
		assert_int_equal(set_public(b, before.image_id, is_public, &now), OK);
		before.version++;
		assert_true(row_equal(&now, &before));
	}
}

static void test_change_of_an_unknown_id_then_no_such_image_and_no_row(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	for (unsigned i = 0; i < 2; i++)
		assert_fails(b, set_public(b, row_id(&b->a, 2), i == 0, &now), F_NO_SUCH_IMAGE);
	assert_fails(b, set_public(b, STR("no id"), true, &now), F_NO_SUCH_IMAGE);
	assert_fails(b, table_get(b->w.table, row_id(&b->a, 2), &b->a, &now, &b->why), F_NO_SUCH_IMAGE);
}

static void test_change_name_and_metadata_then_only_they_change(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	bench_insert(b, 1);
	bench_resolve(b, 1, 5000, STR(""));
	struct image_row want = bench_row(b, 1);
	const struct image_change both = { .image_id = want.image_id,
		.has_file_name = true,
		.file_name = STR("n\"ew.png"),
		.has_metadata = true,
		.metadata = STR("{\"album\":\"a\"}") };
	assert_int_equal(table_change(b->w.table, &both, &b->a, &now, &b->why), OK);
	want.file_name = both.file_name;
	want.metadata = both.metadata;
	want.version++;
	assert_true(row_equal(&now, &want));
	const struct image_change none = { .image_id = want.image_id, .has_metadata = true, .metadata = STR("") };
	assert_int_equal(table_change(b->w.table, &none, &b->a, &now, &b->why), OK);
	want.metadata = STR("");
	want.version++;
	assert_true(row_equal(&now, &want));
	want = bench_row(b, 1);
	assert_true(row_equal(&now, &want));
}

static void test_change_under_a_version_then_only_the_first_of_two_editors_succeeds(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	bench_insert(b, 1);
	const struct image_change first = {
		.image_id = row_id(&b->a, 1), .if_version = 1, .has_file_name = true, .file_name = STR("first.png")
	};
	const struct image_change second = {
		.image_id = row_id(&b->a, 1), .if_version = 1, .has_file_name = true, .file_name = STR("second.png")
	};
	assert_int_equal(table_change(b->w.table, &first, &b->a, &now, &b->why), OK);
	assert_int_equal(now.version, 2);
	assert_fails(b, table_change(b->w.table, &second, &b->a, &now, &b->why), F_PRECONDITION);
	assert_int_equal(now.version, 2);
	struct image_row row = bench_row(b, 1);
	assert_true(str_equal(row.file_name, STR("first.png")));
	bench_resolve(b, 1, 5000, STR(""));
	assert_int_equal(bench_row(b, 1).version, 3);
}

static void test_record_thumbnails_then_they_are_there_until_the_bytes_are_others(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	const struct str both = STR("small-1a2b3c4d.webp,small-1a2b3c4d.jpg");
	if (!table_keeps_thumbs(b->w.table))
		return;
	bench_insert(b, 1);
	bench_insert(b, 2);
	bench_resolve(b, 1, 5000, STR(""));
	bench_resolve(b, 2, 5000, STR("no image"));
	struct image_row want = bench_row(b, 1);
	for (int i = 0; i < 2; i++) {
		want.thumbs = i == 0 ? STR("a.webp") : both;
		want.version++;
		assert_int_equal(table_set_thumbs(b->w.table, want.image_id, want.etag, want.thumbs, &b->a, &now, &b->why), OK);
		assert_true(row_equal(&now, &want));
		now = bench_row(b, 1);
		assert_true(row_equal(&now, &want));
	}
	assert_fails(b, table_set_thumbs(b->w.table, want.image_id, STR("other"), STR("a.webp"), &b->a, &now, &b->why), F_STATE_CHANGED);
	assert_true(row_equal(&now, &want));
	struct image_row rejected = bench_row(b, 2);
	assert_fails(b, table_set_thumbs(b->w.table, rejected.image_id, STR("x"), both, &b->a, &now, &b->why), F_STATE_CHANGED);
	assert_fails(b, table_set_thumbs(b->w.table, row_id(&b->a, 3), STR("x"), both, &b->a, &now, &b->why), F_NO_SUCH_IMAGE);
	assert_fails(b, table_set_thumbs(b->w.table, STR("no id"), STR("x"), both, &b->a, &now, &b->why), F_NO_SUCH_IMAGE);

	struct resolution again = row_verdict(&b->a, 1, want.uploaded_ms, STR(""));
	again.replaces = again.etag;
	assert_int_equal(table_resolve(b->w.table, &again, &b->a, &now, &b->why), OK);
	assert_true(str_equal(now.thumbs, both)); /* the same bytes */
	again.etag = STR("0123456789abcdef0123456789abcdef");
	assert_int_equal(table_resolve(b->w.table, &again, &b->a, &now, &b->why), OK);
	assert_int_equal(now.thumbs.n, 0);
	now = bench_row(b, 1);
	assert_int_equal(now.thumbs.n, 0);
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_insert_of_a_public_row_then_it_stays_public_when_it_is_resolved),
	BENCH_TEST(test_change_visibility_whatever_the_state_then_nothing_else_changes_but_the_version),
	BENCH_TEST(test_change_of_an_unknown_id_then_no_such_image_and_no_row),
	BENCH_TEST(test_change_name_and_metadata_then_only_they_change),
	BENCH_TEST(test_change_under_a_version_then_only_the_first_of_two_editors_succeeds),
	BENCH_TEST(test_record_thumbnails_then_they_are_there_until_the_bytes_are_others),
};

int contract_table_changes(const struct contract_maker *maker)
{
	return bench_run(maker, "image_table's changes", tests, COUNT_OF(tests));
}
