/* get: whole or not at all, never over a file, whatever the name says. */
#include "cli/run.h"
#include "fake/fake_api.h"
#include "unit.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ID "00000000-0000-4000-8000-000000000000"

static struct fake_api api;
static char scratch[64];

static int set_up(void **state)
{
	enter_scratch(scratch);
	fake_api_start(&api);
	setenv("TINTYPE_ENDPOINT", api.http.url, 1);
	fake_api_add(&api, "a b.png", STR("the bytes"));
	return 0;
}

static int tear_down(void **state)
{
	fake_api_stop(&api);
	leave_scratch(scratch);
	return 0;
}

static void assert_file(const char *path, const char *want)
{
	char got[64] = "";
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	got[fread(got, 1, sizeof got - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(got, want);
}

static size_t count_files(void)
{
	size_t n = 0;
	DIR *dir = opendir(".");
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static void test_get_when_plain_then_saved_under_its_name(void **state)
{
	struct run *r = RUN("get", ID);
	assert_int_equal(r->code, 0);
	assert_string_equal(r->out, ID "        9 B  a b.png\n");
	assert_file("a b.png", "the bytes");
	assert_int_equal(count_files(), 1);
	mem_free(r);
}

static void test_get_when_name_is_hostile_then_saved_in_this_directory_under_a_safe_name(void **state)
{
	static const struct {
		const char *json, *file;
	} rows[] = { { "../../../tmp/evil.png", "evil.png" }, { "/etc/cron.d/x", "x" }, { "..", ID }, { ".profile", "profile" },
		{ "a\\u001b[2J\\u202egnp", "a[2Jgnp" }, { "C:\\\\win\\\\y.png", "y.png" }, { "\\r\\n", ID } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		FAKE_SET(&api, name, rows[i].json);
		struct run *r = RUN("get", ID);
		assert_int_equal(r->code, 0);
		assert_file(rows[i].file, "the bytes");
		assert_int_equal(unlink(rows[i].file), 0);
		assert_int_equal(count_files(), 0);
		mem_free(r);
	}
}

static void test_get_when_file_exists_then_not_replaced(void **state)
{
	write_file("a b.png", "mine", 4);
	struct run *r = RUN("get", ID), *named = RUN("get", ID, "-o", "a b.png"), *forced = RUN("get", ID, "-o", "a b.png", "--force");
	assert_int_equal(r->code, 1);
	assert_non_null(strstr(r->err, "a b.png already exists"));
	assert_int_equal(named->code, 1);
	assert_int_equal(forced->code, 0);
	assert_file("a b.png", "the bytes");
	assert_int_equal(count_files(), 1);
	mem_free(r);
	mem_free(named);
	mem_free(forced);
}

static void test_get_when_target_is_a_link_then_not_followed(void **state)
{
	write_file("victim", "mine", 4);
	assert_int_equal(symlink("victim", "a b.png"), 0);
	struct run *r = RUN("get", ID), *forced = RUN("get", ID, "-o", "a b.png", "--force");
	assert_int_equal(r->code, 1);
	assert_int_equal(forced->code, 1);
	assert_file("victim", "mine");
	assert_int_equal(count_files(), 2);
	mem_free(r);
	mem_free(forced);
}

static void test_get_when_output_is_named_then_there(void **state)
{
	assert_int_equal(mkdir("sub", 0755), 0);
	struct run *r = RUN("get", ID, "-o", "sub/.x"), *nowhere = RUN("get", ID, "-o", "none/x"), *dir = RUN("get", ID, "-o", "sub/");
	assert_int_equal(r->code, 0);
	assert_file("sub/.x", "the bytes");
	assert_int_equal(nowhere->code, 1);
	assert_int_equal(dir->code, 1);
	mem_free(r);
	mem_free(nowhere);
	mem_free(dir);
}

static void test_get_when_to_stdout_then_only_the_bytes(void **state)
{
	struct run *r = RUN("get", ID, "-o", "-");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->out, "the bytes");
	assert_int_equal(count_files(), 0);
	mem_free(r);
}

static void test_get_when_bytes_are_wrong_or_cut_then_nothing_is_left(void **state)
{
	for (int i = 0; i < 2; i++) {
		FAKE_SET(&api, lies, i == 0);
		FAKE_SET(&api, cuts, i == 1);
		struct run *r = RUN("get", ID), *piped = RUN("get", ID, "-o", "-");
		assert_int_equal(r->code, 1);
		assert_int_equal(piped->code, 1);
		assert_string_equal(piped->out, "");
		assert_int_equal(count_files(), 0);
		mem_free(r);
		mem_free(piped);
	}
}

static void test_get_when_image_is_unknown_or_pending_then_an_error_message(void **state)
{
	struct run *unknown = RUN("get", "nothing");
	assert_int_equal(unknown->code, 1);
	assert_string_equal(unknown->err, "tintype get: no image with this id (404)\n");
	FAKE_SET(&api, images[0].there, false);
	struct run *pending = RUN("get", ID);
	assert_int_equal(pending->code, 1);
	assert_non_null(strstr(pending->err, "the image is pending"));
	mem_free(unknown);
	mem_free(pending);
}

static void test_get_when_json_then_the_record_and_where(void **state)
{
	struct run *r = RUN("get", ID, "--json");
	assert_int_equal(r->code, 0);
	assert_non_null(strstr(r->out, "\"imageId\":\"" ID "\""));
	assert_non_null(strstr(r->out, "\"savedAs\":\"a b.png\"}\n"));
	mem_free(r);
}

static void test_get_when_file_appears_meanwhile_then_not_replaced(void **state)
{
	FAKE_SET(&api, creates, "a b.png");
	struct run *r = RUN("get", ID);
	assert_int_equal(r->code, 1);
	assert_file("a b.png", "");
	assert_int_equal(count_files(), 1);
	mem_free(r);
}

static void test_get_when_interrupted_then_130_and_nothing_is_left(void **state)
{
	int status = 0;
	FAKE_SET(&api, stalls, true);
	pid_t child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "get_test", "get", ID, NULL);
		_exit(99);
	}
	wait_until(fake_api_has_request(&api, STR("GET /store/")));
	assert_int_equal(count_files(), 1);
	assert_int_equal(kill(child, SIGINT), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 130);
	assert_int_equal(count_files(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	if (argc > 1) /* run by a test, as the program */
		return cli_run(argc - 1, argv + 1);
	const struct CMUnitTest tests[] = {
		TEST(test_get_when_plain_then_saved_under_its_name),
		TEST(test_get_when_name_is_hostile_then_saved_in_this_directory_under_a_safe_name),
		TEST(test_get_when_file_exists_then_not_replaced),
		TEST(test_get_when_target_is_a_link_then_not_followed),
		TEST(test_get_when_output_is_named_then_there),
		TEST(test_get_when_to_stdout_then_only_the_bytes),
		TEST(test_get_when_bytes_are_wrong_or_cut_then_nothing_is_left),
		TEST(test_get_when_image_is_unknown_or_pending_then_an_error_message),
		TEST(test_get_when_json_then_the_record_and_where),
		TEST(test_get_when_file_appears_meanwhile_then_not_replaced),
		TEST(test_get_when_interrupted_then_130_and_nothing_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
