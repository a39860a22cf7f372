/* The list of a completion, against the parts that are there. */
#include "unit.h"

#include "s3/wire/complete_request.h"

static struct arena a;

static int up(void **state)
{
	arena_init(&a, (size_t)32 << 20);
	return 0;
}

static int down(void **state)
{
	arena_deinit(&a);
	return 0;
}

#define PART(n, etag, more) "<Part><PartNumber>" n "</PartNumber><ETag>" etag "</ETag>" more "</Part>"

static enum status read_list(const char *inside, struct part_list *out, struct fault *why)
{
	return complete_request_read(&a, str_printf(&a, "<CompleteMultipartUpload>%s</CompleteMultipartUpload>", inside), out, why);
}

static void test_list_when_well_formed_then_numbers_etags_and_checksums(void **state)
{
	struct part_list l;
	struct fault why = { 0 };
	assert_int_equal(read_list(PART("1", "&quot;aa&quot;", "") PART(" 10000 ", " bb ", "<ChecksumSHA1>cc=</ChecksumSHA1>"), &l, &why), OK);
	assert_int_equal(l.n, 2);
	assert_true(l.parts[0].number == 1 && str_equal(l.parts[0].etag, STR("aa")) && l.parts[0].checksum.kind == CHECKSUM_NONE);
	assert_true(l.parts[1].number == 10000 && str_equal(l.parts[1].etag, STR("bb")));
	assert_true(l.parts[1].checksum.kind == CHECKSUM_SHA1 && str_equal(l.parts[1].checksum.value, STR("cc=")));
}

static void test_list_when_malformed_then_refused(void **state)
{
	static const struct {
		const char *inside;
		enum fault_code code;
	} rows[] = { { "", F_XML_MALFORMED }, { "<Piece/>", F_XML_MALFORMED }, { "<Part/>", F_XML_MALFORMED },
		{ "<Part><PartNumber>1</PartNumber></Part>", F_XML_MALFORMED }, { PART("", "a", ""), F_XML_MALFORMED },
		{ PART("0", "a", ""), F_ARGUMENT_INVALID }, { PART("10001", "a", ""), F_ARGUMENT_INVALID },
		{ PART("-1", "a", ""), F_ARGUMENT_INVALID }, { PART("1.0", "a", ""), F_ARGUMENT_INVALID }, { PART("1", "", ""), F_XML_MALFORMED },
		{ PART("2", "a", "") PART("1", "a", ""), F_PART_ORDER }, { PART("2", "a", "") PART("2", "a", ""), F_PART_ORDER } };
	struct part_list l;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fault why = { 0 };
		assert_int_not_equal(read_list(rows[i].inside, &l, &why), OK);
		assert_int_equal(why.code, rows[i].code);
	}
}

static void test_match_when_compared_then_the_code_and_the_number_of_the_part(void **state)
{
	struct object_part there[] = {
		{ .number = 1, .size = PART_MIN_BYTES, .etag = STR("e1"), .checksum = { CHECKSUM_CRC32, false, STR("AAAAAA==") } },
		{ .number = 3, .size = PART_MIN_BYTES - 1, .etag = STR("e3"), .checksum = { CHECKSUM_CRC32, false, STR("AAAAAQ==") } },
		{ .number = 9, .size = 1, .etag = STR("e9"), .checksum = { CHECKSUM_CRC32, false, STR("AAAAAg==") } },
	};
	static const struct object_checksum none = { 0 }, full = { .kind = CHECKSUM_CRC32 },
										composite = { .kind = CHECKSUM_CRC32, .composite = true };
	static const struct {
		const char *inside;
		const struct object_checksum *wanted;
		enum fault_code code;
		uint32_t bad;
	} rows[] = { { PART("1", "e1", "") PART("9", "e9", ""), &none, F_NONE, 0 }, { PART("3", "E3", ""), &none, F_NONE, 0 },
		{ PART("1", "e1", ""), &full, F_NONE, 0 }, { PART("1", "e1", "<ChecksumCRC32>AAAAAA==</ChecksumCRC32>"), &composite, F_NONE, 0 },
		{ PART("1", "e1", ""), &composite, F_REQUEST_INVALID, 0 },
		{ PART("1", "e1", "<ChecksumCRC32>AAAAAQ==</ChecksumCRC32>"), &full, F_PART_INVALID, 1 },
		{ PART("1", "e1", "<ChecksumSHA1>x</ChecksumSHA1>"), &full, F_PART_INVALID, 1 },
		{ PART("1", "e1", "<ChecksumSHA1>x</ChecksumSHA1>"), &none, F_NONE, 0 }, { PART("2", "e1", ""), &none, F_PART_INVALID, 2 },
		{ PART("1", "e2", ""), &none, F_PART_INVALID, 1 }, { PART("1", "e1", "") PART("10", "e9", ""), &none, F_PART_INVALID, 10 },
		{ PART("3", "e3", "") PART("9", "e9", ""), &none, F_PART_TOO_SMALL, 3 },
		{ PART("3", "e3", "") PART("10", "e9", ""), &none, F_PART_INVALID, 10 } };
	struct part_list have = { there, COUNT_OF(there) }, l;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct object_part *bad = NULL;
		struct fault why = { 0 };
		assert_int_equal(read_list(rows[i].inside, &l, &why), OK);
		assert_int_equal(complete_request_match(&l, &have, rows[i].wanted, &bad, &why), fault_status(rows[i].code));
		assert_int_equal(why.code, rows[i].code);
		if (rows[i].bad > 0)
			assert_int_equal(bad->number, rows[i].bad);
	}
	struct fault why = { 0 };
	const struct object_part *bad;
	assert_int_equal(read_list(PART("1", "e1", "") PART("9", "e9", ""), &l, &why), OK);
	assert_int_equal(complete_request_match(&l, &have, &none, &bad, &why), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_when_well_formed_then_numbers_etags_and_checksums),
		cmocka_unit_test(test_list_when_malformed_then_refused),
		cmocka_unit_test(test_match_when_compared_then_the_code_and_the_number_of_the_part),
	};
	return cmocka_run_group_tests(tests, up, down);
}
