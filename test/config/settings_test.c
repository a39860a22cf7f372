/* Reading the settings: the sources of a value, their precedence, and every error message. */
#include "unit.h"

#include "config/settings_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const NAMES[] = {
#define SETTING(field, kind, env, flag, def, min, max, unit, sentence) env,
#include "config/settings.def"
#undef SETTING
};

static int clear_environment(void **state)
{
	for (size_t i = 0; i < COUNT_OF(NAMES); i++)
		unsetenv(NAMES[i]);
	return 0;
}

#define LOAD(s, why, ...) \
	settings_load((s), (int)COUNT_OF(((char *[]){ NULL, ##__VA_ARGS__ })) - 1, (char *[]){ NULL, ##__VA_ARGS__ } + 1, (why))

static void test_defaults_are_those_of_the_table(void **state)
{
	struct settings s;
	struct fault why;
	assert_int_equal(LOAD(&s, &why), OK);
#define SWITCH(value) assert_string_equal((value) ? "on" : "off", def)
#define NUMBER(value) assert_true((value) == strtoull(def, NULL, 10))
#define TEXT(value) assert_string_equal((value), def)
#define SETTING(field, kind, env, flag, default, min, max, unit, sentence) \
	{ \
		const char *def = default; \
		kind(s.field); \
	}
#include "config/settings.def"
#undef SETTING
#undef TEXT
#undef NUMBER
#undef SWITCH
}

static void test_environment_name_of_a_flag(void **state)
{
	assert_string_equal(settings_env_of("api"), "TINTYPE_API");
	assert_string_equal(settings_env_of("bucket"), "BUCKET_NAME");
	assert_string_equal(settings_env_of(""), "");
	assert_string_equal(settings_env_of("nothing"), "");
}

static void test_flags_win_over_environment_over_defaults(void **state)
{
	struct settings s;
	struct fault why;
	setenv("TINTYPE_MAX_SIZE", "100", 1);
	setenv("TINTYPE_DATA", "from-env", 1);
	setenv("TINTYPE_OPEN", "on", 1);
	assert_int_equal(LOAD(&s, &why), OK);
	assert_true(s.max_size == 100);
	assert_string_equal(s.data_dir, "from-env");
	assert_true(s.open);
	assert_int_equal(LOAD(&s, &why, "--max-size", "200", "--cors-origins=", "--no-open"), OK);
	assert_true(s.max_size == 200);
	assert_string_equal(s.cors_origins, "");
	assert_false(s.open);
}

static void test_empty_environment_counts_as_unset(void **state)
{
	struct settings s;
	struct fault why;
	setenv("TINTYPE_MAX_SIZE", "", 1);
	setenv("TINTYPE_ACCESS", "", 1);
	assert_int_equal(LOAD(&s, &why), OK);
	assert_true(s.max_size == 5242880);
	assert_string_equal(s.access, "auto");
}

static void test_flags_accept_every_form_and_the_last_wins(void **state)
{
	struct settings s;
	struct fault why;
	assert_int_equal(LOAD(&s, &why, "--data", "a", "--data=b=c", "--open", "--workers", "1", "--workers=1024"), OK);
	assert_string_equal(s.data_dir, "b=c");
	assert_true(s.open);
	assert_true(s.workers == 1024);
	assert_int_equal(LOAD(&s, &why, "--open", "--open=off"), OK);
	assert_false(s.open);
	assert_int_equal(LOAD(&s, &why, "--no-open", "--open"), OK);
	assert_true(s.open);
	assert_int_equal(LOAD(&s, &why, "--data", "--open"), OK); /* a value may look like a flag */
	assert_string_equal(s.data_dir, "--open");
	assert_false(s.open);
}

static void test_flag_when_wrong_then_the_accepted_values_are_named(void **state)
{
	static const struct {
		const char *flag, *value, *text;
	} bad[] = {
		{ "--foo", NULL, "unknown option \"--foo\"; see --help" },
		{ "serve", NULL, "unexpected argument \"serve\"; see --help" },
		{ "-d", NULL, "unknown option \"-d\"; see --help" },
		{ "--", NULL, "unknown option \"--\"; see --help" },
		{ "", NULL, "unexpected argument \"\"; see --help" },
		{ "--=x", NULL, "unknown option \"--\"; see --help" },
		{ "--no-data", NULL, "unknown option \"--no-data\"; see --help" },
		{ "--no-open=on", NULL, "unknown option \"--no-open\"; see --help" },
		{ "--api-key", "0123456789abcdef", "unknown option \"--api-key\"; see --help" },
		{ "--data", NULL, "--data needs a value" },
		{ "--data", "", "--data must be the name of a directory, not \"\"" },
		{ "--workers", "1025", "--workers must be a number of threads from 1 to 1024, not \"1025\"" },
		{ "--workers", "0", "--workers must be a number of threads from 1 to 1024, not \"0\"" },
		{ "--workers", "", "--workers must be a number of threads from 1 to 1024, not \"\"" },
		{ "--workers", "-1", "--workers must be a number of threads from 1 to 1024, not \"-1\"" },
		{ "--workers", "+1", "--workers must be a number of threads from 1 to 1024, not \"+1\"" },
		{ "--workers", "1k", "--workers must be a number of threads from 1 to 1024, not \"1k\"" },
		{ "--workers=18446744073709551617", NULL, "--workers must be a number of threads from 1 to 1024, not \"18446744073709551617\"" },
		{ "--access", "both", "--access must be one of open|key|user|auto, not \"both\"" },
		{ "--access", "open|key", "--access must be one of open|key|user|auto, not \"open|key\"" },
		{ "--access", "", "--access must be one of open|key|user|auto, not \"\"" },
		{ "--open=yes", NULL, "--open must be on or off, not \"yes\"" },
		{ "--table", "postgress://app:s3cret@db/x",
			"--table must be one of sqlite|dynamodb|postgres://USER@HOST/DATABASE, not \"postgress\"" },
		{ "--table", "postgres://app:s3cret@db/x",
			"--table must not have a password, which the process list shows: put it into the first line of a file and name the file with "
			"--table-password-file, or put the whole URL into TINTYPE_TABLE in .env or the environment" },
		{ "--access", "\x1b[2J", "--access must be one of open|key|user|auto, not \"\\x1b[2J\"" },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct settings s;
		struct fault why;
		char *argv[] = { (char *)bad[i].flag, (char *)bad[i].value };
		memset(&s, 'x', sizeof s);
		assert_int_equal(settings_load(&s, bad[i].value == NULL ? 1 : 2, argv, &why), INVALID);
		assert_int_equal(why.code, F_BAD_SETTING);
		assert_string_equal(why.text, bad[i].text);
		assert_int_equal(s.max_size, 0x7878787878787878);
	}
}

static void test_table_may_be_a_url_with_a_password_in_the_environment_alone(void **state)
{
	struct settings s;
	struct fault why;
	assert_int_equal(LOAD(&s, &why, "--table", "postgresql://app@db/images"), OK);
	assert_string_equal(s.table, "postgresql://app@db/images");
	setenv("TINTYPE_TABLE", "postgres://app:s3cret@db/images", 1);
	assert_int_equal(LOAD(&s, &why), OK);
	assert_string_equal(s.table, "postgres://app:s3cret@db/images");
}

static void test_environment_when_wrong_is_named(void **state)
{
	static const struct {
		const char *env, *value, *text;
	} bad[] = {
		{ "TINTYPE_WORKERS", "many", "TINTYPE_WORKERS must be a number of threads from 1 to 1024, not \"many\"" },
		{ "TINTYPE_LOG_LEVEL", "loud", "TINTYPE_LOG_LEVEL must be one of debug|info|warn|error, not \"loud\"" },
		{ "TINTYPE_OPEN", "1", "TINTYPE_OPEN must be on or off, not \"1\"" },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct settings s;
		struct fault why;
		clear_environment(NULL);
		setenv(bad[i].env, bad[i].value, 1);
		assert_int_equal(LOAD(&s, &why), INVALID);
		assert_string_equal(why.text, bad[i].text);
	}
}

static void test_key_when_too_short_is_refused_and_not_shown(void **state)
{
	struct settings s;
	struct fault why;
	setenv("TINTYPE_API_KEY", "fifteen-letters", 1);
	assert_int_equal(LOAD(&s, &why), INVALID);
	assert_string_equal(why.text, "TINTYPE_API_KEY must have at least 16 characters");
	setenv("TINTYPE_API_KEY", "sixteen-letters!", 1);
	assert_int_equal(LOAD(&s, &why), OK);
	assert_string_equal(s.api_key, "sixteen-letters!");
}

static void test_value_when_long_is_cut_in_the_message(void **state)
{
	struct settings s;
	struct fault why;
	char value[5000];
	memset(value, '\x01', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	assert_int_equal(LOAD(&s, &why, "--access", value), INVALID);
	assert_true(strlen(why.text) < sizeof why.text);
	assert_true(str_starts_with(str_of(why.text), STR("--access must be one of open|key|user|auto, not \"\\x01\\x01")));
}

/* The bounds of every number are accepted, and values beyond them are not. */
static void test_every_number_is_checked_against_its_range(void **state)
{
	static const struct {
		const char *env;
		bool number;
		uint64_t min, max;
	} rows[] = {
#define SETTING_IS_TEXT 0
#define SETTING_IS_SWITCH 0
#define SETTING_IS_NUMBER 1
#define SETTING(field, kind, env, flag, def, min, max, unit, sentence) { env, SETTING_IS_##kind, min, max },
#include "config/settings.def"
#undef SETTING
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct {
			uint64_t value;
			enum status want;
		} tries[] = { { rows[i].min, OK }, { rows[i].max, OK }, { rows[i].min - 1, INVALID }, { rows[i].max + 1, INVALID } };
		for (size_t t = 0; t < COUNT_OF(tries) && rows[i].number; t++) {
			struct settings s;
			char text[32];
			snprintf(text, sizeof text, "%llu", (unsigned long long)tries[t].value);
			setenv(rows[i].env, text, 1);
			assert_int_equal(LOAD(&s, NULL), tries[t].want);
		}
		unsetenv(rows[i].env);
	}
}

/* Fails if a secret of the table has a flag: a flag is in the process list, and on the console. */
static void test_settings_with_names_of_secrets_have_no_flag(void **state)
{
	static const char *const words[] = { "SECRET", "TOKEN", "PASSWORD", "API_KEY", "_KEY_ID" };
	for (size_t i = 0; i < SETTING_COUNT; i++)
		for (size_t w = 0; w < COUNT_OF(words); w++)
			assert_true(strstr(SETTINGS[i].env, words[w]) == NULL || SETTINGS[i].flag.name[0] == '\0' ||
				strchr(SETTINGS[i].unit, '|') != NULL ||      /* one of known words is no secret, */
				strcmp(SETTINGS[i].flag.value, "FILE") == 0); /* nor is the name of a file */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings_with_names_of_secrets_have_no_flag),
		cmocka_unit_test_setup(test_defaults_are_those_of_the_table, clear_environment),
		cmocka_unit_test(test_environment_name_of_a_flag),
		cmocka_unit_test_setup(test_flags_win_over_environment_over_defaults, clear_environment),
		cmocka_unit_test_setup(test_empty_environment_counts_as_unset, clear_environment),
		cmocka_unit_test_setup(test_flags_accept_every_form_and_the_last_wins, clear_environment),
		cmocka_unit_test_setup(test_flag_when_wrong_then_the_accepted_values_are_named, clear_environment),
		cmocka_unit_test_setup(test_table_may_be_a_url_with_a_password_in_the_environment_alone, clear_environment),
		cmocka_unit_test_setup(test_environment_when_wrong_is_named, clear_environment),
		cmocka_unit_test_setup(test_key_when_too_short_is_refused_and_not_shown, clear_environment),
		cmocka_unit_test_setup(test_value_when_long_is_cut_in_the_message, clear_environment),
		cmocka_unit_test_setup(test_every_number_is_checked_against_its_range, clear_environment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
