/* What may appear in XML and in a header. */
#include "unit.h"

#include "s3/wire/text.h"

#define FFFD "\xEF\xBF\xBD"

static void test_xml_when_text_is_hostile_then_escaped(void **state)
{
	static const struct {
		struct str in;
		const char *out;
	} rows[] = {
		{ { "", 0 }, "" },
		{ { "plain", 5 }, "plain" },
		{ { "<a href=\"x\">&'", 14 }, "&lt;a href=&quot;x&quot;&gt;&amp;'" },
		{ { "]]>", 3 }, "]]&gt;" },
		{ { "a\r\nb\tc", 6 }, "a&#13;\nb\tc" },
		{ { "a\0b\x1B", 4 }, "a" FFFD "b" FFFD },
		{ { "\xC3\xA9", 2 }, "\xC3\xA9" },
		{ { "a\xFFz", 3 }, "a" FFFD "z" },
		{ { "\xC3", 1 }, FFFD },
		{ { "a\xEF\xBF\xBE"
			"b\xEF\xBF\xBF",
			  8 },
			"a" FFFD "b" FFFD },
		{ { "\xEF\xBF\xBD", 3 }, FFFD },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b;
		buf_init(&b, 1024);
		xml_escape(&b, rows[i].in);
		if (!str_equal(buf_str(&b), str_of(rows[i].out)))
			fail_msg("row %zu: \"%.*s\"", i, STRF(buf_str(&b)));
		buf_deinit(&b);
	}
}

static void test_xml_key_when_xml_has_no_form_for_it_then_a_reference_and_no_other_key(void **state)
{
	static const struct {
		struct str in;
		const char *plain, *url;
	} rows[] = {
		{ { "a&\x01\x1F\t\r", 6 }, "<Key>a&amp;&#x1;&#x1F;\t&#13;</Key>", "<Key>a%26%01%1F%09%0D</Key>" },
		{ { "\xEF\xBF\xBE\xEF\xBF\xBF\xEF\xBF\xBD", 9 }, "<Key>&#xFFFE;&#xFFFF;" FFFD "</Key>", "<Key>%EF%BF%BE%EF%BF%BF%EF%BF%BD</Key>" },
		{ { "\xFF\x01", 2 }, "<Key>" FFFD FFFD "</Key>", "<Key>%FF%01</Key>" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b;
		buf_init(&b, 1024);
		xml_key(&b, "Key", rows[i].in, false);
		assert_str(buf_str(&b), str_of(rows[i].plain));
		buf_clear(&b);
		xml_key(&b, "Key", rows[i].in, true);
		assert_str(buf_str(&b), str_of(rows[i].url));
		buf_deinit(&b);
	}
}

static void test_header_value_when_not_printable_ascii_then_refused(void **state)
{
	static const struct {
		struct str s;
		bool ok;
	} rows[] = { { { "", 0 }, true }, { { NULL, 0 }, true }, { { "inline; filename=\"a b.jpg\"", 26 }, true }, { { "a\r\nb", 4 }, false },
		{ { "a\nb", 3 }, false }, { { "a\0b", 3 }, false }, { { "\t", 1 }, false }, { { "\x7F", 1 }, false },
		{ { "\xC3\xA9", 2 }, false } };
	char longest[1025];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(header_value_ok(rows[i].s), rows[i].ok);
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = 'x';
	assert_true(header_value_ok((struct str){ longest, 1024 }));
	assert_false(header_value_ok((struct str){ longest, 1025 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xml_when_text_is_hostile_then_escaped),
		cmocka_unit_test(test_xml_key_when_xml_has_no_form_for_it_then_a_reference_and_no_other_key),
		cmocka_unit_test(test_header_value_when_not_printable_ascii_then_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
