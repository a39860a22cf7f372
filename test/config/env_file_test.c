/* The text of an environment file, and what of it gets into the environment. */
#include "config/env_file.h"

#include "temp.h"

static const struct {
	const char *text, *name, *value; /* value NULL: refused; name NULL: nothing is there */
	const char *sentence;
} rows[] = {
	{ "TINTYPE_API=127.0.0.1:8090", "TINTYPE_API", "127.0.0.1:8090", NULL },
	{ "  TINTYPE_API = 127.0.0.1:8090 \r\n", "TINTYPE_API", "127.0.0.1:8090", NULL },
	{ "export TINTYPE_API=a\n", "TINTYPE_API", "a", NULL },
	{ "# TINTYPE_NOPE=1\n\n\t\nBUCKET_NAME=b", "BUCKET_NAME", "b", NULL },
	{ "TINTYPE_API_KEY=\"a b=c#d\"", "TINTYPE_API_KEY", "a b=c#d", NULL },
	{ "TINTYPE_API_KEY='$HOME `x`'", "TINTYPE_API_KEY", "$HOME `x`", NULL },
	{ "TINTYPE_API=", "TINTYPE_API", "", NULL },
	{ "TINTYPE_API=\"\"", "TINTYPE_API", "", NULL },
	{ "OTHER=x", "OTHER", "x", NULL },
	{ "TINTYPE_URL_TTL=\"60\" # a comment\n", "TINTYPE_URL_TTL", "60", NULL },
	{ "TINTYPE_URL_TTL='60'\r\n", "TINTYPE_URL_TTL", "60", NULL },
	{ "KEY=\"-----BEGIN\nMII=\n-----END\"\nTINTYPE_API=x\n", "KEY", "-----BEGIN\nMII=\n-----END", NULL },
	{ "TINTYPE_API=\"x\" y\n", NULL, NULL, "line 1: something follows the closing quote" },
	{ "AWS_PROFILE=x", "AWS_PROFILE", "x", NULL },
	{ "TINTYPE_ENDPOINT=x", "TINTYPE_ENDPOINT", "x", NULL },
	{ "", NULL, "", NULL },
	{ "\n#\n", NULL, "", NULL },
	{ "TINTYPE_API", NULL, NULL, "line 1: it is not NAME=VALUE" },
	{ "\n\n=x", NULL, NULL, "line 3: it is not NAME=VALUE" },
	{ "A B=x", NULL, NULL, "line 1: it is not NAME=VALUE" },
	{ "\xC2\xA0TINTYPE_API_KEY=x", NULL, NULL, "line 1: it is not NAME=VALUE" },
	{ "a.b-C_1=x", "a.b-C_1", "x", NULL },
	{ "TINTYPE_APY=x", NULL, NULL, "line 1: TINTYPE_APY is not a setting" },
	{ "TINTYPE_API=\"x", NULL, NULL, "a quote is not closed" },
	{ "TINTYPE_API='", NULL, NULL, "a quote is not closed" },
};

static void test_env_file_next_then_the_assignment_or_an_error_message(void **state)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str rest = str_of(rows[i].text);
		struct env_line l = { 0 };
		struct fault why = { 0 };
		unsigned line = 0;
		enum status status = env_file_next(&rest, &line, &l, &why);
		assert_int_equal(status, rows[i].value != NULL ? OK : INVALID);
		if (status != OK) {
			assert_non_null(strstr(why.text, rows[i].sentence));
			continue;
		}
		assert_str(l.name, str_of(rows[i].name));
		assert_str(l.value, str_of(rows[i].value));
	}
}

static void test_env_file_next_after_a_value_of_several_lines_then_the_next_line_and_its_number(void **state)
{
	struct str rest = STR("KEY='a\nb'  # c\nTINTYPE_API=x\nTINTYPE_APY=y\n");
	struct env_line l = { 0 };
	struct fault why = { 0 };
	unsigned line = 0;
	assert_int_equal(env_file_next(&rest, &line, &l, &why), OK);
	assert_int_equal(env_file_next(&rest, &line, &l, &why), OK);
	assert_str(l.name, STR("TINTYPE_API"));
	assert_int_equal(line, 3);
	assert_int_equal(env_file_next(&rest, &line, &l, &why), INVALID);
	assert_non_null(strstr(why.text, "line 4: TINTYPE_APY"));
}

static void put_file(const char *path, const char *text, mode_t mode)
{
	temp_write(path, str_of(text));
	assert_int_equal(chmod(path, mode), 0);
	setenv("TINTYPE_ENV_FILE", path, 1);
}

static void test_env_file_load_then_only_our_settings_that_are_not_set_yet(void **state)
{
	char dir[TEMP_PATH_MAX];
	struct fault warning, why = { 0 };
	temp_make(dir);
	setenv("TINTYPE_API", "from the environment", 1);
	unsetenv("TINTYPE_STORAGE");
	unsetenv("SOMETHING_ELSE");
	put_file(temp_path(dir, "env"), "TINTYPE_API=from the file\nTINTYPE_STORAGE=from the file\nSOMETHING_ELSE=x\n", 0600);
	assert_int_equal(env_file_load(&warning, &why), OK);
	assert_string_equal(getenv("TINTYPE_API"), "from the environment");
	assert_string_equal(getenv("TINTYPE_STORAGE"), "from the file");
	assert_null(getenv("SOMETHING_ELSE"));
	unsetenv("TINTYPE_STORAGE");
	put_file(temp_path(dir, "env"), "\xEF\xBB\xBFTINTYPE_STORAGE=after a byte order mark\n", 0600);
	assert_int_equal(env_file_load(&warning, &why), OK);
	assert_string_equal(getenv("TINTYPE_STORAGE"), "after a byte order mark");
	temp_remove(dir);
}

static void test_env_file_load_settings_then_those_of_the_file_alone(void **state)
{
	char dir[TEMP_PATH_MAX];
	struct fault warning, why = { 0 };
	struct settings one, two;
	struct arena a;
	temp_make(dir);
	arena_init(&a, 1 << 20);
	setenv("TINTYPE_MAX_SIZE", "77", 1);
	setenv("BUCKET_NAME", "of-the-environment", 1);
	put_file(temp_path(dir, "one"), "TINTYPE_DATA=first\nAWS_PROFILE=of-a-file\n", 0600);
	assert_int_equal(env_file_load_settings(temp_path(dir, "one"), &one, &a, &warning, &why), OK);
	put_file(temp_path(dir, "two"), "TINTYPE_DATA=second\nTINTYPE_MAX_SIZE=88\nBUCKET_NAME=pictures\n", 0600);
	assert_int_equal(env_file_load_settings(temp_path(dir, "two"), &two, &a, &warning, &why), OK);
	assert_string_equal(one.data_dir, "first");
	assert_string_equal(one.bucket, "image-uploads");
	assert_int_equal(one.max_size, 5242880);
	assert_string_equal(two.data_dir, "second");
	assert_string_equal(two.bucket, "pictures");
	assert_int_equal(two.max_size, 88);
	assert_string_equal(getenv("AWS_PROFILE"), "of-a-file");
	put_file(temp_path(dir, "two"), "TINTYPE_MAX_SIZE=many\n", 0600);
	assert_int_equal(env_file_load_settings(temp_path(dir, "two"), &two, &a, &warning, &why), INVALID);
	assert_non_null(strstr(why.text, "two: TINTYPE_MAX_SIZE must be a number"));
	assert_int_equal(two.max_size, 88);
	unsetenv("AWS_PROFILE");
	unsetenv("TINTYPE_MAX_SIZE");
	arena_deinit(&a);
	temp_remove(dir);
}

static void test_env_file_load_when_others_could_have_written_it_then_refused(void **state)
{
	char dir[TEMP_PATH_MAX];
	struct fault warning, why = { 0 };
	temp_make(dir);
	unsetenv("TINTYPE_DATA");
	for (size_t i = 0; i < 2; i++) {
		put_file(temp_path(dir, "env"), "TINTYPE_DATA=x\n", i == 0 ? 0660 : 0602);
		assert_int_equal(env_file_load(&warning, &why), INVALID);
		assert_non_null(strstr(why.text, "The file can be written by others; run chmod go-w on it, or set TINTYPE_ENV_FILE="));
		assert_null(getenv("TINTYPE_DATA"));
	}
	temp_remove(dir);
}

static void test_env_file_load_when_the_file_is_missing_then_ok_unless_it_was_named(void **state)
{
	struct fault warning, why = { 0 };
	setenv("TINTYPE_ENV_FILE", "", 1);
	assert_int_equal(env_file_load(&warning, &why), OK);
	setenv("TINTYPE_ENV_FILE", "/dev/null/none", 1);
	assert_int_equal(env_file_load(&warning, &why), INVALID);
	setenv("TINTYPE_ENV_FILE", "/dev", 1);
	assert_int_equal(env_file_load(&warning, &why), INVALID);
	assert_non_null(strstr(why.text, "not a regular file"));
}

static void test_env_file_load_when_it_belongs_to_another_user_then_refused_unless_that_is_root(void **state)
{
	char dir[TEMP_PATH_MAX];
	struct fault warning, why = { 0 };
	temp_make(dir);
	unsetenv("TINTYPE_DATA");
	put_file(temp_path(dir, "env"), "TINTYPE_DATA=x\n", 0600);
	if (chown(getenv("TINTYPE_ENV_FILE"), 65534, 65534) == 0) {
		assert_int_equal(env_file_load(&warning, &why), INVALID);
		assert_non_null(strstr(why.text, "belongs to another user"));
		assert_null(getenv("TINTYPE_DATA"));
	} else {
		assert_true(geteuid() != 0);
		setenv("TINTYPE_ENV_FILE", "/etc/hostname", 1); /* root's */
		(void)!env_file_load(&warning, &why);
		assert_null(strstr(why.text, "belongs to another user"));
	}
	temp_remove(dir);
}

static void test_env_file_load_when_others_can_read_a_secret_then_used_with_a_warning(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *warning; /* "": none */
	} cases[] = {
		{ "TINTYPE_API_KEY=0123456789abcdef\n", 0600, "" },
		{ "TINTYPE_API_KEY=0123456789abcdef\n", 0640, "has TINTYPE_API_KEY: The file can be read by others; run chmod 600 on it" },
		{ "TINTYPE_API=x\nAWS_SECRET_ACCESS_KEY=x\n", 0604, "has AWS_SECRET_ACCESS_KEY: " },
		{ "TINTYPE_API=x\n", 0644, "" },
		{ "TINTYPE_API_KEY=\n", 0644, "" },
	};
	char dir[TEMP_PATH_MAX];
	temp_make(dir);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct fault warning, why = { 0 };
		put_file(temp_path(dir, "env"), cases[i].text, cases[i].mode);
		/* Root may let the group read its own. */
		if (geteuid() == 0 && cases[i].mode == 0640)
			assert_int_equal(chmod(temp_path(dir, "env"), 0644), 0);
		assert_int_equal(env_file_load(&warning, &why), OK);
		assert_true(cases[i].warning[0] == '\0' ? warning.text[0] == '\0' : strstr(warning.text, cases[i].warning) != NULL);
	}
	unsetenv("AWS_SECRET_ACCESS_KEY");
	temp_remove(dir);
}

static void test_env_file_load_when_env_is_a_link_to_nothing_then_refused_and_without_one_then_ok(void **state)
{
	char dir[TEMP_PATH_MAX];
	struct fault warning, why = { 0 };
	int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	temp_make(dir);
	unsetenv("TINTYPE_ENV_FILE");
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(env_file_load(&warning, &why), OK);
	assert_int_equal(symlink("nowhere", ".env"), 0);
	assert_int_equal(env_file_load(&warning, &why), INVALID);
	assert_string_equal(why.text, ".env: it cannot be opened: No such file or directory");
	assert_int_equal(fchdir(before), 0);
	close(before);
	temp_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_env_file_next_then_the_assignment_or_an_error_message),
		cmocka_unit_test(test_env_file_next_after_a_value_of_several_lines_then_the_next_line_and_its_number),
		cmocka_unit_test(test_env_file_load_then_only_our_settings_that_are_not_set_yet),
		cmocka_unit_test(test_env_file_load_when_others_could_have_written_it_then_refused),
		cmocka_unit_test(test_env_file_load_when_it_belongs_to_another_user_then_refused_unless_that_is_root),
		cmocka_unit_test(test_env_file_load_when_others_can_read_a_secret_then_used_with_a_warning),
		cmocka_unit_test(test_env_file_load_when_env_is_a_link_to_nothing_then_refused_and_without_one_then_ok),
		cmocka_unit_test(test_env_file_load_when_the_file_is_missing_then_ok_unless_it_was_named),
		cmocka_unit_test(test_env_file_load_settings_then_those_of_the_file_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
