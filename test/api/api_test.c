#include "api/fixture.h"

#include "api/call.h"
#include "base/mem.h"

static void test_handler_when_made_then_it_has_the_limits_for_the_listener(void **state)
{
	const struct handler *handler = api_handler(fixture.api);

	(void)state;
	assert_int_equal(handler->body_max, 65536);
	assert_false(handler->slow_body_is_rate);
	assert_true(handler->arena_bytes >= 1 << 20);
}

static void test_response_when_memory_ran_out_for_it_then_out_of_memory(void **state)
{
	struct api_call c = { .x = &fixture.x, .arena = &fixture.own };
	struct fault why;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	mem_fail_nth(1);
	buf_put(&b, STR("{}"));
	mem_fail_nth(0);
	assert_int_equal(call_json(&c, &b, &why), IO);
	assert_int_equal(why.code, F_OUT_OF_MEMORY);
	buf_deinit(&b);
	buf_init(&b, 1);
	buf_put(&b, STR("{}"));
	assert_int_equal(call_json(&c, &b, &why), LIMIT);
	assert_int_equal(why.code, F_TOO_MUCH);
	buf_deinit(&b);
}

static void test_path_when_unknown_then_404(void **state)
{
	static const char *const targets[] = { "/", "/prod/", "/prod/images/", "/prod/upload/", "/favicon.ico", "/prod/images/a/b/c?x=1" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		ASK("GET", targets[i]);
		assert_problem(404, "no_such_route");
		assert_int_equal(fixture.step, HANDLER_ANSWER);
		assert_null(fixture.x.answer.route);
	}
}

static void test_method_when_the_path_does_not_accept_it_then_405_with_allow(void **state)
{
	static const struct {
		const char *method, *path, *allow;
	} rows[] = {
		{ "GET", "/prod/upload", "POST, OPTIONS" },
		{ "PUT", "/prod/images", "POST, GET, HEAD, OPTIONS" },
		{ "PUT", "/prod/images/" SOME_ID, "GET, HEAD, PATCH, DELETE, OPTIONS" },
		{ "DELETE", "/prod/images/" SOME_ID "/file", "GET, HEAD, OPTIONS" },
		{ "GET", "/prod/images/" SOME_ID "/complete", "POST, OPTIONS" },
		{ "PATCH", "/prod/limits", "GET, HEAD, OPTIONS" },
		{ "TRACE", "/prod/limits", "GET, HEAD, OPTIONS" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ASK(rows[i].method, rows[i].path, "{}");
		assert_problem(405, "bad_method");
		assert_str(header_of("Allow"), rows[i].allow);
	}
}

static void test_refusal_when_the_listener_found_a_fault_then_it_is_a_problem_with_cors(void **state)
{
	static const struct {
		enum fault_code code;
		int status;
	} rows[] = { { F_BAD_FRAMING, 400 }, { F_BAD_HOST, 403 }, { F_BODY_SLOW, 408 }, { F_BODY_TOO_LARGE, 413 }, { F_OVERLOADED, 503 },
		{ F_OUT_OF_MEMORY, 503 }, { F_INVALID_INPUT, 400 }, { F_INTERNAL, 500 } };
	struct handler *handler = api_handler(fixture.api);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fault why = { .code = rows[i].code, .text = "a sentence", .cause = "a cause" };
		fixture_exchange(&(struct ask){ "POST", "/prod/upload", .origin = "https://a.example" });
		handler->ops->on_error(handler, &fixture.x, &why);
		assert_int_equal(fixture.x.answer.status, rows[i].status);
		check_answer();
		assert_str(header_of("Access-Control-Allow-Origin"), "*");
	}
}

static void test_cancel_when_the_body_never_ends_then_nothing_is_left_or_done(void **state)
{
	struct handler *handler = api_handler(fixture.api);
	struct fault why = { .code = F_BODY_CUT };
	uint64_t before = fake_table_calls(fixture.table);

	(void)state;
	fixture_exchange(&(struct ask){ "POST", "/prod/upload" });
	fixture.x.request.chunked = true;
	assert_int_equal(handler->ops->on_head(handler, &fixture.x), HANDLER_RUN_ASYNC);
	assert_int_equal(handler->ops->on_body(handler, &fixture.x, "{\"file", 6), OK);
	handler->ops->on_abort(handler, &fixture.x, &why);
	assert_int_equal(fixture.x.answer.status, 0);
	assert_int_equal(fake_table_calls(fixture.table), before);
}

/* How the request ends when only `bytes` of its arena are left after the head. */
static int status_with(const struct ask *q, size_t bytes)
{
	struct handler *handler = api_handler(fixture.api);

	fixture_exchange(q);
	fixture.x.arena.cap_bytes = fixture.x.arena.used_bytes + bytes;
	fixture.step = handler->ops->on_head(handler, &fixture.x);
	fixture_end();
	return fixture.x.answer.status;
}

static void test_handler_when_the_arena_is_small_then_each_size_gives_a_response(void **state)
{
	static const struct {
		struct ask ask;
		int status;
	} rows[] = {
		{ { "GET", "/prod/limits" }, 200 },
		{ { "OPTIONS", "/prod/limits" }, 204 },
		{ { "GET", "/prod/nowhere" }, 404 },
		{ { "PUT", "/prod/limits" }, 405 },
		{ { "POST", "/prod/upload" }, 400 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (size_t bytes = 0; bytes < 4096; bytes += 16) {
			int status = status_with(&rows[i].ask, bytes);
			assert_true(status == rows[i].status || status == 413 || status == 503);
			if (status >= 400)
				json_decref(answer_json());
			if (status == 204)
				assert_str(header_of("Allow"), "GET, HEAD, OPTIONS");
		}
		assert_int_equal(status_with(&rows[i].ask, 8192), rows[i].status);
	}
}

static void test_handlers_when_they_end_then_the_route_is_reported_for_the_log(void **state)
{
	static const struct {
		const char *method, *path, *route;
	} rows[] = {
		{ "POST", "/prod/upload", "POST /upload" },
		{ "POST", "/prod/uppy", "POST /uppy" },
		{ "GET", "/prod/images", "GET /images" },
		{ "HEAD", "/prod/images", "GET /images" },
		{ "GET", "/prod/images/" SOME_ID, "GET /images/{imageId}" },
		{ "DELETE", "/prod/images/" SOME_ID, "DELETE /images/{imageId}" },
		{ "GET", "/prod/images/" SOME_ID "/file", "GET /images/{imageId}/file" },
		{ "POST", "/prod/images/" SOME_ID "/complete", "POST /images/{imageId}/complete" },
		{ "GET", "/prod/limits", "GET /limits" },
		{ "OPTIONS", "/prod/limits", "OPTIONS /limits" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ASK(rows[i].method, rows[i].path);
		assert_string_equal(fixture.x.answer.route, rows[i].route);
	}
}

static void test_api_when_freed_twice_or_null_then_nothing_happens(void **state)
{
	struct api *none = NULL;

	(void)state;
	api_free(NULL);
	api_free(&none);
	api_free(&fixture.api);
	assert_null(fixture.api);
	api_free(&fixture.api);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_handler_when_made_then_it_has_the_limits_for_the_listener),
		T(test_path_when_unknown_then_404),
		T(test_method_when_the_path_does_not_accept_it_then_405_with_allow),
		T(test_refusal_when_the_listener_found_a_fault_then_it_is_a_problem_with_cors),
		T(test_cancel_when_the_body_never_ends_then_nothing_is_left_or_done),
		T(test_handler_when_the_arena_is_small_then_each_size_gives_a_response),
		T(test_response_when_memory_ran_out_for_it_then_out_of_memory),
		T(test_handlers_when_they_end_then_the_route_is_reported_for_the_log),
		T(test_api_when_freed_twice_or_null_then_nothing_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
