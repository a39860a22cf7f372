/* The life of an image, rule by rule, and every port failing at every call. */
#include "s3/fixture.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "fake/collision.h"
#include "fake/rows.h"
#include "image/strip/strip.h"

#include <string.h>

static void put(struct rig *r, struct str key, struct str body)
{
	rig_ask(r, &(struct ask){ .method = "PUT", .key = key, .who = "slots", .body = body });
}

static void test_image_when_it_passes_then_object_and_row_are_there(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	int64_t accepted = metric_get(M_UPLOADS_ACCEPTED);
	put(r, key, RIG_GIF);
	rig_expect(r, 200, "\"a5098c60b3b0c879a2c7af6c68b7b53f\"");
	assert_true(str_equal(r->x.answer.image_id, str_slice(key, 7, 43)));
	struct image_row row = rig_row(r, key);
	assert_int_equal(row.status, IMAGE_UPLOADED);
	assert_int_equal(row.file_size, 43);
	assert_true(str_equal(row.file_type, STR("image/gif")));
	assert_true(str_equal(row.etag, STR("a5098c60b3b0c879a2c7af6c68b7b53f")));
	assert_true(row.width == 1 && row.height == 1 && row.uploaded_ms > 0);
	assert_int_equal(metric_get(M_UPLOADS_ACCEPTED), accepted + 1);
}

static void test_image_when_it_does_not_pass_then_rejected_for_good(void **state)
{
	const struct str bodies[] = { RIG_NO_IMAGE, STR(""), STR("GIF89a"), STR("\x89PNG\r\n\x1a\n") };
	struct rig *r = *state;
	for (unsigned i = 0; i < COUNT_OF(bodies); i++) {
		int64_t rejected = metric_get(M_UPLOADS_REJECTED);
		struct str key = rig_slot(r, i);
		put(r, key, bodies[i]);
		rig_expect_error(r, 400, "InvalidRequest");
		struct image_row row = rig_row(r, key);
		assert_int_equal(row.status, IMAGE_REJECTED);
		assert_true(row.reason.n > 0 && str_equal(row.reason, rig_element(r, "Message")));
		assert_int_equal(metric_get(M_UPLOADS_REJECTED), rejected + 1);
		rig_expect_empty(r);
		put(r, key, RIG_GIF);
		rig_expect_error(r, 403, "AccessDenied");
		rig_expect_empty(r);
	}
}

static void test_image_when_it_is_not_of_the_declared_type_then_rejected(void **state)
{
	struct rig *r = *state;
	struct image_row row = row_pending(&r->arena, 1);
	struct fault why = { 0 };
	row.ends_ms = clock_now_ms() + 1000000;
	assert_int_equal(table_insert(r->product.table, &row, &why), OK);
	put(r, row.key, RIG_GIF);
	rig_expect_error(r, 400, "InvalidRequest");
	rig_expect_row(r, row.key, IMAGE_REJECTED);
	rig_expect_empty(r);
}

static void test_slot_when_missing_or_closed_then_access_denied_before_the_body(void **state)
{
	struct rig *r = *state;
	struct image_row over = row_pending(&r->arena, 5);
	struct str gone = rig_slot(r, 6), other = rig_slot(r, 7);
	struct fault why = { 0 };
	assert_int_equal(table_insert(r->product.table, &over, &why), OK);
	assert_int_equal(table_remove(r->product.table, str_slice(gone, 7, 43), 0, &why), OK);
	const struct str keys[] = { over.key, gone, STR("images/x"), STR("images/"), STR("images/00000000-0000-4000-8000-000000000000.gif"),
		str_printf(&r->arena, "%.*s.exe", STRF(other)) };
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		put(r, keys[i], RIG_GIF);
		rig_expect_error(r, 403, "AccessDenied");
		assert_int_equal(r->x.body_bytes, 0);
		rig_expect_empty(r);
	}
}

static void test_failed_uploads_when_counted_then_only_those_whose_body_began(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	int64_t failed = metric_get(M_UPLOADS_FAILED);
	put(r, STR("images/x"), RIG_GIF);
	rig_expect_error(r, 403, "AccessDenied");
	assert_int_equal(metric_get(M_UPLOADS_FAILED), failed);
	r->cut = true;
	put(r, key, RIG_GIF);
	assert_int_equal(metric_get(M_UPLOADS_FAILED), failed + 1);
	trapped_fail_nth(r->engine, 1, F_DISK_FULL);
	put(r, key, RIG_GIF);
	assert_int_equal(metric_get(M_UPLOADS_FAILED), failed + 2);
	put(r, key, RIG_GIF);
	rig_expect(r, 200, NULL);
	assert_int_equal(metric_get(M_UPLOADS_FAILED), failed + 2);
}

/* Images are uploaded through slots: not even the owner can put one without a slot, nor any thumbnail. */
static void test_owner_when_under_images_without_a_slot_then_access_denied(void **state)
{
	struct rig *r = *state;
	struct str keys[] = { STR("images/mine.gif"), STR("thumbs/mine.gif") };
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		rig_ask(r, &(struct ask){ .method = "PUT", .who = "owner", .key = keys[i], .body = RIG_GIF });
		rig_expect_error(r, 403, "AccessDenied");
	}
	rig_expect_empty(r);
}

static void test_owner_when_its_url_is_for_a_slot_then_the_image_is_accepted(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	rig_ask(r, &(struct ask){ .method = "PUT", .who = "owner", .key = key, .body = RIG_GIF });
	rig_expect(r, 200, "\"a5098c60b3b0c879a2c7af6c68b7b53f\"");
	rig_expect_row(r, key, IMAGE_UPLOADED);
}

static void test_second_put_when_bytes_are_the_same_then_the_same_response(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	int64_t repeated = metric_get(M_UPLOADS_REPEATED);
	put(r, key, RIG_GIF);
	struct image_row row = rig_row(r, key);
	uint64_t calls = trapped_calls(r->engine);
	put(r, key, RIG_GIF);
	rig_expect(r, 200, "\"a5098c60b3b0c879a2c7af6c68b7b53f\"");
	assert_int_equal(trapped_calls(r->engine), calls + 5); /* begin, write, view, view, open: no commit is tried */
	struct image_row again = rig_row(r, key);
	assert_true(row_equal(&row, &again));
	assert_int_equal(trapped_open_bodies(r->engine), 0);
	assert_int_equal(metric_get(M_UPLOADS_REPEATED), repeated + 1);
}

/* RIG_GIF with a comment, and bytes behind its end. */
#define COMMENTED_GIF STR("GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xfe\4GPS!\0!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;more")
#define GIF_ETAG "\"a5098c60b3b0c879a2c7af6c68b7b53f\""

static void put_commented(struct rig *r, struct str key, const char *name, const char *value)
{
	rig_ask(r,
		&(struct ask){
			.method = "PUT", .key = key, .who = "slots", .headers = { { str_of(name), str_of(value) } }, .body = COMMENTED_GIF });
}

static void test_image_when_it_has_a_comment_then_stored_without(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	put(r, key, COMMENTED_GIF);
	rig_expect(r, 200, GIF_ETAG);
	struct image_row row = rig_row(r, key);
	assert_true(row.stripped && row.removed == (STRIP_COMMENT | STRIP_TRAILER));
	assert_int_equal(row.received_size, COMMENTED_GIF.n);
	assert_int_equal(row.file_size, RIG_GIF.n);
	char hex[2 * SHA256_BYTES + 1];
	sha256_hex(COMMENTED_GIF, hex);
	assert_true(str_equal(row.received_sha256, str_of(hex)));
	put(r, key, COMMENTED_GIF);
	rig_expect(r, 200, GIF_ETAG);
	put(r, key, RIG_GIF); /* which is what is stored, but not what was sent */
	rig_expect_error(r, 412, "PreconditionFailed");
}

static void test_image_when_strip_is_off_then_stored_as_received(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	r->product.rules.strip = false;
	put(r, key, COMMENTED_GIF);
	rig_expect(r, 200, NULL);
	struct image_row row = rig_row(r, key);
	assert_true(!row.stripped && row.removed == 0 && row.received_sha256.n == 64);
	assert_int_equal(row.file_size, COMMENTED_GIF.n);
	r->product.rules.strip = true;
	put(r, key, COMMENTED_GIF);
	rig_expect(r, 200, NULL);
	put(r, key, RIG_GIF);
	rig_expect_error(r, 412, "PreconditionFailed");
}

/* Digests are of the bytes as they were received; the response has none that the client did not send. */
static void test_image_when_digests_are_given_then_they_are_of_what_was_received(void **state)
{
	static const char *const names[] = { "Content-MD5", "x-amz-checksum-crc32" };
	static const char *const right[] = { "bNaamhXnzD8A66+NzmrHSA==", "LeuINA==" },
							 *const of_stored[] = { "pQmMYLOwyHmix69saLe1Pw==", "RyCVaw==" };
	struct rig *r = *state;
	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		struct str key = rig_slot(r, i);
		put_commented(r, key, names[i], of_stored[i]);
		rig_expect_error(r, 400, "BadDigest");
		rig_expect_row(r, key, IMAGE_PENDING);
		for (int turn = 0; turn < 2; turn++) { /* the second is a repeated upload */
			put_commented(r, key, names[i], right[i]);
			rig_expect(r, 200, GIF_ETAG);
			assert_int_equal(rig_header(r, "x-amz-checksum-crc32").n, 0);
		}
		rig_ask(r, &(struct ask){ .method = "HEAD", .key = key, .headers = { { STR("x-amz-checksum-mode"), STR("ENABLED") } } });
		rig_expect(r, 200, GIF_ETAG);
		assert_true(str_equal(rig_header(r, "x-amz-checksum-crc32"), i == 0 ? STR("") : str_of(of_stored[i])));
	}
}

static void test_image_when_nothing_is_removed_then_the_response_has_its_checksum(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	rig_ask(r,
		&(struct ask){ .method = "PUT",
			.key = key,
			.who = "slots",
			.headers = { { STR("x-amz-checksum-crc32"), STR("RyCVaw==") } },
			.body = RIG_GIF });
	rig_expect(r, 200, GIF_ETAG);
	assert_true(str_equal(rig_header(r, "x-amz-checksum-crc32"), STR("RyCVaw==")));
	assert_true(rig_row(r, key).stripped);
}

/* An image of a version that kept nothing about what was received: it is stored as that was. */
static void test_image_when_it_is_of_an_older_version_then_the_stored_bytes_are_compared(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	struct incoming *in = NULL;
	struct image_row now;
	struct fault why = { 0 };
	struct resolution s = { .image_id = str_slice(key, 7, 43),
		.status = IMAGE_UPLOADED,
		.file_type = STR("image/gif"),
		.file_size = COMMENTED_GIF.n,
		.etag = STR("6cd69a9a15e7cc3f00ebaf8dce6ac748") };
	struct object_commit commit = {
		.bucket = STR(RIG_BUCKET), .key = key, .content_type = s.file_type, .resolve = &s, .arena = &r->arena, .now = &now
	};
	assert_int_equal(bucket_begin(trapped_buckets(r->engine), 0, &in, &why), OK);
	assert_int_equal(bucket_write(in, COMMENTED_GIF.p, COMMENTED_GIF.n, &why), OK);
	assert_int_equal(bucket_finish(&in, &commit, &why), OK);
	put(r, key, COMMENTED_GIF);
	rig_expect(r, 200, "\"6cd69a9a15e7cc3f00ebaf8dce6ac748\"");
	assert_false(rig_row(r, key).stripped);
	put(r, key, RIG_GIF);
	rig_expect_error(r, 412, "PreconditionFailed");
}

static struct str collision_slot(struct rig *r, unsigned n)
{
	struct image_row slot = row_pending(&r->arena, n);
	struct fault why = { 0 };
	slot.file_type = COLLISION_TYPE;
	slot.ends_ms = clock_now_ms() + 3600000;
	assert_int_equal(table_insert(r->product.table, &slot, &why), OK);
	return slot.key;
}

static void test_second_put_when_bytes_of_the_same_md5_differ_then_precondition_failed(void **state)
{
	struct rig *r = *state;
	struct str key = collision_slot(r, 1);
	r->product.rules.allowed_types = r->product.rules.unverified_types = COLLISION_TYPE;
	put(r, key, COLLISION_ONE);
	rig_expect(r, 200, "\"79054025255fb1a26e4bc422aef54eb4\"");
	put(r, key, COLLISION_OTHER);
	rig_expect_error(r, 412, "PreconditionFailed");
	put(r, key, COLLISION_ONE);
	rig_expect(r, 200, "\"79054025255fb1a26e4bc422aef54eb4\"");
}

static void test_second_put_when_bytes_differ_then_precondition_failed_and_nothing_changes(void **state)
{
	const struct str bodies[] = { RIG_OTHER_GIF, RIG_NO_IMAGE, STR("") };
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	put(r, key, RIG_GIF);
	struct image_row row = rig_row(r, key);
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		int64_t conflicts = metric_get(M_UPLOADS_CONFLICT);
		put(r, key, bodies[i]);
		rig_expect_error(r, 412, "PreconditionFailed");
		struct image_row now = rig_row(r, key);
		assert_true(row_equal(&row, &now));
		assert_int_equal(metric_get(M_UPLOADS_CONFLICT), conflicts + 1);
		assert_int_equal(trapped_open_bodies(r->engine), 0);
	}
	rig_ask(r, &(struct ask){ .key = key });
	assert_true(str_equal(rig_body(r), RIG_GIF));
}

/* What another client does between the first byte of an upload and its verdict. */
struct rival {
	struct rig *r;
	struct str key;
	enum image_status status;
	struct str body; /* of an accepted one */
	bool removed;
};

static void commit_rival(struct rival *m, struct resolution *s)
{
	struct rig *r = m->r;
	struct incoming *in = NULL;
	struct str seen;
	struct image_row now;
	struct fault why = { 0 };
	unsigned char md5[MD5_BYTES];
	char hex[2 * MD5_BYTES + 1];
	assert_int_equal(bucket_begin(trapped_buckets(r->engine), m->body.n, &in, &why), OK);
	assert_int_equal(bucket_write(in, m->body.p, m->body.n, &why), OK);
	assert_int_equal(bucket_view(in, &seen, md5, &why), OK);
	hex_encode(md5, MD5_BYTES, hex);
	s->etag = str_of(hex);
	s->file_size = m->body.n;
	const struct object_commit all = {
		.bucket = r->options.image_bucket, .key = m->key, .content_type = s->file_type, .resolve = s, .arena = &r->arena, .now = &now
	};
	assert_int_equal(bucket_finish(&in, &all, &why), OK);
}

static void win_race(void *arg)
{
	struct rival *m = arg;
	struct fault why = { 0 };
	struct image_row now = { 0 };
	struct resolution s = { .image_id = str_slice(m->key, 7, 43),
		.status = m->status,
		.file_type = STR("image/gif"),
		.file_size = 43,
		.etag = STR("00000000000000000000000000000000"),
		.uploaded_ms = 1,
		.reason = STR("the other was verified first") };
	if (m->removed)
		assert_int_equal(table_remove(m->r->product.table, s.image_id, 0, &why), OK);
	else if (m->status == IMAGE_UPLOADED)
		commit_rival(m, &s);
	else
		assert_int_equal(table_resolve(m->r->product.table, &s, &m->r->arena, &now, &why), OK);
}

/* Upload while the rival's commit comes first: begin and write are the calls before it. */
static void put_second(struct rival *m, struct str body)
{
	trapped_meet_nth(m->r->engine, 3, win_race, m);
	put(m->r, m->key, body);
}

static void test_race_when_the_other_was_first_then_its_verdict_remains(void **state)
{
	const struct {
		struct str body, first;
		enum image_status status;
		bool removed;
		int answer;
		const char *code;
	} rows[] = {
		{ RIG_GIF, RIG_GIF, IMAGE_UPLOADED, false, 200, NULL },
		{ RIG_GIF, RIG_OTHER_GIF, IMAGE_UPLOADED, false, 412, "PreconditionFailed" },
		{ RIG_GIF, STR(""), IMAGE_REJECTED, false, 403, "AccessDenied" },
		{ RIG_GIF, STR(""), IMAGE_PENDING, true, 403, "AccessDenied" },
		{ RIG_NO_IMAGE, RIG_GIF, IMAGE_UPLOADED, false, 412, "PreconditionFailed" },
		{ RIG_NO_IMAGE, STR(""), IMAGE_REJECTED, false, 403, "AccessDenied" },
		{ RIG_NO_IMAGE, STR(""), IMAGE_PENDING, true, 403, "AccessDenied" },
	};
	struct rig *r = *state;
	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		struct rival m = { r, rig_slot(r, i), rows[i].status, rows[i].first, rows[i].removed };
		int64_t conflicts = metric_get(M_UPLOADS_CONFLICT);
		put_second(&m, rows[i].body);
		if (rows[i].code == NULL)
			rig_expect(r, rows[i].answer, "\"a5098c60b3b0c879a2c7af6c68b7b53f\"");
		else
			rig_expect_error(r, rows[i].answer, rows[i].code);
		assert_int_equal(trapped_open_bodies(r->engine), 0);
		assert_int_equal(metric_get(M_UPLOADS_CONFLICT), conflicts + (rows[i].code != NULL));
		if (!rows[i].removed)
			rig_expect_row(r, m.key, rows[i].status);
	}
	assert_int_equal(trapped_count(r->engine), 3);
}

static void test_race_when_both_bodies_have_one_md5_then_only_the_stored_one_is_accepted(void **state)
{
	const struct str firsts[] = { COLLISION_OTHER, COLLISION_ONE };
	struct rig *r = *state;
	r->product.rules.allowed_types = r->product.rules.unverified_types = COLLISION_TYPE;
	for (unsigned i = 0; i < COUNT_OF(firsts); i++) {
		struct rival m = { r, collision_slot(r, i), IMAGE_UPLOADED, firsts[i], false };
		put_second(&m, COLLISION_ONE);
		if (i == 0)
			rig_expect_error(r, 412, "PreconditionFailed");
		else
			rig_expect(r, 200, "\"79054025255fb1a26e4bc422aef54eb4\"");
		rig_ask(r, &(struct ask){ .key = m.key });
		assert_true(str_equal(rig_body(r), firsts[i]));
	}
}

static void test_race_when_the_other_image_is_deleted_meanwhile_then_access_denied(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	rig_put(r, key, RIG_GIF);
	struct rival m = { r, key, IMAGE_PENDING, STR(""), true };
	trapped_meet_nth(r->engine, 5, win_race, &m); /* begin, write, view, view; the fifth is open */
	put(r, key, RIG_GIF);
	rig_expect_error(r, 403, "AccessDenied");
	rig_expect_empty(r);
}

/* Every call of the port that an upload makes fails in turn: refused, nothing left, the row as it was, and the
 * same URL works afterwards. */
static unsigned fail_each_call(struct rig *r, struct str body, bool of_bucket, enum fault_code code)
{
	for (unsigned n = 1; n < 20; n++) {
		struct str key = rig_slot(r, n);
		if (of_bucket)
			trapped_fail_nth(r->engine, n, code);
		else
			trapped_table_fail_nth(r->engine, n, code);
		put(r, key, body);
		if (rig_status(r) == 200 || rig_status(r) == 400)
			return n - 1;
		rig_expect_error(r, 503, "SlowDown");
		rig_expect_empty(r);
		rig_expect_row(r, key, IMAGE_PENDING);
	}
	return 0;
}

static void disarm(struct rig *r)
{
	trapped_fail_nth(r->engine, 0, F_NONE);
	trapped_table_fail_nth(r->engine, 0, F_NONE);
}

static void test_port_when_its_nth_call_fails_then_slow_down_and_nothing_is_left(void **state)
{
	static const enum fault_code codes[] = { F_STORAGE_FAILED, F_DISK_FULL };
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		/* begin, write, view, finish */
		assert_int_equal(fail_each_call(*state, RIG_GIF, true, codes[i]), 4);
		disarm(*state);
		rig_down(state);
		rig_up(state);
		/* get; the resolution is the commit's */
		assert_int_equal(fail_each_call(*state, RIG_GIF, false, codes[i]), 1);
		disarm(*state);
		rig_down(state);
		rig_up(state);
		/* get, resolve */
		assert_int_equal(fail_each_call(*state, RIG_NO_IMAGE, false, codes[i]), 2);
		disarm(*state);
		rig_down(state);
		rig_up(state);
	}
}

static void test_response_when_it_was_lost_then_a_repeated_request_gets_the_same(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	int64_t failed = metric_get(M_UPLOADS_FAILED);
	trapped_lose_nth(r->engine, 4, F_STORAGE_FAILED);
	put(r, key, RIG_GIF);
	rig_expect_error(r, 503, "SlowDown");
	assert_int_equal(metric_get(M_UPLOADS_FAILED), failed + 1);
	put(r, key, RIG_GIF);
	rig_expect(r, 200, "\"a5098c60b3b0c879a2c7af6c68b7b53f\"");
	put(r, key, RIG_OTHER_GIF);
	rig_expect_error(r, 412, "PreconditionFailed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_image_when_it_passes_then_object_and_row_are_there),
		RIG_TEST(test_image_when_it_does_not_pass_then_rejected_for_good),
		RIG_TEST(test_image_when_it_is_not_of_the_declared_type_then_rejected),
		RIG_TEST(test_slot_when_missing_or_closed_then_access_denied_before_the_body),
		RIG_TEST(test_failed_uploads_when_counted_then_only_those_whose_body_began),
		RIG_TEST(test_owner_when_under_images_without_a_slot_then_access_denied),
		RIG_TEST(test_owner_when_its_url_is_for_a_slot_then_the_image_is_accepted),
		RIG_TEST(test_second_put_when_bytes_are_the_same_then_the_same_response),
		RIG_TEST(test_image_when_it_has_a_comment_then_stored_without),
		RIG_TEST(test_image_when_strip_is_off_then_stored_as_received),
		RIG_TEST(test_image_when_digests_are_given_then_they_are_of_what_was_received),
		RIG_TEST(test_image_when_nothing_is_removed_then_the_response_has_its_checksum),
		RIG_TEST(test_image_when_it_is_of_an_older_version_then_the_stored_bytes_are_compared),
		RIG_TEST(test_second_put_when_bytes_of_the_same_md5_differ_then_precondition_failed),
		RIG_TEST(test_second_put_when_bytes_differ_then_precondition_failed_and_nothing_changes),
		RIG_TEST(test_race_when_the_other_was_first_then_its_verdict_remains),
		RIG_TEST(test_race_when_both_bodies_have_one_md5_then_only_the_stored_one_is_accepted),
		RIG_TEST(test_race_when_the_other_image_is_deleted_meanwhile_then_access_denied),
		RIG_TEST(test_port_when_its_nth_call_fails_then_slow_down_and_nothing_is_left),
		RIG_TEST(test_response_when_it_was_lost_then_a_repeated_request_gets_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
