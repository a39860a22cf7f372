/* Content-Disposition: every name comes back whole in filename*, and none can break out of the header. */
#include "image/image_service.h"

#include "base/codec.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

static const struct {
	const char *name, *header;
} cases[] = {
	{ "cat.jpg", "inline; filename=\"cat.jpg\"; filename*=UTF-8''cat.jpg" },
	{ "my cat.jpg", "inline; filename=\"my cat.jpg\"; filename*=UTF-8''my%20cat.jpg" },
	{ "a\"b\\c.jpg", "inline; filename=\"a_b_c.jpg\"; filename*=UTF-8''a%22b%5Cc.jpg" },
	{ "\r\nSet-Cookie: a=b", "inline; filename=\"__Set-Cookie: a=b\"; filename*=UTF-8''%0D%0ASet-Cookie%3A%20a%3Db" },
	{ "../../etc/passwd", "inline; filename=\".._.._etc_passwd\"; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd" },
	{ "100%41.jpg", "inline; filename=\"100_41.jpg\"; filename*=UTF-8''100%2541.jpg" },
	{ "r\xc3\xa9sum\xc3\xa9.png", "inline; filename=\"r_sum_.png\"; filename*=UTF-8''r%C3%A9sum%C3%A9.png" },
	{ "\xf0\x9f\x98\x80", "inline; filename=\"_\"; filename*=UTF-8''%F0%9F%98%80" },
	{ "\xe2\x80\xaegpj.exe", "inline; filename=\"_gpj.exe\"; filename*=UTF-8''%E2%80%AEgpj.exe" },
	{ "a;b='c'.jpg", "inline; filename=\"a;b='c'.jpg\"; filename*=UTF-8''a%3Bb%3D%27c%27.jpg" },
	{ "\x01\x1f\x7f", "inline; filename=\"___\"; filename*=UTF-8''%01%1F%7F" },
	{ "\xc2\x85", "inline; filename=\"_\"; filename*=UTF-8''%C2%85" },
};

static void test_disposition_of_each_name_then_just_this_header(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str got = content_disposition(&arena, STR("image/jpeg"), str_of(cases[i].name));
		if (!str_equal(got, str_of(cases[i].header)))
			fail_msg("%.*s", STRF(got));
	}
}

static void test_disposition_of_a_type_that_no_browser_is_to_show_then_attachment(void **state)
{
	static const char *const types[] = { "image/svg+xml", "text/html", "application/pdf", "image/tiff", "image/heic",
		"application/octet-stream", "" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		struct str got = content_disposition(&arena, str_of(types[i]), STR("a"));
		assert_true(str_equal(got, STR("attachment; filename=\"a\"; filename*=UTF-8''a")));
	}
}

/* The whole name is what filename* decodes to, and the header is printable ASCII. */
static void check_name(struct str name)
{
	struct str got = content_disposition(&arena, STR("image/webp"), name), decoded;
	size_t star = str_find(got, STR("''"));
	assert_true(uri_decode(&arena, str_slice(got, star + 2, got.n), false, &decoded));
	assert_true(str_equal(decoded, name));
	for (size_t i = 0; i < got.n; i++)
		assert_true(got.p[i] >= ' ' && got.p[i] <= '~');
}

static void test_disposition_of_every_byte_then_printable_and_whole(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char name[] = { 'a', (char)c, 'b' };
		check_name((struct str){ name, sizeof(name) });
	}
}

static void test_disposition_of_the_longest_names_then_whole(void **state)
{
	char name[256];
	(void)state;
	memset(name, '"', 255);
	check_name((struct str){ name, 255 });
	memset(name, 'a', 255);
	check_name((struct str){ name, 255 });
	for (size_t i = 0; i < 252; i += 4)
		memcpy(name + i, "\xf0\x9f\x98\x80", 4);
	check_name((struct str){ name, 252 });
}

static void test_disposition_when_memory_runs_out_then_empty(void **state)
{
	struct arena little;
	(void)state;
	arena_init(&little, 16);
	assert_int_equal(content_disposition(&little, STR("image/png"), STR("a name")).n, 0);
	arena_deinit(&little);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_disposition_of_each_name_then_just_this_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_disposition_of_a_type_that_no_browser_is_to_show_then_attachment, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_disposition_of_every_byte_then_printable_and_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_disposition_of_the_longest_names_then_whole, set_up, tear_down),
		cmocka_unit_test(test_disposition_when_memory_runs_out_then_empty),
	};
	return cmocka_run_group_tests_name("disposition", tests, NULL, NULL);
}
