/* The source of a copy, and its range. */
#include "unit.h"

#include "s3/wire/copy_source.h"

static struct arena a;

static int up(void **state)
{
	arena_init(&a, 1 << 20);
	return 0;
}

static int down(void **state)
{
	arena_deinit(&a);
	return 0;
}

static void test_source_when_well_formed_then_bucket_key_and_version(void **state)
{
	static const struct {
		const char *value, *bucket, *key, *version;
	} rows[] = { { "b/k", "b", "k", NULL }, { "/b/k", "b", "k", NULL }, { " /b/k ", "b", "k", NULL }, { "b/k/l", "b", "k/l", NULL },
		{ "b//k", "b", "/k", NULL }, { "b%2Fk", "b", "k", NULL }, { "%2Fb%2Fk", "b", "k", NULL }, { "%2Fb%2F%2Fk", "b", "/k", NULL },
		{ "/b%2Fk?versionId=null", "b", "k", "null" }, { "b/a%20b+c%2Bd", "b", "a b c+d", NULL }, { "a+b/c", "a b", "c", NULL },
		{ "b/%C3%A9", "b", "\xC3\xA9", NULL }, { "b/k?versionId=null", "b", "k", "null" }, { "b/k?versionId=", "b", "k", "" },
		{ "b/%3FversionId=x", "b", "?versionId=x", NULL }, { "b/k?x", "b", "k?x", NULL } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct copy_source s;
		struct fault why = { 0 };
		assert_int_equal(copy_source_parse(&a, str_of(rows[i].value), &s, &why), OK);
		assert_true(str_equal(s.bucket, str_of(rows[i].bucket)) && str_equal(s.key, str_of(rows[i].key)));
		assert_true(str_equal(s.version, str_of(rows[i].version)));
		assert_int_equal(s.version.p != NULL, rows[i].version != NULL);
	}
}

static void test_source_when_malformed_then_refused(void **state)
{
	static const char *const bad[] = { "", "/", "b", "/b", "b/", "/b/", "//k", "//b/k", "/%2Fb%2Fk", "%2F%2Fb%2Fk", "%2F", "%2Fb", "b/%zz",
		"b/%", "b/%FF", "b/a%00b", "b/k?versionId=%z" };
	struct copy_source s;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct fault why = { 0 };
		assert_int_equal(copy_source_parse(&a, str_of(bad[i]), &s, &why), INVALID);
	}
}

static void test_range_when_requested_then_of_the_object_or_refused(void **state)
{
	static const struct {
		const char *value;
		uint64_t size, first, length; /* length 0: refused */
	} rows[] = { { "bytes=0-0", 1, 0, 1 }, { "bytes=0-9", 10, 0, 10 }, { " bytes=3-5 ", 10, 3, 3 }, { "bytes=9-9", 10, 9, 1 },
		{ "bytes=0-10", 10, 0, 0 }, { "bytes=10-10", 10, 0, 0 }, { "bytes=0-0", 0, 0, 0 }, { "bytes=5-3", 10, 0, 0 }, { "0-3", 10, 0, 0 },
		{ "bytes=0", 10, 0, 0 }, { "bytes=-3", 10, 0, 0 }, { "bytes=3-", 10, 0, 0 }, { "bytes=0-2,4-5", 10, 0, 0 },
		{ "bytes=a-b", 10, 0, 0 }, { "", 10, 0, 0 }, { "bytes=0-18446744073709551616", 10, 0, 0 } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t first = 0, length = 0;
		struct fault why = { 0 };
		enum status st = copy_range_parse(str_of(rows[i].value), rows[i].size, &first, &length, &why);
		assert_int_equal(st, rows[i].length > 0 ? OK : INVALID);
		assert_int_equal(first, rows[i].first);
		assert_int_equal(length, rows[i].length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_source_when_well_formed_then_bucket_key_and_version),
		cmocka_unit_test(test_source_when_malformed_then_refused),
		cmocka_unit_test(test_range_when_requested_then_of_the_object_or_refused),
	};
	return cmocka_run_group_tests(tests, up, down);
}
