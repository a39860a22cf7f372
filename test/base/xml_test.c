/* XML from clients: what is read, and what is refused. */
#include "unit.h"

#include "base/buf.h"
#include "base/xml.h"

#include <string.h>

static struct arena a;

static int up(void **state)
{
	arena_init(&a, (size_t)64 << 20);
	return 0;
}

static int down(void **state)
{
	arena_deinit(&a);
	return 0;
}

static enum status read_it(const char *text, const struct xml_node **root)
{
	struct fault why = { 0 };
	enum status st = xml_read(&a, str_of(text), "R", root, &why);
	if (st != OK)
		assert_int_equal(why.code, F_XML_MALFORMED);
	return st;
}

static void test_read_when_well_formed_then_a_tree(void **state)
{
	const struct xml_node *root;
	assert_int_equal(
		read_it(
			"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><R xmlns=\"x\">\n <A> b &lt;&#13;\xC3\xA9</A><B/><A>2</A><p:C xmlns:p=\"y\"><D>\n 7 </D></p:C></R>",
			&root),
		OK);
	assert_true(xml_is(root, "R"));
	assert_true(str_equal(xml_child_text(root, "A"), STR(" b <\r\xC3\xA9")));
	assert_true(str_equal(xml_child_text(root, "B"), STR("")));
	assert_null(xml_child(root, "D"));
	assert_true(str_equal(xml_child_word(xml_child(root, "C"), "D"), STR("7")));
	assert_true(str_equal(xml_child(root, "A")->next->next->text, STR("2")));
	assert_null(xml_child_text(root, "None").p);
}

static void test_read_when_cdata_comments_and_instructions_then_text_is_whole(void **state)
{
	const struct xml_node *root;
	assert_int_equal(read_it("<R><A>a<![CDATA[<b>]]><!-- no -->c<?pi x?>d</A></R>", &root), OK);
	assert_true(str_equal(xml_child_text(root, "A"), STR("a<b>cd")));
}

static void test_read_when_an_instance_type_is_reported_then_it_is_kept(void **state)
{
	const struct xml_node *root;
	assert_int_equal(read_it("<R xmlns:x=\"http://www.w3.org/2001/XMLSchema-instance\"><A x:type=\"T\"/><A type=\"U\"/></R>", &root), OK);
	assert_true(str_equal(root->first->type, STR("T")));
	assert_int_equal(root->first->next->type.n, 0);
}

static void test_read_when_not_well_formed_then_refused(void **state)
{
	static const char *const bad[] = { "", " ", "x", "<R>", "<R></S>", "<R/><R/>", "<S/>", "<R>&x;</R>", "<R>&#0;</R>", "<R>\x01</R>",
		"<R>\xFF</R>", "<R>\xED\xA0\x80</R>", "<p:R/>", "<R a=\"1\" a=\"2\"/>", "<!DOCTYPE R><R/>",
		"<!DOCTYPE R [<!ENTITY e \"x\">]><R>&e;</R>", "<!DOCTYPE R SYSTEM \"file:///etc/passwd\"><R/>", "<r/>" };
	const struct xml_node *root = NULL;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(read_it(bad[i], &root), INVALID);
	assert_null(root);
}

static void repeat(struct buf *b, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_put(b, str_of(text));
}

static enum status read_repeated(const char *before, const char *text, size_t n, const char *after)
{
	const struct xml_node *root;
	struct buf b;
	buf_init(&b, 8 << 20);
	repeat(&b, before, 1);
	repeat(&b, text, n);
	repeat(&b, after, 1);
	enum status st = read_it(b.p, &root);
	buf_deinit(&b);
	return st;
}

static void test_read_when_over_a_bound_then_refused(void **state)
{
	assert_int_equal(read_repeated("<R><A>", "x", XML_TEXT_MAX, "</A></R>"), OK);
	assert_int_equal(read_repeated("<R><A>", "x", XML_TEXT_MAX + 1, "</A></R>"), INVALID);
	assert_int_equal(read_repeated("<R>", "<A/>", XML_NODES_MAX - 1, "</R>"), OK);
	assert_int_equal(read_repeated("<R>", "<A/>", XML_NODES_MAX, "</R>"), INVALID);
	assert_int_equal(read_repeated("<R>", "<A>", XML_DEPTH_MAX - 1, "</A></A></A></A></A></A></A></R>"), OK);
	assert_int_equal(read_repeated("<R>", "<A>", XML_DEPTH_MAX, "</A></A></A></A></A></A></A></A></R>"), INVALID);
}

static void test_read_when_too_many_names_then_refused(void **state)
{
	const struct xml_node *root;
	struct buf b;
	for (size_t names = XML_NAMES_MAX - 1; names <= XML_NAMES_MAX; names++) {
		buf_init(&b, 1 << 20);
		buf_put(&b, STR("<R>"));
		for (size_t i = 0; i < names; i++)
			buf_printf(&b, "<N%zu/>", i);
		buf_put(&b, STR("</R>"));
		assert_int_equal(read_it(b.p, &root), names < XML_NAMES_MAX ? OK : INVALID);
		buf_deinit(&b);
	}
}

static void test_read_when_the_arena_is_full_then_too_much(void **state)
{
	const struct xml_node *root;
	for (size_t cap = 0; cap < 400; cap += 50) {
		struct arena small;
		struct fault why = { 0 };
		arena_init(&small, cap);
		assert_int_equal(
			xml_read(&small, STR("<R><Abc>text that is longer than nothing</Abc><B/><C/><D/><E/><F/></R>"), "R", &root, &why), LIMIT);
		assert_int_equal(why.code, F_TOO_MUCH);
		arena_deinit(&small);
	}
}

static void test_children_when_unknown_or_twice_then_refused(void **state)
{
	static const char *const names[] = { "!One", "Many" };
	const struct xml_node *root;
	struct fault why = { 0 };
	assert_int_equal(read_it("<R><Many/><One/><Many/></R>", &root), OK);
	assert_int_equal(xml_check_children(root, names, COUNT_OF(names), &why), OK);
	assert_int_equal(read_it("<R><One/><One/></R>", &root), OK);
	assert_int_equal(xml_check_children(root, names, COUNT_OF(names), &why), INVALID);
	assert_int_equal(read_it("<R><Other/></R>", &root), OK);
	assert_int_equal(xml_check_children(root, names, COUNT_OF(names), &why), INVALID);
	assert_non_null(strstr(why.text, "Other"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_when_well_formed_then_a_tree),
		cmocka_unit_test(test_read_when_cdata_comments_and_instructions_then_text_is_whole),
		cmocka_unit_test(test_read_when_an_instance_type_is_reported_then_it_is_kept),
		cmocka_unit_test(test_read_when_not_well_formed_then_refused),
		cmocka_unit_test(test_read_when_over_a_bound_then_refused),
		cmocka_unit_test(test_read_when_too_many_names_then_refused),
		cmocka_unit_test(test_read_when_the_arena_is_full_then_too_much),
		cmocka_unit_test(test_children_when_unknown_or_twice_then_refused),
	};
	return cmocka_run_group_tests(tests, up, down);
}
