#include "api/fixture.h"
#include "web/web.h"

#define STORAGE "https://pictures.example:9000"

static const struct web_file files[] = {
	{ { "/", 1 }, { "text/html; charset=utf-8", 24 }, { "\"p\"", 3 }, { "\"z\"", 3 }, { "<!doctype html>", 15 }, { "\x1f\x8b", 2 } },
	{ { "/main.js", 8 }, { "text/javascript; charset=utf-8", 30 }, { "\"m\"", 3 }, { NULL, 0 }, { "1", 1 }, { NULL, 0 } },
};
static const struct web_files page = { files, COUNT_OF(files) };

static struct api_options options_with(const char *storage_url)
{
	return (struct api_options){ .images = ACCESS_KEYS,
		.slots = ACCESS_KEYS,
		.key = STR(KEY),
		.cors_origins = STR("*"),
		.page = &page,
		.storage_url = str_of(storage_url) };
}

static int setup(void **state)
{
	struct api_options o = options_with(STORAGE);

	(void)state;
	fixture_open(&o);
	return 0;
}

/* A call for a file ends in begin; what is on every response of the routes does not are on it. */
static const struct answer *fetch(const char *method, const char *target)
{
	struct handler *handler = api_handler(fixture.api);

	fixture_exchange(&(struct ask){ method, target });
	fixture.step = handler->ops->on_head(handler, &fixture.x);
	assert_int_equal(fixture.step, HANDLER_ANSWER);
	return &fixture.x.answer;
}

static void test_page_when_requested_then_served_without_the_key(void **state)
{
	(void)state;
	assert_int_equal(fetch("GET", "/")->status, 200);
	assert_str(fixture.x.answer.body, "<!doctype html>");
	assert_str(header_of("Content-Type"), "text/html; charset=utf-8");
	assert_str(header_of("ETag"), "\"p\"");
	assert_str(header_of("x-amzn-RequestId"), "request-1");
	assert_string_equal(fixture.x.answer.route, "GET /");
	assert_int_equal(fetch("HEAD", "/main.js")->status, 200);
	assert_str(header_of("Content-Type"), "text/javascript; charset=utf-8");
	assert_int_equal(fetch("GET", "/?utm=1")->status, 200);
}

static void test_page_when_requested_by_other_sites_then_refused(void **state)
{
	(void)state;
	fetch("GET", "/");
	assert_str(header_of("Content-Security-Policy"),
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: " STORAGE "; connect-src 'self' " STORAGE "; "
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'");
	assert_str(header_of("Referrer-Policy"), "no-referrer");
	assert_str(header_of("Cross-Origin-Resource-Policy"), "same-origin");
	assert_str(header_of("X-Content-Type-Options"), "nosniff");
	assert_null(header_of("Access-Control-Allow-Origin").p);
	for (size_t i = 0; i < fixture.x.answer.n_headers; i++)
		for (size_t j = 0; j < i; j++)
			assert_false(str_equal_nocase(fixture.x.answer.headers[i].name, fixture.x.answer.headers[j].name));
}

static void test_policy_when_delivery_links_lead_elsewhere_then_pictures_and_calls_there_are_allowed(void **state)
{
	static const struct {
		const char *url, *sources;
	} rows[] = { { "", STORAGE }, { STORAGE, STORAGE }, { "https://img.example.com", STORAGE " https://img.example.com" },
		{ "https://img.example.com/shop", STORAGE " https://img.example.com" }, { "https://a;b", STORAGE } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		fixture.product.delivery.url = str_of(rows[i].url);
		fetch("GET", "/");
		struct str wanted =
			str_printf(&fixture.own, "img-src 'self' blob: %s; connect-src 'self' %s; base-uri", rows[i].sources, rows[i].sources);
		assert_true(holds(header_of("Content-Security-Policy"), wanted.p));
	}
}

static void policy_of(const char *storage_url, const char *sources)
{
	struct api_options o = options_with(storage_url);

	fixture_open(&o);
	fetch("GET", "/");
	struct str wanted = str_printf(&fixture.own, "connect-src 'self' %s; base-uri", sources);
	if (!holds(header_of("Content-Security-Policy"), wanted.p))
		fail_msg("%s: %.*s", storage_url, STRF(header_of("Content-Security-Policy")));
	fixture_teardown(NULL);
}

static void test_policy_when_the_storage_has_another_origin_then_only_that_is_allowed_too(void **state)
{
	(void)state;
	policy_of("http://127.0.0.1:9000", "http://127.0.0.1:9000");
	policy_of("http://[::1]:9000", "http://[::1]:9000");
	policy_of("https://bucket.s3.eu-west-1.amazonaws.com", "https://bucket.s3.eu-west-1.amazonaws.com");
	policy_of("https://cdn.example/below/it", "https://cdn.example");
	policy_of("https://x.example; script-src *", "");
	policy_of("https://x.example,*", "");
	policy_of("", "");
}

static void test_page_when_the_method_is_another_then_it_is_refused_with_what_it_accepts(void **state)
{
	static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS", "get" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		ask((struct ask){ methods[i], "/" });
		assert_problem(405, "bad_method");
		assert_str(header_of("Allow"), "GET, HEAD");
	}
}

static void test_path_when_it_is_neither_a_file_nor_a_route_then_404(void **state)
{
	static const char *const paths[] = { "/index.html", "/main.js/", "//", "/favicon.ico", "/prod", "/../main.js", "/MAIN.js", "*" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		ask((struct ask){ "GET", paths[i] });
		assert_problem(404, "no_such_route");
	}
}

static void test_page_when_none_is_configured_then_the_root_is_404(void **state)
{
	(void)state;
	fixture_open(&(struct api_options){ .cors_origins = STR("*") });
	ASK("GET", "/");
	assert_problem(404, "no_such_route");
	fixture_teardown(NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_page_when_requested_then_served_without_the_key),
		T(test_page_when_requested_by_other_sites_then_refused),
		cmocka_unit_test(test_policy_when_the_storage_has_another_origin_then_only_that_is_allowed_too),
		T(test_policy_when_delivery_links_lead_elsewhere_then_pictures_and_calls_there_are_allowed),
		T(test_page_when_the_method_is_another_then_it_is_refused_with_what_it_accepts),
		T(test_path_when_it_is_neither_a_file_nor_a_route_then_404),
		cmocka_unit_test(test_page_when_none_is_configured_then_the_root_is_404),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
