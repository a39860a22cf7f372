/* The parser of request heads: what RFC 9112 allows, in pieces of every size, and every malformed form with its fault. */
#include "unit.h"

#include "base/arena.h"
#include "http/server/head_parser.h"

#include <string.h>

struct parsed {
	struct arena arena;
	struct head head;
	struct fault why;
	size_t size;
};

/* Find and parse, giving `step` bytes more at a time. NOT_FOUND: the head is not whole. */
static enum status parse(struct parsed *p, struct str in, size_t step)
{
	struct head_search search = { 0 };
	*p = (struct parsed){ 0 };
	arena_init(&p->arena, 1 << 20);
	enum status status = OK;
	for (size_t n = step; status == OK && p->size == 0; n += step) {
		status = head_find(&search, str_slice(in, 0, n), &p->size, &p->why);
		if (n >= in.n)
			break;
	}
	if (status == OK && p->size == 0)
		return NOT_FOUND;
	return status == OK ? head_parse(&p->arena, str_slice(in, 0, p->size), search.lines, &p->head, &p->why) : status;
}

static void test_head_when_well_formed_then_parsed_in_steps_of_any_size(void **state)
{
	struct str in = STR("GET /a%20b?c=d HTTP/1.1\r\nHost: h:1\r\nEmpty:\r\nx!#$%&'*+-.^_`|~9: \t a\tb \xc3\xa4 \t\r\n\r\nrest");
	for (size_t step = 1; step <= in.n; step++) {
		struct parsed p;
		assert_int_equal(parse(&p, in, step), OK);
		assert_int_equal(p.size, in.n - 4);
		assert_str(p.head.method, STR("GET"));
		assert_str(p.head.target, STR("/a%20b?c=d"));
		assert_int_equal(p.head.n_headers, 3);
		assert_str(p.head.headers[0].value, STR("h:1"));
		assert_str(p.head.headers[1].value, STR(""));
		assert_str(p.head.headers[2].value, STR("a\tb \xc3\xa4"));
		assert_true(p.head.keeps_alive && !p.head.is_old);
		arena_deinit(&p.arena);
	}
}

static void test_head_gives_whether_the_connection_stays_open(void **state)
{
	static const struct {
		const char *head;
		bool keeps;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n\r\n", true },
		{ "GET / HTTP/1.2\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\nConnection: a, Keep-Alive ,b\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nConnection: upgrade, CLOSE\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nConnection: closed\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nconnection:\tclose\t\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nConnection: ,\r\n\r\n", true },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct parsed p;
		assert_int_equal(parse(&p, str_of(rows[i].head), 1000), OK);
		if (p.head.keeps_alive != rows[i].keeps)
			fail_msg("row %zu", i);
		arena_deinit(&p.arena);
	}
}

static void test_head_when_malformed_then_refused(void **state)
{
#define ROW(text) \
	{ \
		text, sizeof text - 1 \
	}
	static const struct str rows[] = { /* the request line */
		ROW("\r\n\r\n"), ROW("GET\r\n\r\n"), ROW("GET /\r\n\r\n"), ROW("GET  / HTTP/1.1\r\n\r\n"), ROW("GET /  HTTP/1.1\r\n\r\n"),
		ROW(" GET / HTTP/1.1\r\n\r\n"), ROW("GET / HTTP/1.1 \r\n\r\n"), ROW("GET\t/ HTTP/1.1\r\n\r\n"), ROW("GET /\tHTTP/1.1\r\n\r\n"),
		ROW("G(T / HTTP/1.1\r\n\r\n"), ROW("G\0T / HTTP/1.1\r\n\r\n"), ROW("GET /\0 HTTP/1.1\r\n\r\n"),
		ROW("GET /\xc3\xa4 HTTP/1.1\r\n\r\n"), ROW("GET /\x7f HTTP/1.1\r\n\r\n"), ROW("GET / http/1.1\r\n\r\n"),
		ROW("GET / HTTP/11\r\n\r\n"), ROW("GET / HTTP/1.11\r\n\r\n"), ROW("GET / HTTP/1,1\r\n\r\n"), ROW("GET / HTTP/a.1\r\n\r\n"),
		ROW("GET / HTTP/1.\r\n\r\n"), ROW("GET / FTP/1.1\r\n\r\n"), ROW("GET HTTP/1.1\r\n\r\n"), ROW("GET / HTTP/1.1\r\r\n\r\n"),
		ROW("\x16\x03\x01\n"), ROW("GET / a HTTP/1.1\r\n\r\n"), ROW("\xef\xbb\xbfGET / HTTP/1.1\r\n\r\n"),
		/* ends of lines */
		ROW("GET / HTTP/1.1\n\n"), ROW("GET / HTTP/1.1\nA: b\r\n\r\n"), ROW("GET / HTTP/1.1\r\nA: b\n\r\n"),
		ROW("GET / HTTP/1.1\r\nA: b\r\n\n"), ROW("GET / HTTP/1.1\r\nA: b\r\n\0\n"), ROW("GET / HTTP/1.1\0\n\r\n"),
		ROW("GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n"), ROW("\nGET / HTTP/1.1\r\n\r\n"), ROW("GET / HTTP/1.1\r\n\r\r\n\r\n"),
		/* headers */
		ROW("GET / HTTP/1.1\r\n: a\r\n\r\n"), ROW("GET / HTTP/1.1\r\n:\r\n\r\n"), ROW("GET / HTTP/1.1\r\nA\r\n\r\n"),
		ROW("GET / HTTP/1.1\r\nA : b\r\n\r\n"), ROW("GET / HTTP/1.1\r\nA\t: b\r\n\r\n"), ROW("GET / HTTP/1.1\r\n A: b\r\n\r\n"),
		ROW("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"), ROW("GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n"),
		ROW("GET / HTTP/1.1\r\nA:\r\n b\r\n\r\n"), ROW("GET / HTTP/1.1\r\nA: b\r\n \r\n\r\n"), ROW("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n"),
		ROW("GET / HTTP/1.1\r\nA\0: b\r\n\r\n"), ROW("GET / HTTP/1.1\r\nA: \x01\r\n\r\n"), ROW("GET / HTTP/1.1\r\nA: \x7f\r\n\r\n"),
		ROW("GET / HTTP/1.1\r\nA\x80: b\r\n\r\n"), ROW("GET / HTTP/1.1\r\nA B: c\r\n\r\n"), ROW("GET / HTTP/1.1\r\n\"A\": b\r\n\r\n"),
		ROW("GET / HTTP/1.1\r\nA: \x0b\r\n\r\n"), ROW("GET / HTTP/1.1\r\nA: \x1b\r\n\r\n")
	};
#undef ROW
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t step = 1; step <= rows[i].n; step += rows[i].n - 1) {
			struct parsed p;
			enum status status = parse(&p, rows[i], step);
			if (status != INVALID || p.why.code != F_BAD_FRAMING)
				fail_msg("row %zu, %s: %d %s", i, rows[i].p, (int)status, fault_name(p.why.code));
			arena_deinit(&p.arena);
		}
}

static void test_head_when_another_version_then_reported(void **state)
{
	static const char *const rows[] = { "PRI * HTTP/2.0\r\n\r\n", "GET / HTTP/0.9\r\n\r\n", "GET / HTTP/3.1\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n" };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct parsed p;
		assert_int_equal(parse(&p, str_of(rows[i]), 1000), INVALID);
		assert_int_equal(p.why.code, F_BAD_VERSION);
		arena_deinit(&p.arena);
	}
}

static void test_head_when_not_whole_then_waits(void **state)
{
	struct str in = STR("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	for (size_t n = 1; n < in.n; n++) {
		struct parsed p;
		assert_int_equal(parse(&p, str_slice(in, 0, n), 1), NOT_FOUND);
		arena_deinit(&p.arena);
	}
}

static void test_head_when_too_long_then_the_part_is_named(void **state)
{
	static char text[HEAD_MAX_BYTES + 100];
	struct parsed p;
	memset(text, 'a', sizeof text);
	assert_int_equal(parse(&p, (struct str){ text, sizeof text }, 1000), LIMIT);
	assert_int_equal(p.why.code, F_TARGET_TOO_LONG);
	arena_deinit(&p.arena);
	memcpy(text, "GET / HTTP/1.1\r\nA: ", 19);
	assert_int_equal(parse(&p, (struct str){ text, sizeof text }, 1000), LIMIT);
	assert_int_equal(p.why.code, F_HEAD_TOO_LARGE);
	arena_deinit(&p.arena);
	memcpy(text + HEAD_MAX_BYTES - 4, "\r\n\r\n", 4); /* the longest that there may be */
	assert_int_equal(parse(&p, (struct str){ text, sizeof text }, 1000), OK);
	assert_int_equal(p.size, HEAD_MAX_BYTES);
	arena_deinit(&p.arena);
}

static void test_head_when_refused_then_the_parsed_part_is_available(void **state)
{
	struct head head;
	struct fault why;
	struct arena a;
	arena_init(&a, 1 << 16);
	assert_int_equal(head_parse(&a, STR("HEAD /x HTTP/1.1\r\nOrigin: o\r\nbad\r\nB: c\r\n"), 4, &head, &why), INVALID);
	assert_str(head.method, STR("HEAD"));
	assert_str(head.target, STR("/x"));
	assert_int_equal(head.n_headers, 1);
	assert_str(head.headers[0].value, STR("o"));
	assert_int_equal(head_parse(&a, STR("PUT /aaaa"), 0, &head, &why), INVALID);
	assert_str(head.method, STR("PUT"));
	assert_int_equal(head_parse(&a, STR(""), 0, &head, &why), INVALID);
	assert_str(head.method, STR(""));
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_when_well_formed_then_parsed_in_steps_of_any_size),
		cmocka_unit_test(test_head_gives_whether_the_connection_stays_open),
		cmocka_unit_test(test_head_when_malformed_then_refused),
		cmocka_unit_test(test_head_when_another_version_then_reported),
		cmocka_unit_test(test_head_when_not_whole_then_waits),
		cmocka_unit_test(test_head_when_too_long_then_the_part_is_named),
		cmocka_unit_test(test_head_when_refused_then_the_parsed_part_is_available),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
