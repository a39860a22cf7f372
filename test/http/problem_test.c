#include "http/problem.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct request_context x;

static int setup(void **state)
{
	(void)state;
	x = (struct request_context){ 0 };
	arena_init(&x.arena, 1 << 16);
	x.request.id = STR("11111111-2222-4333-8444-555555555555");
	answer_init(&x.answer);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	answer_reset(&x.answer);
	arena_deinit(&x.arena);
	return 0;
}

static struct str header(struct str name)
{
	for (size_t i = 0; i < x.answer.n_headers; i++)
		if (str_equal_nocase(x.answer.headers[i].name, name))
			return x.answer.headers[i].value;
	return (struct str){ 0 };
}

static json_t *parsed(void)
{
	json_t *body = json_loadb(x.answer.body.p, x.answer.body.n, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(body);
	return body;
}

static void assert_member(const json_t *body, const char *name, const char *expected)
{
	assert_string_equal(json_string_value(json_object_get(body, name)), expected);
}

static void test_status_when_a_code_is_of_this_protocol_then_its_own_status(void **state)
{
	static const struct {
		enum fault_code code;
		int status;
	} rows[] = { { F_INVALID_INPUT, 400 }, { F_BAD_JSON, 400 }, { F_BAD_FIELD, 400 }, { F_BAD_CURSOR, 400 }, { F_BAD_FRAMING, 400 },
		{ F_BODY_CUT, 400 }, { F_IMAGE_EMPTY, 400 }, { F_KEY_NEEDED, 401 }, { F_KEY_WRONG, 403 }, { F_PUBLIC_DENIED, 403 },
		{ F_LINK_EXPIRED, 403 }, { F_NO_LINKS, 409 }, { F_PRECONDITION, 412 }, { F_RANGE_INVALID, 416 }, { F_BAD_HOST, 403 },
		{ F_MISDIRECTED, 421 }, { F_NO_SUCH_ROUTE, 404 }, { F_NO_SUCH_IMAGE, 404 }, { F_BAD_METHOD, 405 }, { F_BODY_SLOW, 408 },
		{ F_NOT_ARRIVED, 409 }, { F_SLOT_TAKEN, 409 }, { F_STATE_CHANGED, 409 }, { F_BODY_TOO_LARGE, 413 }, { F_IMAGE_TOO_LARGE, 413 },
		{ F_TOO_MUCH, 413 }, { F_TYPE_NOT_ALLOWED, 415 }, { F_INTERNAL, 500 }, { F_UPSTREAM_FAILED, 502 }, { F_STORAGE_FAILED, 503 },
		{ F_SCHEMA_UNKNOWN, 503 }, { F_DISK_FULL, 503 }, { F_OVERLOADED, 503 }, { F_SLOTS_FULL, 503 }, { F_OUT_OF_MEMORY, 503 },
		{ F_DEADLINE, 503 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		problem_answer(&x, &(struct fault){ .code = rows[i].code });
		if (x.answer.status != rows[i].status)
			fail_msg("%s: %d", fault_name(rows[i].code), x.answer.status);
	}
}

static void test_problem_when_a_code_is_not_of_this_protocol_then_internal(void **state)
{
	struct fault why = { .code = F_POLICY_MALFORMED, .text = "the policy says x" };

	(void)state;
	problem_answer(&x, &why);
	json_t *body = parsed();
	assert_int_equal(x.answer.status, 500);
	assert_member(body, "code", "internal");
	assert_null(strstr(json_string_value(json_object_get(body, "detail")), "policy"));
	assert_int_equal(x.answer.fault.code, F_POLICY_MALFORMED);
	json_decref(body);
}

static void test_problem_when_written_then_it_has_the_members_of_rfc_9457_and_extensions(void **state)
{
	struct fault why = { 0 };

	(void)state;
	assert_int_equal(fault_set(&why, NO_SUCH_IMAGE, "There is \"no\" such image\n."), NOT_FOUND);
	problem_answer(&x, &why);
	json_t *body = parsed();
	assert_int_equal(x.answer.status, 404);
	assert_int_equal(json_object_size(body), 6);
	assert_member(body, "type", "/problems/no-such-image");
	assert_member(body, "title", "No such image");
	assert_int_equal(json_integer_value(json_object_get(body, "status")), 404);
	assert_member(body, "detail", "There is \"no\" such image\n.");
	assert_member(body, "code", "no_such_image");
	assert_member(body, "requestId", "11111111-2222-4333-8444-555555555555");
	assert_true(str_equal(header(STR("content-type")), STR("application/problem+json")));
	json_decref(body);
}

static void test_problem_when_a_fault_is_our_own_then_neither_text_nor_cause_is_shown(void **state)
{
	static const enum fault_code own[] = { F_STORAGE_FAILED, F_INTERNAL, F_UPSTREAM_FAILED, F_OUT_OF_MEMORY, F_DISK_FULL, F_DEADLINE };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(own); i++) {
		struct fault why = { .code = own[i], .text = "SELECT 1 FROM t", .cause = "/var/lib/x: errno 5" };
		problem_answer(&x, &why);
		json_decref(parsed());
		assert_true(str_find(x.answer.body, STR("SELECT")) == x.answer.body.n);
		assert_true(str_find(x.answer.body, STR("/var/lib")) == x.answer.body.n);
		assert_string_equal(x.answer.fault.cause, "/var/lib/x: errno 5");
	}
}

static void test_problem_when_a_fault_is_the_clients_then_the_cause_is_not_shown(void **state)
{
	struct fault why = { .code = F_BAD_FIELD, .text = "fileName is missing", .cause = "SECRET" };

	(void)state;
	problem_answer(&x, &why);
	assert_true(str_find(x.answer.body, STR("SECRET")) == x.answer.body.n);
	assert_true(str_find(x.answer.body, STR("fileName is missing")) < x.answer.body.n);
}

static void test_problem_when_temporary_then_retry_after(void **state)
{
	static const enum fault_code passing[] = { F_SLOTS_FULL, F_READ_ONLY, F_DISK_FULL, F_OVERLOADED, F_STORAGE_FAILED, F_DEADLINE,
		F_OUT_OF_MEMORY };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(passing); i++) {
		struct fault why = { .code = passing[i] };
		uint64_t seconds;
		problem_answer(&x, &why);
		assert_int_equal(x.answer.status, 503);
		assert_true(str_to_u64(header(STR("Retry-After")), &seconds));
		assert_in_range(seconds, 1, 3600);
	}
}

static void test_problem_when_a_key_is_required_then_www_authenticate_bearer(void **state)
{
	struct fault why = { .code = F_KEY_NEEDED };

	(void)state;
	problem_answer(&x, &why);
	assert_true(str_equal(header(STR("WWW-Authenticate")), STR("Bearer")));
}

static void test_problem_when_a_response_was_begun_then_only_route_and_image_are_kept(void **state)
{
	struct fault why = { .code = F_STORAGE_FAILED };

	(void)state;
	x.answer.route = "GET /images";
	x.answer.image_id = STR("id");
	x.answer.status = 200;
	answer_header(&x.answer, STR("Location"), STR("somewhere"));
	problem_answer(&x, &why);
	assert_string_equal(x.answer.route, "GET /images");
	assert_true(str_equal(x.answer.image_id, STR("id")));
	assert_null(header(STR("Location")).p);
}

static void test_problem_when_the_text_is_of_the_longest_then_it_is_whole(void **state)
{
	struct fault why = { .code = F_BAD_FIELD };

	(void)state;
	memset(why.text, 1, sizeof(why.text) - 1);
	problem_answer(&x, &why);
	json_t *body = parsed();
	assert_int_equal(x.answer.status, 400);
	assert_int_equal(json_string_length(json_object_get(body, "detail")), sizeof(why.text) - 1);
	json_decref(body);
}

static void test_problem_when_the_arena_is_full_then_still_413(void **state)
{
	struct fault why = { .code = F_TOO_MUCH };

	(void)state;
	arena_deinit(&x.arena);
	arena_init(&x.arena, 16);
	assert_null(arena_alloc(&x.arena, 17));
	problem_answer(&x, &why);
	json_t *body = parsed();
	assert_int_equal(x.answer.status, 413);
	assert_member(body, "code", "too_much");
	json_decref(body);
}

static void test_problem_when_the_heap_is_exhausted_then_503(void **state)
{
	struct fault why = { .code = F_TOO_MUCH };

	(void)state;
	/* as the arena is when the heap refused */
	x.arena.full = x.arena.starved = true;
	problem_answer(&x, &why);
	json_t *body = parsed();
	assert_int_equal(x.answer.status, 503);
	assert_member(body, "code", "out_of_memory");
	json_decref(body);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_status_when_a_code_is_of_this_protocol_then_its_own_status),
		T(test_problem_when_a_code_is_not_of_this_protocol_then_internal),
		T(test_problem_when_written_then_it_has_the_members_of_rfc_9457_and_extensions),
		T(test_problem_when_a_fault_is_our_own_then_neither_text_nor_cause_is_shown),
		T(test_problem_when_a_fault_is_the_clients_then_the_cause_is_not_shown),
		T(test_problem_when_temporary_then_retry_after),
		T(test_problem_when_a_key_is_required_then_www_authenticate_bearer),
		T(test_problem_when_a_response_was_begun_then_only_route_and_image_are_kept),
		T(test_problem_when_the_text_is_of_the_longest_then_it_is_whole),
		T(test_problem_when_the_arena_is_full_then_still_413),
		T(test_problem_when_the_heap_is_exhausted_then_503),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
