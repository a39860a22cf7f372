/* JSON as a tree: what is read, and what is refused. */
#include "unit.h"

#include "base/arena.h"
#include "base/json_tree.h"

#include <stdio.h>

#define NEST_MAX 16

static struct arena arena;

static int set_up(void **state)
{
	arena_init(&arena, (size_t)1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	arena_deinit(&arena);
	return 0;
}

static enum json_tree_end read_text(struct str text, const struct json_node **out)
{
	return json_tree_read(text, &(struct json_tree_rules){ .nest_max = NEST_MAX }, &arena, out);
}

static const struct json_node *member_of(const char *text, const char *name)
{
	const struct json_node *object = NULL;
	assert_int_equal(read_text(str_of(text), &object), JSON_TREE_READ);
	return node_member(object, str_of(name));
}

static void test_values_of_every_kind_are_read(void **state)
{
	const char *text =
		" {\"i\":-12,\"r\" : 2.5e1,\t\"t\":true,\"f\":false,\n\"n\":null,\"s\":\"x\",\"a\":[1,\"y\",[]],\"o\":{\"k\":\"v\"},\"\":0}\r ";
	assert_int_equal(member_of(text, "i")->kind, NODE_INTEGER);
	assert_int_equal(member_of(text, "i")->integer, -12);
	assert_int_equal(member_of(text, "r")->kind, NODE_REAL);
	assert_true(member_of(text, "r")->real == 25.0);
	assert_int_equal(member_of(text, "t")->kind, NODE_TRUE);
	assert_int_equal(member_of(text, "f")->kind, NODE_FALSE);
	assert_int_equal(member_of(text, "n")->kind, NODE_NULL);
	assert_int_equal(member_of(text, "")->kind, NODE_INTEGER);
	assert_true(str_equal(node_text(member_of(text, "s")), STR("x")));
	assert_true(str_equal(node_member_text(member_of(text, "o"), STR("k")), STR("v")));
	const struct json_node *items = node_items(member_of(text, "a"));
	assert_int_equal(items->integer, 1);
	assert_true(str_equal(node_text(items->next), STR("y")));
	assert_int_equal(items->next->next->kind, NODE_ARRAY);
	assert_null(node_items(items->next->next));
	assert_null(items->next->next->next);
}

static void test_what_is_not_there_or_of_another_kind_gives_nothing(void **state)
{
	const char *text = "{\"i\":1,\"a\":[\"x\"],\"s\":\"x\"}";
	assert_null(member_of(text, "x"));
	assert_null(node_member(member_of(text, "a"), STR("x")));
	assert_null(node_member(NULL, STR("x")));
	assert_null(node_items(member_of(text, "s")));
	assert_null(node_items(NULL));
	assert_null(node_text(member_of(text, "i")).p);
	assert_null(node_text(NULL).p);
}

static void test_escapes_are_undone(void **state)
{
	const char *text = "{\"s\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t|\\u0041\\u00e9\\u20AC\\ud83d\\ude00|\xc3\xa9\",\"\\u006b\":\"v\"}";
	assert_true(str_equal(node_text(member_of(text, "s")), STR("\"\\/\b\f\n\r\t|A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80|\xc3\xa9")));
	assert_true(str_equal(node_text(member_of(text, "k")), STR("v")));
}

static void test_numbers_up_to_64_bits_are_exact(void **state)
{
	assert_int_equal(member_of("{\"n\":9223372036854775807}", "n")->integer, INT64_MAX);
	assert_int_equal(member_of("{\"n\":-9223372036854775808}", "n")->integer, INT64_MIN);
	assert_int_equal(member_of("{\"n\":-0}", "n")->integer, 0);
	assert_true(member_of("{\"n\":1e-400}", "n")->real == 0.0);
}

static void test_what_is_malformed_is_refused(void **state)
{
	static const char *const bad[] = { "", " ", "1", "[]", "\"x\"", "{", "}", "{}}", "{} x", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
		"{\"a\" 1}", "{a:1}", "{1:1}", "{'a':1}", "{\"a\":1 \"b\":2}", "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":[1}", "{\"a\":tru}",
		"{\"a\":True}", "{\"a\":truex}", "{\"a\":01}", "{\"a\":-}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":1.}", "{\"a\":1e}", "{\"a\":1e+}",
		"{\"a\":1.e1}", "{\"a\":0x1}", "{\"a\":1e400}", "{\"a\":-1e400}", "{\"a\":NaN}", "{\"a\":9223372036854775808}",
		"{\"a\":-9223372036854775809}", "{\"a\":\"x}", "{\"a\":\"\\\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\u12g4\"}",
		"{\"a\":\"\\u0000\"}", "{\"\\u0000\":1}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\ud800\\u0041\"}", "{\"a\":\"\\ud800x\"}",
		"{\"a\":\"\\udc00\"}", "{\"a\":\"\t\"}", "{\"a\":\"\n\"}", "{\"a\":\"\\\n\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\xc0\x80\"}",
		"{\"a\":\"\xed\xa0\x80\"}", "{\"\xff\":1}", "{\"a\":1}\v", "\xef\xbb\xbf{}", "/**/{}" };
	const struct json_node *object;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (read_text(str_of(bad[i]), &object) != JSON_TREE_MALFORMED)
			fail_msg("%s", bad[i]);
	assert_int_equal(read_text((struct str){ "{}\0", 3 }, &object), JSON_TREE_MALFORMED);
	assert_int_equal(read_text((struct str){ "{\"a\":\"\0\"}", 9 }, &object), JSON_TREE_MALFORMED);
	assert_int_equal(read_text((struct str){ "{\"a\":1\0}", 8 }, &object), JSON_TREE_MALFORMED); /* jansson passes over the byte 0 */
	assert_int_equal(read_text((struct str){ NULL, 0 }, &object), JSON_TREE_MALFORMED);
}

static void test_text_that_is_cut_is_refused(void **state)
{
	const struct str whole = STR("{\"a\":[\"x\\u00e9\",{\"b\":-1.5e3}],\"c\":true}");
	const struct json_node *object;
	for (size_t n = 0; n < whole.n; n++)
		assert_int_equal(read_text(str_slice(whole, 0, n), &object), JSON_TREE_MALFORMED);
	assert_int_equal(read_text(whole, &object), JSON_TREE_READ);
}

static void test_a_member_twice_is_refused_at_any_depth(void **state)
{
	const struct json_node *object;
	assert_int_equal(read_text(STR("{\"a\":1,\"b\":2,\"a\":1}"), &object), JSON_TREE_REPEATED);
	assert_int_equal(read_text(STR("{\"a\":1,\"\\u0061\":1}"), &object), JSON_TREE_REPEATED);
	assert_int_equal(read_text(STR("{\"x\":[{\"a\":1,\"a\":1}]}"), &object), JSON_TREE_REPEATED);
	assert_int_equal(read_text(STR("{\"a\":{\"a\":1},\"b\":{\"a\":1}}"), &object), JSON_TREE_READ);
}

static void test_where_rules_allow_it_nul_and_members_twice_are_read(void **state)
{
	const struct json_tree_rules rules = { .nest_max = 1, .allows_nul = true, .allows_repeats = true };
	const struct json_node *object;
	assert_int_equal(json_tree_read(STR("{\"a\":\"x\\u0000\",\"a\":1,\"\\u0000\":2}"), &rules, &arena, &object), JSON_TREE_READ);
	assert_true(str_equal(node_member_text(object, STR("a")), (struct str){ "x\0", 2 }));
	assert_int_equal(node_member(object, (struct str){ "\0", 1 })->integer, 2);
	assert_int_equal(json_tree_read(STR("{\"a\":[]}"), &rules, &arena, &object), JSON_TREE_MALFORMED);
}

static void test_nesting_is_limited(void **state)
{
	char text[2 * NEST_MAX + 16];
	const struct json_node *object;
	for (int arrays = NEST_MAX - 1; arrays <= NEST_MAX; arrays++) {
		size_t n = (size_t)snprintf(text, sizeof text, "{\"a\":%.*s%.*s}", arrays, "[[[[[[[[[[[[[[[[", arrays, "]]]]]]]]]]]]]]]]");
		assert_int_equal(read_text((struct str){ text, n }, &object), arrays < NEST_MAX ? JSON_TREE_READ : JSON_TREE_MALFORMED);
	}
}

static void test_a_full_arena_is_reported(void **state)
{
	const struct json_node *object;
	arena_deinit(&arena);
	for (size_t cap = 0; cap < 512; cap += 16) {
		arena_init(&arena, cap);
		enum json_tree_end cause = read_text(STR("{\"a\":[1.5,\"\\n\"]}"), &object);
		assert_int_equal(cause, arena_ok(&arena) ? JSON_TREE_READ : JSON_TREE_NO_MEMORY);
		assert_true(cap > 0 || cause == JSON_TREE_NO_MEMORY);
		arena_deinit(&arena);
	}
	arena_init(&arena, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = { CASE(test_values_of_every_kind_are_read),
		CASE(test_what_is_not_there_or_of_another_kind_gives_nothing), CASE(test_escapes_are_undone),
		CASE(test_numbers_up_to_64_bits_are_exact), CASE(test_what_is_malformed_is_refused), CASE(test_text_that_is_cut_is_refused),
		CASE(test_a_member_twice_is_refused_at_any_depth), CASE(test_where_rules_allow_it_nul_and_members_twice_are_read),
		CASE(test_nesting_is_limited), CASE(test_a_full_arena_is_reported) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
