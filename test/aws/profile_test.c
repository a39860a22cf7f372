/* The shared files' INI: which settings a profile gets, and that mistakes are reported with their line. */
#include "unit.h"

#include "aws/profile.h"

#include <string.h>

static struct aws_profile read_ok(enum profile_file kind, const char *text, const char *name)
{
	struct aws_profile p;
	struct fault why = { 0 };
	if (profile_read(str_of(text), kind, str_of(name), &p, &why) != OK)
		fail_msg("%s", why.text);
	return p;
}

static void test_profile_when_usual_then_only_its_settings(void **state)
{
	const char *text =
		"# mine\r\n[default]\r\naws_access_key_id = AKIA1\r\naws_secret_access_key=abc/+=\r\n"
		"\n[ other ]\naws_access_key_id=AKIA2\naws_secret_access_key = two # a comment\naws_session_token = t;t ; another\nregion= eu-west-1\n";
	struct aws_profile p = read_ok(PROFILE_CREDENTIALS, text, "default");
	assert_true(p.found);
	assert_str(p.access_key, STR("AKIA1"));
	assert_str(p.secret, STR("abc/+="));
	assert_str(p.session_token, STR(""));
	p = read_ok(PROFILE_CREDENTIALS, text, "other");
	assert_str(p.access_key, STR("AKIA2"));
	assert_str(p.secret, STR("two"));
	assert_str(p.session_token, STR("t;t"));
	assert_str(p.region, STR("eu-west-1"));
	assert_false(read_ok(PROFILE_CREDENTIALS, text, "third").found);
	assert_false(read_ok(PROFILE_CREDENTIALS, "", "default").found);
}

static void test_profile_when_in_a_config_file_then_sections_are_named_profile(void **state)
{
	const char *text = "[default]\nregion = a\n[profile work]\nregion = b\ns3 =\n  region = nested\n  max_concurrent_requests = 9\n"
					   "[profile \"two words\"]\nregion = c\n[work]\nregion = d\n[sso-session work]\nregion = e\n";
	assert_str(read_ok(PROFILE_CONFIG, text, "default").region, STR("a"));
	assert_str(read_ok(PROFILE_CONFIG, text, "work").region, STR("b"));
	assert_str(read_ok(PROFILE_CONFIG, text, "two words").region, STR("c"));
	assert_false(read_ok(PROFILE_CONFIG, text, "sso-session work").found);
}

static void test_profile_when_section_or_setting_appears_twice_then_the_last_counts(void **state)
{
	const char *text = "[p]\nregion = a\nregion = b\n[q]\nregion = x\n[p]\naws_access_key_id = K\n";
	struct aws_profile p = read_ok(PROFILE_CREDENTIALS, text, "p");
	assert_str(p.region, STR("b"));
	assert_str(p.access_key, STR("K"));
}

static void test_profile_when_malformed_then_the_line_is_reported(void **state)
{
	static const struct {
		struct str text;
		const char *says;
	} rows[] = { { { "aws_access_key_id = K\n", 22 }, "line 1 " }, { { "[default\nx = y\n", 15 }, "line 1 " },
		{ { "[default]\n\nnonsense\n", 20 }, "line 3 " }, { { "[a]\nx=y\n[b]\n= y\n", 16 }, "line 4 " },
		{ { "[a]\nx\0=y\n", 9 }, "line 2 " }, { { "{\"json\": 1}", 11 }, "line 1 " } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct aws_profile p;
		struct fault why = { 0 };
		assert_int_equal(profile_read(rows[i].text, PROFILE_CREDENTIALS, STR("default"), &p, &why), UPSTREAM);
		if (strstr(why.text, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, why.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profile_when_usual_then_only_its_settings),
		cmocka_unit_test(test_profile_when_in_a_config_file_then_sections_are_named_profile),
		cmocka_unit_test(test_profile_when_section_or_setting_appears_twice_then_the_last_counts),
		cmocka_unit_test(test_profile_when_malformed_then_the_line_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
