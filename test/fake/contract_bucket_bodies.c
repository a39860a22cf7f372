/* The contract of the bucket store, continued: what is kept next to the bytes, conditions in the commit, bodies around
 * the size of small ones, and a finish that is not waited for. */
#include "fake/contract_bucket.h"

#include "base/codec.h"
#include "base/hash.h"
#include "fake/bodies.h"
#include "fake/rows.h"
#include <semaphore.h>
#include <string.h>

/* metadata */

static const struct header kept[] = { { { "cache-control", 13 }, { "max-age=60", 10 } }, { { "content-encoding", 16 }, { "gzip", 4 } },
	{ { "x-amz-meta-\xC3\xBC", 13 }, { "\xE2\x82\xAC", 3 } }, { { "x-amz-meta-empty", 16 }, { "", 0 } } };

static void expect_meta(struct bench *b, struct str key, const struct object_meta *want)
{
	struct object_file f;
	assert_int_equal(bucket_open(b->w.bucket, b->w.bucket_name, key, &b->a, &f, &b->why), OK);
	assert_int_equal(f.meta.n_headers, want->n_headers);
	for (size_t i = 0; i < want->n_headers; i++) {
		assert_str(f.meta.headers[i].name, want->headers[i].name);
		assert_str(f.meta.headers[i].value, want->headers[i].value);
	}
	assert_int_equal(f.meta.checksum.kind, want->checksum.kind);
	assert_int_equal(f.meta.checksum.composite, want->checksum.composite);
	assert_str(f.meta.checksum.value, want->checksum.value);
	assert_int_equal(f.meta.n_parts, 0);
	assert_null(f.meta.parts);
	object_file_close(&f);
}

static void put_with(struct bench *b, struct str key, struct str body, const struct object_meta *meta)
{
	struct incoming *in = body_receive(b, body);
	struct object_commit c = body_commit(b, key);
	c.meta = *meta;
	assert_int_equal(bucket_finish(&in, &c, &b->why), OK);
}

static void test_meta_then_returned_as_often_as_requested(void **state)
{
	struct bench *b = *state;
	struct header large[] = { { STR("x-amz-meta-large"), body_noise(b, 2000) } };
	const struct object_meta metas[] = {
		{ 0 },
		{ .checksum = { CHECKSUM_CRC32, false, STR("NhCmhg==") } },
		{ .headers = kept,
			.n_headers = COUNT_OF(kept),
			.checksum = { CHECKSUM_SHA256, false, STR("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=") } },
		{ .headers = large, .n_headers = 1 },
	};
	const struct str bodies[] = { STR("hello"), body_noise(b, 100000) };
	for (size_t i = 0; i < COUNT_OF(metas) * COUNT_OF(bodies); i++) {
		const struct object_meta *m = &metas[i / COUNT_OF(bodies)];
		put_with(b, STR("k"), bodies[i % COUNT_OF(bodies)], m);
		for (unsigned turn = 0; turn < 4; turn++) /* a repeated read may take another path */
			expect_meta(b, STR("k"), m);
		bench_reopen(b);
		expect_meta(b, STR("k"), m);
		assert_str(body_get(b, b->w.bucket_name, STR("k")), bodies[i % COUNT_OF(bodies)]);
	}
	assert_int_equal(store_remove(b->w.store, STR("k"), &b->why), OK);
	body_expect_absent(b, b->w.bucket_name, STR("k"));
}

/* conditions */

static enum status put_if(struct bench *b, struct object_condition condition, struct str body)
{
	struct incoming *in = body_receive(b, body);
	struct object_commit c = body_commit(b, STR("k"));
	c.condition = condition;
	enum status status = bucket_finish(&in, &c, &b->why);
	assert_null(in);
	return status;
}

static void test_condition_then_it_holds_or_nothing_changes(void **state)
{
	struct bench *b = *state;
	struct object_condition absent = { .absent = true }, any = { .etag = STR("*") };
	struct object_condition first = { .etag = body_etag(b, STR("first")) }, second = { .etag = body_etag(b, STR("second")) };
	assert_fails(b, put_if(b, any, STR("x")), F_NO_SUCH_KEY);
	assert_fails(b, put_if(b, first, STR("x")), F_NO_SUCH_KEY);
	body_expect_absent(b, b->w.bucket_name, STR("k"));
	assert_int_equal(put_if(b, absent, STR("first")), OK);
	assert_fails(b, put_if(b, absent, STR("x")), F_PRECONDITION);
	assert_fails(b, put_if(b, second, STR("x")), F_PRECONDITION);
	assert_str(body_get(b, b->w.bucket_name, STR("k")), STR("first"));
	assert_int_equal(put_if(b, first, STR("second")), OK);
	assert_fails(b, put_if(b, first, STR("x")), F_PRECONDITION);
	assert_int_equal(put_if(b, any, STR("third")), OK);
	assert_str(body_get(b, b->w.bucket_name, STR("k")), STR("third"));
}

/* sizes around those that are small */

static void test_body_of_every_size_around_the_small_limit_then_the_same_whatever_length_was_announced(void **state)
{
	static const size_t sizes[] = { 0, 1, 1000, BUCKET_SMALL_BYTES - 1, BUCKET_SMALL_BYTES, BUCKET_SMALL_BYTES + 1,
		3 * BUCKET_SMALL_BYTES };
	static const size_t pieces[] = { 999, 4096, 1 << 20 };
	struct bench *b = *state;
	struct str all = body_noise(b, 3 * BUCKET_SMALL_BYTES), seen;
	unsigned char md5[MD5_BYTES];
	for (size_t i = 0; i < COUNT_OF(sizes) * COUNT_OF(sizes); i++) {
		struct incoming *in = NULL;
		struct str body = str_slice(all, 0, sizes[i % COUNT_OF(sizes)]);
		size_t piece = pieces[i % COUNT_OF(pieces)];
		struct object_commit c = body_commit(b, STR("k"));
		assert_int_equal(bucket_begin(b->w.bucket, sizes[i / COUNT_OF(sizes)], &in, &b->why), OK);
		for (size_t at = 0; at < body.n; at += piece) {
			struct str one = str_slice(body, at, at + piece);
			assert_int_equal(bucket_write(in, one.p, one.n, &b->why), OK);
		}
		assert_int_equal(bucket_view(in, &seen, md5, &b->why), OK);
		assert_str(seen, body);
		assert_int_equal(bucket_finish(&in, &c, &b->why), OK);
		assert_str(body_get(b, b->w.bucket_name, STR("k")), body);
	}
	bench_reopen(b);
	assert_str(body_get(b, b->w.bucket_name, STR("k")), all);
}

/* a finish that is not waited for */

struct started {
	struct write_completion wait;
	sem_t done;
	enum status end;
	unsigned times;
};

static void note_end(struct write_completion *w, enum status end)
{
	struct started *s = (struct started *)w;
	s->end = end;
	s->times++;
	sem_post(&s->done);
}

static void start_one(struct incoming **in, const struct object_commit *c, struct started *s)
{
	*s = (struct started){ .wait.done = note_end, .end = INVALID };
	sem_init(&s->done, 0, 0);
	bucket_start_finish(in, c, &s->wait);
	assert_null(*in);
}

static enum status await(struct bench *b, struct started *s)
{
	while (sem_wait(&s->done) != 0)
		continue;
	sem_destroy(&s->done);
	assert_int_equal(s->times, 1);
	b->why = s->wait.why;
	return s->end;
}

static void test_patch_then_the_bytes_and_the_md5_are_the_new_ones(void **state)
{
	struct bench *b = *state;
	const struct str bodies[] = { STR("hello world"), body_noise(b, 16384), body_noise(b, 100000) };
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct str want = str_dup(&b->a, bodies[i]), seen;
		unsigned char md5[16];
		char hex[33];
		memcpy((char *)want.p + 4, "1234", 4);
		struct incoming *in = body_receive(b, bodies[i]);
		struct object_commit c = body_commit(b, STR("k"));
		assert_int_equal(bucket_patch(in, 4, "1234", 4, &b->why), OK);
		assert_int_equal(bucket_view(in, &seen, md5, &b->why), OK);
		assert_str(seen, want);
		hex_encode(md5, sizeof md5, hex);
		assert_str(str_of(hex), body_etag(b, want));
		assert_int_equal(bucket_finish(&in, &c, &b->why), OK);
		assert_str(body_get(b, b->w.bucket_name, STR("k")), want);
		struct object_file f;
		assert_int_equal(bucket_open(b->w.bucket, b->w.bucket_name, STR("k"), &b->a, &f, &b->why), OK);
		assert_str(f.info.etag, body_etag(b, want));
		object_file_close(&f);
	}
}

static void test_start_finish_then_reported_once_it_is_durable(void **state)
{
	static const size_t sizes[] = { 0, 1000, BUCKET_SMALL_BYTES, 100000 };
	struct bench *b = *state;
	struct started s;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct str key = str_printf(&b->a, "docs/%zu", i), body = body_noise(b, sizes[i]);
		struct incoming *in = body_receive(b, body);
		struct object_commit c = body_commit(b, key);
		start_one(&in, &c, &s);
		assert_int_equal(await(b, &s), OK);
		assert_str(body_get(b, b->w.bucket_name, key), body);
		bench_reopen(b);
		assert_str(body_get(b, b->w.bucket_name, key), body);
	}
}

static void test_start_finish_that_fails_then_the_reason_is_reported_and_nothing_is_left(void **state)
{
	struct bench *b = *state;
	struct started s;
	struct incoming *in = body_receive(b, STR("hello"));
	struct object_commit c = body_commit(b, STR("docs/a"));
	c.bucket = STR("nobodys");
	start_one(&in, &c, &s);
	assert_fails(b, await(b, &s), F_NO_SUCH_BUCKET);
	body_expect_absent(b, b->w.bucket_name, STR("docs/a"));
}

static void test_start_finish_of_an_image_then_object_and_row_are_there(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	struct started s;
	struct resolution verdict = row_verdict(&b->a, 1, 1700000000000, STR(""));
	bench_insert(b, 1);
	struct incoming *in = body_receive(b, STR("hello"));
	struct object_commit c = body_commit(b, bench_key(b, 1));
	c.resolve = &verdict;
	c.now = &now;
	start_one(&in, &c, &s);
	assert_int_equal(await(b, &s), OK);
	struct image_row row = bench_row(b, 1);
	assert_true(row_equal(&row, &now));
	assert_int_equal(row.status, IMAGE_UPLOADED);
	assert_str(body_get(b, b->w.bucket_name, bench_key(b, 1)), STR("hello"));
}

static void test_start_finish_of_many_at_once_for_one_key_then_one_whole_object(void **state)
{
	struct bench *b = *state;
	struct started s[50];
	struct object_commit c[COUNT_OF(s)];
	struct str bodies[COUNT_OF(s)];
	for (size_t i = 0; i < COUNT_OF(s); i++) {
		bodies[i] = str_printf(&b->a, "%0*zu", 100 + (int)i, i);
		struct incoming *in = body_receive(b, bodies[i]);
		c[i] = body_commit(b, STR("k"));
		start_one(&in, &c[i], &s[i]);
	}
	for (size_t i = 0; i < COUNT_OF(s); i++)
		assert_int_equal(await(b, &s[i]), OK);
	assert_str(body_get(b, b->w.bucket_name, STR("k")), bodies[COUNT_OF(s) - 1]);
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_meta_then_returned_as_often_as_requested),
	BENCH_TEST(test_condition_then_it_holds_or_nothing_changes),
	BENCH_TEST(test_body_of_every_size_around_the_small_limit_then_the_same_whatever_length_was_announced),
	BENCH_TEST(test_patch_then_the_bytes_and_the_md5_are_the_new_ones),
	BENCH_TEST(test_start_finish_then_reported_once_it_is_durable),
	BENCH_TEST(test_start_finish_that_fails_then_the_reason_is_reported_and_nothing_is_left),
	BENCH_TEST(test_start_finish_of_an_image_then_object_and_row_are_there),
	BENCH_TEST(test_start_finish_of_many_at_once_for_one_key_then_one_whole_object),
};

int contract_bucket_bodies(const struct contract_maker *maker)
{
	return bench_run(maker, "bucket_store, bodies", tests, COUNT_OF(tests));
}
