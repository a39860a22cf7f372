/* The file by which commands find the admin listener: written, read, private, and refused when it is something else. */
#include "unit.h"

#include "config/admin_file.h"
#include "temp.h"

static void test_admin_file_then_read_back_private_and_removed(void **state)
{
	char dir[TEMP_PATH_MAX];
	struct admin_file in = { "http://127.0.0.1:8081", "0123456789abcdef" }, out;
	struct stat st;
	temp_make(dir);
	for (int twice = 0; twice < 2; twice++)
		assert_int_equal(admin_file_write(dir, &in, NULL), OK);
	assert_int_equal(admin_file_read(dir, &out, NULL), OK);
	assert_string_equal(out.url, in.url);
	assert_string_equal(out.token, in.token);
	assert_int_equal(stat(temp_path(dir, "admin.json"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	for (int twice = 0; twice < 2; twice++)
		admin_file_remove(dir);
	assert_int_equal(rmdir(dir), 0); /* nothing else was left there */
}

static void test_admin_file_when_missing_or_malformed_then_a_sentence(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "{}", "{\"url\":\"http://127.0.0.1:8081\"}", "{\"url\":1,\"token\":\"x\"}" };
	char dir[TEMP_PATH_MAX];
	struct admin_file out;
	struct fault why;
	temp_make(dir);
	assert_int_equal(admin_file_read(dir, &out, &why), IO);
	assert_non_null(strstr(why.text, "--data"));
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		temp_write(temp_path(dir, "admin.json"), str_of(texts[i]));
		assert_int_equal(admin_file_read(dir, &out, &why), IO);
		assert_non_null(strstr(why.text, "restart the server"));
	}
	admin_file_remove(dir);
	assert_int_equal(admin_file_write("/nonexistent-directory", &(struct admin_file){ "x", "y" }, &why), IO);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_admin_file_then_read_back_private_and_removed),
		cmocka_unit_test(test_admin_file_when_missing_or_malformed_then_a_sentence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
