/* UTF-8: table 3-7 of Unicode from both sides, cutting, and the two escapings. */
#include "unit.h"

#include "base/arena.h"
#include "base/codec.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct buf out;

static int begin(void **state)
{
	buf_init(&out, (size_t)1 << 20);
	return 0;
}

static int end(void **state)
{
	buf_deinit(&out);
	return 0;
}

static void test_valid_accepts_the_ends_of_every_range(void **state)
{
	const struct str good[] = { STR(""), STR("\0"), STR("\x7f"), STR("\xc2\x80"), STR("\xdf\xbf"), STR("\xe0\xa0\x80"), STR("\xec\xbf\xbf"),
		STR("\xed\x9f\xbf"), STR("\xee\x80\x80"), STR("\xef\xbf\xbf"), STR("\xf0\x90\x80\x80"), STR("\xf3\xbf\xbf\xbf"),
		STR("\xf4\x8f\xbf\xbf"),
		STR("a\xe2\x82\xac"
			"b\xf0\x9f\x93\xb7") };
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(utf8_valid(good[i]));
	assert_true(utf8_valid((struct str){ NULL, 0 }));
}

static void test_valid_refuses_overlong_surrogate_beyond_and_cut(void **state)
{
	const struct str bad[] = { STR("\x80"), STR("\xbf"), STR("\xc0\x80"), STR("\xc1\xbf"), STR("\xe0\x80\x80"), STR("\xe0\x9f\xbf"),
		STR("\xed\xa0\x80"), STR("\xed\xbf\xbf"), STR("\xf0\x80\x80\x80"), STR("\xf0\x8f\xbf\xbf"), STR("\xf4\x90\x80\x80"),
		STR("\xf5\x80\x80\x80"), STR("\xff"), STR("\xfe"), STR("\xc2"), STR("\xe2\x82"), STR("\xf0\x9f\x93"), STR("\xc2\x20"),
		STR("\xe2\x28\xa1"), STR("\xe2\x82\x28"), STR("\xf0\x28\x8c\xbc"), STR("\xf0\x90\x28\xbc"), STR("\xf0\x90\x8c\x28"), STR("ok\xc3"),
		STR("\xf8\x88\x80\x80\x80") };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(utf8_valid(bad[i]));
}

static void test_latin1_when_it_can_represent_all_then_one_byte_each(void **state)
{
	static const struct {
		struct str in, out;
		bool ok;
	} rows[] = { { STR(""), STR(""), true }, { STR("a\x7f"), STR("a\x7f"), true }, { STR("\xc2\x80\xc3\xbf"), STR("\x80\xff"), true },
		{ STR("\xc4\x80"), { 0 }, false }, { STR("\xe9"), { 0 }, false }, { STR("\xf0\x9f\x93\xb7"), { 0 }, false },
		{ STR("a\xc3"), { 0 }, false } };
	struct arena a;

	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str got = { 0 };
		assert_int_equal(utf8_to_latin1(&a, rows[i].in, &got), rows[i].ok);
		if (rows[i].ok)
			assert_str(got, rows[i].out);
	}
	arena_deinit(&a);
}

static void test_prefix_never_cuts_a_code_point(void **state)
{
	struct str s = STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\xb7z"); /* ends at 1 3 6 10 11 */
	const size_t want[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };
	for (size_t max = 0; max < COUNT_OF(want); max++)
		assert_int_equal(utf8_prefix(s, max), want[max]);
}

static void test_prefix_of_ill_formed_bytes_is_cut_at_the_maximum(void **state)
{
	assert_int_equal(utf8_prefix(STR("\x80\x80\x80\x80\x80\x80"), 5), 5);
	assert_int_equal(utf8_prefix(STR("\xff\xff\xff"), 2), 2);
	assert_int_equal(utf8_prefix(STR("ab\xc3"
									 "cd"),
						 3),
		3);
	assert_int_equal(utf8_prefix((struct str){ NULL, 0 }, 5), 0);
}

static void test_terminal_escape_makes_controls_and_bidi_visible(void **state)
{
	terminal_escape(&out, STR("a\x1b[2J\r\n\t\0\x7f\xc2\x80\xc2\x9f\xe2\x80\xae\xe2\x81\xa6\xd8\x9c\xe2\x80\xa8\xff\xc3"));
	assert_str(buf_str(&out),
		STR("a\\x1b[2J\\x0d\\x0a\\x09\\x00\\x7f\\u{0080}\\u{009f}\\u{202e}\\u{2066}\\u{061c}"
			"\\u{2028}\\xff\\xc3"));
}

static void test_terminal_escape_leaves_other_text(void **state)
{
	struct str plain = STR("caf\xc3\xa9 \xf0\x9f\x93\xb7 \"quoted\" \\ \xc2\xa0\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5");
	terminal_escape(&out, plain);
	assert_str(buf_str(&out), plain);
}

static void test_json_escape_writes_u_escapes(void **state)
{
	json_escape(&out, STR("a\"b\\c\n\0\x1f\x7f\xc2\x85\xe2\x80\xae\xe2\x80\xa9\xe2\x81\xa9\xed\xa0\x80\xff/"));
	assert_str(buf_str(&out),
		STR("a\\\"b\\\\c\\u000a\\u0000\\u001f\\u007f\\u0085\\u202e\\u2029\\u2069"
			"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd/"));
}

/* Every code point survives a round trip through an independent parser. */
static void test_json_escape_is_read_back_by_a_parser(void **state)
{
	for (uint32_t point = 1; point < 0x11000; point += point < 0x3000 ? 1 : 0x101) {
		char utf8[5] = { 0 };
		if (point >= 0xd800 && point < 0xe000)
			continue;
		if (point < 0x80)
			utf8[0] = (char)point;
		else if (point < 0x800)
			snprintf(utf8, sizeof utf8, "%c%c", (int)(0xc0 | point >> 6), (int)(0x80 | (point & 63)));
		else if (point < 0x10000)
			snprintf(utf8, sizeof utf8, "%c%c%c", (int)(0xe0 | point >> 12), (int)(0x80 | (point >> 6 & 63)), (int)(0x80 | (point & 63)));
		else
			snprintf(utf8, sizeof utf8, "%c%c%c%c", (int)(0xf0 | point >> 18), (int)(0x80 | (point >> 12 & 63)),
				(int)(0x80 | (point >> 6 & 63)), (int)(0x80 | (point & 63)));
		buf_clear(&out);
		buf_put_char(&out, '"');
		json_escape(&out, str_of(utf8));
		buf_put_char(&out, '"');
		json_t *value = json_loadb(out.p, out.n, JSON_DECODE_ANY, NULL);
		assert_non_null(value);
		assert_string_equal(json_string_value(value), utf8);
		json_decref(value);
	}
}

static void test_json_escape_finds_each_byte_wherever_it_is(void **state)
{
	char text[24];
	for (int byte = 0; byte < 256; byte++)
		for (size_t at = 0; at < sizeof text; at++) {
			memset(text, '~', sizeof text);
			text[at] = (char)byte;
			buf_clear(&out);
			json_escape(&out, (struct str){ text + at, 1 });
			struct str alone = buf_str(&out);
			char want[64];
			int n = snprintf(want, sizeof want, "%.*s%.*s%.*s", (int)at, text, STRF(alone), (int)(sizeof text - at - 1), text + at + 1);
			buf_clear(&out);
			json_escape(&out, (struct str){ text, sizeof text });
			assert_str(buf_str(&out), ((struct str){ want, (size_t)n }));
		}
}

static void test_escapes_of_nothing_are_nothing(void **state)
{
	json_escape(&out, (struct str){ NULL, 0 });
	terminal_escape(&out, (struct str){ NULL, 0 });
	assert_int_equal(out.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_valid_accepts_the_ends_of_every_range, begin, end),
		cmocka_unit_test_setup_teardown(test_valid_refuses_overlong_surrogate_beyond_and_cut, begin, end),
		cmocka_unit_test_setup_teardown(test_latin1_when_it_can_represent_all_then_one_byte_each, begin, end),
		cmocka_unit_test_setup_teardown(test_prefix_never_cuts_a_code_point, begin, end),
		cmocka_unit_test_setup_teardown(test_prefix_of_ill_formed_bytes_is_cut_at_the_maximum, begin, end),
		cmocka_unit_test_setup_teardown(test_terminal_escape_makes_controls_and_bidi_visible, begin, end),
		cmocka_unit_test_setup_teardown(test_terminal_escape_leaves_other_text, begin, end),
		cmocka_unit_test_setup_teardown(test_json_escape_writes_u_escapes, begin, end),
		cmocka_unit_test_setup_teardown(test_json_escape_is_read_back_by_a_parser, begin, end),
		cmocka_unit_test_setup_teardown(test_json_escape_finds_each_byte_wherever_it_is, begin, end),
		cmocka_unit_test_setup_teardown(test_escapes_of_nothing_are_nothing, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
