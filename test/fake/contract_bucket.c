/* The contract of the bucket store: a body that streams in, the commit of object and row together,
 * nothing left of what did not commit, files that go out, and what happens when two come at once. */
#include "fake/contract_bucket.h"

#include "base/codec.h"
#include "base/hash.h"
#include "fake/bodies.h"
#include "fake/rows.h"
#include <pthread.h>

/* Finish a body as image n, with the resolution of row_verdict. */
static enum status finish_image(struct bench *b, struct incoming **in, unsigned n, struct image_row *now)
{
	struct resolution s = row_verdict(&b->a, n, 1700000000000, STR(""));
	struct object_commit c = body_commit(b, bench_key(b, n));
	c.resolve = &s;
	c.now = now;
	return bucket_finish(in, &c, &b->why);
}

static void put_plain(struct bench *b, struct str key, struct str body)
{
	body_put(b, b->w.bucket_name, key, body);
}

/* The object is there, by both ports, with just these bytes. */
static void assert_object_is(struct bench *b, struct str key, struct str body)
{
	struct object_file f;
	struct object o;
	assert_int_equal(bucket_open(b->w.bucket, b->w.bucket_name, key, &b->a, &f, &b->why), OK);
	assert_str(f.info.key, key);
	assert_int_equal(f.info.size, body.n);
	assert_str(body_read(b, &f), body);
	struct str etag = str_dup(&b->a, f.info.etag);
	object_file_close(&f);
	assert_int_equal(store_get(b->w.store, key, body.n, &b->a, &o, &b->why), OK);
	assert_str(o.body, body);
	assert_str(o.info.etag, etag);
}

static void assert_absent(struct bench *b, struct str key)
{
	struct object_file f = { .fd = -77 };
	struct object_info info;
	assert_fails(b, bucket_open(b->w.bucket, b->w.bucket_name, key, &b->a, &f, &b->why), F_NO_SUCH_KEY);
	assert_int_equal(f.fd, -77);
	assert_fails(b, store_head(b->w.store, key, &b->a, &info, &b->why), F_NO_SUCH_KEY);
}

static void assert_empty_store(struct bench *b)
{
	struct object_page page;
	assert_int_equal(store_list(b->w.store, STR(""), STR(""), 1000, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 0);
}

/* a plain object */

static void test_finish_of_a_plain_body_then_object_with_its_info(void **state)
{
	struct bench *b = *state;
	struct object_file f;
	put_plain(b, STR("docs/a"), STR("hello"));
	assert_object_is(b, STR("docs/a"), STR("hello"));
	assert_int_equal(bucket_open(b->w.bucket, b->w.bucket_name, STR("docs/a"), &b->a, &f, &b->why), OK);
	assert_str(f.info.content_type, STR("image/jpeg"));
	assert_str(f.info.etag, STR("5d41402abc4b2a76b9719d911017c592"));
	assert_true(f.info.modified_ms > 0);
	object_file_close(&f);
}

static void test_finish_of_a_plain_body_over_an_object_then_replaced(void **state)
{
	struct bench *b = *state;
	put_plain(b, STR("docs/a"), STR("the first body"));
	put_plain(b, STR("docs/a"), STR("second"));
	assert_object_is(b, STR("docs/a"), STR("second"));
}

static void test_finish_of_an_empty_body_then_an_object_of_no_bytes(void **state)
{
	struct bench *b = *state;
	struct incoming *in = NULL;
	struct object_commit c = body_commit(b, STR("docs/empty"));
	assert_int_equal(bucket_begin(b->w.bucket, 0, &in, &b->why), OK);
	assert_int_equal(bucket_finish(&in, &c, &b->why), OK);
	assert_object_is(b, STR("docs/empty"), STR(""));
}

static void test_finish_in_an_unknown_bucket_then_no_such_bucket_and_nothing_is_left(void **state)
{
	struct bench *b = *state;
	struct incoming *in = body_receive(b, STR("hello"));
	struct object_commit c = body_commit(b, STR("docs/a"));
	c.bucket = STR("nobodys");
	assert_fails(b, bucket_finish(&in, &c, &b->why), F_NO_SUCH_BUCKET);
	assert_null(in);
	assert_empty_store(b);
}

/* the body */

static void test_body_before_finish_then_not_visible(void **state)
{
	struct bench *b = *state;
	struct incoming *in = body_receive(b, STR("hello"));
	struct object_commit c = body_commit(b, STR("docs/a"));
	assert_absent(b, STR("docs/a"));
	assert_empty_store(b);
	assert_int_equal(bucket_finish(&in, &c, &b->why), OK);
	assert_object_is(b, STR("docs/a"), STR("hello"));
}

static void test_body_in_pieces_of_all_sizes_then_view_gives_all_bytes_and_their_md5(void **state)
{
	static const size_t sizes[] = { 1, 0, 4095, 4096, 4097, 1, 65536, 3, 200000, 8192 };
	struct bench *b = *state;
	struct incoming *in = NULL;
	struct str all = body_noise(b, 300000), seen;
	unsigned char md5[MD5_BYTES], want[MD5_BYTES];
	struct hash h;
	size_t at = 0;
	assert_int_equal(bucket_begin(b->w.bucket, 0, &in, &b->why), OK);
	for (size_t i = 0; i < COUNT_OF(sizes); at += sizes[i++])
		assert_int_equal(bucket_write(in, all.p + at, sizes[i], &b->why), OK);
	hash_init(&h, HASH_MD5);
	hash_update(&h, all.p, at);
	hash_final(&h, want);
	assert_int_equal(bucket_view(in, &seen, md5, &b->why), OK);
	assert_str(seen, str_slice(all, 0, at));
	assert_memory_equal(md5, want, MD5_BYTES);
	struct object_commit c = body_commit(b, STR("docs/noise"));
	assert_int_equal(bucket_finish(&in, &c, &b->why), OK);
	assert_object_is(b, STR("docs/noise"), str_slice(all, 0, at));
}

static void test_view_of_an_empty_body_then_no_bytes(void **state)
{
	struct bench *b = *state;
	struct incoming *in = NULL;
	struct str seen = STR("untouched");
	unsigned char md5[MD5_BYTES];
	char hex[2 * MD5_BYTES + 1];
	assert_int_equal(bucket_begin(b->w.bucket, 0, &in, &b->why), OK);
	assert_int_equal(bucket_view(in, &seen, md5, &b->why), OK);
	assert_int_equal(seen.n, 0);
	hex_encode(md5, MD5_BYTES, hex);
	assert_string_equal(hex, "d41d8cd98f00b204e9800998ecf8427e");
	bucket_abandon(&in);
}

static void test_body_longer_or_shorter_than_expected_then_the_received_bytes_count(void **state)
{
	struct bench *b = *state;
	static const uint64_t given[] = { 1, 1000 };
	for (size_t i = 0; i < COUNT_OF(given); i++) {
		struct incoming *in = NULL;
		struct object_commit c = body_commit(b, STR("docs/a"));
		assert_int_equal(bucket_begin(b->w.bucket, given[i], &in, &b->why), OK);
		assert_int_equal(bucket_write(in, "hello", 5, &b->why), OK);
		assert_int_equal(bucket_finish(&in, &c, &b->why), OK);
		assert_object_is(b, STR("docs/a"), STR("hello"));
	}
}

static void test_begin_when_more_is_expected_than_any_disk_has_then_disk_full(void **state)
{
	struct bench *b = *state;
	struct incoming *in = NULL;
	enum status end = bucket_begin(b->w.bucket, (uint64_t)1 << 60, &in, &b->why);
	if (end == OK) /* memory has no free space to compare with */
		assert_int_equal(bucket_write(in, "hello", 5, &b->why), OK);
	else
		assert_fails(b, end, F_DISK_FULL);
	bucket_abandon(&in);
	assert_null(in);
	assert_empty_store(b);
}

static void test_abandon_then_nothing_is_left(void **state)
{
	struct bench *b = *state;
	struct incoming *in = body_receive(b, STR("hello")), *viewed = body_receive(b, STR("hello"));
	struct str seen;
	unsigned char md5[MD5_BYTES];
	assert_int_equal(bucket_view(viewed, &seen, md5, &b->why), OK);
	bucket_abandon(&in);
	bucket_abandon(&viewed);
	assert_null(in);
	assert_null(viewed);
	bench_reopen(b);
	assert_empty_store(b);
}

static void test_abandon_of_nothing_then_nothing_happens(void **state)
{
	struct incoming *in = NULL;
	(void)state;
	bucket_abandon(NULL);
	bucket_abandon(&in);
	assert_null(in);
}

/* an image */

/* After STATE_CHANGED the body is there to be compared. */
static void assert_still_viewed(struct bench *b, struct incoming **in, struct str body)
{
	struct str seen;
	unsigned char md5[MD5_BYTES];
	assert_int_equal(bucket_view(*in, &seen, md5, &b->why), OK);
	assert_str(seen, body);
	bucket_abandon(in);
}

static void test_finish_of_an_image_then_object_and_row_are_there(void **state)
{
	struct bench *b = *state;
	struct image_row now, want = row_pending(&b->a, 1);
	struct resolution s = row_verdict(&b->a, 1, 1700000000000, STR(""));
	bench_insert(b, 1);
	struct incoming *in = body_receive(b, STR("hello"));
	assert_int_equal(finish_image(b, &in, 1, &now), OK);
	assert_null(in);
	row_resolve(&b->a, &want, &s);
	assert_true(row_equal(&now, &want));
	for (unsigned round = 0; round < 2; round++) {
		struct image_row row = bench_row(b, 1);
		assert_true(row_equal(&row, &want));
		assert_object_is(b, want.key, STR("hello"));
		bench_reopen(b);
	}
}

static void test_finish_of_an_image_without_a_row_then_no_such_image_and_no_object(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	struct incoming *in = body_receive(b, STR("hello"));
	assert_fails(b, finish_image(b, &in, 1, &now), F_NO_SUCH_IMAGE);
	assert_null(in);
	bench_reopen(b);
	assert_empty_store(b);
}

static void test_finish_of_an_image_that_is_uploaded_then_state_changed_and_the_first_stays(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	bench_insert(b, 1);
	struct incoming *in = body_receive(b, STR("first"));
	assert_int_equal(finish_image(b, &in, 1, &now), OK);
	struct image_row before = bench_row(b, 1);
	in = body_receive(b, STR("the second"));
	assert_fails(b, finish_image(b, &in, 1, &now), F_STATE_CHANGED);
	assert_still_viewed(b, &in, STR("the second"));
	assert_true(row_equal(&now, &before));
	for (unsigned round = 0; round < 2; round++) {
		struct image_row row = bench_row(b, 1);
		assert_true(row_equal(&row, &before));
		assert_object_is(b, before.key, STR("first"));
		bench_reopen(b);
	}
}

/* The bytes of an image are replaced in one commit with its row, and only where both are as they were seen. */
static void test_finish_of_an_image_that_replaces_then_object_and_row_are_the_new_ones(void **state)
{
	static const char *const seen[] = { "00", NULL };
	struct bench *b = *state;
	struct image_row now;
	bench_insert(b, 1);
	struct incoming *in = body_receive(b, STR("first"));
	assert_int_equal(finish_image(b, &in, 1, &now), OK);
	struct resolution s = row_verdict(&b->a, 1, 1700000000000, STR(""));
	struct object_commit c = body_commit(b, bench_key(b, 1));
	c.resolve = &s;
	c.now = &now;
	struct image_row want = bench_row(b, 1);
	for (size_t i = 0; i < COUNT_OF(seen); i++) {
		bool same = seen[i] == NULL;
		s.replaces = same ? want.etag : str_of(seen[i]);
		in = body_receive(b, STR("the second"));
		if (same)
			assert_int_equal(bucket_finish(&in, &c, &b->why), OK);
		else
			assert_fails(b, bucket_finish(&in, &c, &b->why), F_STATE_CHANGED);
		bucket_abandon(&in);
		if (same)
			row_resolve(&b->a, &want, &s);
		for (unsigned round = 0; round < 2; round++) {
			struct image_row row = bench_row(b, 1);
			assert_true(row_equal(&row, &want));
			assert_object_is(b, want.key, same ? STR("the second") : STR("first"));
			bench_reopen(b);
		}
	}
	assert_int_equal(store_remove(b->w.store, want.key, &b->why), OK);
	s.replaces = want.etag;
	in = body_receive(b, STR("the third"));
	assert_fails(b, bucket_finish(&in, &c, &b->why), F_STATE_CHANGED);
	bucket_abandon(&in);
}

static void test_finish_of_an_image_that_is_rejected_then_state_changed_and_no_object(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	struct resolution s = row_verdict(&b->a, 1, 5000, STR("no image"));
	bench_insert(b, 1);
	assert_int_equal(table_resolve(b->w.table, &s, &b->a, &now, &b->why), OK);
	struct incoming *in = body_receive(b, STR("hello"));
	assert_fails(b, finish_image(b, &in, 1, &now), F_STATE_CHANGED);
	assert_still_viewed(b, &in, STR("hello"));
	assert_int_equal(now.status, IMAGE_REJECTED);
	assert_empty_store(b);
}

static void test_finish_of_an_image_where_an_object_exists_then_conflict_and_nothing_changes(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	bench_insert(b, 1);
	put_plain(b, bench_key(b, 1), STR("old"));
	struct incoming *in = body_receive(b, STR("hello"));
	assert_int_equal(finish_image(b, &in, 1, &now), CONFLICT);
	assert_still_viewed(b, &in, STR("hello"));
	assert_int_equal(bench_row(b, 1).status, IMAGE_PENDING);
	assert_object_is(b, bench_key(b, 1), STR("old"));
}

/* Finish a body as image n, whose row comes with it. */
static enum status finish_new_image(struct bench *b, struct str body, unsigned n, struct image_row *now)
{
	struct incoming *in = body_receive(b, body);
	struct image_row row = row_pending(&b->a, n);
	struct resolution s = row_verdict(&b->a, n, 1700000000000, STR(""));
	struct object_commit c = body_commit(b, row.key);
	c.resolve = &s;
	c.insert = &row;
	c.now = now;
	enum status st = bucket_finish(&in, &c, &b->why);
	assert_int_equal(in != NULL, st != OK && b->why.code == F_STATE_CHANGED);
	bucket_abandon(&in);
	return st;
}

static void test_finish_of_an_image_with_its_row_then_both_are_there_in_the_list_too(void **state)
{
	struct bench *b = *state;
	struct image_row now, want = row_pending(&b->a, 1);
	struct resolution s = row_verdict(&b->a, 1, 1700000000000, STR(""));
	struct image_counts counts;
	struct image_page page;
	assert_int_equal(finish_new_image(b, STR("hello"), 1, &now), OK);
	row_resolve(&b->a, &want, &s);
	assert_true(row_equal(&now, &want));
	for (unsigned round = 0; round < 2; round++) {
		struct image_row row = bench_row(b, 1);
		assert_true(row_equal(&row, &want));
		assert_object_is(b, want.key, STR("hello"));
		assert_int_equal(table_counts(b->w.table, &counts, &b->why), OK);
		assert_true(counts.pending == 0 && counts.uploaded == 1 && counts.stored_bytes == want.file_size);
		assert_int_equal(table_list(b->w.table, &(struct image_query){ .limit = 10 }, &b->a, &page, &b->why), OK);
		assert_int_equal(page.n, 1);
		bench_reopen(b);
	}
}

static void test_finish_of_an_image_with_its_row_when_one_is_there_then_nothing_changes(void **state)
{
	struct bench *b = *state;
	struct image_row now, before;
	bench_insert(b, 1);
	before = bench_row(b, 1);
	assert_fails(b, finish_new_image(b, STR("hello"), 1, &now), F_IMAGE_EXISTS);
	put_plain(b, bench_key(b, 2), STR("old"));
	assert_fails(b, finish_new_image(b, STR("hello"), 2, &now), F_STATE_CHANGED);
	for (unsigned round = 0; round < 2; round++) {
		struct image_row row = bench_row(b, 1);
		assert_true(row_equal(&row, &before));
		assert_absent(b, bench_key(b, 1));
		assert_object_is(b, bench_key(b, 2), STR("old"));
		assert_fails(b, table_get(b->w.table, row_id(&b->a, 2), &b->a, &row, &b->why), F_NO_SUCH_IMAGE);
		bench_reopen(b);
	}
}

static void test_remove_of_the_row_then_the_object_is_removed_with_it(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	bench_insert(b, 1);
	struct incoming *in = body_receive(b, STR("hello"));
	assert_int_equal(finish_image(b, &in, 1, &now), OK);
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), OK);
	for (unsigned round = 0; round < 2; round++) {
		assert_absent(b, bench_key(b, 1));
		bench_reopen(b);
	}
	assert_empty_store(b);
}

/* open */

static void test_open_then_the_file_outlives_the_object(void **state)
{
	struct bench *b = *state;
	struct object_file f;
	put_plain(b, STR("docs/a"), STR("hello"));
	assert_int_equal(bucket_open(b->w.bucket, b->w.bucket_name, STR("docs/a"), &b->a, &f, &b->why), OK);
	assert_int_equal(store_remove(b->w.store, STR("docs/a"), &b->why), OK);
	assert_absent(b, STR("docs/a"));
	assert_str(body_read(b, &f), STR("hello"));
	object_file_close(&f);
}

static void test_open_then_the_file_outlives_a_replacement(void **state)
{
	struct bench *b = *state;
	struct object_file f;
	put_plain(b, STR("docs/a"), STR("hello"));
	assert_int_equal(bucket_open(b->w.bucket, b->w.bucket_name, STR("docs/a"), &b->a, &f, &b->why), OK);
	put_plain(b, STR("docs/a"), STR("other bytes"));
	assert_str(body_read(b, &f), STR("hello"));
	object_file_close(&f);
}

static void test_open_of_an_unknown_bucket_or_key_then_reported_which(void **state)
{
	struct bench *b = *state;
	struct object_file f;
	put_plain(b, STR("docs/a"), STR("hello"));
	assert_fails(b, bucket_open(b->w.bucket, STR("nobodys"), STR("docs/a"), &b->a, &f, &b->why), F_NO_SUCH_BUCKET);
	assert_absent(b, STR("docs/b"));
	assert_absent(b, STR("docs/a/"));
}

/* several at once */

struct rival {
	struct bench *b;
	struct incoming *in;
	struct str body, id, key;
	struct resolution s;
	struct image_row now;
	struct arena a;
	struct fault why;
	enum status end;
	pthread_barrier_t *start;
	pthread_t thread;
};

static void *finish_rival(void *arg)
{
	struct rival *r = arg;
	struct object_commit c = {
		.bucket = r->b->w.bucket_name, .key = r->key, .content_type = STR("image/jpeg"), .resolve = &r->s, .arena = &r->a, .now = &r->now
	};
	pthread_barrier_wait(r->start);
	r->end = bucket_finish(&r->in, &c, &r->why);
	return NULL;
}

static void *remove_rival(void *arg)
{
	struct rival *r = arg;
	pthread_barrier_wait(r->start);
	r->end = table_remove(r->b->w.table, r->id, 0, &r->why);
	return NULL;
}

static void start_rival(struct rival *r, unsigned n, void *(*run)(void *))
{
	struct bench *b = r->b;
	arena_init(&r->a, 1 << 20);
	r->id = row_id(&b->a, n);
	r->key = bench_key(b, n);
	int rc = pthread_create(&r->thread, NULL, run, r);
	assert_int_equal(rc, 0);
}

static void prepare_rival(struct bench *b, struct rival *r, unsigned n, unsigned i)
{
	*r = (struct rival){ .b = b, .body = str_printf(&b->a, "body of rival %u", i) };
	r->in = body_receive(b, r->body);
	r->s = row_verdict(&b->a, n, 1700000000000 + i, STR(""));
	r->s.etag = str_printf(&b->a, "%032x", i);
}

static void check_winner(struct bench *b, struct rival *rivals, size_t count, unsigned n)
{
	struct image_row row = bench_row(b, n);
	unsigned won = 0;
	for (size_t i = 0; i < count; i++) {
		struct rival *r = &rivals[i];
		assert_true(r->end == OK ? r->in == NULL : r->why.code == F_STATE_CHANGED);
		bucket_abandon(&r->in);
		assert_true(row_equal(&r->now, &row));
		won += r->end == OK;
		if (r->end != OK)
			continue;
		assert_str(row.etag, r->s.etag);
		assert_object_is(b, bench_key(b, n), r->body);
	}
	assert_int_equal(won, 1);
}

static void test_finish_by_several_at_once_for_one_slot_then_exactly_one_wins(void **state)
{
	struct bench *b = *state;
	for (unsigned round = 0; round < 10; round++) {
		struct rival rivals[3];
		pthread_barrier_t start;
		pthread_barrier_init(&start, NULL, 3);
		bench_insert(b, round);
		for (unsigned i = 0; i < 3; i++)
			prepare_rival(b, &rivals[i], round, i);
		for (unsigned i = 0; i < 3; i++) {
			rivals[i].start = &start;
			start_rival(&rivals[i], round, finish_rival);
		}
		for (unsigned i = 0; i < 3; i++)
			pthread_join(rivals[i].thread, NULL);
		pthread_barrier_destroy(&start);
		check_winner(b, rivals, 3, round);
		for (unsigned i = 0; i < 3; i++)
			arena_deinit(&rivals[i].a);
	}
}

static void test_finish_while_the_row_is_removed_then_neither_row_nor_object(void **state)
{
	struct bench *b = *state;
	for (unsigned round = 0; round < 10; round++) {
		struct rival finisher, remover = { .b = b };
		pthread_barrier_t start;
		pthread_barrier_init(&start, NULL, 2);
		bench_insert(b, round);
		prepare_rival(b, &finisher, round, 1);
		finisher.start = remover.start = &start;
		start_rival(&finisher, round, finish_rival);
		start_rival(&remover, round, remove_rival);
		pthread_join(finisher.thread, NULL);
		pthread_join(remover.thread, NULL);
		pthread_barrier_destroy(&start);
		assert_int_equal(remover.end, OK);
		assert_true(finisher.end == OK || finisher.why.code == F_NO_SUCH_IMAGE);
		assert_absent(b, bench_key(b, round));
		arena_deinit(&finisher.a);
		arena_deinit(&remover.a);
	}
	assert_empty_store(b);
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_finish_of_a_plain_body_then_object_with_its_info),
	BENCH_TEST(test_finish_of_a_plain_body_over_an_object_then_replaced),
	BENCH_TEST(test_finish_of_an_empty_body_then_an_object_of_no_bytes),
	BENCH_TEST(test_finish_in_an_unknown_bucket_then_no_such_bucket_and_nothing_is_left),
	BENCH_TEST(test_body_before_finish_then_not_visible),
	BENCH_TEST(test_body_in_pieces_of_all_sizes_then_view_gives_all_bytes_and_their_md5),
	BENCH_TEST(test_view_of_an_empty_body_then_no_bytes),
	BENCH_TEST(test_body_longer_or_shorter_than_expected_then_the_received_bytes_count),
	BENCH_TEST(test_begin_when_more_is_expected_than_any_disk_has_then_disk_full),
	BENCH_TEST(test_abandon_then_nothing_is_left),
	BENCH_TEST(test_abandon_of_nothing_then_nothing_happens),
	BENCH_TEST(test_finish_of_an_image_then_object_and_row_are_there),
	BENCH_TEST(test_finish_of_an_image_without_a_row_then_no_such_image_and_no_object),
	BENCH_TEST(test_finish_of_an_image_that_is_uploaded_then_state_changed_and_the_first_stays),
	BENCH_TEST(test_finish_of_an_image_that_replaces_then_object_and_row_are_the_new_ones),
	BENCH_TEST(test_finish_of_an_image_that_is_rejected_then_state_changed_and_no_object),
	BENCH_TEST(test_finish_of_an_image_where_an_object_exists_then_conflict_and_nothing_changes),
	BENCH_TEST(test_finish_of_an_image_with_its_row_then_both_are_there_in_the_list_too),
	BENCH_TEST(test_finish_of_an_image_with_its_row_when_one_is_there_then_nothing_changes),
	BENCH_TEST(test_remove_of_the_row_then_the_object_is_removed_with_it),
	BENCH_TEST(test_open_then_the_file_outlives_the_object),
	BENCH_TEST(test_open_then_the_file_outlives_a_replacement),
	BENCH_TEST(test_open_of_an_unknown_bucket_or_key_then_reported_which),
	BENCH_TEST(test_finish_by_several_at_once_for_one_slot_then_exactly_one_wins),
	BENCH_TEST(test_finish_while_the_row_is_removed_then_neither_row_nor_object),
};

int contract_bucket(const struct contract_maker *maker)
{
	return bench_run(maker, "bucket_store", tests, COUNT_OF(tests)) + contract_bucket_bodies(maker);
}
