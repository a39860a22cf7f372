/* The multipart parser: the same events however the body is cut into pieces. Events are written down as
 * text: "[name|filename|type] (bytes) ." and "END" or "BAD", then compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "http/form_parser.h"

#define HEAD(disposition) "Content-Disposition: form-data; " disposition "\r\n\r\n"

static void write_part(struct buf *b, const struct form_parser *m)
{
	buf_printf(b, "[%.*s", STRF(m->name));
	if (m->has_filename)
		buf_printf(b, "|%.*s", STRF(m->filename));
	if (m->content_type.n > 0)
		buf_printf(b, "|%.*s", STRF(m->content_type));
	buf_put(b, STR("]"));
}

/* false when the parse is over for good. */
static bool write_event(struct buf *b, const struct form_parser *m, enum form_event event, struct str data)
{
	switch (event) {
	case MULTIPART_PART:
		write_part(b, m);
		return true;
	case MULTIPART_DATA:
		assert_true(data.n > 0);
		buf_put(b, data);
		return true;
	case MULTIPART_PART_END:
		buf_put(b, STR("."));
		return true;
	case MULTIPART_END:
		buf_put(b, STR("END"));
		return true;
	case MULTIPART_BAD:
		buf_put(b, STR("BAD"));
		assert_non_null(m->why);
		return false;
	case MULTIPART_MORE:
		return true;
	}
	return false;
}

static void run(struct str boundary, struct str body, size_t piece, struct buf *b)
{
	struct form_parser m;
	bool going = true;
	form_parser_init(&m, boundary);
	for (size_t at = 0; at < body.n && going; at += piece) {
		struct str in = str_slice(body, at, at + piece), data = { 0 };
		while (in.n > 0 && going)
			going = write_event(b, &m, form_parser_next(&m, &in, &data), data);
	}
}

static void expect(struct str body, const char *events)
{
	for (size_t piece = 1; piece <= body.n; piece = piece < 90 ? piece + 1 : body.n + 1) {
		struct buf b;
		buf_init(&b, 65536);
		run(STR("XyZ"), body, piece == 90 ? body.n : piece, &b);
		if (!str_equal(buf_str(&b), str_of(events)))
			fail_msg("in pieces of %zu: \"%.*s\"\n           not: \"%s\"", piece, STRF(buf_str(&b)), events);
		buf_deinit(&b);
	}
}
#define EXPECT(body, events) expect(STR(body), (events))

static void test_multipart_when_form_is_well_formed_then_parts_come_in_order(void **state)
{
	(void)state;
	EXPECT(
		"--XyZ\r\n" HEAD(
			"name=\"key\"") "images/1\r\n--XyZ\r\n"
							"content-disposition:form-data;name=\"file\";filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\nPNG\r\n\r\n\r\n--XyZ--\r\n",
		"[key]images/1.[file|a.png|image/png]PNG\r\n\r\n.END");
	EXPECT("--XyZ\r\n" HEAD("name=a") "1\r\n--XyZ--", "[a]1.END");
	EXPECT("--XyZ\r\n" HEAD("name=a") "\r\n--XyZ--", "[a].END");
	EXPECT("\r\n--XyZ\r\n" HEAD("name=a") "1\r\n--XyZ--", "[a]1.END");
	EXPECT("this is a preamble\r\nof two lines\r\n--XyZ\r\n" HEAD("name=a") "1\r\n--XyZ--\r\nand --XyZ\r\n an epilogue", "[a]1.END");
	EXPECT("--XyZ \t \r\n" HEAD("name=a") "1\r\n--XyZ  \r\n" HEAD("name=b") "2\r\n--XyZ--", "[a]1.[b]2.END");
	EXPECT("--XyZ--", "END");
}

static void test_multipart_when_content_looks_like_a_boundary_then_it_is_content(void **state)
{
	(void)state;
	EXPECT("--XyZ\r\n" HEAD("name=a") "\r\r\n\r\n-\r\n--\r\n--Xy\r\n--XyA--XyZ\n--XyZ\r--XyZ\r\r\n--XyZ--",
		"[a]\r\r\n\r\n-\r\n--\r\n--Xy\r\n--XyA--XyZ\n--XyZ\r--XyZ\r.END");
	EXPECT("--XyZ\r\n" HEAD("name=a") "--XyZ\r\n--XyZ--", "[a]--XyZ.END");
	EXPECT("--XyZ\r\n" HEAD("name=a") "a\r\n\r\n--XyZ--", "[a]a\r\n.END");
}

static void test_multipart_when_names_are_quoted_then_quotes_are_undone(void **state)
{
	(void)state;
	EXPECT("--XyZ\r\n" HEAD("name=\"a\\\"b\\\\c\\d\"; filename=\"C:\\x;y.png\"") "1\r\n--XyZ--", "[a\"b\\c\\d|C:\\x;y.png]1.END");
	/* browsers write a backslash as it is, the last one too */
	EXPECT("--XyZ\r\n" HEAD("name=\"a\"; filename=\"tail\\\"") "1\r\n--XyZ--", "[a|tail\\]1.END");
	EXPECT("--XyZ\r\n" HEAD("filename=\"tail\\\"; name=\"a\"") "1\r\n--XyZ--", "[a|tail\\]1.END");
	EXPECT("--XyZ\r\n" HEAD("name=\"a\\\"; filename=\"b\\\" ") "1\r\n--XyZ--", "[a\\|b\\]1.END");
	EXPECT("--XyZ\r\n" HEAD("name=\"a\"; filename=\"t\\\\\"") "1\r\n--XyZ--", "[a|t\\]1.END");
	EXPECT("--XyZ\r\n" HEAD("name=\"a\"; filename=\"q\\\"; x=y.png\"") "1\r\n--XyZ--", "[a|q\"; x=y.png]1.END");
	EXPECT("--XyZ\r\n" HEAD("name=\"a\"; filename=\"\"") "1\r\n--XyZ--", "[a|]1.END");
	EXPECT("--XyZ\r\n" HEAD("filename=f; NAME=a ") "1\r\n--XyZ--", "[a|f]1.END");
	EXPECT("--XyZ\r\n" HEAD("name=a; filename*=UTF-8''x; other=1") "1\r\n--XyZ--", "[a]1.END");
	EXPECT("--XyZ\r\n" HEAD("name=\"\xC3\xA9\"") "1\r\n--XyZ--", "[\xC3\xA9]1.END");
}

static void test_multipart_when_head_is_malformed_then_bad(void **state)
{
	static const char *const heads[] = { "", "X: y\r\n", "Content-Disposition: form-data\r\n", "Content-Disposition: form-data; name=\r\n",
		"Content-Disposition: form-data; name=\"\"\r\n", "Content-Disposition: attachment; name=a\r\n",
		"Content-Disposition: form-data; name=a; name=b\r\n", "Content-Disposition: form-data; name=a; filename=b; filename=c\r\n",
		"Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n",
		"Content-Disposition: form-data; name=\"a\r\n", "Content-Disposition: form-data name=a\r\n",
		"Content-Disposition: form-data; name=\"a\"x\r\n", "Content-Disposition : form-data; name=a\r\n",
		"Content-Disposition: form-data;\r\n name=a\r\n", "Content-Disposition: form-data; name=a\nb\r\n", ": a\r\n", "nothing\r\n",
		"Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		struct buf b;
		buf_init(&b, 4096);
		buf_printf(&b, "--XyZ\r\n%s\r\n1\r\n--XyZ--", heads[i]);
		expect(buf_str(&b), "BAD");
		buf_deinit(&b);
	}
	EXPECT("--XyZ\r\nContent-Disposition: form-data; name=\"a\0b\"\r\n\r\n1\r\n--XyZ--", "BAD");
}

static void test_multipart_when_boundary_line_has_trailing_bytes_then_bad(void **state)
{
	(void)state;
	EXPECT("--XyZA\r\n" HEAD("name=a"), "BAD");
	EXPECT("--XyZ-\r\n" HEAD("name=a"), "BAD");
	EXPECT("--XyZ\n" HEAD("name=a"), "BAD");
	EXPECT("--XyZ \r \n" HEAD("name=a"), "BAD");
	EXPECT("--XyZ --\r\n", "BAD");
	EXPECT("--XyZ\r\n" HEAD("name=a") "1\r\n--XyZ1\r\n", "[a]1.BAD");
}

static void test_multipart_when_body_is_cut_then_no_end(void **state)
{
	(void)state;
	EXPECT("", "");
	EXPECT("--XyZ\r\n" HEAD("name=a") "12\r\n--Xy", "[a]12");
	EXPECT("--XyZ\r\n" HEAD("name=a") "12\r\n--XyZ", "[a]12.");
	EXPECT("--XyZ\r\n" HEAD("name=a") "12\r\n--XyZ-", "[a]12.");
	EXPECT("--XyZ\r\nContent-Disposition: form-data; name=a", "");
}

static void expect_repeated(const char *start, const char *unit, size_t n, const char *events)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_put(&b, str_of(start));
	for (size_t i = 0; i < n; i++)
		buf_put(&b, str_of(unit));
	expect(buf_str(&b), events);
	buf_deinit(&b);
}

static void test_multipart_when_preamble_head_or_padding_is_endless_then_bad(void **state)
{
	(void)state;
	/* the CR LF that count as seen when the body begins are of the preamble then */
	expect_repeated("", "x", MULTIPART_PREAMBLE_MAX - 2, "");
	expect_repeated("", "x", MULTIPART_PREAMBLE_MAX - 1, "BAD");
	expect_repeated("--XyZ\r\n", "x", MULTIPART_HEAD_MAX, "");
	expect_repeated("--XyZ\r\n", "x", MULTIPART_HEAD_MAX + 1, "BAD");
	expect_repeated("--XyZ", " ", 64, "");
	expect_repeated("--XyZ", " ", 65, "BAD");
}

static void test_boundary_when_content_type_names_one_then_it_is_found(void **state)
{
	static const struct {
		const char *type, *boundary;
	} rows[] = {
		{ "multipart/form-data; boundary=abc", "abc" },
		{ "Multipart/Form-Data;BOUNDARY=\"a b:c\"; charset=utf-8", "a b:c" },
		{ "multipart/form-data; charset=x; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", "----WebKitFormBoundary7MA4YWxkTrZu0gW" },
		{ "multipart/form-data", NULL },
		{ "multipart/form-data; boundary=", NULL },
		{ "multipart/form-data; boundary=\"\"", NULL },
		{ "multipart/form-data; boundary=\"a \"", NULL },
		{ "multipart/form-data; boundary=a\tb", NULL },
		{ "multipart/form-data; boundary=a\"b", NULL },
		{ "multipart/form-data; boundary=a; boundary=a", NULL },
		{ "multipart/form-data boundary=a", NULL },
		{ "multipart/mixed; boundary=a", NULL },
		{ "", NULL },
		{ "multipart/form-data; boundary=1234567890123456789012345678901234567890123456789012345678901234567890",
			"1234567890123456789012345678901234567890123456789012345678901234567890" },
		{ "multipart/form-data; boundary=12345678901234567890123456789012345678901234567890123456789012345678901", NULL },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str boundary = { 0 };
		bool found = form_boundary(str_of(rows[i].type), &boundary);
		if (found != (rows[i].boundary != NULL))
			fail_msg("%s", rows[i].type);
		assert_true(!found || str_equal(boundary, str_of(rows[i].boundary)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_multipart_when_form_is_well_formed_then_parts_come_in_order),
		cmocka_unit_test(test_multipart_when_content_looks_like_a_boundary_then_it_is_content),
		cmocka_unit_test(test_multipart_when_names_are_quoted_then_quotes_are_undone),
		cmocka_unit_test(test_multipart_when_head_is_malformed_then_bad),
		cmocka_unit_test(test_multipart_when_boundary_line_has_trailing_bytes_then_bad),
		cmocka_unit_test(test_multipart_when_body_is_cut_then_no_end),
		cmocka_unit_test(test_multipart_when_preamble_head_or_padding_is_endless_then_bad),
		cmocka_unit_test(test_boundary_when_content_type_names_one_then_it_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
