/* The response of ListObjectVersions: what is taken from it, and that anything else is refused. */
#include "unit.h"

#include "aws/listing.h"

#define ROOT(inside) \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListVersionsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Key>no</Key>" inside \
	"</ListVersionsResult>"
#define ENTRY(kind, key, id, latest) \
	"<" kind "><Owner><ID>1</ID><Key>not the key</Key></Owner><Key>" key "</Key><VersionId>" id "</VersionId><IsLatest>" latest \
	"</IsLatest><Size>7</Size></" kind ">"

static struct arena arena;
static struct fault why;

static int set_up(void **state)
{
	arena_init(&arena, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	arena_deinit(&arena);
	return 0;
}

static void test_versions_when_usual_then_versions_and_markers(void **state)
{
	struct version_page p;
	assert_int_equal(versions_parse(STR(ROOT("<EncodingType>url</EncodingType>" ENTRY("DeleteMarker", "a%2Fb+c", "m.1", "true")
											ENTRY("Version", "a%2Fb+c", "null", "false"))),
						 2, &arena, &p, &why),
		OK);
	assert_int_equal(p.n, 2);
	assert_str(p.versions[0].key, STR("a/b c"));
	assert_str(p.versions[0].id, STR("m.1"));
	assert_true(p.versions[0].latest);
	assert_str(p.versions[1].key, STR("a/b c"));
	assert_str(p.versions[1].id, STR("null"));
	assert_false(p.versions[1].latest);
}

static void test_versions_when_not_encoded_or_none_then_as_they_are(void **state)
{
	struct version_page p;
	assert_int_equal(versions_parse(STR(ROOT(ENTRY("Version", "a%2F+&amp;b", "1", "true"))), 2, &arena, &p, &why), OK);
	assert_str(p.versions[0].key, STR("a%2F+&b"));
	assert_int_equal(versions_parse(STR(ROOT("")), 2, &arena, &p, &why), OK);
	assert_int_equal(p.n, 0);
}

static void test_versions_when_not_a_list_of_versions_then_refused(void **state)
{
	static const char *const texts[] = { "", "x", "<ListBucketResult/>", "<ListVersionsResult>",
		"<!DOCTYPE a [<!ENTITY e \"x\">]><ListVersionsResult/>", ROOT(ENTRY("Version", "", "1", "true")),
		ROOT(ENTRY("Version", "k", "", "true")), ROOT("<Version/>"),
		ROOT("<EncodingType>url</EncodingType>" ENTRY("Version", "%4", "1", "true")),
		ROOT(ENTRY("Version", "k", "1", "true") ENTRY("Version", "k", "2", "false") ENTRY("Version", "k", "3", "false")) };
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct version_page p;
		if (versions_parse(str_of(texts[i]), 2, &arena, &p, &why) != UPSTREAM)
			fail_msg("row %zu is taken", i);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_versions_when_usual_then_versions_and_markers),
		T(test_versions_when_not_encoded_or_none_then_as_they_are),
		T(test_versions_when_not_a_list_of_versions_then_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
