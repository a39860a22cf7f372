/* Signatures against the specification's own example, and which secrets are accepted. */
#include "unit.h"

#include "base/codec.h"
#include "base/mem.h"
#include "webhook/sign.h"

#include <string.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define ID STR("msg_p5jXN8AQM9LWM0D4loKWxJek")
#define BODY STR("{\"test\": 2432232314}")
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static void sign(const char *secrets, struct str body, struct buf *out)
{
	struct webhook_secrets s;
	assert_int_equal(webhook_secrets_parse(str_of(secrets), &s, NULL), OK);
	buf_init(out, WEBHOOK_SIGNATURE_CHARS);
	webhook_sign(&s, ID, 1614265330, body, out);
	assert_true(buf_ok(out));
}

static void test_sign_then_as_the_specification_has_it(void **state)
{
	struct buf out CLEANUP(buf_deinit);
	sign(SECRET, BODY, &out);
	assert_str(buf_str(&out), STR(SIGNATURE));
}

static void test_sign_when_two_secrets_then_both_signatures(void **state)
{
	struct buf both CLEANUP(buf_deinit), alone CLEANUP(buf_deinit);
	sign(OTHER, BODY, &alone);
	sign(OTHER " , " SECRET, BODY, &both);
	assert_str(str_slice(buf_str(&both), 0, alone.n), buf_str(&alone));
	assert_str(str_slice(buf_str(&both), alone.n, both.n), STR(" " SIGNATURE));
}

static void test_sign_when_a_byte_differs_then_another_signature(void **state)
{
	struct buf out CLEANUP(buf_deinit);
	sign(SECRET, STR("{\"test\": 2432232315}"), &out);
	assert_false(str_equal(buf_str(&out), STR(SIGNATURE)));
}

static void test_sign_when_memory_fails_then_the_buffer_is_marked(void **state)
{
	struct webhook_secrets s;
	struct buf out CLEANUP(buf_deinit);
	assert_int_equal(webhook_secrets_parse(STR(SECRET), &s, NULL), OK);
	buf_init(&out, WEBHOOK_SIGNATURE_CHARS);
	buf_put(&out, STR(" "));
	mem_fail_nth(1);
	webhook_sign(&s, ID, 1, BODY, &out);
	mem_fail_nth(0);
	assert_false(buf_ok(&out));
}

static void test_secrets_when_not_of_their_form_then_refused_without_showing_them(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "does not begin with whsec_" },
		{ "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not begin with whsec_" },
		{ "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not begin with whsec_" },
		{ "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not begin with whsec_" },
		{ "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "is not base64" },
		{ "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa_-", "is not base64" },
		{ "whsec_", "is too short" },
		{ "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLQ8=", "is too short" }, /* 23 bytes */
		{ SECRET ",", "does not begin with whsec_" },
		{ SECRET "," SECRET "," OTHER, "more than two" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct webhook_secrets s;
		struct fault why = { 0 };
		assert_int_equal(webhook_secrets_parse(str_of(rows[i].text), &s, &why), INVALID);
		assert_int_equal(why.code, F_BAD_SETTING);
		if (strstr(why.text, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].text, why.text);
		assert_null(strstr(why.text, "MfKQ9r8"));
		assert_non_null(strstr(why.text, "TINTYPE_WEBHOOK_SECRET"));
	}
}

static void test_secrets_when_at_their_bounds_then_read_or_refused(void **state)
{
	static const struct {
		size_t bytes;
		enum status st;
	} rows[] = { { 23, INVALID }, { 24, OK }, { 32, OK }, { 64, OK }, { 65, INVALID }, { 3000, INVALID } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		static char zeros[3000];
		struct webhook_secrets s;
		struct buf text CLEANUP(buf_deinit);
		buf_init(&text, 8192);
		buf_put(&text, STR("whsec_"));
		base64_encode(&text, (struct str){ zeros, rows[i].bytes });
		assert_int_equal(webhook_secrets_parse(buf_str(&text), &s, NULL), rows[i].st);
		if (rows[i].st == OK)
			assert_int_equal(s.secrets[0].n_bytes, rows[i].bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign_then_as_the_specification_has_it),
		cmocka_unit_test(test_sign_when_two_secrets_then_both_signatures),
		cmocka_unit_test(test_sign_when_a_byte_differs_then_another_signature),
		cmocka_unit_test(test_sign_when_memory_fails_then_the_buffer_is_marked),
		cmocka_unit_test(test_secrets_when_not_of_their_form_then_refused_without_showing_them),
		cmocka_unit_test(test_secrets_when_at_their_bounds_then_read_or_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
