/* Framing: each hole by itself, and what must still be let through. */
#include "unit.h"

#include "http/server/framing.h"

#include <stdio.h>
#include <string.h>

#define H(n, v) \
	{ \
		{ "" n, sizeof(n) - 1 }, \
		{ \
			"" v, sizeof(v) - 1 \
		} \
	}
#define HOST H("Host", "localhost")

static enum status read_framing(const struct header *h, size_t n, struct framing *out, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit) = { 0 };
	struct header_index headers;
	arena_init(&a, 4096);
	TRY(header_index_make(&a, h, n, &headers, why));
	return framing_read(&headers, out, why);
}

static enum status read_headers(const struct header *h, size_t n, struct framing *out)
{
	struct fault why;
	return read_framing(h, n, out, &why);
}

#define READ(out, ...) read_headers((const struct header[]){ __VA_ARGS__ }, COUNT_OF(((const struct header[]){ __VA_ARGS__ })), (out))

static void test_framing_when_plain_then_no_body(void **state)
{
	struct framing f;
	assert_int_equal(READ(&f, HOST, H("Accept", "*/*")), OK);
	assert_false(f.has_length || f.chunked || f.expects_continue);
	assert_str(f.host, STR("localhost"));
}

static void test_framing_when_length_then_its_value(void **state)
{
	struct framing f;
	assert_int_equal(READ(&f, HOST, H("content-LENGTH", " 123 "), H("Expect", "100-Continue")), OK);
	assert_true(f.has_length && f.expects_continue);
	assert_int_equal(f.length, 123);
	assert_int_equal(READ(&f, HOST, H("Content-Length", "0")), OK);
	assert_true(f.has_length);
	assert_int_equal(READ(&f, HOST, H("Content-Length", "18446744073709551615")), OK);
	assert_true(f.length == UINT64_MAX);
}

static void test_framing_when_chunked_then_body(void **state)
{
	struct framing f;
	assert_int_equal(READ(&f, HOST, H("Transfer-Encoding", "CHUNKED ")), OK);
	assert_true(f.chunked);
	assert_false(f.has_length);
}

static void test_framing_when_contradictory_then_refused(void **state)
{
	struct framing f = { .length = 77 };
	assert_int_equal(READ(&f, HOST, H("Content-Length", "4"), H("content-length", "4")), INVALID);
	assert_int_equal(READ(&f, HOST, H("Content-Length", "4"), H("Content-Length", "5")), INVALID);
	assert_int_equal(READ(&f, HOST, H("Content-Length", "4"), H("Transfer-Encoding", "chunked")), INVALID);
	assert_int_equal(READ(&f, HOST, H("Transfer-Encoding", "chunked"), H("Content-Length", "0")), INVALID);
	assert_int_equal(READ(&f, HOST, H("Transfer-Encoding", "chunked"), H("Transfer-Encoding", "chunked")), INVALID);
	assert_int_equal(READ(&f, HOST, H("Expect", "100-continue"), H("Expect", "100-continue")), INVALID);
	assert_int_equal(READ(&f, HOST, H("Authorization", "Bearer a"), H("authorization", "Bearer b")), INVALID);
	assert_int_equal(READ(&f, HOST, HOST), INVALID);
	assert_int_equal(f.length, 77); /* written only on OK */
}

static void test_framing_when_coding_is_not_chunked_then_refused(void **state)
{
	static const char *const codings[] = { "chunked, gzip", "chunked, chunked", "identity", "", "chunked;q=1", "xchunked", "chunked,",
		",chunked", "gzip, , chunked", "gzip;q=1, chunked", "gzip chunked", "\"chunked\"" };
	struct framing f;
	for (size_t i = 0; i < COUNT_OF(codings); i++) {
		struct header h[] = { HOST, { STR("Transfer-Encoding"), str_of(codings[i]) } };
		assert_int_equal(read_headers(h, 2, &f), INVALID);
	}
}

static void test_framing_when_a_coding_is_before_chunked_then_not_supported(void **state)
{
	static const char *const codings[] = { "gzip, chunked", "GZIP,br ,Chunked", "identity,chunked" };
	struct framing f;
	struct fault why;
	for (size_t i = 0; i < COUNT_OF(codings); i++) {
		struct header h[] = { HOST, { STR("Transfer-Encoding"), str_of(codings[i]) } };
		assert_int_equal(read_framing(h, 2, &f, &why), INVALID);
		assert_int_equal(why.code, F_BAD_CODING);
	}
}

static void test_framing_when_no_host_then_none(void **state)
{
	struct framing f;
	assert_int_equal(READ(&f, H("Accept", "*/*")), OK);
	assert_null(f.host.p);
	assert_int_equal(READ(&f, H("Host", "")), OK);
	assert_non_null(f.host.p);
}

static void test_framing_when_length_is_not_a_number_then_refused(void **state)
{
	static const char *const lengths[] = { "", " ", "-1", "+1", "0x10", "1 2", "4, 4", "1e3", "18446744073709551616", "4.0" };
	struct framing f;
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		struct header h[] = { HOST, { STR("Content-Length"), str_of(lengths[i]) } };
		assert_int_equal(read_headers(h, 2, &f), INVALID);
	}
}

static const char *const bad_hosts[] = { "a b", "[::1", "::1", "[]", "[1.2.3.4]", "[::g]", "[::1]x", "h\xc3\xa4", "127.0.0.1:-1", "h:80?x",
	"a@h", "h:abc", "h:80:80", "h:65536", "h/x", "h\\x", "h#x", "h%zz", "h%4", ":80", "\"h\"", "h\t" };

/* RFC 9112 3.2: 400 "to any request message that contains ... a Host header field with an invalid field value". */
static void test_framing_when_host_is_invalid_then_refused(void **state)
{
	static const char *const good[] = { "h", "h:", "h:80", "H-1.example_2:65535", "127.0.0.1:8080", "[::1]", "[2001:db8::1]:9000", "h%41",
		"a,b!$&'()*+;=~" };
	struct framing f;
	struct fault why;
	for (size_t i = 0; i < COUNT_OF(bad_hosts); i++) {
		struct header h = { STR("Host"), str_of(bad_hosts[i]) };
		assert_int_equal(read_framing(&h, 1, &f, &why), INVALID);
		assert_int_equal(why.code, F_BAD_FRAMING);
	}
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct header h = { STR("Host"), str_of(good[i]) };
		assert_int_equal(read_headers(&h, 1, &f), OK);
	}
}

static void assert_target(const char *text, struct str path, struct str query, struct str authority)
{
	struct target t;
	struct fault why;
	assert_int_equal(framing_cut_target(STR("GET"), str_of(text), &t, &why), OK);
	assert_str(t.path, path);
	assert_str(t.query, query);
	assert_str(t.authority, authority);
}

static void test_target_when_path_then_cut_at_the_first_question_mark(void **state)
{
	assert_target("/", STR("/"), STR(""), STR(""));
	assert_target("/a%2Fb?c=d?e", STR("/a%2Fb"), STR("c=d?e"), STR(""));
	assert_target("/?", STR("/"), STR(""), STR(""));
	assert_target("//x//", STR("//x//"), STR(""), STR(""));
}

static void test_target_when_absolute_then_its_authority_is_reported(void **state)
{
	assert_target("http://h:1/a?b", STR("/a"), STR("b"), STR("h:1"));
	assert_target("HTTP://h", STR("/"), STR(""), STR("h"));
	assert_target("https://h:443/a?b=/", STR("/a"), STR("b=/"), STR("h:443"));
	assert_target("http://h?a=/b", STR("/"), STR("a=/b"), STR("h"));
}

static void test_target_when_absolute_then_its_scheme_is_reported(void **state)
{
	struct target t;
	struct fault why;
	assert_int_equal(framing_cut_target(STR("GET"), STR("http://h/"), &t, &why), OK);
	assert_false(t.is_https);
	assert_int_equal(framing_cut_target(STR("GET"), STR("HTTPS://h/"), &t, &why), OK);
	assert_true(t.is_https);
}

/* RFC 9110 4.2.1, 4.2.4; RFC 9112 3.2. */
static void test_target_when_the_authority_is_no_host_then_refused(void **state)
{
	struct target t;
	struct fault why;
	for (size_t i = 0; i < COUNT_OF(bad_hosts); i++) {
		char text[64];
		if (strpbrk(bad_hosts[i], "/?") != NULL)
			continue; /* its path begins there */
		snprintf(text, sizeof text, "http://%s/x", bad_hosts[i]);
		assert_int_equal(framing_cut_target(STR("GET"), str_of(text), &t, &why), INVALID);
	}
}

/* RFC 9112 3.2.4: of the asterisk and of an absolute URL without a path. */
static void test_target_when_options_then_it_may_be_the_whole_server(void **state)
{
	static const struct {
		const char *method, *target, *path; /* NULL: refused */
	} rows[] = { { "OPTIONS", "*", "*" }, { "OPTIONS", "http://h", "*" }, { "OPTIONS", "https://h:1", "*" },
		{ "OPTIONS", "http://h/", "/" }, { "OPTIONS", "http://h?a", "/" }, { "OPTIONS", "*?a", NULL }, { "OPTIONS", "**", NULL },
		{ "GET", "*", NULL }, { "PUT", "*", NULL }, { "options", "*", NULL }, { "GET", "http://h", "/" } };
	struct target t;
	struct fault why;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum status status = framing_cut_target(str_of(rows[i].method), str_of(rows[i].target), &t, &why);
		assert_int_equal(status, rows[i].path == NULL ? INVALID : OK);
		if (status == OK)
			assert_str(t.path, str_of(rows[i].path));
	}
}

static void test_target_when_no_path_then_refused(void **state)
{
	static const char *const targets[] = { "", "a", "?a", "h:80", "ftp://h/", "https://", "http://?a", "http://", "http:///a", "/a b",
		"/a\x01", "/a\x7f", "**", "/\xc3\xa4", "/a#b", "*#" };
	struct target t;
	struct fault why;
	for (size_t i = 0; i < COUNT_OF(targets); i++)
		assert_int_equal(framing_cut_target(STR("GET"), str_of(targets[i]), &t, &why), INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_framing_when_plain_then_no_body),
		cmocka_unit_test(test_framing_when_length_then_its_value),
		cmocka_unit_test(test_framing_when_chunked_then_body),
		cmocka_unit_test(test_framing_when_contradictory_then_refused),
		cmocka_unit_test(test_framing_when_coding_is_not_chunked_then_refused),
		cmocka_unit_test(test_framing_when_a_coding_is_before_chunked_then_not_supported),
		cmocka_unit_test(test_framing_when_no_host_then_none),
		cmocka_unit_test(test_framing_when_length_is_not_a_number_then_refused),
		cmocka_unit_test(test_framing_when_host_is_invalid_then_refused),
		cmocka_unit_test(test_target_when_absolute_then_its_scheme_is_reported),
		cmocka_unit_test(test_target_when_the_authority_is_no_host_then_refused),
		cmocka_unit_test(test_target_when_options_then_it_may_be_the_whole_server),
		cmocka_unit_test(test_target_when_path_then_cut_at_the_first_question_mark),
		cmocka_unit_test(test_target_when_absolute_then_its_authority_is_reported),
		cmocka_unit_test(test_target_when_no_path_then_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
