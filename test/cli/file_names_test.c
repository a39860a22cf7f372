/* Names made safe, names repaired. */
#include "cli/file_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_name_when_hostile_then_safe(void **state)
{
	static const struct {
		const char *name, *safe;
	} rows[] = { { "a.png", "a.png" }, { "../../etc/passwd", "passwd" }, { "..", "" }, { ".", "" }, { "...", "" }, { "a/..", "" },
		{ "/", "" }, { "", "" }, { ".bashrc", "bashrc" }, { "...a", "a" }, { ". .a", "a" }, { "C:\\x\\y.png", "y.png" },
		{ "a\r\nb.png", "ab.png" }, { "\x1b[31mred.png", "[31mred.png" }, { "a\x7f.png", "a.png" }, { "a\xc2\x9b.png", "a.png" },
		{ "gpj.\xe2\x80\xaegnp", "gpj.gnp" }, { "\xe2\x80\x8e.hidden", "hidden" }, { "\x01.hidden", "hidden" }, { "b\xff.png", "b.png" },
		{ "\xe5\x86\x99\xe7\x9c\x9f.jpg", "\xe5\x86\x99\xe7\x9c\x9f.jpg" }, { "with blank.png", "with blank.png" },
		{ "\"q'.png", "\"q'.png" }, { "-rf", "_rf" }, { "--x.png", "_-x.png" }, { ". -x", "_x" }, { "a-b.png", "a-b.png" },
		{ "d/-", "_" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b;
		buf_init(&b, 1000);
		name_make_safe(&b, str_of(rows[i].name));
		assert_string_equal(b.p, rows[i].safe);
		buf_deinit(&b);
	}
}

static void test_name_when_long_then_cut_between_code_points(void **state)
{
	char name[301];
	struct buf safe, sent;
	for (size_t i = 0; i < 300; i += 3)
		memcpy(name + i, "\xe5\x86\x99", 3);
	memcpy(name, "xy", 2);
	name[2] = 'z';
	buf_init(&safe, 1000);
	buf_init(&sent, 1000);
	name_make_safe(&safe, (struct str){ name, 300 });
	assert_true(name_repair(&sent, (struct str){ name + 1, 299 }));
	assert_int_equal(safe.n, 255);
	assert_int_equal(sent.n, 254);
	buf_deinit(&safe);
	buf_deinit(&sent);
}

static void test_name_when_ill_formed_then_replaced(void **state)
{
	static const struct {
		const char *name, *sent;
		bool changed;
	} rows[] = { { "a\xff.png", "a\xef\xbf\xbd.png", true }, { "\xe5\x86", "\xef\xbf\xbd\xef\xbf\xbd", true },
		{ "\xe5\x86\x99.png", "\xe5\x86\x99.png", false }, { "plain", "plain", false } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b;
		buf_init(&b, 1000);
		assert_int_equal(name_repair(&b, str_of(rows[i].name)), rows[i].changed);
		assert_string_equal(b.p, rows[i].sent);
		buf_deinit(&b);
	}
}

static void test_base_when_path_then_last_part(void **state)
{
	assert_true(str_equal(name_base(STR("a/b/c.png")), STR("c.png")));
	assert_true(str_equal(name_base(STR("c.png")), STR("c.png")));
	assert_int_equal(name_base(STR("a/")).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_when_hostile_then_safe),
		cmocka_unit_test(test_name_when_long_then_cut_between_code_points),
		cmocka_unit_test(test_name_when_ill_formed_then_replaced),
		cmocka_unit_test(test_base_when_path_then_last_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
