/* Each setting that is a text: valid values are accepted, others refused with a message that names the valid ones. */
#include "unit.h"

#include "config/settings_check.h"

#include <string.h>

typedef enum status check_fn(struct str value, struct fault *why);

static void takes(check_fn *check, const char *value)
{
	struct fault why = { 0 };
	if (check(str_of(value), &why) != OK)
		fail_msg("\"%s\": %s", value, why.text);
}

static void refuses(check_fn *check, const char *value, const char *setting)
{
	struct fault why = { 0 };
	if (check(str_of(value), &why) != INVALID || why.code != F_BAD_SETTING)
		fail_msg("\"%s\" is taken", value);
	if (strstr(why.text, setting) == NULL || strstr(why.text, " must be ") == NULL)
		fail_msg("\"%s\": %s", value, why.text);
}

#define LONG_63 "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-012345678"

static void test_bucket_name_when_valid_in_s3_then_accepted(void **state)
{
	static const char *const right[] = { "abc", "image-uploads", "a.b.c", "123", "1.2.3", "1.2.3.4.5", "0-9", LONG_63, "10.0.0.a",
		"1.2.3.4567" };
	for (size_t i = 0; i < COUNT_OF(right); i++)
		takes(settings_check_bucket, right[i]);
}

static void test_bucket_when_named_otherwise_then_refused(void **state)
{
	static const char *const wrong[] = { "", "a", "ab", LONG_63 "9", "A_B/..", "a?b", "Abc", "a_b", "a b", "-abc", "abc-", ".abc", "abc.",
		"a..b", "192.168.5.4", "1.2.3.4", "a.-b", "a-.b", "xn--abc", "a-s3alias", "a/b", "a%20b", "caf\xc3\xa9", "abc\n" };
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		refuses(settings_check_bucket, wrong[i], "--bucket");
}

static void test_region_when_a_word_then_accepted_else_refused(void **state)
{
	static const char *const right[] = { "us-east-1", "auto", "1" }, *const wrong[] = { "", "a/b", "US", "a b", "a.b", "a_b", "a\t" };
	for (size_t i = 0; i < COUNT_OF(right); i++)
		takes(settings_check_region, right[i]);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		refuses(settings_check_region, wrong[i], "--region");
}

static void test_types_when_each_is_a_media_type_then_accepted_else_refused(void **state)
{
	static const char *const right[] = { "image/png", "image/jpeg, image/png ,IMAGE/GIF", "image/jpg", "text/html", "application/pdf",
		"image/svg+xml", "application/vnd.ms-excel" };
	static const char *const wrong[] = { "", " ", ",", "image/png,", ",image/png", "image/png,,image/gif", "nonsense", "image/", "/png",
		"image/png/x", "image/*", "*", "image/png; q=1", "image/png image/gif", "image/p\xc3\xb1g" };
	for (size_t i = 0; i < COUNT_OF(right); i++)
		takes(settings_check_types, right[i]);
	takes(settings_check_unverified, "");
	for (size_t i = 0; i < COUNT_OF(right); i++)
		takes(settings_check_unverified, right[i]);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		refuses(settings_check_types, wrong[i], "--allowed-types");
		if (wrong[i][0] != '\0')
			refuses(settings_check_unverified, wrong[i], "--unverified-types");
	}
}

static void test_types_when_a_name_is_longer_than_is_allowed_then_refused(void **state)
{
	char text[6 + 128 + 1] = "image/";
	memset(text + 6, 'x', 128);
	refuses(settings_check_types, text, "--allowed-types");
	text[6 + 127] = '\0';
	takes(settings_check_types, text);
}

static void test_keep_when_each_word_is_known_then_accepted_else_refused(void **state)
{
	static const char *const right[] = { "", "camera", "taken-at,camera, position" };
	static const char *const wrong[] = { " ", ",", "camera,", "Camera", "gps", "camera position" };
	for (size_t i = 0; i < COUNT_OF(right); i++)
		takes(settings_check_keep, right[i]);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		refuses(settings_check_keep, wrong[i], "--keep-metadata");
}

static void test_origins_when_as_browsers_send_them_then_accepted(void **state)
{
	static const char *const right[] = { "", "*", "https://app.example", "http://localhost:3000, https://a.example:65535",
		"https://[::1]:8443", "http://[::1]", "capacitor://localhost", "chrome-extension://abcdef", "*,https://a.example" };
	for (size_t i = 0; i < COUNT_OF(right); i++)
		takes(settings_check_origins, right[i]);
}

static void test_origins_when_no_browser_sends_them_then_refused(void **state)
{
	static const char *const wrong[] = { "foo bar", "app.example", "https://", "://a", "https://a/", "https://a/b", "https://a,", ",", " ",
		"https://A.example", "https://a:", "https://a:0", "https://a:65536", "https://a:x", "https://a b", "https://[::1", "https://[]",
		"https://user@a", "https://*.a", "null", "https://a https://b", "https://a?b" };
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		refuses(settings_check_origins, wrong[i], "--cors-origins");
}

static void test_refusal_shows_the_value_shortened_and_escaped(void **state)
{
	char text[4000];
	struct fault why = { 0 };
	memset(text, 'A', sizeof text);
	assert_int_equal(settings_check_bucket((struct str){ text, sizeof text }, &why), INVALID);
	assert_true(strlen(why.text) < 260);
	assert_int_equal(settings_check_region(STR("a\x1b[2Jb"), &why), INVALID);
	assert_null(strchr(why.text, '\x1b'));
	assert_non_null(strstr(why.text, "\\x1b"));
}

#define CDN "https://d111111abcdef8.cloudfront.net"

static enum status check_cdn(const char *url, const char *distribution, const char *key_id, const char *parameter, struct fault *why)
{
	return settings_check_cdn(str_of(url), str_of(distribution), str_of(key_id), str_of(parameter), why);
}

static void test_cdn_when_whole_or_none_then_accepted(void **state)
{
	struct fault why = { 0 };
	assert_int_equal(check_cdn("", "", "", "", &why), OK);
	assert_int_equal(check_cdn(CDN, "EDFDVBD632BHDS5", "", "", &why), OK);
	assert_int_equal(check_cdn("https://img.example.org:8443", "EDFDVBD632BHDS5", "K2JCJMDEHXQW5F", "/tintype/prod/cdn-key-1", &why), OK);
	assert_int_equal(check_cdn("http://127.0.0.1:8000", "E1", "K1", "cdn", &why), OK);
}

static void test_cdn_when_a_part_is_missing_or_of_another_form_then_it_is_named(void **state)
{
	static const char *const wrong[][5] = {
		{ "", "E1", "", "", "--cdn-url" },
		{ "", "", "K1", "k", "--cdn-url" },
		{ "http://cdn.example.org", "E1", "K1", "k", "--cdn-url" },
		{ "http://localhost.example.org", "E1", "K1", "k", "--cdn-url" },
		{ "https://cdn.example.org/", "E1", "K1", "k", "--cdn-url" },
		{ "https://CDN.example.org", "E1", "K1", "k", "--cdn-url" },
		{ "cdn.example.org", "E1", "K1", "k", "--cdn-url" },
		{ CDN, "", "", "", "--cdn-distribution" },
		{ CDN, "e1", "", "", "--cdn-distribution" },
		{ CDN, "E1/x", "", "", "--cdn-distribution" },
		{ CDN, "E1", "", "k", "TINTYPE_CDN_KEY_ID" },
		{ CDN, "E1", "K-1", "k", "TINTYPE_CDN_KEY_ID" },
		{ CDN, "E1", "K1", "", "TINTYPE_CDN_KEY_PARAMETER" },
		{ CDN, "E1", "K1", "a key", "TINTYPE_CDN_KEY_PARAMETER" },
	};
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct fault why = { 0 };
		assert_int_equal(check_cdn(wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3], &why), INVALID);
		assert_int_equal(why.code, F_BAD_SETTING);
		if (strstr(why.text, wrong[i][4]) == NULL || strstr(why.text, " must be ") == NULL)
			fail_msg("row %zu: %s", i, why.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket_name_when_valid_in_s3_then_accepted),
		cmocka_unit_test(test_bucket_when_named_otherwise_then_refused),
		cmocka_unit_test(test_region_when_a_word_then_accepted_else_refused),
		cmocka_unit_test(test_types_when_each_is_a_media_type_then_accepted_else_refused),
		cmocka_unit_test(test_types_when_a_name_is_longer_than_is_allowed_then_refused),
		cmocka_unit_test(test_keep_when_each_word_is_known_then_accepted_else_refused),
		cmocka_unit_test(test_origins_when_as_browsers_send_them_then_accepted),
		cmocka_unit_test(test_origins_when_no_browser_sends_them_then_refused),
		cmocka_unit_test(test_refusal_shows_the_value_shortened_and_escaped),
		cmocka_unit_test(test_cdn_when_whole_or_none_then_accepted),
		cmocka_unit_test(test_cdn_when_a_part_is_missing_or_of_another_form_then_it_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
