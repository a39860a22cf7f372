/* The response of ListObjectsV2: what is taken from it, and that anything else is refused. */
#include "unit.h"

#include "aws/listing.h"
#include "base/arena.h"

#define HEAD \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Prefix>x</Prefix>"
#define ENTRY(key) \
	"<Contents><Key>" key "</Key><LastModified>2023-11-14T22:13:20.000Z</LastModified><ETag>&quot;abc&quot;</ETag><Size>7</Size>" \
	"<Owner><ID>1</ID><Key>not the key</Key></Owner><StorageClass>STANDARD</StorageClass></Contents>"
#define TAIL "</ListBucketResult>"

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

static struct object_page page_of(const char *xml)
{
	struct object_page p;
	if (listing_parse(str_of(xml), 3, &arena, &p, &why) != OK)
		fail_msg("%s", why.text);
	return p;
}

static void test_listing_when_usual_then_its_objects(void **state)
{
	struct object_page p =
		page_of(HEAD "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>" ENTRY("a%2Fb+c%2Bd%C3%A9") ENTRY("b") TAIL);
	assert_int_equal(p.n, 2);
	assert_true(p.more);
	assert_str(p.objects[0].key, STR("a/b c+d\xc3\xa9"));
	assert_str(p.objects[0].etag, STR("abc"));
	assert_int_equal(p.objects[0].size, 7);
	assert_int_equal(p.objects[0].modified_ms, 1700000000000);
	assert_str(p.objects[0].content_type, STR(""));
}

static void test_listing_when_not_encoded_then_keys_as_they_are(void **state)
{
	struct object_page p = page_of(HEAD ENTRY("a%2Fb+c&amp;d") "<IsTruncated>false</IsTruncated>" TAIL);
	assert_str(p.objects[0].key, STR("a%2Fb+c&d"));
	assert_false(p.more);
	assert_int_equal(page_of(HEAD TAIL).n, 0);
	assert_str(page_of(HEAD ENTRY("a%20b") "<EncodingType>url</EncodingType>" TAIL).objects[0].key, STR("a b"));
}

static void test_listing_when_none_then_refused(void **state)
{
	static const char *const bad[] = { "", "{}", "<Error><Code>x</Code></Error>", HEAD, HEAD ENTRY("a") "</Wrong>",
		HEAD "<Contents></Contents>" TAIL, HEAD ENTRY("a") ENTRY("b") ENTRY("c") ENTRY("d") TAIL, /* more than asked for */
		HEAD ENTRY("b") ENTRY("a") TAIL, HEAD ENTRY("a") ENTRY("a") TAIL,                         /* not in order */
		HEAD "<IsTruncated>true</IsTruncated>" TAIL,                                              /* an invalid end */
		HEAD "<IsTruncated>maybe</IsTruncated>" TAIL, HEAD "<EncodingType>rot13</EncodingType>" TAIL,
		HEAD "<EncodingType>url</EncodingType>" ENTRY("%zz") TAIL, HEAD "<Contents><Key>a</Key><Size>-1</Size></Contents>" TAIL,
		HEAD "<Contents><Key>a</Key><LastModified>now</LastModified></Contents>" TAIL,
		"<!DOCTYPE x [<!ENTITY a \"b\">]>"
		"<ListBucketResult>" TAIL,
		"<a><ListBucketResult>" TAIL "</a>" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct object_page p = { .n = 77 };
		if (listing_parse(str_of(bad[i]), 3, &arena, &p, &why) != UPSTREAM)
			fail_msg("row %zu is taken", i);
		assert_int_equal(p.n, 77);
	}
}

static void test_listing_when_arena_is_full_then_limit(void **state)
{
	struct arena small;
	struct object_page p;
	enum status st = LIMIT;
	for (size_t size = 1; st != OK; size++) {
		arena_init(&small, size);
		st = listing_parse(STR(HEAD ENTRY("a") TAIL), 3, &small, &p, &why);
		arena_deinit(&small);
		assert_true(st == OK || st == LIMIT);
		assert_true(st == LIMIT || size > 3 * sizeof(struct object_info));
		assert_true(size < 4096);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_listing_when_usual_then_its_objects, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_listing_when_not_encoded_then_keys_as_they_are, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_listing_when_none_then_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_listing_when_arena_is_full_then_limit, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
