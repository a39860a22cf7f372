/* The operations on the engine itself: what each answers when any call to the engine fails, and that nothing is left
 * open then. What they answer otherwise is held in test/conformance. */
#include "s3/fixture.h"

#include <string.h>

#define BIG STR("a body that is copied")
#define DELETE_BODY "<Delete><Object><Key>copy</Key></Object><Object><Key>images/x</Key></Object></Delete>"
#define DELETE_MD5 "d/pmWij2lQXoggEVbr6SmQ=="

struct step {
	const char *method;
	struct str key;
	struct header query[3], headers[3];
	struct str body;
};

static void send_step(struct rig *r, const struct step *s)
{
	struct ask ask = { .method = s->method, .key = s->key, .body = s->body };
	memcpy(ask.query, s->query, sizeof(s->query));
	memcpy(ask.headers, s->headers, sizeof(s->headers));
	rig_ask(r, &ask);
}

/* Every call in turn fails: the store's fault is given as S3 says its own, and a second try without one succeeds. */
static void fail_every_call(struct rig *r, const struct step *s)
{
	uint64_t failed = 0;
	for (uint64_t n = 1; n < 40; n++) {
		uint64_t before = trapped_calls(r->engine);
		trapped_fail_nth(r->engine, n, F_STORAGE_FAILED);
		send_step(r, s);
		bool fired = trapped_calls(r->engine) - before >= n;
		trapped_fail_nth(r->engine, 0, F_NONE);
		assert_int_equal(trapped_open_bodies(r->engine), 0);
		if (!fired)
			break;
		failed++;
		if (rig_status(r) >= 300)
			rig_expect_error(r, 503, "SlowDown");
	}
	assert_true(failed > 0);
	if (rig_status(r) >= 300)
		fail_msg("%s %.*s: %d %.*s", s->method, STRF(s->key), rig_status(r), STRF(rig_body(r)));
}

static struct str begin_upload(struct rig *r)
{
	send_step(r, &(struct step){ .method = "POST", .key = STR("parts"), .query = { { STR("uploads"), STR("") } } });
	rig_expect(r, 200, NULL);
	return str_dup(&r->arena, rig_element(r, "UploadId"));
}

static void test_operations_when_any_call_fails_then_slow_down_and_nothing_leaks(void **state)
{
	struct rig *r = *state;
	const struct step steps[] = {
		{ "GET", STR(""), { { STR("list-type"), STR("2") } } },
		{ "GET", STR("") },
		{ "GET", STR(""), { { STR("versions"), STR("") } } },
		{ "GET", STR(""), { { STR("uploads"), STR("") } } },
		{ "PUT", STR("copy"), .headers = { { STR("x-amz-copy-source"), STR(RIG_BUCKET "/source") } } },
		{ "PUT", STR("copy"),
			.headers = { { STR("x-amz-copy-source"), STR(RIG_BUCKET "/source") }, { STR("x-amz-checksum-algorithm"), STR("SHA256") } } },
		{ "GET", STR("source"), { { STR("attributes"), STR("") } },
			{ { STR("x-amz-object-attributes"), STR("ETag,Checksum,ObjectParts") } } },
		{ "GET", STR("source"), { { STR("acl"), STR("") } } },
		{ "GET", STR("source"), { { STR("tagging"), STR("") } } },
		{ "POST", STR("other"), { { STR("uploads"), STR("") } } },
		{ "PUT", STR(""), { { STR("cors"), STR("") } },
			.body = STR("<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin>"
						"<AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>") },
		{ "GET", STR(""), { { STR("cors"), STR("") } } },
		{ "DELETE", STR(""), { { STR("cors"), STR("") } } },
		{ "POST", STR(""), { { STR("delete"), STR("") } }, { { STR("Content-MD5"), STR(DELETE_MD5) } }, STR(DELETE_BODY) },
		{ "DELETE", STR("source") },
	};
	rig_put(r, STR("source"), BIG);
	for (size_t i = 0; i < COUNT_OF(steps); i++)
		fail_every_call(r, &steps[i]);
}

static struct str completion_of(struct rig *r, struct str etag)
{
	return str_printf(&r->arena,
		"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%.*s</ETag></Part></CompleteMultipartUpload>", STRF(etag));
}

static void test_location_when_the_handler_is_reached_by_https_then_https(void **state)
{
	struct rig *r = *state;
	struct str id = begin_upload(r);
	send_step(r, &(struct step){ "PUT", STR("parts"), { { STR("partNumber"), STR("1") }, { STR("uploadId"), id } }, .body = BIG });
	rig_expect(r, 200, NULL);
	struct str etag = str_dup(&r->arena, rig_header(r, "ETag"));
	const struct step completion = { "POST", STR("parts"), { { STR("uploadId"), id } }, .body = completion_of(r, etag) };
	send_step(r, &completion);
	assert_true(str_starts_with(rig_element(r, "Location"), STR("http://")));
	assert_true(str_ends_with(rig_element(r, "Location"), STR("/" RIG_BUCKET "/parts")));
	r->options.secure = true;
	rig_renew(r);
	send_step(r, &completion);
	assert_true(str_starts_with(rig_element(r, "Location"), STR("https://")));
}

static void test_multipart_upload_when_any_call_fails_then_it_can_be_continued(void **state)
{
	struct rig *r = *state;
	rig_put(r, STR("source"), BIG);
	struct str id = begin_upload(r);
	fail_every_call(r,
		&(struct step){ "PUT", STR("parts"), { { STR("partNumber"), STR("1") }, { STR("uploadId"), id } },
			{ { STR("x-amz-copy-source"), STR(RIG_BUCKET "/source") } } });
	struct str etag = str_dup(&r->arena, str_slice(rig_element(r, "ETag"), 6, 38));
	fail_every_call(r, &(struct step){ "GET", STR("parts"), { { STR("uploadId"), id } } });
	fail_every_call(r, &(struct step){ "POST", STR("parts"), { { STR("uploadId"), id } }, .body = completion_of(r, etag) });
	rig_ask(r, &(struct ask){ .key = STR("parts") });
	assert_true(str_equal(rig_body(r), BIG));
	id = begin_upload(r);
	fail_every_call(r, &(struct step){ "DELETE", STR("parts"), { { STR("uploadId"), id } } });
}

/* Who reads a list slowly keeps its bytes and no more: neither the rows it was made of nor what it grew out of. */
static void test_list_when_long_then_only_its_bytes_are_kept(void **state)
{
	static const char *const kinds[] = { "list-type", "versions", "prefix" };
	struct rig *r = *state;

	for (unsigned i = 0; i < 300; i++)
		rig_put(r, str_printf(&r->arena, "a-key-of-some-length/%0200u", i), STR("x"));
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		rig_ask(r, &(struct ask){ .query = { { str_of(kinds[i]), i == 0 ? STR("2") : STR("") } } });
		rig_expect(r, 200, NULL);
		assert_true(rig_body(r).n > (size_t)300 * 220);
		assert_non_null(r->x.answer.hold);
		assert_true(r->x.arena.used_bytes < (size_t)32 * 1024);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_operations_when_any_call_fails_then_slow_down_and_nothing_leaks),
		RIG_TEST(test_list_when_long_then_only_its_bytes_are_kept),
		RIG_TEST(test_location_when_the_handler_is_reached_by_https_then_https),
		RIG_TEST(test_multipart_upload_when_any_call_fails_then_it_can_be_continued),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
