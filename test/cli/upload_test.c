/* upload against an API in memory: many files, refusals, retries, names, output and counts. */
#include "cli/run.h"
#include "fake/fake_api.h"
#include "unit.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PNG "\x89PNG\r\n\x1a\n"

static char scratch[64];
static struct fake_api api;

static int set_up(void **state)
{
	enter_scratch(scratch);
	write_file("a.png", PNG "a", 9);
	fake_api_start(&api);
	setenv("TINTYPE_ENDPOINT", api.http.url, 1);
	unsetenv("TINTYPE_API_KEY");
	return 0;
}

static int tear_down(void **state)
{
	fake_api_stop(&api);
	leave_scratch(scratch);
	return 0;
}

/* The last line, without what it says of size and time in brackets. */
static void assert_summary(const char *err, const char *want)
{
	char line[256] = "";
	const char *start = err + strlen(err);
	assert_true(start > err && start[-1] == '\n');
	for (start--; start > err && start[-1] != '\n';)
		start--;
	(void)snprintf(line, sizeof line, "%s", start);
	char *open = strstr(line, " ("), *end = strchr(line, ')');
	if (open != NULL && end != NULL)
		memmove(open, end + 1, strlen(end + 1) + 1);
	line[strlen(line) - 1] = '\0';
	assert_string_equal(line, want);
}

static void test_upload_when_one_file_then_its_bytes_and_a_line(void **state)
{
	struct run *r = RUN("upload", "a.png");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->out, "00000000-0000-4000-8000-000000000000        9 B  a.png  http://x/i/0\n");
	assert_int_equal(count_lines(r->err), 1);
	assert_summary(r->err, "1 uploaded");
	assert_int_equal(api.n, 1);
	assert_true(str_equal(buf_str(&api.images[0].bytes), STR(PNG "a")));
	assert_string_equal(api.images[0].name, "a.png");
	mem_free(r);
}

static void test_upload_when_a_directory_has_many_files_then_each_once(void **state)
{
	char name[64], bytes[64];
	bool seen[100] = { false };
	assert_int_equal(mkdir("d", 0755) | mkdir("d/e", 0755), 0);
	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof name, "d/%s%d.png", i % 2 ? "e/" : "", i);
		(void)snprintf(bytes, sizeof bytes, PNG "%d", i);
		write_file(name, bytes, strlen(bytes));
	}
	assert_int_equal(symlink("../a.png", "d/link.png"), 0);
	struct run *r = RUN("upload", "d", "--jobs", "8");
	assert_int_equal(r->code, 0);
	assert_int_equal(count_lines(r->out), 100);
	assert_non_null(strstr(r->err, "d/link.png: skipped: it is a link"));
	assert_int_equal(api.n, 100);
	for (size_t i = 0; i < api.n; i++) {
		int number = (int)strtol(api.images[i].bytes.p + 8, NULL, 10);
		assert_false(seen[number]);
		seen[number] = true;
	}
	mem_free(r);
}

static void test_upload_when_one_of_three_fails_then_1_and_the_others_are_there(void **state)
{
	write_file("b.png", PNG "b", 9);
	write_file("empty.png", "", 0);
	struct run *r = RUN("upload", "a.png", "empty.png", "b.png", "missing.png");
	assert_int_equal(r->code, 1);
	assert_int_equal(api.n, 2);
	assert_int_equal(count_lines(r->out), 2);
	assert_summary(r->err, "2 uploaded, 2 failed");
	assert_non_null(strstr(r->err, "empty.png: is empty\n"));
	assert_non_null(strstr(r->err, "missing.png: No such file"));
	mem_free(r);
}

static void test_upload_when_store_refuses_then_message_of_the_xml(void **state)
{
	FAKE_SET(&api, put_refusal,
		"<?xml version=\"1.0\"?><Error><Code>InvalidRequest</Code><Message>no &lt;PNG&gt; &amp; no \u202eJPEG</Message></Error>");
	struct run *r = RUN("upload", "a.png");
	assert_int_equal(r->code, 1);
	assert_string_equal(r->err, "a.png: no <PNG> & no \\u{202e}JPEG (400)\n0 uploaded, 1 failed\n");
	assert_string_equal(r->out, "");
	mem_free(r);
}

static void test_upload_when_server_is_busy_then_tried_again(void **state)
{
	FAKE_SET(&api, busy, 3);
	struct run *r = RUN("upload", "a.png");
	assert_int_equal(r->code, 0);
	assert_int_equal(api.busy, 0);
	mem_free(r);
}

static void test_upload_when_server_stays_busy_then_its_detail(void **state)
{
	FAKE_SET(&api, busy, 1000);
	struct run *r = RUN("upload", "a.png");
	assert_int_equal(r->code, 1);
	assert_string_equal(r->err, "a.png: too much work (503)\n0 uploaded, 1 failed\n");
	assert_int_equal(api.busy, 1000 - 5);
	mem_free(r);
}

static void test_upload_when_checked_late_then_completed(void **state)
{
	FAKE_SET(&api, looks_late, true);
	struct run *r = RUN("upload", "a.png");
	assert_int_equal(r->code, 0);
	assert_non_null(strstr(api.requests.p, "POST /prod/images/00000000-0000-4000-8000-000000000000/complete "));
	mem_free(r);
}

static void test_upload_when_records_need_a_key_then_the_put_result_is_used(void **state)
{
	FAKE_SET(&api, locked, true);
	struct run *r = RUN("upload", "a.png");
	assert_int_equal(r->code, 0);
	assert_int_equal(count_lines(r->out), 1);
	mem_free(r);
}

static void test_upload_when_json_then_one_object_a_file(void **state)
{
	write_file("empty.png", "", 0);
	struct run *r = RUN("upload", "a.png", "empty.png", "--json", "--jobs", "1");
	assert_int_equal(r->code, 1);
	assert_int_equal(count_lines(r->out), 2);
	json_t *first = json_loads(r->out, JSON_DISABLE_EOF_CHECK, NULL), *second = json_loads(strchr(r->out, '\n'), 0, NULL);
	assert_true(json_is_true(json_object_get(first, "ok")));
	assert_string_equal(json_string_value(json_object_get(first, "file")), "a.png");
	assert_string_equal(json_string_value(json_object_get(first, "deleteToken")), "secret-token");
	assert_string_equal(json_string_value(json_object_get(json_object_get(first, "record"), "status")), "uploaded");
	assert_true(json_is_false(json_object_get(second, "ok")));
	assert_string_equal(json_string_value(json_object_get(second, "error")), "is empty");
	json_decref(first);
	json_decref(second);
	mem_free(r);
}

static void test_upload_when_name_is_not_utf8_then_sent_repaired_and_reported(void **state)
{
	write_file("x\xff\x1b.png", PNG, 8);
	struct run *r = RUN("upload", "x\xff\x1b.png");
	assert_int_equal(r->code, 0);
	assert_string_equal(api.images[0].name, "x\xef\xbf\xbd\\u001b.png");
	assert_non_null(strstr(r->err, "x\\xff\\x1b.png: the name is not UTF-8"));
	assert_non_null(strstr(r->out, "x\xef\xbf\xbd\\x1b.png  http://"));
	mem_free(r);
}

static void test_upload_when_there_is_a_key_then_the_api_gets_it_and_the_store_does_not(void **state)
{
	setenv("TINTYPE_API_KEY", "sixteen-characters", 1);
	struct run *r = RUN("upload", "a.png");
	unsetenv("TINTYPE_API_KEY");
	assert_int_equal(r->code, 0);
	struct str put = str_slice(buf_str(&api.requests), str_find(buf_str(&api.requests), STR("PUT /store/")), api.requests.n);
	put = str_slice(put, 0, str_find(put, STR("\r\n\r\n")));
	assert_int_equal(str_find(put, STR("sixteen-characters")), put.n);
	assert_non_null(strstr(api.requests.p, "Authorization: Bearer sixteen-characters\r\n"));
	assert_non_null(strstr(api.requests.p, "X-Api-Key: sixteen-characters\r\n"));
	assert_non_null(strstr(put.p, "Content-Type: image/png\r\n"));
	mem_free(r);
}

static void test_upload_when_the_gateway_has_a_key_of_its_own_then_each_gets_its_own(void **state)
{
	setenv("TINTYPE_API_KEY", "sixteen-characters", 1);
	setenv("TINTYPE_GATEWAY_KEY", "of-the-gateway", 1);
	struct run *r = RUN("upload", "a.png");
	unsetenv("TINTYPE_API_KEY");
	unsetenv("TINTYPE_GATEWAY_KEY");
	assert_int_equal(r->code, 0);
	assert_non_null(strstr(api.requests.p, "Authorization: Bearer sixteen-characters\r\n"));
	assert_non_null(strstr(api.requests.p, "X-Api-Key: of-the-gateway\r\n"));
	assert_null(strstr(api.requests.p, "X-Api-Key: sixteen-characters\r\n"));
	mem_free(r);
}

static void test_upload_when_the_slots_url_is_unreachable_then_failed(void **state)
{
	static const char *const urls[] = { "", "file:///etc/passwd", "http://127.0.0.1:1/x", "http://a/\\r\\nX: y" };
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		FAKE_SET(&api, slot_url, urls[i]);
		struct run *r = RUN("upload", "a.png");
		assert_int_equal(r->code, 1);
		assert_int_equal(count_lines(r->err), 2);
		mem_free(r);
	}
}

static void test_upload_when_endpoint_is_another_server_then_an_error_message(void **state)
{
	char url[100];
	(void)snprintf(url, sizeof url, "%s/other/", api.http.url);
	struct run *r = RUN("upload", "a.png", "--endpoint", url);
	assert_int_equal(r->code, 1);
	assert_string_equal(r->err, "a.png: the server answered 404\n0 uploaded, 1 failed\n");
	assert_non_null(strstr(api.requests.p, "POST /other/upload "));
	mem_free(r);
}

static void test_upload_when_no_one_listens_then_each_file_failed(void **state)
{
	struct run *r = RUN("upload", "a.png", "--endpoint", "http://127.0.0.1:1");
	assert_int_equal(r->code, 1);
	assert_non_null(strstr(r->err, "a.png: cannot connect to 127.0.0.1 port 1: Connection refused"));
	mem_free(r);
}

static void test_upload_when_interrupted_then_130_and_a_summary(void **state)
{
	int err[2];
	char text[512] = "";
	FAKE_SET(&api, hangs, true);
	assert_int_equal(pipe(err), 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(err[1], STDERR_FILENO);
		execl("/proc/self/exe", "upload_test", "upload", "a.png", NULL);
		_exit(99);
	}
	close(err[1]);
	wait_until(fake_api_has_request(&api, STR("PUT /store/")));
	int status = 0;
	assert_int_equal(kill(child, SIGINT), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(read(err[0], text, sizeof text - 1) > 0);
	close(err[0]);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 130);
	assert_string_equal(text, "Interrupted: 0 uploaded, 1 not sent\n");
}

static void test_upload_when_the_server_has_it_then_skipped_unless_again(void **state)
{
	static const struct {
		bool locked, forgets;
		const char *again, *summary, *says;
	} rows[] = { { .summary = "0 uploaded, 1 already there" }, { .again = "--again", .summary = "1 uploaded" },
		{ .locked = true, .summary = "1 uploaded" },
		{ .forgets = true, .summary = "1 uploaded", .says = "This server cannot tell which files it has already: all are uploaded.\n" } };
	fake_api_add(&api, "old.png", STR(PNG "a"));
	fake_api_add(&api, "other.png", STR(PNG "b"));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		size_t before = api.n;
		FAKE_SET(&api, locked, rows[i].locked);
		FAKE_SET(&api, forgets, rows[i].forgets);
		struct run *r = RUN("upload", "a.png", rows[i].again);
		bool sent = strstr(rows[i].summary, "1 uploaded") != NULL;
		assert_int_equal(r->code, 0);
		assert_summary(r->err, rows[i].summary);
		assert_int_equal(api.n, before + sent);
		if (!sent)
			assert_string_equal(r->out, "00000000-0000-4000-8000-000000000000        9 B  a.png  (already there)  http://x/i/0\n");
		assert_true(rows[i].says == NULL ? count_lines(r->err) == 1 : strstr(r->err, rows[i].says) == r->err);
		mem_free(r);
	}
	FAKE_SET(&api, forgets, false);
	struct run *json = RUN("upload", "a.png", "--json");
	assert_non_null(strstr(json->out, "\"skipped\":true,\"imageId\":\"00000000-0000-4000-8000-00000000000"));
	assert_non_null(strstr(json->out, "\"link\":\"http://x/i/"));
	mem_free(json);
}

static void test_upload_when_files_have_the_same_bytes_then_one_is_sent(void **state)
{
	static const char *const names[] = { "b.png", "c.png", "d.png", "e.png" };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		write_file(names[i], PNG "a", 9);
	FAKE_SET(&api, forgets, true);
	struct run *r = RUN("upload", ".", "--jobs", "5");
	assert_int_equal(r->code, 0);
	assert_int_equal(api.n, 1);
	assert_int_equal(count_lines(r->out), 5);
	assert_summary(r->err, "1 uploaded, 4 already there");
	mem_free(r);
}

static void test_upload_when_the_connection_breaks_then_the_same_slot_again(void **state)
{
	FAKE_SET(&api, losses, 3);
	struct run *r = RUN("upload", "a.png");
	assert_int_equal(r->code, 0);
	assert_int_equal(api.n, 1);
	assert_non_null(strstr(r->err, "Waiting for the server: "));
	assert_non_null(strstr(r->err, "\nThe server is back.\n"));
	assert_summary(r->err, "1 uploaded");
	mem_free(r);
}

static void test_upload_when_from_standard_input_then_under_the_name(void **state)
{
	static const struct {
		const char *name, *sent;
	} rows[] = { { NULL, "image" }, { "--name=cat.png", "cat.png" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int in = open("a.png", O_RDONLY), old = dup(STDIN_FILENO);
		dup2(in, STDIN_FILENO);
		struct run *r = RUN("upload", "--again", "-", rows[i].name);
		dup2(old, STDIN_FILENO);
		close(in);
		close(old);
		assert_int_equal(r->code, 0);
		assert_string_equal(api.images[i].name, rows[i].sent);
		assert_true(str_equal(buf_str(&api.images[i].bytes), STR(PNG "a")));
		mem_free(r);
	}
}

static void test_upload_when_used_wrongly_then_2_and_a_message(void **state)
{
	static const struct {
		const char *args[4], *says;
	} rows[] = { { { "upload", "a.png", "--name=x" }, "--name is for standard input" }, { { "upload", "-", "-" }, "give one -" },
		{ { "upload", "-", "--watch" }, "--watch takes directories" }, { { "upload", "a.png", "--watch" }, "a.png is not one" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct run *r = run_verb(rows[i].args);
		assert_int_equal(r->code, 2);
		assert_int_equal(count_lines(r->err), 1);
		if (strstr(r->err, rows[i].says) == NULL)
			fail_msg("%s", r->err);
		mem_free(r);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	if (argc > 1) /* run by a test, as the program */
		return cli_run(argc - 1, argv + 1);
	const struct CMUnitTest tests[] = {
		TEST(test_upload_when_one_file_then_its_bytes_and_a_line),
		TEST(test_upload_when_a_directory_has_many_files_then_each_once),
		TEST(test_upload_when_one_of_three_fails_then_1_and_the_others_are_there),
		TEST(test_upload_when_store_refuses_then_message_of_the_xml),
		TEST(test_upload_when_server_is_busy_then_tried_again),
		TEST(test_upload_when_server_stays_busy_then_its_detail),
		TEST(test_upload_when_checked_late_then_completed),
		TEST(test_upload_when_records_need_a_key_then_the_put_result_is_used),
		TEST(test_upload_when_json_then_one_object_a_file),
		TEST(test_upload_when_name_is_not_utf8_then_sent_repaired_and_reported),
		TEST(test_upload_when_there_is_a_key_then_the_api_gets_it_and_the_store_does_not),
		TEST(test_upload_when_the_gateway_has_a_key_of_its_own_then_each_gets_its_own),
		TEST(test_upload_when_the_slots_url_is_unreachable_then_failed),
		TEST(test_upload_when_endpoint_is_another_server_then_an_error_message),
		TEST(test_upload_when_no_one_listens_then_each_file_failed),
		TEST(test_upload_when_interrupted_then_130_and_a_summary),
		TEST(test_upload_when_the_server_has_it_then_skipped_unless_again),
		TEST(test_upload_when_files_have_the_same_bytes_then_one_is_sent),
		TEST(test_upload_when_the_connection_breaks_then_the_same_slot_again),
		TEST(test_upload_when_from_standard_input_then_under_the_name),
		TEST(test_upload_when_used_wrongly_then_2_and_a_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
