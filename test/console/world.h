/* A console on fakes, asked through its handler as the listener would: what the tests of this folder share. `ask`
 * runs one request to its end and checks what holds for every answer there is. */
#ifndef TEST_CONSOLE_WORLD_H
#define TEST_CONSOLE_WORLD_H

#include "base/hash.h"
#include "console/console.h"
#include "fake/fake_table.h"
#include "fake/rows.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define TOKEN "00112233445566778899aabbccddeeff"

struct world {
	struct fake_table *table;
	struct inspection_of_list listed;
	struct settings settings;
	struct gate gate;
	struct console *console;
	struct exchange x;
	struct arena own;      /* for what a test keeps */
	json_t *json;          /* the last answer's */
	bool answered;
};

static struct world world;

static inline void world_make(struct inspection *inspection)
{
	struct console_options o = { .gate = &world.gate, .table = fake_table_port(world.table), .inspection = inspection, .settings = &world.settings };
	console_free(&world.console);
	world.console = console_new(&o);
	assert_non_null(world.console);
}

static inline int world_setup(void **state)
{
	struct fault why;
	(void)state;
	crypto_init();
	memset(&world, 0, sizeof(world));
	world.table = fake_table_new(1000);
	gate_init(&world.gate, STR(TOKEN));
	arena_init(&world.own, 64 << 20);
	assert_int_equal(settings_load(&world.settings, 0, NULL, &why), OK);
	world_make(fake_table_inspection(world.table));
	return 0;
}

static inline void world_forget(void)
{
	json_decref(world.json);
	world.json = NULL;
	if (world.answered) {
		answer_reset(&world.x.answer);
		arena_deinit(&world.x.arena);
	}
	world.answered = false;
}

static inline int world_teardown(void **state)
{
	(void)state;
	world_forget();
	console_free(&world.console);
	fake_table_free(&world.table);
	gate_deinit(&world.gate);
	arena_deinit(&world.own);
	return 0;
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

static inline struct str answer_value(const char *name)
{
	for (size_t i = 0; i < world.x.answer.n_headers; i++)
		if (str_equal_nocase(world.x.answer.headers[i].name, str_of(name)))
			return world.x.answer.headers[i].value;
	return (struct str){ 0 };
}

static inline bool answer_says(const char *name, const char *value)
{
	return str_equal(answer_value(name), str_of(value));
}

/* What is on every answer. */
static inline void check_answer(int status)
{
	const struct answer *ans = &world.x.answer;
	assert_int_equal(ans->status, status);
	assert_true(answer_says("X-Content-Type-Options", "nosniff"));
	assert_true(answer_says("Cross-Origin-Resource-Policy", "same-origin"));
	assert_true(answer_says("Referrer-Policy", "no-referrer"));
	assert_true(str_find(answer_value("Content-Security-Policy"), STR("frame-ancestors 'none'")) < answer_value("Content-Security-Policy").n);
	assert_int_equal(answer_value("Access-Control-Allow-Origin").n, 0);
	assert_int_equal(answer_value("Set-Cookie").n, 0);
	assert_int_equal(ans->is_poll, status == 200 && str_equal(ans->headers[0].value, STR("application/json")));
}

/* Ask with these headers; no JSON is read. */
static inline void ask_with(const char *method, const char *target, const struct header *headers, size_t n, int status)
{
	struct fault why;
	struct str rest = str_of(target);
	struct door *door = console_door(world.console);
	world_forget();
	world.x = (struct exchange){ 0 };
	world.answered = true;
	arena_init(&world.x.arena, door->arena_bytes);
	answer_init(&world.x.answer);
	world.x.request = (struct request){ .arena = &world.x.arena, .id = STR("the-id"), .method = str_of(method), .target = rest, .headers = headers, .n_headers = n };
	world.x.request.path = str_cut(&rest, '?');
	assert_int_equal(query_parse(&world.x.arena, rest, door->plus_is_blank, &world.x.request.query, &why), OK);
	if (door->ops->begin(door, &world.x) == DOOR_RUN)
		door->ops->finish(door, &world.x);
	check_answer(status);
}

/* Ask as the page does; gives the JSON of the answer, the world's. */
static inline json_t *ask(const char *target, int status)
{
	const struct header headers[] = { { STR("Host"), STR("127.0.0.1:8081") }, { STR("Sec-Fetch-Site"), STR("same-origin") }, { STR("Authorization"), STR("Bearer " TOKEN) } };
	json_error_t error;
	ask_with("GET", target, headers, COUNT_OF(headers), status);
	assert_true(answer_says("Content-Type", status == 200 ? "application/json" : "application/problem+json") && answer_says("Cache-Control", "no-store"));
	world.json = json_loadb(world.x.answer.body.p, world.x.answer.body.n, JSON_REJECT_DUPLICATES, &error);
	assert_non_null(world.json);
	if (status != 200)
		assert_int_equal(json_integer_value(json_object_get(world.json, "status")), status);
	return world.json;
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
