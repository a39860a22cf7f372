/* What the head of a PUT decides, and what its body may be: lengths, digests, conditions, types. */
#include "s3/fixture.h"

#include <string.h>

#define GIF_ETAG "\"a5098c60b3b0c879a2c7af6c68b7b53f\""

/* The GIF with blanks after it: n bytes in all. */
static struct str padded(struct rig *r, size_t n)
{
	char *p = arena_alloc(&r->arena, n);
	memset(p, ' ', n);
	memcpy(p, RIG_GIF.p, RIG_GIF.n);
	return (struct str){ p, n };
}

static void test_put_when_plain_then_stored_with_its_type_and_replaced_by_the_next(void **state)
{
	struct rig *r = *state;
	struct ask ask = { .method = "PUT", .key = STR("k"), .body = STR("hello world\n") };
	rig_ask(r, &ask);
	rig_expect(r, 200, "\"6f5902ac237024bdd0c176cb93063dc4\"");
	assert_int_equal(rig_body(r).n, 0);
	assert_string_equal(r->x.answer.route, "PUT /object");
	rig_ask(r, &(struct ask){ .key = STR("k") });
	assert_true(str_equal(rig_header(r, "Content-Type"), STR("binary/octet-stream")));
	ask.body = STR("more");
	ask.more[0] = (struct header){ STR("Content-Type"), STR("text/html; charset=utf-8") };
	rig_ask(r, &ask);
	rig_ask(r, &(struct ask){ .key = STR("k") });
	assert_true(str_equal(rig_header(r, "Content-Type"), STR("text/html; charset=utf-8")));
	assert_true(str_equal(rig_body(r), STR("more")));
	assert_int_equal(trapped_count(r->engine), 1);
}

static void test_put_when_body_arrives_byte_by_byte_then_it_is_the_same(void **state)
{
	struct rig *r = *state;
	r->piece = 1;
	rig_put(r, STR("k"), STR("hello world\n"));
	assert_true(str_equal(rig_header(r, "ETag"), STR("\"6f5902ac237024bdd0c176cb93063dc4\"")));
}

static void test_put_when_no_length_is_given_then_missing_content_length(void **state)
{
	struct rig *r = *state;
	rig_ask(r, &(struct ask){ .method = "PUT", .key = STR("k"), .no_length = true });
	rig_expect_error(r, 411, "MissingContentLength");
	rig_expect_empty(r);
}

static void test_put_when_chunked_then_counted(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	r->piece = 7;
	rig_ask(r, &(struct ask){ .method = "PUT", .key = key, .body = padded(r, 1001), .chunked = true });
	rig_expect_error(r, 400, "EntityTooLarge");
	assert_true(str_equal(rig_element(r, "MaxSizeAllowed"), STR("1000")));
	rig_expect_empty(r);
	rig_expect_row(r, key, IMAGE_PENDING);
	rig_ask(r, &(struct ask){ .method = "PUT", .key = key, .body = padded(r, 1000), .chunked = true });
	rig_expect(r, 200, NULL);
	assert_int_equal(rig_row(r, key).received_size, 1000);
	assert_int_equal(rig_row(r, key).file_size, RIG_GIF.n); /* what is behind the end is not stored */
}

static void test_put_when_announced_too_large_then_refused_before_the_body(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	rig_ask(r, &(struct ask){ .method = "PUT", .key = key, .body = padded(r, 1001) });
	rig_expect_error(r, 400, "EntityTooLarge");
	assert_int_equal(r->x.body_bytes, 0);
	rig_expect_empty(r);
	rig_ask(r, &(struct ask){ .method = "PUT", .key = key, .body = padded(r, 1000) });
	rig_expect(r, 200, NULL);
}

static void test_put_when_length_is_signed_then_another_length_or_chunks_are_refused(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	struct ask ask = { .method = "PUT", .key = key, .body = RIG_GIF, .headers = { { STR("Content-Length"), STR("43") } } };
	struct str target = rig_sign(r, &ask);
	assert_int_equal(RIG_GIF.n, 43);
	ask.headers[0].value = STR("44");
	ask.body = padded(r, 44);
	rig_send(r, &ask, target);
	rig_expect_error(r, 403, "SignatureDoesNotMatch");
	ask.headers[0] = (struct header){ 0 };
	ask.body = RIG_GIF;
	ask.chunked = true;
	rig_send(r, &ask, target);
	rig_expect_error(r, 400, "InvalidRequest");
	rig_expect_empty(r);
	ask.headers[0] = (struct header){ STR("Content-Length"), STR("43") };
	ask.chunked = false;
	rig_send(r, &ask, target);
	rig_expect(r, 200, GIF_ETAG);
}

static void test_put_when_body_is_cut_then_nothing_is_left_and_the_row_stays_pending(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	struct fault why = { 0 };
	r->cut = true;
	rig_ask(r, &(struct ask){ .method = "PUT", .key = key, .body = RIG_GIF });
	assert_int_equal(rig_status(r), 0);
	rig_expect_empty(r);
	rig_expect_row(r, key, IMAGE_PENDING);
	(void)fault_set(&why, BODY_CUT, "cut");
	r->handler->ops->on_error(r->handler, &r->x, &why);
	rig_expect_error(r, 400, "IncompleteBody");
}

static void test_put_when_fewer_bytes_arrive_than_announced_then_incomplete_body(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	rig_ask(r, &(struct ask){ .method = "PUT", .key = key, .body = RIG_GIF, .given = 44 });
	rig_expect_error(r, 400, "IncompleteBody");
	rig_expect_empty(r);
	rig_expect_row(r, key, IMAGE_PENDING);
}

static void test_md5_when_given_then_it_binds_the_body(void **state)
{
	static const struct {
		const char *value;
		int status;
		const char *code;
	} rows[] = { { "XrY7u+Ae7tCTyyK7j1rNww==", 400, "BadDigest" }, { "", 400, "InvalidDigest" }, { "no base64", 400, "InvalidDigest" },
		{ "XrY7u+Ae7tCTyyK7j1rN", 400, "InvalidDigest" }, { "XrY7u+Ae7tCTyyK7j1rNww", 400, "InvalidDigest" } };
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rig_ask(
			r, &(struct ask){ .method = "PUT", .key = key, .body = RIG_GIF, .more = { { STR("Content-MD5"), str_of(rows[i].value) } } });
		rig_expect_error(r, rows[i].status, rows[i].code);
		rig_expect_empty(r);
		rig_expect_row(r, key, IMAGE_PENDING);
	}
	rig_ask(r,
		&(struct ask){ .method = "PUT", .key = key, .body = RIG_GIF, .more = { { STR("Content-MD5"), STR("pQmMYLOwyHmix69saLe1Pw==") } } });
	rig_expect(r, 200, GIF_ETAG);
}

static void test_sha256_when_signed_then_it_binds_the_body(void **state)
{
	struct rig *r = *state;
	struct str right = STR("a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447");
	struct ask ask = {
		.method = "PUT", .key = STR("k"), .body = STR("hello world!"), .headers = { { STR("x-amz-content-sha256"), right } }
	};
	rig_ask(r, &ask);
	rig_expect_error(r, 400, "XAmzContentSHA256Mismatch");
	rig_expect_empty(r);
	ask.body = STR("hello world\n");
	rig_ask(r, &ask);
	rig_expect(r, 200, "\"6f5902ac237024bdd0c176cb93063dc4\"");
}

static void test_if_none_match_when_the_key_is_taken_then_precondition_failed(void **state)
{
	struct rig *r = *state;
	struct str keys[] = { STR("k"), rig_slot(r, 1) };
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct ask ask = { .method = "PUT", .key = keys[i], .body = RIG_GIF, .more = { { STR("If-None-Match"), STR("*") } } };
		rig_ask(r, &ask);
		rig_expect(r, 200, GIF_ETAG);
		rig_ask(r, &ask);
		rig_expect_error(r, 412, "PreconditionFailed");
		ask.body = RIG_OTHER_GIF;
		rig_ask(r, &ask);
		rig_expect_error(r, 412, "PreconditionFailed");
		rig_ask(r, &(struct ask){ .key = keys[i] });
		assert_true(str_equal(rig_body(r), RIG_GIF));
	}
}

static void take_the_key(void *arg)
{
	struct rig *r = arg;
	struct fault why = { 0 };
	assert_int_equal(store_put(r->product.store, STR("k"), STR("text/plain"), STR("first"), &why), OK);
}

static void test_if_none_match_when_the_key_is_taken_meanwhile_then_precondition_failed(void **state)
{
	struct rig *r = *state;
	/* the catalog, open, begin, write; the fifth is view */
	trapped_meet_nth(r->engine, 5, take_the_key, r);
	rig_ask(r, &(struct ask){ .method = "PUT", .key = STR("k"), .body = STR("second"), .more = { { STR("If-None-Match"), STR("*") } } });
	rig_expect_error(r, 412, "PreconditionFailed");
	rig_ask(r, &(struct ask){ .key = STR("k") });
	assert_true(str_equal(rig_body(r), STR("first")));
	assert_int_equal(trapped_open_bodies(r->engine), 0);
}

static void test_header_when_put_cannot_honour_it_then_refused(void **state)
{
	static const struct {
		const char *name, *value, *code;
		int status;
	} rows[] = { { "If-None-Match", "\"etag\"", "NotImplemented", 501 }, { "If-Match", "\"etag\"", "NotImplemented", 501 },
		{ "Content-Encoding", "aws-chunked", "InvalidRequest", 400 }, { "Content-Encoding", "gzip, AWS-chunked", "InvalidRequest", 400 },
		{ "Content-Type", "text/\xC3\xA9", "InvalidArgument", 400 } };
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rig_ask(
			r, &(struct ask){ .method = "PUT", .key = key, .body = RIG_GIF, .more = { { str_of(rows[i].name), str_of(rows[i].value) } } });
		rig_expect_error(r, rows[i].status, rows[i].code);
	}
	rig_expect_empty(r);
	rig_expect_row(r, key, IMAGE_PENDING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_put_when_plain_then_stored_with_its_type_and_replaced_by_the_next),
		RIG_TEST(test_put_when_body_arrives_byte_by_byte_then_it_is_the_same),
		RIG_TEST(test_put_when_no_length_is_given_then_missing_content_length),
		RIG_TEST(test_put_when_chunked_then_counted),
		RIG_TEST(test_put_when_announced_too_large_then_refused_before_the_body),
		RIG_TEST(test_put_when_length_is_signed_then_another_length_or_chunks_are_refused),
		RIG_TEST(test_put_when_body_is_cut_then_nothing_is_left_and_the_row_stays_pending),
		RIG_TEST(test_put_when_fewer_bytes_arrive_than_announced_then_incomplete_body),
		RIG_TEST(test_md5_when_given_then_it_binds_the_body),
		RIG_TEST(test_sha256_when_signed_then_it_binds_the_body),
		RIG_TEST(test_if_none_match_when_the_key_is_taken_then_precondition_failed),
		RIG_TEST(test_if_none_match_when_the_key_is_taken_meanwhile_then_precondition_failed),
		RIG_TEST(test_header_when_put_cannot_honour_it_then_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
