/* The contract of the part store: parts come in any order and are replaced, one object is made of those that are
 * named, once; what fails leaves the upload as it was, what ends leaves nothing. */
#include "fake/contract_parts.h"

#include "fake/bodies.h"
#include <pthread.h>
#include <string.h>

#define KEY STR("films/one")

static struct str begin(struct bench *b, struct str key)
{
	static const struct header headers[] = { { { "cache-control", 13 }, { "no-store", 8 } },
		{ { "x-amz-meta-a", 12 }, { "\xC3\xA9", 2 } } };
	struct part_upload u = { .bucket = b->w.bucket_name,
		.key = key,
		.owner = STR("ann"),
		.content_type = STR("video/mp4"),
		.meta = { .headers = headers, .n_headers = 2, .checksum = { .kind = CHECKSUM_CRC32C, .composite = true } } };
	struct str id = { 0 };
	assert_int_equal(parts_start(b->w.parts, &u, &b->a, &id, &b->why), OK);
	assert_true(id.n > 0 && id.n < 1024);
	return id;
}

static enum status send_part(struct bench *b, struct str key, struct str id, uint32_t number, struct str body)
{
	struct incoming *in = body_receive(b, body);
	struct object_commit c = { .bucket = b->w.bucket_name,
		.key = key,
		.upload_id = id,
		.part_number = number,
		.meta = { .checksum = { CHECKSUM_CRC32C, false, STR("yZRlqg==") } } };
	enum status status = bucket_finish(&in, &c, &b->why);
	assert_null(in);
	return status;
}

static void put_part(struct bench *b, struct str id, uint32_t number, struct str body)
{
	assert_int_equal(send_part(b, KEY, id, number, body), OK);
}

/* What a client reports a part that it has sent. */
static struct object_part given(struct bench *b, uint32_t number, struct str body)
{
	return (struct object_part){
		.number = number, .size = body.n, .etag = body_etag(b, body), .checksum = { CHECKSUM_CRC32C, false, STR("yZRlqg==") }
	};
}

static struct part_completion completion(struct bench *b, struct str id, const struct object_part *parts, size_t n)
{
	return (struct part_completion){ .bucket = b->w.bucket_name,
		.key = KEY,
		.id = id,
		.parts = parts,
		.n_parts = n,
		.etag = STR("0123456789abcdef0123456789abcdef-2"),
		.meta = { .parts = parts, .n_parts = n, .checksum = { CHECKSUM_CRC32C, true, STR("AAAAAA==-2") } } };
}

static size_t count_parts(struct bench *b, struct str id)
{
	struct part_page page;
	assert_int_equal(parts_list(b->w.parts, id, 0, 10000, &b->a, &page, &b->why), OK);
	return page.n;
}

static void expect_gone(struct bench *b, struct str id)
{
	struct part_upload u;
	struct part_page page;
	assert_fails(b, parts_find(b->w.parts, b->w.bucket_name, KEY, id, &b->a, &u, &b->why), F_NO_SUCH_UPLOAD);
	assert_fails(b, parts_list(b->w.parts, id, 0, 10, &b->a, &page, &b->why), F_NO_SUCH_UPLOAD);
	assert_fails(b, send_part(b, KEY, id, 1, STR("late")), F_NO_SUCH_UPLOAD);
	assert_fails(b, parts_abort(b->w.parts, b->w.bucket_name, KEY, id, &b->why), F_NO_SUCH_UPLOAD);
}

static void test_start_then_found_with_all_given_values(void **state)
{
	struct bench *b = *state;
	struct part_upload u;
	struct str id = begin(b, KEY), other = begin(b, KEY);
	assert_false(str_equal(id, other));
	bench_reopen(b);
	assert_int_equal(parts_find(b->w.parts, b->w.bucket_name, KEY, id, &b->a, &u, &b->why), OK);
	assert_str(u.id, id);
	assert_str(u.bucket, b->w.bucket_name);
	assert_str(u.key, KEY);
	assert_str(u.owner, STR("ann"));
	assert_str(u.content_type, STR("video/mp4"));
	assert_true(u.begun_ms > 1000000000000);
	assert_int_equal(u.meta.checksum.kind, CHECKSUM_CRC32C);
	assert_true(u.meta.checksum.composite);
	assert_int_equal(u.meta.n_headers, 2);
	assert_str(u.meta.headers[1].value, STR("\xC3\xA9"));
	body_expect_absent(b, b->w.bucket_name, KEY);
}

static void test_upload_id_of_another_bucket_or_key_then_no_such_upload(void **state)
{
	struct bench *b = *state;
	struct part_upload u;
	struct str id = begin(b, KEY);
	struct str wrong[] = { STR(""), STR("x"), str_slice(id, 0, id.n - 1), str_printf(&b->a, "%.*s0", STRF(id)),
		str_printf(&b->a, "%.*s%c", (int)id.n - 1, id.p, id.p[id.n - 1] == '0' ? '1' : '0') };
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_fails(b, parts_find(b->w.parts, b->w.bucket_name, KEY, wrong[i], &b->a, &u, &b->why), F_NO_SUCH_UPLOAD);
	assert_fails(b, parts_find(b->w.parts, b->w.bucket_name, STR("other"), id, &b->a, &u, &b->why), F_NO_SUCH_UPLOAD);
	assert_fails(b, parts_find(b->w.parts, STR("nobodys"), KEY, id, &b->a, &u, &b->why), F_NO_SUCH_UPLOAD);
	assert_fails(b, send_part(b, STR("other"), id, 1, STR("x")), F_NO_SUCH_UPLOAD);
	assert_fails(b, parts_abort(b->w.parts, b->w.bucket_name, STR("other"), id, &b->why), F_NO_SUCH_UPLOAD);
	struct part_upload nowhere = { .bucket = STR("nobodys"), .key = KEY };
	assert_fails(b, parts_start(b->w.parts, &nowhere, &b->a, &id, &b->why), F_NO_SUCH_BUCKET);
}

static void test_parts_in_any_order_and_again_then_listed_by_number(void **state)
{
	struct bench *b = *state;
	struct part_page page;
	struct str id = begin(b, KEY), large = body_noise(b, 70000);
	put_part(b, id, 10000, STR("last"));
	put_part(b, id, 3, large);
	put_part(b, id, 1, STR("first"));
	put_part(b, id, 3, STR("third, again"));
	put_part(b, id, 10000, large);
	bench_reopen(b);
	assert_int_equal(parts_list(b->w.parts, id, 0, 2, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 2);
	assert_true(page.more);
	assert_int_equal(page.parts[0].number, 1);
	assert_int_equal(page.parts[1].number, 3);
	assert_str(page.parts[1].etag, body_etag(b, STR("third, again")));
	assert_int_equal(page.parts[1].size, 12);
	assert_true(page.parts[1].modified_ms > 0);
	assert_int_equal(page.parts[1].checksum.kind, CHECKSUM_CRC32C);
	assert_str(page.parts[1].checksum.value, STR("yZRlqg=="));
	assert_int_equal(parts_list(b->w.parts, id, 3, 2, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 1);
	assert_false(page.more);
	assert_int_equal(page.parts[0].number, 10000);
	assert_int_equal(page.parts[0].size, large.n);
	assert_int_equal(parts_list(b->w.parts, id, 0, 0, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 0);
	assert_false(page.more);
}

static void expect_made(struct bench *b, const struct part_completion *c, struct str body)
{
	struct object_file f;
	assert_int_equal(bucket_open(b->w.bucket, b->w.bucket_name, KEY, &b->a, &f, &b->why), OK);
	assert_str(body_read(b, &f), body);
	assert_str(f.info.etag, c->etag);
	assert_str(f.info.content_type, STR("video/mp4"));
	assert_int_equal(f.meta.n_parts, c->n_parts);
	for (size_t i = 0; i < c->n_parts; i++) {
		assert_int_equal(f.meta.parts[i].number, c->parts[i].number);
		assert_int_equal(f.meta.parts[i].size, c->parts[i].size);
		assert_str(f.meta.parts[i].checksum.value, c->parts[i].checksum.value);
	}
	assert_true(f.meta.checksum.composite);
	assert_str(f.meta.checksum.value, STR("AAAAAA==-2"));
	object_file_close(&f);
}

static void test_complete_then_one_object_of_the_named_parts(void **state)
{
	struct bench *b = *state;
	struct str bodies[] = { STR("small "), body_noise(b, 300000), STR("tail") };
	struct str id = begin(b, KEY), whole = str_printf(&b->a, "small %300004s", "");
	struct object_info made;
	for (uint32_t i = 0; i < 3; i++)
		put_part(b, id, 2 + 3 * i, bodies[i]);
	put_part(b, id, 3, body_noise(b, 20000)); /* not named */
	memcpy((char *)(uintptr_t)whole.p + 6, bodies[1].p, bodies[1].n);
	memcpy((char *)(uintptr_t)whole.p + 300006, "tail", 4);
	struct object_part parts[] = { given(b, 2, bodies[0]), given(b, 5, bodies[1]), given(b, 8, bodies[2]) };
	struct part_completion c = completion(b, id, parts, 3);
	assert_int_equal(parts_complete(b->w.parts, &c, &b->a, &made, &b->why), OK);
	assert_str(made.key, KEY);
	assert_int_equal(made.size, 300010);
	assert_str(made.etag, c.etag);
	assert_str(made.content_type, STR("video/mp4"));
	expect_made(b, &c, whole);
	expect_gone(b, id);
	bench_reopen(b);
	expect_made(b, &c, whole);
	expect_gone(b, id);
}

static void test_complete_of_one_small_part_then_an_object(void **state)
{
	struct bench *b = *state;
	struct str id = begin(b, KEY);
	struct object_info made;
	put_part(b, id, 1, STR("all there is"));
	struct object_part parts[] = { given(b, 1, STR("all there is")) };
	struct part_completion c = completion(b, id, parts, 1);
	assert_int_equal(parts_complete(b->w.parts, &c, &b->a, &made, &b->why), OK);
	expect_made(b, &c, STR("all there is"));
	bench_reopen(b);
	expect_made(b, &c, STR("all there is"));
}

static void test_complete_again_then_the_same_response_for_the_same_etag_only(void **state)
{
	struct bench *b = *state;
	struct str id = begin(b, KEY);
	struct object_info first, again;
	put_part(b, id, 1, STR("bytes"));
	struct object_part parts[] = { given(b, 1, STR("bytes")) };
	struct part_completion c = completion(b, id, parts, 1);
	assert_int_equal(parts_complete(b->w.parts, &c, &b->a, &first, &b->why), OK);
	body_put(b, b->w.bucket_name, KEY, STR("written since"));
	bench_reopen(b);
	assert_int_equal(parts_complete(b->w.parts, &c, &b->a, &again, &b->why), OK);
	assert_str(again.etag, first.etag);
	assert_str(again.key, first.key);
	assert_str(again.content_type, first.content_type);
	assert_int_equal(again.size, first.size);
	assert_int_equal(again.modified_ms, first.modified_ms);
	assert_str(body_get(b, b->w.bucket_name, KEY), STR("written since"));
	c.etag = STR("ffffffffffffffffffffffffffffffff-1");
	assert_fails(b, parts_complete(b->w.parts, &c, &b->a, &again, &b->why), F_NO_SUCH_UPLOAD);
	c = completion(b, id, parts, 1);
	c.key = STR("other");
	assert_fails(b, parts_complete(b->w.parts, &c, &b->a, &again, &b->why), F_NO_SUCH_UPLOAD);
}

static void test_complete_with_a_wrong_part_then_part_invalid_and_nothing_changes(void **state)
{
	struct bench *b = *state;
	struct str id = begin(b, KEY), large = body_noise(b, 40000);
	struct object_info made;
	put_part(b, id, 1, STR("one"));
	put_part(b, id, 3, large);
	struct object_part wrong[][2] = {
		{ given(b, 1, STR("one")), given(b, 2, large) },
		{ given(b, 1, STR("two")), given(b, 3, large) },
		{ given(b, 1, STR("one")), given(b, 4, large) },
	};
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct part_completion c = completion(b, id, wrong[i], 2);
		assert_fails(b, parts_complete(b->w.parts, &c, &b->a, &made, &b->why), F_PART_INVALID);
	}
	body_expect_absent(b, b->w.bucket_name, KEY);
	assert_int_equal(count_parts(b, id), 2);
	struct object_part right[] = { given(b, 1, STR("one")), given(b, 3, large) };
	struct part_completion c = completion(b, id, right, 2);
	assert_int_equal(parts_complete(b->w.parts, &c, &b->a, &made, &b->why), OK);
}

static void test_complete_under_a_condition_then_it_holds_or_nothing_changes(void **state)
{
	struct bench *b = *state;
	struct str id = begin(b, KEY);
	struct object_info made;
	put_part(b, id, 1, STR("new"));
	struct object_part parts[] = { given(b, 1, STR("new")) };
	struct part_completion c = completion(b, id, parts, 1);
	c.condition.etag = STR("*");
	assert_fails(b, parts_complete(b->w.parts, &c, &b->a, &made, &b->why), F_NO_SUCH_KEY);
	body_put(b, b->w.bucket_name, KEY, STR("old"));
	c.condition = (struct object_condition){ .absent = true };
	assert_fails(b, parts_complete(b->w.parts, &c, &b->a, &made, &b->why), F_PRECONDITION);
	c.condition = (struct object_condition){ .etag = body_etag(b, STR("new")) };
	assert_fails(b, parts_complete(b->w.parts, &c, &b->a, &made, &b->why), F_PRECONDITION);
	assert_str(body_get(b, b->w.bucket_name, KEY), STR("old"));
	assert_int_equal(count_parts(b, id), 1);
	c.condition.etag = body_etag(b, STR("old"));
	assert_int_equal(parts_complete(b->w.parts, &c, &b->a, &made, &b->why), OK);
	assert_str(body_get(b, b->w.bucket_name, KEY), STR("new"));
}

static void test_abort_then_all_is_gone(void **state)
{
	struct bench *b = *state;
	struct str id = begin(b, KEY), kept = begin(b, KEY);
	put_part(b, id, 1, STR("small"));
	put_part(b, id, 2, body_noise(b, 50000));
	put_part(b, kept, 1, STR("kept"));
	assert_int_equal(parts_abort(b->w.parts, b->w.bucket_name, KEY, id, &b->why), OK);
	for (unsigned round = 0; round < 2; round++) {
		expect_gone(b, id);
		assert_int_equal(count_parts(b, kept), 1);
		bench_reopen(b);
	}
}

static void test_remove_of_the_bucket_then_its_uploads_are_removed_too(void **state)
{
	struct bench *b = *state;
	struct part_upload u = { .bucket = STR("shelf"), .key = KEY }, found;
	struct str id;
	assert_int_equal(catalog_create(b->w.catalog, STR("shelf"), STR("ann"), &b->why), OK);
	assert_int_equal(parts_start(b->w.parts, &u, &b->a, &id, &b->why), OK);
	assert_int_equal(catalog_remove(b->w.catalog, STR("shelf"), &b->why), OK);
	assert_int_equal(catalog_create(b->w.catalog, STR("shelf"), STR("ann"), &b->why), OK);
	assert_fails(b, parts_find(b->w.parts, STR("shelf"), KEY, id, &b->a, &found, &b->why), F_NO_SUCH_UPLOAD);
}

static void test_abort_older_then_those_begun_before_are_removed(void **state)
{
	struct bench *b = *state;
	struct part_upload u;
	uint32_t ended = 77;
	struct str ids[150];
	for (size_t i = 0; i < COUNT_OF(ids); i++)
		ids[i] = begin(b, KEY);
	put_part(b, ids[0], 1, STR("small"));
	assert_int_equal(parts_find(b->w.parts, b->w.bucket_name, KEY, ids[0], &b->a, &u, &b->why), OK);
	assert_int_equal(parts_end_older(b->w.parts, u.begun_ms, &ended, &b->why), OK);
	assert_int_equal(ended, 0);
	assert_int_equal(count_parts(b, ids[0]), 1);
	assert_int_equal(parts_end_older(b->w.parts, u.begun_ms + 3600000, &ended, &b->why), OK);
	assert_int_equal(ended, COUNT_OF(ids));
	expect_gone(b, ids[0]);
	expect_gone(b, ids[149]);
}

/* uploads */

static void expect_uploads(struct bench *b, const struct part_upload_query *q, const struct str *want, size_t n, bool more)
{
	struct part_upload_page page;
	assert_int_equal(parts_list_uploads(b->w.parts, q, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, n);
	assert_int_equal(page.more, more);
	for (size_t i = 0; i < n; i++)
		assert_str(page.uploads[i].id.n > 0 ? page.uploads[i].id : page.uploads[i].key, want[i]);
}

static void test_list_of_uploads_then_by_key_and_time_with_common_prefixes(void **state)
{
	struct bench *b = *state;
	struct str a1 = begin(b, STR("a")), b1 = begin(b, STR("dir/x")), a2 = begin(b, STR("a")), c1 = begin(b, STR("z")),
			   b2 = begin(b, STR("dir/y")), a3 = begin(b, STR("a"));
	struct part_upload_query q = { .bucket = b->w.bucket_name, .limit = 1000 };
	expect_uploads(b, &q, (struct str[]){ a1, a2, a3, b1, b2, c1 }, 6, false);
	q.limit = 2;
	expect_uploads(b, &q, (struct str[]){ a1, a2 }, 2, true);
	q.after_key = STR("a"), q.after_id = a2;
	expect_uploads(b, &q, (struct str[]){ a3, b1 }, 2, true);
	q.after_id = STR("");
	expect_uploads(b, &q, (struct str[]){ b1, b2 }, 2, true);
	q.delimiter = STR("/");
	expect_uploads(b, &q, (struct str[]){ STR("dir/"), c1 }, 2, false);
	q.after_key = STR("dir/");
	expect_uploads(b, &q, (struct str[]){ c1 }, 1, false);
	q.after_key = STR("dir/x"), q.after_id = b1;
	expect_uploads(b, &q, (struct str[]){ c1 }, 1, false);
	q.prefix = STR("dir/"), q.after_key = STR("dir/x"), q.after_id = b1;
	expect_uploads(b, &q, (struct str[]){ b2 }, 1, false);
	q = (struct part_upload_query){ .bucket = b->w.bucket_name, .prefix = STR("a"), .after_key = STR("A"), .limit = 1000 };
	expect_uploads(b, &q, (struct str[]){ a1, a2, a3 }, 3, false);
	/* the marker's upload has ended in the meantime */
	assert_int_equal(parts_abort(b->w.parts, b->w.bucket_name, STR("a"), a2, &b->why), OK);
	q = (struct part_upload_query){ .bucket = b->w.bucket_name, .after_key = STR("a"), .after_id = a2, .limit = 1 };
	expect_uploads(b, &q, (struct str[]){ a3 }, 1, true);
	q = (struct part_upload_query){ .bucket = b->w.bucket_name };
	expect_uploads(b, &q, NULL, 0, false);
	q = (struct part_upload_query){ .bucket = STR("nobodys"), .limit = 10 };
	struct part_upload_page page;
	assert_fails(b, parts_list_uploads(b->w.parts, &q, &b->a, &page, &b->why), F_NO_SUCH_BUCKET);
}

/* several at once */

struct rival {
	struct bench *b;
	struct part_completion c;
	struct arena a;
	struct fault why;
	struct object_info made;
	enum status end;
	pthread_barrier_t *start;
	pthread_t thread;
};

static void *complete_rival(void *arg)
{
	struct rival *r = arg;
	pthread_barrier_wait(r->start);
	r->end = parts_complete(r->b->w.parts, &r->c, &r->a, &r->made, &r->why);
	return NULL;
}

static void *abort_rival(void *arg)
{
	struct rival *r = arg;
	pthread_barrier_wait(r->start);
	r->end = parts_abort(r->b->w.parts, r->c.bucket, r->c.key, r->c.id, &r->why);
	return NULL;
}

static void race(struct bench *b, struct rival rivals[2], void *(*const runs[2])(void *))
{
	pthread_barrier_t start;
	pthread_barrier_init(&start, NULL, 2);
	for (unsigned i = 0; i < 2; i++) {
		rivals[i].b = b;
		rivals[i].start = &start;
		arena_init(&rivals[i].a, 1 << 20);
		int rc = pthread_create(&rivals[i].thread, NULL, runs[i], &rivals[i]);
		assert_int_equal(rc, 0);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(rivals[i].thread, NULL);
	pthread_barrier_destroy(&start);
}

static void test_complete_by_two_at_once_then_one_object_and_both_succeed(void **state)
{
	void *(*const runs[2])(void *) = { complete_rival, complete_rival };
	struct bench *b = *state;
	struct str large = body_noise(b, 200000);
	for (unsigned round = 0; round < 20; round++) {
		struct str id = begin(b, KEY);
		bool same = round % 2 == 0;
		put_part(b, id, 1, large);
		put_part(b, id, 2, STR("end"));
		struct object_part parts[] = { given(b, 1, large), given(b, 2, STR("end")) };
		struct rival rivals[2] = { { .c = completion(b, id, parts, 2) }, { .c = completion(b, id, parts, same ? 2 : 1) } };
		if (!same)
			rivals[1].c.etag = STR("ffffffffffffffffffffffffffffffff-1");
		race(b, rivals, runs);
		int won = (rivals[0].end == OK) + (rivals[1].end == OK);
		assert_int_equal(won, same ? 2 : 1);
		for (unsigned i = 0; i < 2; i++)
			if (rivals[i].end != OK)
				assert_int_equal(rivals[i].why.code, F_NO_SUCH_UPLOAD);
		bool both = rivals[0].end == OK && rivals[0].c.n_parts == 2;
		assert_int_equal(body_get(b, b->w.bucket_name, KEY).n, both ? 200003 : 200000);
		arena_deinit(&rivals[0].a);
		arena_deinit(&rivals[1].a);
	}
}

static void test_complete_while_aborted_then_object_or_nothing(void **state)
{
	void *(*const runs[2])(void *) = { complete_rival, abort_rival };
	struct bench *b = *state;
	struct str large = body_noise(b, 200000);
	for (unsigned round = 0; round < 20; round++) {
		struct str key = str_printf(&b->a, "films/%u", round), id = begin(b, key);
		assert_int_equal(send_part(b, key, id, 1, large), OK);
		struct object_part parts[] = { given(b, 1, large) };
		struct rival rivals[2] = { { .c = completion(b, id, parts, 1) }, { .c = completion(b, id, parts, 1) } };
		rivals[0].c.key = rivals[1].c.key = key;
		race(b, rivals, runs);
		assert_int_not_equal(rivals[0].end == OK, rivals[1].end == OK);
		if (rivals[0].end == OK)
			assert_str(body_get(b, b->w.bucket_name, key), large);
		else
			body_expect_absent(b, b->w.bucket_name, key);
		arena_deinit(&rivals[0].a);
		arena_deinit(&rivals[1].a);
	}
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_start_then_found_with_all_given_values),
	BENCH_TEST(test_upload_id_of_another_bucket_or_key_then_no_such_upload),
	BENCH_TEST(test_parts_in_any_order_and_again_then_listed_by_number),
	BENCH_TEST(test_complete_then_one_object_of_the_named_parts),
	BENCH_TEST(test_complete_of_one_small_part_then_an_object),
	BENCH_TEST(test_complete_again_then_the_same_response_for_the_same_etag_only),
	BENCH_TEST(test_complete_with_a_wrong_part_then_part_invalid_and_nothing_changes),
	BENCH_TEST(test_complete_under_a_condition_then_it_holds_or_nothing_changes),
	BENCH_TEST(test_abort_then_all_is_gone),
	BENCH_TEST(test_remove_of_the_bucket_then_its_uploads_are_removed_too),
	BENCH_TEST(test_abort_older_then_those_begun_before_are_removed),
	BENCH_TEST(test_list_of_uploads_then_by_key_and_time_with_common_prefixes),
	BENCH_TEST(test_complete_by_two_at_once_then_one_object_and_both_succeed),
	BENCH_TEST(test_complete_while_aborted_then_object_or_nothing),
};

int contract_parts(const struct contract_maker *maker)
{
	return bench_run(maker, "part_store", tests, COUNT_OF(tests));
}
