/* GET and HEAD: headers, ranges, conditions, overrides; and what is not there. */
#include "s3/fixture.h"
#include "unit.h"

#include "base/clock.h"
#include "fake/rows.h"

#include <string.h>

#define HELLO STR("hello world\n")
#define HELLO_ETAG "\"6f5902ac237024bdd0c176cb93063dc4\""

static struct str get_with(struct rig *r, const char *header, struct str value)
{
	rig_ask(r, &(struct ask){ .key = STR("k"), .more = { { str_of(header), value } } });
	return rig_body(r);
}

static void expect_guards(struct rig *r)
{
	assert_true(str_equal(rig_header(r, "X-Content-Type-Options"), STR("nosniff")));
	assert_true(str_equal(rig_header(r, "Content-Security-Policy"), STR("sandbox; default-src 'none'")));
}

static void test_get_when_object_is_there_then_bytes_and_headers(void **state)
{
	static const char *const methods[] = { "GET", "HEAD" };
	struct rig *r = *state;
	rig_put(r, STR("k"), HELLO);
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		int64_t modified = 0;
		rig_ask(r, &(struct ask){ .method = methods[i], .key = STR("k") });
		rig_expect(r, 200, HELLO_ETAG);
		expect_guards(r);
		assert_true(str_equal(rig_body(r), HELLO));
		assert_true(str_equal(rig_header(r, "Content-Type"), STR("text/plain")));
		assert_true(str_equal(rig_header(r, "Accept-Ranges"), STR("bytes")));
		assert_true(clock_parse_http_date(rig_header(r, "Last-Modified"), &modified));
		assert_string_equal(r->x.answer.route, i == 0 ? "GET /object" : "HEAD /object");
	}
}

static void test_get_when_object_is_empty_then_empty_body(void **state)
{
	struct rig *r = *state;
	rig_put(r, STR("k"), STR(""));
	rig_ask(r, &(struct ask){ .key = STR("k") });
	rig_expect(r, 200, "\"d41d8cd98f00b204e9800998ecf8427e\"");
	assert_int_equal(rig_body(r).n, 0);
	(void)get_with(r, "Range", STR("bytes=0-"));
	rig_expect_error(r, 416, "InvalidRange");
}

static void test_get_when_there_is_no_object_then_no_such_key(void **state)
{
	struct rig *r = *state;
	struct str pending = rig_slot(r, 1), refused = rig_slot(r, 2);
	const struct str keys[] = { STR("k"), STR("images/x"), pending, refused };
	rig_ask(r, &(struct ask){ .method = "PUT", .key = refused, .body = RIG_NO_IMAGE });
	rig_expect_row(r, refused, IMAGE_REJECTED);
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		rig_ask(r, &(struct ask){ .key = keys[i] });
		rig_expect_error(r, 404, "NoSuchKey");
		rig_ask(r, &(struct ask){ .method = "HEAD", .key = keys[i] });
		rig_expect_error(r, 404, "NoSuchKey");
	}
}

static void test_get_when_image_then_the_type_is_that_of_the_verdict(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	rig_ask(r, &(struct ask){ .method = "PUT", .key = key, .body = RIG_GIF, .more = { { STR("Content-Type"), STR("text/html") } } });
	rig_expect(r, 200, NULL);
	rig_ask(r, &(struct ask){ .key = key });
	assert_true(str_equal(rig_header(r, "Content-Type"), STR("image/gif")));
	expect_guards(r);
}

static void test_get_when_image_of_a_type_that_cannot_be_verified_then_a_download(void **state)
{
	struct rig *r = *state;
	struct image_row slot = row_pending(&r->arena, 1);
	struct fault why = { 0 };
	slot.file_type = r->product.rules.allowed_types = r->product.rules.unverified_types = STR("image/svg+xml");
	slot.ends_ms = clock_now_ms() + 3600000;
	assert_int_equal(table_insert(r->product.table, &slot, &why), OK);
	rig_ask(r, &(struct ask){ .method = "PUT", .key = slot.key, .body = STR("<svg/>") });
	rig_expect(r, 200, NULL);
	for (int i = 0; i < 2; i++) {
		rig_ask(r, &(struct ask){ .method = i == 0 ? "GET" : "HEAD", .key = slot.key });
		assert_true(str_equal(rig_header(r, "Content-Disposition"), STR("attachment")));
		expect_guards(r);
	}
	struct ask named = { .key = slot.key, .query = { { STR("response-content-disposition"), STR("attachment; filename=a") } } };
	rig_ask(r, &named);
	assert_true(str_equal(rig_header(r, "Content-Disposition"), STR("attachment; filename=a")));
}

/* Who has a slot's URL says nothing of the image but its bytes. */
static void test_get_when_image_then_no_header_of_its_upload_is_returned(void **state)
{
	static const char *const names[] = { "Content-Encoding", "Cache-Control", "Expires", "Content-Language", "Content-Disposition",
		"x-amz-meta-a", "x-amz-website-redirect-location" };
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	struct ask ask = { .method = "PUT", .key = key, .body = RIG_GIF, .query = { { STR("x-amz-meta-b"), STR("c") } } };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		ask.headers[i] = (struct header){ str_of(names[i]), STR("gzip") };
	rig_ask(r, &ask);
	rig_expect(r, 200, NULL);
	rig_ask(r, &(struct ask){ .key = key });
	rig_expect(r, 200, NULL);
	assert_int_equal(r->x.answer.n_more, 0);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_null(rig_header(r, names[i]).p);
}

static void test_range_when_one_then_partial_content(void **state)
{
	struct rig *r = *state;
	rig_put(r, STR("k"), HELLO);
	assert_true(str_equal(get_with(r, "Range", STR("bytes=0-4")), STR("hello")));
	rig_expect(r, 206, HELLO_ETAG);
	assert_true(str_equal(rig_header(r, "Content-Range"), STR("bytes 0-4/12")));
	expect_guards(r);
	assert_true(str_equal(get_with(r, "Range", STR("bytes=-6")), STR("world\n")));
	assert_true(str_equal(rig_header(r, "Content-Range"), STR("bytes 6-11/12")));
	assert_true(str_equal(get_with(r, "Range", STR("bytes=6-")), STR("world\n")));
}

static void test_range_when_several_or_malformed_then_whole(void **state)
{
	static const char *const values[] = { "bytes=0-1,3-4", "bytes=4-1", "chars=0-1", "" };
	struct rig *r = *state;
	rig_put(r, STR("k"), HELLO);
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		assert_true(str_equal(get_with(r, "Range", str_of(values[i])), HELLO));
		rig_expect(r, 200, HELLO_ETAG);
		assert_null(rig_header(r, "Content-Range").p);
	}
}

static void test_range_when_outside_then_invalid_range_gives_the_size(void **state)
{
	struct rig *r = *state;
	rig_put(r, STR("k"), HELLO);
	(void)get_with(r, "Range", STR("bytes=12-"));
	rig_expect_error(r, 416, "InvalidRange");
	assert_true(str_equal(rig_element(r, "ActualObjectSize"), STR("12")));
	assert_true(str_equal(rig_element(r, "RangeRequested"), STR("bytes=12-")));
	assert_true(str_equal(rig_header(r, "Content-Range"), STR("bytes */12")));
}

static void test_range_when_if_range_names_another_then_whole(void **state)
{
	struct rig *r = *state;
	rig_put(r, STR("k"), HELLO);
	struct ask ask = { .key = STR("k"), .more = { { STR("Range"), STR("bytes=0-4") }, { STR("If-Range"), STR("\"other\"") } } };
	rig_ask(r, &ask);
	rig_expect(r, 200, HELLO_ETAG);
	ask.more[1].value = STR(HELLO_ETAG);
	rig_ask(r, &ask);
	rig_expect(r, 206, HELLO_ETAG);
}

static void test_condition_when_not_modified_then_304_without_a_body(void **state)
{
	struct rig *r = *state;
	rig_put(r, STR("k"), HELLO);
	rig_ask(r, &(struct ask){ .key = STR("k") });
	struct str modified = str_dup(&r->arena, rig_header(r, "Last-Modified"));
	static const char *const names[] = { "If-None-Match", "If-None-Match", "If-Modified-Since" };
	const struct str values[] = { STR(HELLO_ETAG), STR("*"), modified };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_int_equal(get_with(r, names[i], values[i]).n, 0);
		rig_expect(r, 304, HELLO_ETAG);
		assert_true(str_equal(rig_header(r, "Last-Modified"), modified));
		assert_int_equal(r->x.answer.fd, -1);
	}
	assert_true(str_equal(get_with(r, "If-None-Match", STR("\"other\"")), HELLO));
}

/* RFC 9110 15.4.5: a 304 has the caching headers that a 200 would have, wherever their values come from. */
static void test_condition_when_not_modified_then_caching_headers_and_no_body_headers(void **state)
{
	static const char *const absent[] = { "Content-Length", "Content-Type", "Content-Encoding", "Content-Language", "Content-Disposition",
		"x-amz-meta-a" };
	static const char *const methods[] = { "GET", "HEAD" };
	struct rig *r = *state;
	struct ask put = { .method = "PUT",
		.key = STR("k"),
		.body = HELLO,
		.more = { { STR("Cache-Control"), STR("max-age=60") }, { STR("Expires"), STR("Thu, 01 Dec 2033 16:00:00 GMT") },
			{ STR("Content-Encoding"), STR("x") }, { STR("Content-Language"), STR("de") },
			{ STR("Content-Disposition"), STR("inline") } } };

	rig_ask(r, &put);
	rig_expect(r, 200, HELLO_ETAG);
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		struct ask ask = { .method = methods[i], .key = STR("k"), .more = { { STR("If-None-Match"), STR(HELLO_ETAG) } } };
		rig_ask(r, &ask);
		rig_expect(r, 304, HELLO_ETAG);
		assert_str(rig_header(r, "Cache-Control"), STR("max-age=60"));
		assert_str(rig_header(r, "Expires"), STR("Thu, 01 Dec 2033 16:00:00 GMT"));
		for (size_t j = 0; j < COUNT_OF(absent); j++)
			assert_null(rig_header(r, absent[j]).p);
		ask.query[0] = (struct header){ STR("response-cache-control"), STR("no-cache") };
		ask.query[1] = (struct header){ STR("response-content-language"), STR("fr") };
		rig_ask(r, &ask);
		rig_expect(r, 304, HELLO_ETAG);
		assert_str(rig_header(r, "Cache-Control"), STR("no-cache"));
		assert_null(rig_header(r, "Content-Language").p);
	}
}

static void test_condition_when_it_fails_then_precondition_failed(void **state)
{
	struct rig *r = *state;
	rig_put(r, STR("k"), HELLO);
	(void)get_with(r, "If-Match", STR("\"other\""));
	rig_expect_error(r, 412, "PreconditionFailed");
	(void)get_with(r, "If-Unmodified-Since", STR("Sun, 06 Nov 1994 08:49:37 GMT"));
	rig_expect_error(r, 412, "PreconditionFailed");
	assert_true(str_equal(get_with(r, "If-Match", STR(HELLO_ETAG)), HELLO));
}

static void test_override_when_signed_then_it_sets_the_header(void **state)
{
	static const struct {
		const char *parameter, *header, *value;
	} rows[] = {
		{ "response-content-type", "Content-Type", "image/gif" },
		{ "response-content-disposition", "Content-Disposition", "inline; filename=\"a b.gif\"; filename*=UTF-8''a%20b.gif" },
		{ "response-cache-control", "Cache-Control", "max-age=60" },
		{ "response-content-language", "Content-Language", "de" },
		{ "response-content-encoding", "Content-Encoding", "identity" },
		{ "response-expires", "Expires", "0" },
	};
	struct rig *r = *state;
	rig_put(r, STR("k"), HELLO);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ask ask = { .key = STR("k"), .query = { { str_of(rows[i].parameter), str_of(rows[i].value) } } };
		rig_ask(r, &ask);
		rig_expect(r, 200, HELLO_ETAG);
		assert_true(str_equal(rig_header(r, rows[i].header), str_of(rows[i].value)));
		expect_guards(r);
		/* added to a URL that was signed without it */
		ask.query[0] = (struct header){ 0 };
		rig_send(r, &ask, str_printf(&r->arena, "%.*s&%s=x", STRF(rig_sign(r, &ask)), rows[i].parameter));
		rig_expect_error(r, 403, "SignatureDoesNotMatch");
	}
}

static void test_override_when_it_could_split_the_response_then_invalid_argument(void **state)
{
	static const char *const values[] = { "a\r\nSet-Cookie: b", "a\nb", "a\rb", "\x7F", "\xC3\xA9\x01" };
	struct rig *r = *state;
	rig_put(r, STR("k"), HELLO);
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		rig_ask(r, &(struct ask){ .key = STR("k"), .query = { { STR("response-content-disposition"), str_of(values[i]) } } });
		rig_expect_error(r, 400, "InvalidArgument");
	}
	rig_ask(r,
		&(struct ask){
			.key = STR("k"), .query = { { STR("response-content-type"), STR("a/b") }, { STR("response-content-type"), STR("a/c") } } });
	rig_expect_error(r, 400, "InvalidArgument");
}

/* Values that ISO-8859-1 can represent are sent in it; others are refused as by S3. An empty value counts as absent. */
static void test_override_when_it_is_not_ascii_then_latin1_or_refused(void **state)
{
	static const struct {
		struct str value, sent; /* sent: empty, refused */
	} rows[] = { { STR("a; b=\"\xC3\xA9\xC3\xBC\xC3\xB1\""), STR("a; b=\"\xE9\xFC\xF1\"") },
		{ STR("\xC3\xBF\xC2\xA0"
			  "a"),
			STR("\xFF\xA0"
				"a") },
		{ STR("a\tb"), STR("a\tb") }, { STR("a; b=\xE6\x97\xA5"), { 0 } }, { STR("\xC4\x80"), { 0 } }, { STR("\xE9"), { 0 } },
		{ STR("\xF0\x9F\x98\x80"), { 0 } } };
	static const char *const names[][2] = { { "response-content-type", "Content-Type" },
		{ "response-content-disposition", "Content-Disposition" }, { "response-cache-control", "Cache-Control" },
		{ "response-content-language", "Content-Language" }, { "response-content-encoding", "Content-Encoding" },
		{ "response-expires", "Expires" } };
	struct rig *r = *state;
	char *longest = arena_alloc(&r->arena, 8193);

	memset(longest, 'x', 8193);
	rig_put(r, STR("k"), HELLO);
	for (size_t n = 0; n < COUNT_OF(names); n++) {
		struct ask ask = { .key = STR("k"), .query = { { str_of(names[n][0]), STR("") } } };
		rig_ask(r, &ask);
		rig_expect(r, 200, HELLO_ETAG);
		assert_str(rig_header(r, names[n][1]), n == 0 ? STR("text/plain") : (struct str){ 0 });
		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			ask.query[0].value = rows[i].value;
			rig_ask(r, &ask);
			if (rows[i].sent.n > 0) {
				rig_expect(r, 200, HELLO_ETAG);
				assert_str(rig_header(r, names[n][1]), rows[i].sent);
				continue;
			}
			rig_expect_error(r, 400, "InvalidArgument");
			assert_str(rig_element(r, "Message"), STR("Header value cannot be represented using ISO-8859-1."));
			assert_str(rig_element(r, "ArgumentName"), str_of(names[n][0]));
			assert_true(rig_element(r, "ArgumentValue").n > 0);
		}
		ask.query[0].value = (struct str){ longest, 8192 };
		rig_ask(r, &ask);
		rig_expect(r, 200, HELLO_ETAG);
		ask.query[0].value.n++;
		rig_ask(r, &ask);
		rig_expect_error(r, 400, "InvalidArgument");
	}
}

static void test_get_when_the_store_fails_then_slow_down(void **state)
{
	static const struct {
		enum fault_code code;
		int status;
		const char *name;
	} rows[] = { { F_STORAGE_FAILED, 503, "SlowDown" }, { F_OUT_OF_MEMORY, 500, "InternalError" } };
	struct rig *r = *state;
	rig_put(r, STR("k"), HELLO);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		trapped_fail_nth(r->engine, 1, rows[i].code);
		rig_ask(r, &(struct ask){ .key = STR("k") });
		rig_expect_error(r, rows[i].status, rows[i].name);
	}
	rig_ask(r, &(struct ask){ .key = STR("k") });
	rig_expect(r, 200, HELLO_ETAG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_get_when_object_is_there_then_bytes_and_headers),
		RIG_TEST(test_get_when_object_is_empty_then_empty_body),
		RIG_TEST(test_get_when_there_is_no_object_then_no_such_key),
		RIG_TEST(test_get_when_image_then_the_type_is_that_of_the_verdict),
		RIG_TEST(test_get_when_image_of_a_type_that_cannot_be_verified_then_a_download),
		RIG_TEST(test_get_when_image_then_no_header_of_its_upload_is_returned),
		RIG_TEST(test_range_when_one_then_partial_content),
		RIG_TEST(test_range_when_several_or_malformed_then_whole),
		RIG_TEST(test_range_when_outside_then_invalid_range_gives_the_size),
		RIG_TEST(test_range_when_if_range_names_another_then_whole),
		RIG_TEST(test_condition_when_not_modified_then_304_without_a_body),
		RIG_TEST(test_condition_when_not_modified_then_caching_headers_and_no_body_headers),
		RIG_TEST(test_condition_when_it_fails_then_precondition_failed),
		RIG_TEST(test_override_when_signed_then_it_sets_the_header),
		RIG_TEST(test_override_when_it_could_split_the_response_then_invalid_argument),
		RIG_TEST(test_override_when_it_is_not_ascii_then_latin1_or_refused),
		RIG_TEST(test_get_when_the_store_fails_then_slow_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
