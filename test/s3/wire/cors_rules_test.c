/* CORS configurations: read, written, asked. */
#include "unit.h"

#include "s3/wire/cors_rules.h"

static struct arena a;

static int up(void **state)
{
	arena_init(&a, (size_t)16 << 20);
	return 0;
}

static int down(void **state)
{
	arena_deinit(&a);
	return 0;
}

static enum status read_rules(const char *inside, struct cors_rules *out, struct fault *why)
{
	return cors_rules_read(&a, str_printf(&a, "<CORSConfiguration>%s</CORSConfiguration>", inside), out, why);
}

#define RULE(origins, methods, more) \
	"<CORSRule><AllowedOrigin>" origins "</AllowedOrigin><AllowedMethod>" methods "</AllowedMethod>" more "</CORSRule>"

static void test_rules_when_written_and_read_again_then_they_are_the_same(void **state)
{
	struct cors_rules once, again;
	struct fault why = { 0 };
	struct buf first, second;
	assert_int_equal(read_rules(RULE("http://*.a", "GET",
									"<AllowedMethod>PUT</AllowedMethod><ID>a &amp; b</ID><AllowedHeader>x-*</AllowedHeader>"
									"<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds> 5 </MaxAgeSeconds>") RULE("*", "HEAD", ""),
						 &once, &why),
		OK);
	buf_init_arena(&first, &a, 1 << 16);
	cors_rules_write(&first, &once);
	assert_int_equal(cors_rules_read(&a, buf_str(&first), &again, &why), OK);
	buf_init_arena(&second, &a, 1 << 16);
	cors_rules_write(&second, &again);
	assert_string_equal(first.p, second.p);
	assert_int_equal(again.n, 2);
	assert_int_equal(again.rules[0].methods.n, 2);
	assert_true(str_equal(again.rules[0].id, STR("a & b")));
	assert_int_equal(again.rules[0].max_age_s, 5);
	assert_false(again.rules[1].has_max_age);
}

static void test_rules_when_matched_then_the_first_that_allows_everything(void **state)
{
	static const struct {
		const char *origin, *method, *headers;
		int rule; /* -1: none */
	} rows[] = {
		{ "http://x.a", "GET", NULL, 0 },
		{ "http://.a", "GET", NULL, 0 },
		{ "http://a", "GET", NULL, 2 },
		{ "http://x.A", "GET", NULL, 2 },
		{ "http://x.a", "PUT", NULL, -1 },
		{ "http://x.a", "get", NULL, -1 },
		{ "http://x.a", "GET", "X-Amz-Date, x-amz-meta-b", 0 },
		{ "http://x.a", "GET", "content-type", 1 },
		{ "http://x.a", "GET", "authorization", -1 },
		{ "http://x.a", "GET", "", 0 },
		{ "http://y.b", "GET", "Content-Type", 1 },
		{ "", "GET", NULL, 2 },
	};
	struct cors_rules rules;
	struct fault why = { 0 };
	assert_int_equal(
		read_rules(RULE("http://*.a", "GET", "<AllowedHeader>x-amz-*</AllowedHeader>") RULE("http*.*", "GET", "") "", &rules, &why),
		INVALID);
	assert_int_equal(
		read_rules(RULE("http://*.a", "GET", "<AllowedHeader>x-amz-*</AllowedHeader>") RULE("http://*.*", "GET", ""), &rules, &why),
		INVALID);
	assert_int_equal(read_rules(RULE("http://*.a", "GET", "<AllowedHeader>x-amz-*</AllowedHeader>")
									RULE("http://*", "GET", "<AllowedHeader>content-type</AllowedHeader>") RULE("*", "GET", ""),
						 &rules, &why),
		OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str headers = rows[i].headers != NULL ? str_of(rows[i].headers) : (struct str){ 0 };
		const struct cors_rule *r = cors_rules_match(&rules, str_of(rows[i].origin), str_of(rows[i].method), headers);
		int want = rows[i].rule;
		if (want == 2 && str_starts_with(str_of(rows[i].origin), STR("http://")))
			want = 1; /* the second rule matches them first */
		assert_ptr_equal(r, want < 0 ? NULL : &rules.rules[want]);
	}
	assert_true(cors_rule_is_open(&rules.rules[2], STR("http://q")));
	assert_false(cors_rule_is_open(&rules.rules[1], STR("http://q")));
}

static void test_rules_when_s3_refuses_them_then_refused(void **state)
{
	static const struct {
		const char *inside;
		enum fault_code code;
	} rows[] = { { "", F_XML_MALFORMED }, { "<CORSRule/>", F_XML_MALFORMED }, { "<Rule/>", F_XML_MALFORMED },
		{ RULE("*", "PATCH", ""), F_REQUEST_INVALID }, { RULE("**", "GET", ""), F_REQUEST_INVALID },
		{ RULE("", "GET", ""), F_XML_MALFORMED }, { RULE("*", "GET", "<AllowedHeader>*x*</AllowedHeader>"), F_REQUEST_INVALID },
		{ RULE("*", "GET", "<ExposeHeader>*</ExposeHeader>"), F_REQUEST_INVALID },
		{ RULE("*", "GET", "<ExposeHeader>a&#13;&#10;b</ExposeHeader>"), F_XML_MALFORMED },
		{ RULE("*", "GET", "<MaxAgeSeconds>2147483648</MaxAgeSeconds>"), F_XML_MALFORMED },
		{ RULE("*", "GET", "<MaxAgeSeconds/>"), F_XML_MALFORMED }, { RULE("*", "GET", "<Else/>"), F_XML_MALFORMED } };
	struct cors_rules rules;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fault why = { 0 };
		assert_int_not_equal(read_rules(rows[i].inside, &rules, &why), OK);
		assert_int_equal(why.code, rows[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_when_written_and_read_again_then_they_are_the_same),
		cmocka_unit_test(test_rules_when_matched_then_the_first_that_allows_everything),
		cmocka_unit_test(test_rules_when_s3_refuses_them_then_refused),
	};
	return cmocka_run_group_tests(tests, up, down);
}
