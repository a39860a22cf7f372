/* The loop against a scripted Runtime API: what is sent, what is accepted, what ends the process. */
#include "unit.h"

#include "lambda/lambda.h"
#include "lambda/runtime.h"

#include "base/clock.h"
#include "base/op_deadline.h"
#include "fake/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One request of the script: what the request must begin with, and the response. */
struct step {
	const char *wants;  /* "" : anything */
	const char *status; /* NULL: cut the connection */
	const char *headers;
	const char *body;
};

#define NEXT "GET /2018-06-01/runtime/invocation/next"
#define RESPONSE "POST /2018-06-01/runtime/invocation/id-1/response"
#define ERROR "POST /2018-06-01/runtime/invocation/id-1/error"
#define ID "Lambda-Runtime-Aws-Request-Id: id-1\r\n"
#define EVENT \
	{ \
		NEXT, "200 OK", ID "lambda-runtime-trace-id: Root=1-5\r\n", "{}" \
	}
#define DONE "202 Accepted", "", "{\"status\":\"OK\"}"

static struct fake_http server;
static struct runtime *runtime;
static struct fault why;
static const struct step *script;
static atomic_uint at, wrong;
static char last[1 << 16];
static struct str host_port;
static char trace[64];
static int64_t left_ms;

static void serve(int fd, unsigned nth, void *arg)
{
	struct buf request;
	buf_init(&request, 16 << 20);
	while (fake_http_read(fd, &request)) {
		const struct step *s = &script[atomic_fetch_add(&at, 1)];
		if (s->wants == NULL || !str_starts_with(buf_str(&request), str_of(s->wants)))
			atomic_fetch_add(&wrong, 1);
		(void)snprintf(last, sizeof last, "%.*s", STRF(str_slice(buf_str(&request), 0, sizeof last - 1)));
		if (s->wants == NULL || s->status == NULL)
			break;
		fake_http_answer(fd, s->status, s->headers, str_of(s->body));
	}
	buf_deinit(&request);
}

static int set_up(void **state)
{
	atomic_store(&at, 0);
	atomic_store(&wrong, 0);
	why = (struct fault){ 0 };
	fake_http_start(&server, serve, NULL);
	host_port = str_of(server.url + strlen("http://"));
	runtime = runtime_new(host_port);
	return runtime == NULL;
}

static int tear_down(void **state)
{
	runtime_free(&runtime);
	fake_http_stop(&server);
	return 0;
}

static enum status echo(void *arg, const struct invocation *in, struct arena *a, struct buf *answer, struct fault *failed)
{
	const char *set = getenv("_X_AMZN_TRACE_ID");
	(void)snprintf(trace, sizeof trace, "%s", set == NULL ? "none" : set);
	left_ms = op_deadline_clamp(INT64_MAX) == INT64_MAX ? 0 : op_deadline_clamp(INT64_MAX) - clock_mono_ms();
	if (arg != NULL)
		return fault_set(failed, UPSTREAM_FAILED, "the \"engine\" failed");
	buf_put(answer, in->event);
	return OK;
}

static const struct invocation_handler good = { echo, NULL }, bad = { echo, &why };

static enum status turn(const struct step *steps, const struct invocation_handler *h)
{
	script = steps;
	atomic_store(&at, 0);
	return runtime_serve(runtime, h, &why);
}

static void assert_script_done(unsigned steps)
{
	assert_int_equal(atomic_load(&at), steps);
	assert_int_equal(atomic_load(&wrong), 0);
}

static void test_invocation_then_its_response_is_posted_on_the_same_connection(void **state)
{
	static const struct step steps[] = { EVENT, { RESPONSE, DONE } };
	for (int i = 0; i < 3; i++) {
		assert_int_equal(turn(steps, &good), OK);
		assert_script_done(2);
		assert_non_null(strstr(last, "\r\n\r\n{}"));
	}
	assert_int_equal(atomic_load(&server.n), 1);
	assert_string_equal(trace, "Root=1-5");
	assert_int_equal(left_ms, 0);
}

static void test_trace_when_the_next_invocation_has_none_then_the_old_is_removed(void **state)
{
	static const struct step with[] = { EVENT, { RESPONSE, DONE } };
	static const struct step without[] = { { NEXT, "200 OK", ID, "{}" }, { RESPONSE, DONE } };
	assert_int_equal(turn(with, &good), OK);
	assert_int_equal(turn(without, &good), OK);
	assert_string_equal(trace, "");
}

static void test_deadline_then_the_handler_has_half_a_second_less(void **state)
{
	char headers[200];
	const struct step steps[] = { { NEXT, "200 OK", headers, "{}" }, { RESPONSE, DONE } };
	(void)snprintf(headers, sizeof headers, ID "Lambda-Runtime-Deadline-Ms: %lld\r\n", (long long)clock_now_ms() + 100000);
	assert_int_equal(turn(steps, &good), OK);
	assert_true(left_ms > 0 && left_ms <= 99500);
	assert_int_equal(op_deadline_clamp(INT64_MAX), INT64_MAX); /* over with the invocation */
	(void)snprintf(headers, sizeof headers, ID "Lambda-Runtime-Deadline-Ms: %lld\r\n", (long long)clock_now_ms() - 5);
	assert_int_equal(turn(steps, &good), OK);
	assert_true(left_ms <= 1);
}

static void test_handler_that_fails_then_the_error_is_posted(void **state)
{
	static const struct step steps[] = { EVENT, { ERROR, DONE } };
	assert_int_equal(turn(steps, &bad), OK);
	assert_script_done(2);
	assert_non_null(strstr(
		last, "{\"errorMessage\":\"the \\\"engine\\\" failed (upstream_failed)\",\"errorType\":\"Function.Failed\",\"stackTrace\":[]}"));
}

static void test_response_when_the_connection_breaks_then_posted_again(void **state)
{
	static const struct step lost[] = { EVENT, { RESPONSE, NULL }, { RESPONSE, DONE } };
	assert_int_equal(turn(lost, &good), OK);
	assert_script_done(3);
	static const struct step arrived[] = { EVENT, { RESPONSE, NULL }, { RESPONSE, "400 Bad Request", "", "{}" } };
	assert_int_equal(turn(arrived, &good), OK);
	static const struct step twice[] = { EVENT, { RESPONSE, NULL }, { RESPONSE, NULL } };
	assert_int_equal(turn(twice, &good), UPSTREAM);
}

static void test_response_when_the_connection_was_closed_after_the_event_then_on_a_new_one(void **state)
{
	static const struct step steps[] = { { NEXT, "200 OK", ID "Connection: close\r\n", "{}" }, { RESPONSE, DONE } };
	assert_int_equal(turn(steps, &good), OK);
	assert_script_done(2);
	assert_int_equal(atomic_load(&server.n), 2);
}

static void test_response_that_is_too_large_then_the_next_invocation_is_served(void **state)
{
	static const struct step large[] = { EVENT, { RESPONSE, "413 Request Entity Too Large", "", "{}" } };
	static const struct step after[] = { EVENT, { RESPONSE, DONE } };
	assert_int_equal(turn(large, &good), OK);
	assert_int_equal(turn(after, &good), OK);
}

static void test_response_that_is_refused_then_the_process_ends(void **state)
{
	static const char *const statuses[] = { "400 Bad Request", "403 Forbidden", "500 Internal Server Error", "302 Found" };
	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		const struct step steps[] = { EVENT, { RESPONSE, statuses[i], "", "{}" } };
		assert_int_equal(turn(steps, &good), UPSTREAM);
	}
}

static void test_next_that_is_not_an_invocation_then_the_process_ends(void **state)
{
	static const struct step wrongs[] = { { NEXT, "403 Forbidden", "", "{}" }, { NEXT, "500 Oops", ID, "{}" }, { NEXT, "200 OK", "", "{}" },
		{ NEXT, NULL }, { NEXT, "200 OK", "Lambda-Runtime-Aws-Request-Id: ../../x\r\n", "{}" },
		{ NEXT, "200 OK", ID "Lambda-Runtime-Deadline-Ms: soon\r\n", "{}" } };
	for (size_t i = 0; i < COUNT_OF(wrongs); i++) {
		assert_int_equal(turn(&wrongs[i], &good), UPSTREAM);
		assert_true(why.text[0] != '\0');
	}
}

static void test_start_that_fails_then_reported_once_with_its_reason(void **state)
{
	static const struct step steps[] = { { "POST /2018-06-01/runtime/init/error", "202 Accepted", "", "{}" } };
	struct fault cause;
	fault_set(&cause, BAD_SETTING, "no such handler");
	script = steps;
	assert_int_equal(runtime_fail_init(runtime, &cause, &why), OK);
	assert_script_done(1);
	assert_non_null(strstr(last, "{\"errorMessage\":\"no such handler (bad_setting)\",\"errorType\":\"Runtime.InitFailed\""));
}

static void test_start_when_no_one_listens_then_a_failure(void **state)
{
	struct runtime *r = runtime_new(STR("127.0.0.1:1"));
	struct fault cause;
	fault_set(&cause, BAD_SETTING, "x");
	assert_int_equal(runtime_fail_init(r, &cause, &why), UPSTREAM);
	runtime_free(&r);
	runtime_free(&r);
}

static void test_handler_names_then_only_ours_and_which_decode(void **state)
{
	static const struct {
		const char *name;
		bool decodes, with_queue;
	} functions[] = { { "upload", false, false }, { "images", false, false }, { "manage", true, true }, { "delivery", true, false },
		{ "event", true, true }, { "render", true, true } };
	struct lambda_work work;
	for (size_t i = 0; i < COUNT_OF(functions); i++)
		for (int queue = 0; queue < 2; queue++) {
			assert_int_equal(lambda_check(str_of(functions[i].name), queue != 0, &work, &why), OK);
			assert_int_equal(work.decodes, queue != 0 ? functions[i].with_queue : functions[i].decodes);
			assert_int_equal(work.renders, i + 1 == COUNT_OF(functions));
		}
	assert_int_equal(lambda_check(STR(""), false, &work, &why), INVALID);
	assert_int_equal(lambda_check(STR("index.handler"), false, &work, &why), INVALID);
	assert_int_equal(why.code, F_BAD_SETTING);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_invocation_then_its_response_is_posted_on_the_same_connection),
		TEST(test_trace_when_the_next_invocation_has_none_then_the_old_is_removed),
		TEST(test_deadline_then_the_handler_has_half_a_second_less),
		TEST(test_handler_that_fails_then_the_error_is_posted),
		TEST(test_response_when_the_connection_breaks_then_posted_again),
		TEST(test_response_when_the_connection_was_closed_after_the_event_then_on_a_new_one),
		TEST(test_response_that_is_too_large_then_the_next_invocation_is_served),
		TEST(test_response_that_is_refused_then_the_process_ends),
		TEST(test_next_that_is_not_an_invocation_then_the_process_ends),
		TEST(test_start_that_fails_then_reported_once_with_its_reason),
		TEST(test_start_when_no_one_listens_then_a_failure),
		TEST(test_handler_names_then_only_ours_and_which_decode),
	};
	return cmocka_run_group_tests_name("runtime", tests, NULL, NULL);
}
