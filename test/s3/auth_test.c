/* Signatures in the query as the handler meets them: each parameter altered, left out and repeated; time;
 * keys and their powers; unsigned headers; and what development mode adds. */
#include "s3/fixture.h"

#include "base/buf.h"
#include "base/clock.h"

#include <string.h>

static const char *const parameters[] = { "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders",
	"X-Amz-Signature" };

/* The target with each pair of that name replaced; "": left out. */
static struct str replace_pair(struct rig *r, struct str target, const char *name, struct str pair)
{
	struct buf b;
	size_t mark = str_find_char(target, '?');
	struct str rest = str_slice(target, mark + 1, target.n), prefix = str_printf(&r->arena, "%s=", name);
	buf_init_arena(&b, &r->arena, 65536);
	buf_put(&b, str_slice(target, 0, mark + 1));
	while (rest.p != NULL) {
		struct str one = str_cut(&rest, '&');
		buf_put(&b, str_starts_with(one, prefix) ? pair : one);
		buf_put_char(&b, '&');
	}
	return buf_str(&b);
}

static struct str pair_of(struct rig *r, struct str target, const char *name)
{
	struct str rest = str_slice(target, str_find_char(target, '?') + 1, target.n), prefix = str_printf(&r->arena, "%s=", name);
	while (rest.p != NULL) {
		struct str one = str_cut(&rest, '&');
		if (str_starts_with(one, prefix))
			return one;
	}
	fail_msg("no %s", name);
	return (struct str){ 0 };
}

/* The last byte of the pair made another, of the same kind. */
static struct str altered(struct rig *r, struct str pair)
{
	char last = pair.p[pair.n - 1];
	char other = last == '1' ? '2' : last >= '0' && last <= '9' ? '1' : last == 'a' ? 'b' : last == 'Z' ? 'Y' : 'a';
	return str_printf(&r->arena, "%.*s%c", (int)pair.n - 1, pair.p, other);
}

static void expect_refused(struct rig *r, const char *what)
{
	struct str code = rig_element(r, "Code");
	bool known = str_equal(code, STR("SignatureDoesNotMatch")) || str_equal(code, STR("AuthorizationQueryParametersError")) ||
		str_equal(code, STR("AccessDenied"));
	if (!known || (rig_status(r) != 403 && rig_status(r) != 400))
		fail_msg("%s: %d %.*s", what, rig_status(r), STRF(code));
	rig_expect_empty(r);
}

static void test_parameter_when_altered_then_refused(void **state)
{
	struct rig *r = *state;
	struct ask ask = {
		.method = "PUT", .key = STR("k"), .body = STR("x"), .query = { { STR("response-content-type"), STR("text/plain") } }
	};
	struct str target = rig_sign(r, &ask);
	for (size_t i = 0; i < COUNT_OF(parameters); i++) {
		rig_send(r, &ask, replace_pair(r, target, parameters[i], altered(r, pair_of(r, target, parameters[i]))));
		expect_refused(r, parameters[i]);
	}
	rig_send(r, &ask, replace_pair(r, target, "response-content-type", STR("response-content-type=text%2Fhtml")));
	rig_expect_error(r, 403, "SignatureDoesNotMatch");
	rig_send(r, &ask, replace_pair(r, target, "response-content-type", STR("")));
	rig_expect_error(r, 403, "SignatureDoesNotMatch");
	rig_send(r, &ask, str_printf(&r->arena, "%.*s&more=1", STRF(target)));
	rig_expect_error(r, 403, "SignatureDoesNotMatch");
	rig_send(r, &ask, target);
	rig_expect(r, 200, NULL);
}

static void test_parameter_when_left_out_or_empty_then_query_parameters_error(void **state)
{
	struct rig *r = *state;
	struct ask ask = { .key = STR("k") };
	struct str target = rig_sign(r, &ask);
	for (size_t i = 0; i < COUNT_OF(parameters); i++) {
		rig_send(r, &ask, replace_pair(r, target, parameters[i], STR("")));
		rig_expect_error(r, 400, "AuthorizationQueryParametersError");
		rig_send(r, &ask, replace_pair(r, target, parameters[i], str_printf(&r->arena, "%s=", parameters[i])));
		rig_expect_error(r, 400, "AuthorizationQueryParametersError");
	}
}

static void test_parameter_when_repeated_then_query_parameters_error(void **state)
{
	struct rig *r = *state;
	struct ask ask = { .key = STR("k") };
	struct str target = rig_sign(r, &ask);
	for (size_t i = 0; i < COUNT_OF(parameters); i++) {
		rig_send(r, &ask, str_printf(&r->arena, "%.*s&%.*s", STRF(target), STRF(pair_of(r, target, parameters[i]))));
		rig_expect_error(r, 400, "AuthorizationQueryParametersError");
	}
}

static void test_expires_when_out_of_range_then_query_parameters_error(void **state)
{
	static const char *const values[] = { "-1", "604801", "x", "1.5", "99999999999999999999" };
	struct rig *r = *state;
	struct ask ask = { .key = STR("k") };
	struct str target = rig_sign(r, &ask);
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		rig_send(r, &ask, replace_pair(r, target, "X-Amz-Expires", str_printf(&r->arena, "X-Amz-Expires=%s", values[i])));
		rig_expect_error(r, 400, "AuthorizationQueryParametersError");
	}
}

static void test_expires_when_zero_then_access_denied(void **state)
{
	struct rig *r = *state;
	struct ask ask = { .key = STR("k"), .age_s = 1 };
	rig_send(r, &ask, replace_pair(r, rig_sign(r, &ask), "X-Amz-Expires", STR("X-Amz-Expires=0")));
	rig_expect_error(r, 403, "AccessDenied");
	assert_true(str_equal(rig_element(r, "Message"), STR("Request has expired")));
}

static void test_url_when_expired_then_access_denied_with_the_times(void **state)
{
	struct rig *r = *state;
	int64_t expired_ms = 0, server_ms = 0;
	rig_ask(r, &(struct ask){ .key = STR("k"), .age_s = 400, .expires_s = 300 });
	rig_expect_error(r, 403, "AccessDenied");
	assert_true(str_equal(rig_element(r, "Message"), STR("Request has expired")));
	assert_true(str_equal(rig_element(r, "X-Amz-Expires"), STR("300")));
	assert_true(clock_parse_iso8601(rig_element(r, "Expires"), &expired_ms));
	assert_true(clock_parse_iso8601(rig_element(r, "ServerTime"), &server_ms));
	assert_true(server_ms - expired_ms >= 99000 && server_ms - expired_ms < 200000);
}

static void test_url_when_signed_in_the_future_then_skew_decides(void **state)
{
	struct rig *r = *state;
	rig_put(r, STR("k"), STR("x"));
	rig_ask(r, &(struct ask){ .key = STR("k"), .age_s = -14 * 60 });
	rig_expect(r, 200, NULL);
	rig_ask(r, &(struct ask){ .key = STR("k"), .age_s = -16 * 60 });
	rig_expect_error(r, 403, "AccessDenied");
}

static void test_key_when_unknown_then_invalid_access_key_id(void **state)
{
	struct rig *r = *state;
	rig_ask(r, &(struct ask){ .key = STR("k"), .who = "unknown" });
	rig_expect_error(r, 403, "InvalidAccessKeyId");
	assert_true(str_equal(rig_element(r, "AWSAccessKeyId"), STR("AKIAUNKNOWNUNKNOWN00")));
}

static void test_region_when_wrong_then_query_parameters_error_names_the_right_one(void **state)
{
	struct rig *r = *state;
	rig_ask(r, &(struct ask){ .key = STR("k"), .region = "eu-central-1" });
	rig_expect_error(r, 400, "AuthorizationQueryParametersError");
	struct str message = rig_element(r, "Message");
	assert_true(str_find(message, STR("us-east-1")) < message.n);
}

static void test_slots_key_when_outside_of_images_then_access_denied(void **state)
{
	static const struct {
		const char *bucket, *key;
	} rows[] = { { RIG_BUCKET, "k" }, { RIG_BUCKET, "images" }, { RIG_BUCKET, "Images/x" }, { RIG_BUCKET, "/images/x" },
		{ RIG_BUCKET, "other/images/x" }, { "other", "images/x" } };
	static const char *const methods[] = { "GET", "HEAD", "PUT" };
	struct rig *r = *state;
	rig_put(r, STR("k"), STR("x"));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (size_t j = 0; j < COUNT_OF(methods); j++) {
			rig_ask(r,
				&(struct ask){
					.method = methods[j], .bucket = rows[i].bucket, .key = str_of(rows[i].key), .who = "slots", .body = STR("y") });
			rig_expect_error(r, 403, "AccessDenied");
		}
	}
	assert_int_equal(trapped_count(r->engine), 1);
}

static void test_slots_key_when_under_images_then_it_puts_and_gets(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	rig_ask(r, &(struct ask){ .method = "PUT", .key = key, .who = "slots", .body = RIG_GIF });
	rig_expect(r, 200, NULL);
	rig_ask(r, &(struct ask){ .method = "HEAD", .key = key, .who = "slots" });
	rig_expect(r, 200, NULL);
	rig_ask(r, &(struct ask){ .key = key, .who = "slots" });
	rig_expect(r, 200, NULL);
	assert_true(str_equal(rig_body(r), RIG_GIF));
}

static void test_amz_header_when_not_signed_then_access_denied_names_it(void **state)
{
	static const char *const names[] = { "x-amz-copy-source", "x-amz-acl", "x-amz-meta-a", "X-Amz-Content-Sha256" };
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		rig_ask(r, &(struct ask){ .method = "PUT", .key = key, .body = RIG_GIF, .more = { { str_of(names[i]), STR("v") } } });
		if (i < 3) {
			rig_expect_error(r, 403, "AccessDenied");
			struct str message = rig_element(r, "Message");
			assert_true(str_find(message, str_of(names[i])) < message.n);
		}
		assert_true(rig_status(r) >= 400);
	}
	rig_expect_empty(r);
	rig_expect_row(r, key, IMAGE_PENDING);
}

static void test_checksum_when_an_sdk_signs_that_of_an_empty_body_then_ignored(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	rig_ask(r,
		&(struct ask){ .method = "PUT",
			.key = key,
			.body = RIG_GIF,
			.query = { { STR("X-Amz-Content-Sha256"), STR("UNSIGNED-PAYLOAD") }, { STR("x-amz-checksum-crc32"), STR("AAAAAA==") },
				{ STR("x-amz-sdk-checksum-algorithm"), STR("CRC32") }, { STR("x-id"), STR("PutObject") } } });
	rig_expect(r, 200, NULL);
}

static void test_signature_when_wrong_then_only_development_mode_explains(void **state)
{
	struct rig *r = *state;
	struct ask ask = { .method = "PUT", .key = STR("k"), .body = STR("x"), .headers = { { STR("Content-Type"), STR("image/png") } } };
	struct str target = rig_sign(r, &ask);
	ask.headers[0].value = STR("image/gif");
	rig_send(r, &ask, target);
	rig_expect_error(r, 403, "SignatureDoesNotMatch");
	assert_true(rig_element(r, "CanonicalRequest").n == 0 && rig_element(r, "StringToSign").n == 0);
	assert_true(str_equal(rig_element(r, "Message"),
		STR("The request signature we calculated does not match the signature you "
			"provided. Check your key and signing method.")));
	r->options.explain = true;
	rig_renew(r);
	rig_send(r, &ask, target);
	rig_expect_error(r, 403, "SignatureDoesNotMatch");
	assert_true(str_starts_with(rig_element(r, "CanonicalRequest"), STR("PUT\n/" RIG_BUCKET "/k\n")));
	assert_true(str_starts_with(rig_element(r, "StringToSign"), STR("AWS4-HMAC-SHA256\n")));
	assert_true(str_starts_with(rig_element(r, "StringToSignBytes"), STR("41 57 53 34 2d")));
	assert_true(str_starts_with(rig_element(r, "CanonicalRequestBytes"), STR("50 55 54 0a")));
	assert_int_equal(rig_element(r, "SignatureProvided").n, 64);
	assert_int_equal(rig_element(r, "AWSAccessKeyId").n, 20);
	assert_true(str_find(rig_element(r, "Mistake"), STR("image/png")) < rig_element(r, "Mistake").n);
	assert_true(rig_element(r, "Message").n > 120);
}

static void test_signature_when_a_flood_is_wrong_then_few_are_explained(void **state)
{
	struct rig *r = *state;
	size_t explained = 0;
	r->options.explain = true;
	rig_renew(r);
	struct str target = rig_sign(r, &(struct ask){ .key = STR("k") });
	int64_t from_s = clock_now_ms() / 1000;
	for (size_t i = 0; i < 300; i++) {
		rig_send(r, &(struct ask){ .method = "HEAD" }, target);
		rig_expect_error(r, 403, "SignatureDoesNotMatch");
		explained += rig_element(r, "CanonicalRequest").n > 0;
	}
	size_t seconds = (size_t)(clock_now_ms() / 1000 - from_s) + 1;
	assert_true(explained >= 100 && (explained <= 100 * seconds));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_parameter_when_altered_then_refused),
		RIG_TEST(test_parameter_when_left_out_or_empty_then_query_parameters_error),
		RIG_TEST(test_parameter_when_repeated_then_query_parameters_error),
		RIG_TEST(test_expires_when_out_of_range_then_query_parameters_error),
		RIG_TEST(test_expires_when_zero_then_access_denied),
		RIG_TEST(test_url_when_expired_then_access_denied_with_the_times),
		RIG_TEST(test_url_when_signed_in_the_future_then_skew_decides),
		RIG_TEST(test_key_when_unknown_then_invalid_access_key_id),
		RIG_TEST(test_region_when_wrong_then_query_parameters_error_names_the_right_one),
		RIG_TEST(test_slots_key_when_outside_of_images_then_access_denied),
		RIG_TEST(test_slots_key_when_under_images_then_it_puts_and_gets),
		RIG_TEST(test_amz_header_when_not_signed_then_access_denied_names_it),
		RIG_TEST(test_checksum_when_an_sdk_signs_that_of_an_empty_body_then_ignored),
		RIG_TEST(test_signature_when_wrong_then_only_development_mode_explains),
		RIG_TEST(test_signature_when_a_flood_is_wrong_then_few_are_explained),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
