/* A console on fakes, asked through its handler as the listener would: what the tests of this folder share. `ask`
 * runs one request to its end and checks what holds for every response. */
#ifndef TEST_ADMIN_FIXTURE_H
#define TEST_ADMIN_FIXTURE_H

#include "admin/console.h"
#include "fake/fake_table.h"
#include "fake/rows.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define TOKEN "00112233445566778899aabbccddeeff"

struct fixture {
	struct fake_table *table;
	struct admin_query_of_list listed;
	struct settings settings;
	struct product product;
	struct handler next; /* of what the console passes on */
	unsigned passed;
	struct rate_limit *wrong;
	struct history_ring history;
	struct history_point running; /* what is counted and not yet in it */
	struct console *console;
	struct request_context x;
	struct arena own; /* for what a test keeps */
	json_t *json;     /* the last response's */
	bool answered;
};

static struct fixture fixture;

static inline enum handler_step note_passed(struct handler *handler, struct request_context *x)
{
	assert_ptr_equal(x->passed_to, &fixture.next);
	fixture.passed++;
	x->answer.status = 204;
	return HANDLER_ANSWER;
}

static const struct handler_ops fixture_next_ops = { .on_head = note_passed };

static inline void fixture_running(void *arg, struct history_point *out)
{
	*out = ((struct fixture *)arg)->running;
}

static inline void fixture_make(struct admin_query *admin_query)
{
	struct console_options o = { .auth = { STR(TOKEN), fixture.wrong },
		.product = &fixture.product,
		.api = &fixture.next,
		.delivery = &fixture.next,
		.history = &fixture.history.port,
		.running = fixture_running,
		.running_arg = &fixture,
		.admin_query = admin_query,
		.settings = &fixture.settings };
	console_free(&fixture.console);
	fixture.console = console_new(&o);
	assert_non_null(fixture.console);
}

static inline int fixture_setup(void **state)
{
	struct fault why;
	(void)state;
	memset(&fixture, 0, sizeof(fixture));
	fixture.table = fake_table_new(1000);
	fixture.wrong = rate_limit_new(BEARER_WRONG_MAX, BEARER_WINDOW_MS);
	arena_init(&fixture.own, 64 << 20);
	assert_int_equal(settings_load(&fixture.settings, 0, NULL, &why), OK);
	fixture.product = (struct product){ .table = fake_table_port(fixture.table) };
	fixture.next = (struct handler){ .ops = &fixture_next_ops };
	assert_int_equal(history_ring_init(&fixture.history, &why), OK);
	fixture_make(fake_table_admin_query(fixture.table));
	return 0;
}

static inline void fixture_forget(void)
{
	json_decref(fixture.json);
	fixture.json = NULL;
	if (fixture.answered) {
		answer_reset(&fixture.x.answer);
		arena_deinit(&fixture.x.arena);
	}
	fixture.answered = false;
}

static inline int fixture_teardown(void **state)
{
	(void)state;
	fixture_forget();
	console_free(&fixture.console);
	history_ring_deinit(&fixture.history);
	fake_table_free(&fixture.table);
	rate_limit_free(&fixture.wrong);
	arena_deinit(&fixture.own);
	return 0;
}

#define FIXTURE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

static inline struct str answer_value(const char *name)
{
	for (size_t i = 0; i < fixture.x.answer.n_headers; i++)
		if (str_equal_nocase(fixture.x.answer.headers[i].name, str_of(name)))
			return fixture.x.answer.headers[i].value;
	return (struct str){ 0 };
}

static inline bool answer_says(const char *name, const char *value)
{
	return str_equal(answer_value(name), str_of(value));
}

/* What is on every response. */
static inline void check_answer(int status)
{
	const struct answer *ans = &fixture.x.answer;
	assert_int_equal(ans->status, status);
	assert_true(answer_says("X-Content-Type-Options", "nosniff"));
	assert_true(answer_says("Cross-Origin-Resource-Policy", "same-origin"));
	assert_true(answer_says("Referrer-Policy", "no-referrer"));
	assert_true(
		str_find(answer_value("Content-Security-Policy"), STR("frame-ancestors 'none'")) < answer_value("Content-Security-Policy").n);
	assert_int_equal(answer_value("Access-Control-Allow-Origin").n, 0);
	assert_int_equal(answer_value("Set-Cookie").n, 0);
	assert_int_equal(ans->is_poll, status == 200 && str_equal(ans->headers[0].value, STR("application/json")));
}

static inline void send_with(const char *method, const char *target, const struct header *headers, size_t n)
{
	struct fault why;
	struct str rest = str_of(target);
	struct handler *handler = console_handler(fixture.console);
	fixture_forget();
	fixture.x = (struct request_context){ 0 };
	fixture.answered = true;
	arena_init(&fixture.x.arena, handler->arena_bytes);
	answer_init(&fixture.x.answer);
	fixture.x.request = (struct request){
		.arena = &fixture.x.arena, .id = STR("the-id"), .method = str_of(method), .target = rest, .headers = headers, .n_headers = n
	};
	fixture.x.request.path = str_cut(&rest, '?');
	assert_int_equal(query_parse(&fixture.x.arena, rest, &fixture.x.request.query, &why), OK);
	if (handler->ops->on_head(handler, &fixture.x) == HANDLER_RUN)
		handler->ops->run(handler, &fixture.x);
}

/* Ask with these headers; no JSON is read. */
static inline void ask_with(const char *method, const char *target, const struct header *headers, size_t n, int status)
{
	send_with(method, target, headers, n);
	check_answer(status);
}

/* Ask for what another handler is to answer. */
static inline void ask_next(const char *method, const char *target, const struct header *headers, size_t n)
{
	fixture.passed = 0;
	send_with(method, target, headers, n);
	assert_int_equal(fixture.passed, 1);
}

/* Ask as the page does; returns the JSON of the response, the fixture's. */
static inline json_t *ask(const char *target, int status)
{
	const struct header headers[] = { { STR("Host"), STR("127.0.0.1:8081") }, { STR("Sec-Fetch-Site"), STR("same-origin") },
		{ STR("Authorization"), STR("Bearer " TOKEN) } };
	json_error_t error;
	ask_with("GET", target, headers, COUNT_OF(headers), status);
	assert_true(answer_says("Content-Type", status == 200 ? "application/json" : "application/problem+json") &&
		answer_says("Cache-Control", "no-store"));
	fixture.json = json_loadb(fixture.x.answer.body.p, fixture.x.answer.body.n, JSON_REJECT_DUPLICATES, &error);
	assert_non_null(fixture.json);
	if (status != 200)
		assert_int_equal(json_integer_value(json_object_get(fixture.json, "status")), status);
	return fixture.json;
}

static inline const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	assert_non_null(text);
	return text;
}

static inline void assert_refused(const char *target, int status, const char *code)
{
	assert_string_equal(text_of(ask(target, status), "code"), code);
}

#endif
