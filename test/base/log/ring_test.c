/* The ring of log lines: which are kept and found, and how dropped ones are reported. */
#include "unit.h"

#include "base/log/ring.h"

#include <stdio.h>
#include <string.h>

static struct arena a;

static int begin(void **state)
{
	arena_init(&a, 64 << 20);
	return 0;
}

static int end(void **state)
{
	arena_deinit(&a);
	return 0;
}

/* A line with `text` as a field, padded to n bytes. */
static struct str line(const char *level, const char *text)
{
	return str_printf(&a, "{\"time\":\"2026-11-27T11:00:00.000Z\",\"level\":\"%s\",\"event\":\"request\",\"x\":\"%s\"}\n", level, text);
}

static struct log_found find(struct log_ring *r, struct log_query q)
{
	struct log_found found;
	struct fault why;
	q.limit = q.limit == 0 ? LOG_FOUND_MAX : q.limit;
	assert_int_equal(log_ring_find(r, &q, &a, &found, &why), OK);
	return found;
}

static void add(struct log_ring *r, unsigned from, unsigned to)
{
	for (unsigned i = from; i <= to; i++)
		log_ring_append(r, line(i % 2 == 0 ? "info" : "warn", str_cstr(&a, str_printf(&a, "no%u.", i))));
}

static void assert_numbers(const struct log_found *f, uint64_t first, uint64_t step, size_t n)
{
	assert_int_equal(f->n, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(f->lines[i].n, first + i * step);
		assert_true(str_find(f->lines[i].line, str_printf(&a, "\"no%llu.\"", (unsigned long long)f->lines[i].n)) < f->lines[i].line.n);
		assert_int_equal(f->lines[i].line.p[f->lines[i].line.n - 1], '}');
	}
}

static void test_ring_of_nothing_then_nothing_is_found(void **state)
{
	struct log_ring r;
	log_ring_init(&r, 0);
	add(&r, 1, 3);
	struct log_found f = find(&r, (struct log_query){ 0 });
	assert_int_equal(f.n, 0);
	assert_false(f.more);
	log_ring_deinit(&r);
}

static void test_newest_then_the_last_in_order_and_whether_there_are_older(void **state)
{
	struct log_ring r;
	log_ring_init(&r, 1 << 16);
	struct log_found f = find(&r, (struct log_query){ 0 });
	assert_int_equal(f.n, 0);
	assert_int_equal(f.last, 0);
	add(&r, 1, 20);
	f = find(&r, (struct log_query){ .limit = 5 });
	assert_numbers(&f, 16, 1, 5);
	assert_true(f.more);
	assert_int_equal(f.last, 20);
	f = find(&r, (struct log_query){ .limit = 20 });
	assert_numbers(&f, 1, 1, 20);
	assert_false(f.more);
	f = find(&r, (struct log_query){ .limit = 5, .before = 16 });
	assert_numbers(&f, 11, 1, 5);
	f = find(&r, (struct log_query){ .limit = 50, .before = 4 });
	assert_numbers(&f, 1, 1, 3);
	assert_false(f.more);
	assert_int_equal(find(&r, (struct log_query){ .before = 1 }).n, 0);
	log_ring_deinit(&r);
}

static void test_tail_then_the_following_lines_in_pieces_and_the_cursor_skips_those_that_do_not_match(void **state)
{
	struct log_ring r;
	log_ring_init(&r, 1 << 16);
	add(&r, 1, 9);
	struct log_found f = find(&r, (struct log_query){ .tail = true, .after = 3, .limit = 4 });
	assert_numbers(&f, 4, 1, 4);
	assert_true(f.more);
	assert_int_equal(f.last, 7);
	f = find(&r, (struct log_query){ .tail = true, .after = 7, .least = LOG_ERROR });
	assert_int_equal(f.n, 0);
	assert_int_equal(f.last, 9);
	assert_false(f.more);
	f = find(&r, (struct log_query){ .tail = true, .after = 9 });
	assert_int_equal(f.n, 0);
	assert_int_equal(f.last, 9);
	add(&r, 10, 10);
	f = find(&r, (struct log_query){ .tail = true, .after = 9 });
	assert_numbers(&f, 10, 1, 1);
	assert_int_equal(f.missed, 0);
	log_ring_deinit(&r);
}

static void test_level_and_text_then_only_matching_lines(void **state)
{
	struct log_ring r;
	log_ring_init(&r, 1 << 16);
	add(&r, 1, 10);
	struct log_found f = find(&r, (struct log_query){ .least = LOG_WARN });
	assert_numbers(&f, 1, 2, 5);
	f = find(&r, (struct log_query){ .text = STR("NO7.") });
	assert_numbers(&f, 7, 1, 1);
	f = find(&r, (struct log_query){ .text = STR("\"event\":\"request\""), .limit = 3 });
	assert_numbers(&f, 8, 1, 3);
	assert_int_equal(find(&r, (struct log_query){ .text = STR("nobody") }).n, 0);
	log_ring_append(&r, line("info", "a \\\"quoted\\\" name"));
	assert_int_equal(find(&r, (struct log_query){ .text = STR("a \"QUOTED\"") }).n, 1);
	log_ring_append(&r, STR("no line of ours\n"));
	assert_int_equal(find(&r, (struct log_query){ .least = LOG_ERROR }).n, 1);
	log_ring_deinit(&r);
}

/* Lines of every length over a ring of every small size, so that each wraps at each place. */
static void test_ring_when_full_then_the_oldest_are_dropped_and_a_tail_gets_their_number(void **state)
{
	for (size_t size = 200; size < 520; size += 7) {
		struct log_ring r;
		log_ring_init(&r, size);
		for (unsigned i = 1; i <= 30; i++) {
			add(&r, i, i);
			struct log_found f = find(&r, (struct log_query){ 0 });
			assert_true(f.n >= 1 && f.n <= size / 80);
			assert_numbers(&f, i + 1 - f.n, 1, f.n);
			f = find(&r, (struct log_query){ .tail = true });
			assert_int_equal(f.missed, i - f.n);
		}
		log_ring_deinit(&r);
	}
}

static void test_line_longer_than_the_ring_then_it_is_counted_and_not_kept(void **state)
{
	struct log_ring r;
	char text[300];
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	log_ring_init(&r, 256);
	add(&r, 1, 2);
	log_ring_append(&r, line("info", text));
	assert_int_equal(find(&r, (struct log_query){ 0 }).n, 0);
	add(&r, 4, 4);
	struct log_found f = find(&r, (struct log_query){ 0 });
	assert_numbers(&f, 4, 1, 1);
	assert_int_equal(find(&r, (struct log_query){ .tail = true, .after = 1 }).missed, 2);
	log_ring_deinit(&r);
}

static void test_find_when_lines_are_long_then_bounded_and_continues(void **state)
{
	struct log_ring r;
	static char text[60000];
	memset(text, 'x', sizeof text - 1);
	log_ring_init(&r, 1 << 20);
	for (int i = 0; i < 15; i++)
		log_ring_append(&r, line("info", text));
	struct log_found f = find(&r, (struct log_query){ .tail = true });
	assert_in_range(f.n, 8, 10);
	assert_true(f.more);
	assert_int_equal(find(&r, (struct log_query){ .tail = true, .after = f.last }).n, 15 - f.n);
	log_ring_deinit(&r);
}

static void *append_many(void *arg)
{
	struct log_ring *r = arg;
	for (int i = 0; i < 3000; i++)
		log_ring_append(r, STR("{\"time\":\"2026-11-27T11:00:00.000Z\",\"level\":\"info\",\"event\":\"sweep\"}\n{\"x\":1}\n"));
	return NULL;
}

/* What a reader sees while lines are written is whole, and without a hole between two looks. */
static void test_find_while_lines_are_written_then_each_is_whole_and_found_once(void **state)
{
	struct log_ring r;
	struct log_query q = { .tail = true, .limit = LOG_FOUND_MAX };
	pthread_t writer;
	uint64_t seen = 0;
	log_ring_init(&r, 1 << 12);
	assert_int_equal(pthread_create(&writer, NULL, append_many, &r), 0);
	while (seen < 6000) {
		struct arena own;
		struct log_found f;
		struct fault why;
		arena_init(&own, 1 << 18);
		assert_int_equal(log_ring_find(&r, &q, &own, &f, &why), OK);
		assert_true(f.missed + f.n == f.last - q.after);
		for (size_t i = 0; i < f.n; i++)
			assert_true(f.lines[i].line.p[0] == '{' && f.lines[i].line.p[f.lines[i].line.n - 1] == '}' &&
				f.lines[i].n == q.after + f.missed + 1 + i);
		q.after = seen = f.last;
		arena_deinit(&own);
	}
	pthread_join(writer, NULL);
	assert_int_equal(seen, 6000);
	log_ring_deinit(&r);
}

static void test_find_when_the_arena_is_small_then_too_much(void **state)
{
	struct log_ring r;
	struct arena small;
	struct log_found f;
	struct fault why;
	log_ring_init(&r, 1 << 16);
	arena_init(&small, 1 << 15);
	assert_int_equal(log_ring_find(&r, &(struct log_query){ .limit = 1 }, &small, &f, &why), LIMIT);
	arena_deinit(&small);
	log_ring_deinit(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ring_of_nothing_then_nothing_is_found, begin, end),
		cmocka_unit_test_setup_teardown(test_newest_then_the_last_in_order_and_whether_there_are_older, begin, end),
		cmocka_unit_test_setup_teardown(
			test_tail_then_the_following_lines_in_pieces_and_the_cursor_skips_those_that_do_not_match, begin, end),
		cmocka_unit_test_setup_teardown(test_level_and_text_then_only_matching_lines, begin, end),
		cmocka_unit_test_setup_teardown(test_ring_when_full_then_the_oldest_are_dropped_and_a_tail_gets_their_number, begin, end),
		cmocka_unit_test_setup_teardown(test_line_longer_than_the_ring_then_it_is_counted_and_not_kept, begin, end),
		cmocka_unit_test_setup_teardown(test_find_when_lines_are_long_then_bounded_and_continues, begin, end),
		cmocka_unit_test_setup_teardown(test_find_while_lines_are_written_then_each_is_whole_and_found_once, begin, end),
		cmocka_unit_test_setup_teardown(test_find_when_the_arena_is_small_then_too_much, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
