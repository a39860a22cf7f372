/* Where walks over keys begin and continue. */
#include "unit.h"

#include "store/tables/key_cursor.h"
#include <string.h>

static void expect(const struct seek *s, struct str want)
{
	assert_int_equal(s->n, want.n);
	assert_memory_equal(s->bytes, want.p, want.n);
}

static void test_start_then_the_later_of_prefix_and_after(void **state)
{
	static const struct {
		const char *prefix, *delimiter, *after;
		struct str from;
	} rows[] = {
		{ "", "", "", { "", 0 } },
		{ "p", "", "", { "p", 1 } },
		{ "p", "", "a", { "p", 1 } },
		{ "p", "", "p", { "p\0", 2 } },
		{ "p", "", "pq", { "pq\0", 3 } },
		{ "p", "", "z", { "z\0", 2 } },
		{ "", "/", "a/b", { "a0", 2 } },
		{ "", "/", "a/", { "a0", 2 } },
		{ "a/", "/", "a/b", { "a/b\0", 4 } },
		{ "a/", "/", "a/b/c", { "a/b0", 4 } },
		{ "", "--", "x--y", { "x-.", 3 } },
		{ "", "--", "x-y", { "x-y\0", 4 } },
		{ "", "\xC3\xA9", "e\xC3\xA9z", { "e\xC3\xAA", 3 } },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct seek s;
		key_cursor_start(&s,
			&(struct key_cursor_query){
				.prefix = str_of(rows[i].prefix), .delimiter = str_of(rows[i].delimiter), .after = str_of(rows[i].after) });
		expect(&s, rows[i].from);
	}
}

static void test_after_then_the_smallest_text_greater_than_the_whole_group(void **state)
{
	static const struct {
		struct str group, from;
	} rows[] = {
		{ { "a", 1 }, { "b", 1 } },
		{ { "a\xff", 2 }, { "b", 1 } },
		{ { "a\xff\xff", 3 }, { "b", 1 } },
		{ { "\x7f", 1 }, { "\x80", 1 } },
		{ { "\xff", 1 }, { "\xff", 1 } },
		{ { "\xff\xff", 2 }, { "\xff", 1 } },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct seek s;
		key_cursor_skip_group(&s, rows[i].group);
		expect(&s, rows[i].from);
	}
}

static void test_group_then_up_to_the_first_delimiter_after_the_prefix(void **state)
{
	static const struct {
		const char *key, *prefix, *delimiter, *group;
	} rows[] = { { "a/b/c", "", "/", "a/" }, { "a/b/c", "a/", "/", "a/b/" }, { "a/b/c", "a/b/", "/", "" }, { "a/b/c", "a", "/", "a/" },
		{ "a/b/c", "", "", "" }, { "a--b", "a-", "--", "" }, { "a--b", "a", "--", "a--" }, { "/", "", "/", "/" }, { "", "", "/", "" } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str group = key_cursor_group(str_of(rows[i].key), str_of(rows[i].prefix), str_of(rows[i].delimiter));
		assert_true(str_equal(group, str_of(rows[i].group)));
	}
}

static void test_texts_longer_than_any_key_then_cut_to_the_buffer(void **state)
{
	static char text[5000];
	struct seek s;
	(void)state;
	memset(text, 'm', sizeof(text));
	struct str all = { text, sizeof(text) };
	key_cursor_start(&s, &(struct key_cursor_query){ .after = all });
	assert_int_equal(s.n, OBJECT_KEY_MAX_BYTES + 2);
	assert_int_equal(s.bytes[s.n - 1], '\0');
	key_cursor_start(&s, &(struct key_cursor_query){ .prefix = all });
	assert_int_equal(s.n, OBJECT_KEY_MAX_BYTES + 1);
	key_cursor_skip_group(&s, all);
	assert_int_equal(s.n, OBJECT_KEY_MAX_BYTES + 1);
	assert_int_equal(s.bytes[s.n - 1], 'n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_then_the_later_of_prefix_and_after),
		cmocka_unit_test(test_after_then_the_smallest_text_greater_than_the_whole_group),
		cmocka_unit_test(test_group_then_up_to_the_first_delimiter_after_the_prefix),
		cmocka_unit_test(test_texts_longer_than_any_key_then_cut_to_the_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
