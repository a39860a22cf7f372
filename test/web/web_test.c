#include "web/web.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct web_file files[] = {
	{ { "/", 1 }, { "text/html", 9 }, { "\"plain\"", 7 }, { "\"packed\"", 8 }, { "a long text", 11 }, { "short", 5 } },
	{ { "/dot.svg", 8 }, { "image/svg+xml", 13 }, { "\"dot\"", 5 }, { NULL, 0 }, { "<svg/>", 6 }, { NULL, 0 } },
};
static const struct web_files set = { files, COUNT_OF(files) };

static struct answer answer;

/* Ask for a file, with the two headers that count; NULL: not sent. */
static void ask(const struct web_file *f, const char *accept_encoding, const char *if_none_match)
{
	struct header headers[2];
	size_t n = 0;

	if (accept_encoding != NULL)
		headers[n++] = (struct header){ STR("accept-encoding"), str_of(accept_encoding) };
	if (if_none_match != NULL)
		headers[n++] = (struct header){ STR("If-None-Match"), str_of(if_none_match) };
	struct request r = { .method = STR("GET"), .path = f->path, .headers = headers, .n_headers = n };
	answer_init(&answer);
	web_answer(f, &r, &answer);
}

static struct str header_of(const char *name)
{
	for (size_t i = 0; i < answer.n_headers; i++)
		if (str_equal_nocase(answer.headers[i].name, str_of(name)))
			return answer.headers[i].value;
	return (struct str){ 0 };
}

static void assert_str(struct str s, const char *expected)
{
	if (!str_equal(s, str_of(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", STRF(s), expected);
}

static void test_find_when_the_path_is_exact_then_the_file_is_given(void **state)
{
	static const char *const strange[] = { "", "/dot.sv", "/dot.svg/", "//", "/DOT.SVG", "dot.svg", "/index.html" };

	(void)state;
	assert_ptr_equal(web_find(&set, STR("/")), &files[0]);
	assert_ptr_equal(web_find(&set, STR("/dot.svg")), &files[1]);
	for (size_t i = 0; i < COUNT_OF(strange); i++)
		assert_null(web_find(&set, str_of(strange[i])));
}

static void test_response_when_gzip_is_accepted_then_it_is_sent_with_an_etag_of_its_own(void **state)
{
	(void)state;
	ask(&files[0], "br, gzip", NULL);
	assert_int_equal(answer.status, 200);
	assert_str(answer.body, "short");
	assert_str(header_of("Content-Encoding"), "gzip");
	assert_str(header_of("ETag"), "\"packed\"");
	assert_str(header_of("Vary"), "Accept-Encoding");
	assert_str(header_of("Content-Type"), "text/html");
	assert_str(header_of("Cache-Control"), "no-cache");
	assert_str(header_of("X-Content-Type-Options"), "nosniff");
}

static void test_response_when_gzip_is_not_accepted_or_not_shorter_then_the_file_is_plain(void **state)
{
	(void)state;
	ask(&files[0], NULL, NULL);
	assert_str(answer.body, "a long text");
	assert_null(header_of("Content-Encoding").p);
	assert_str(header_of("ETag"), "\"plain\"");
	assert_str(header_of("Vary"), "Accept-Encoding");
	ask(&files[1], "gzip", NULL);
	assert_str(answer.body, "<svg/>");
	assert_null(header_of("Content-Encoding").p);
	assert_str(header_of("ETag"), "\"dot\"");
}

static void test_response_when_the_client_has_the_file_then_304_without_a_body(void **state)
{
	static const char *const tags[] = { "\"packed\"", "W/\"packed\"", "\"x\", \"packed\"", "*", "\"x\" ,W/\"packed\" , \"y\"" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(tags); i++) {
		ask(&files[0], "gzip", tags[i]);
		assert_int_equal(answer.status, 304);
		assert_int_equal(answer.body.n, 0);
		assert_str(header_of("ETag"), "\"packed\"");
		assert_str(header_of("Cache-Control"), "no-cache");
		assert_str(header_of("Vary"), "Accept-Encoding");
		assert_null(header_of("Content-Encoding").p);
	}
}

static void test_response_when_the_clients_etag_is_another_then_the_file_is_sent(void **state)
{
	static const char *const tags[] = { "\"plain\"", "packed", "\"packed", "", ",", "\"PACKED\"", "w/\"packed\"" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(tags); i++) {
		ask(&files[0], "gzip", tags[i]);
		assert_int_equal(answer.status, 200);
		assert_str(answer.body, "short");
	}
}

static void test_accepts_gzip_when_weights_are_given_then_they_count(void **state)
{
	static const char *const yes[] = { "gzip", "GZip", "deflate, gzip;q=0.5", "gzip;q=1.0", "*", "x-gzip", "br;q=1, *;q=0.1",
		"gzip;q=0.001", "*;q=0, gzip", " gzip ; q=1" };
	static const char *const no[] = { "", "br", "gzip;q=0", "gzip; q=0.000", "gzip;Q=0", "*;q=0", "gzip;q=0, *", "gzippy", "identity",
		"*, gzip;q=0." };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(yes); i++)
		if (!web_takes_gzip(str_of(yes[i])))
			fail_msg("does not take gzip: %s", yes[i]);
	for (size_t i = 0; i < COUNT_OF(no); i++)
		if (web_takes_gzip(str_of(no[i])))
			fail_msg("takes gzip: %s", no[i]);
}

/* What the build has made of web/. */
static void test_page_when_built_then_every_file_is_whole(void **state)
{
	(void)state;
	const struct web_file *index = web_find(&web_page, STR("/"));
	assert_non_null(index);
	assert_true(str_starts_with(index->plain, STR("<!doctype html>")));
	assert_str(index->media_type, "text/html; charset=utf-8");
	for (size_t i = 0; i < web_page.n; i++) {
		const struct web_file *f = &web_page.files[i];
		assert_ptr_equal(web_find(&web_page, f->path), f);
		assert_true(f->plain.n > 0 && f->etag.n == 22);
		assert_true(f->gzip.n < f->plain.n);
		if (f->gzip.n > 0)
			assert_true(str_starts_with(f->gzip, STR("\x1f\x8b")) && f->gzip_etag.n == 22 && !str_equal(f->etag, f->gzip_etag));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_when_the_path_is_exact_then_the_file_is_given),
		cmocka_unit_test(test_response_when_gzip_is_accepted_then_it_is_sent_with_an_etag_of_its_own),
		cmocka_unit_test(test_response_when_gzip_is_not_accepted_or_not_shorter_then_the_file_is_plain),
		cmocka_unit_test(test_response_when_the_client_has_the_file_then_304_without_a_body),
		cmocka_unit_test(test_response_when_the_clients_etag_is_another_then_the_file_is_sent),
		cmocka_unit_test(test_accepts_gzip_when_weights_are_given_then_they_count),
		cmocka_unit_test(test_page_when_built_then_every_file_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
