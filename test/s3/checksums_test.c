/* Checksums and ETags of objects in parts, against those of the whole. */
#include "unit.h"

#include "base/hash.h"
#include "s3/checksums.h"

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

static struct str sum_of(enum checksum_kind kind, struct str bytes)
{
	unsigned char sum[CHECKSUM_BYTES_MAX];
	struct checksum c;
	checksum_init(&c, kind);
	checksum_update(&c, bytes.p, bytes.n);
	checksum_final(&c, sum);
	return sums_text(&a, kind, sum);
}

static const struct str pieces[] = { STR("first piece, "), STR(""), STR("second"), STR(" and the last") };
static const struct str whole = STR("first piece, second and the last");

static void make_parts(enum checksum_kind kind, struct object_part parts[COUNT_OF(pieces)])
{
	for (size_t i = 0; i < COUNT_OF(pieces); i++)
		parts[i] =
			(struct object_part){ .number = (uint32_t)i + 1, .size = pieces[i].n, .checksum = { kind, false, sum_of(kind, pieces[i]) } };
}

static void test_full_when_of_parts_then_that_of_the_whole(void **state)
{
	static const enum checksum_kind kinds[] = { CHECKSUM_CRC32, CHECKSUM_CRC32C, CHECKSUM_CRC64NVME };
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct object_part parts[COUNT_OF(pieces)];
		struct object_checksum sum = { .kind = kinds[i] };
		struct fault why = { 0 };
		make_parts(kinds[i], parts);
		assert_int_equal(sums_of_parts(&a, parts, COUNT_OF(parts), &sum, &why), OK);
		assert_true(str_equal(sum.value, sum_of(kinds[i], whole)));
	}
}

static void test_composite_when_of_one_part_then_the_checksum_of_its_checksum(void **state)
{
	/* printf abc | openssl sha256 -binary | openssl sha256 -binary | base64 */
	struct object_part part = { .number = 1, .size = 3, .checksum = { CHECKSUM_SHA256, false, sum_of(CHECKSUM_SHA256, STR("abc")) } };
	struct object_checksum sum = { .kind = CHECKSUM_SHA256, .composite = true };
	struct fault why = { 0 };
	assert_int_equal(sums_of_parts(&a, &part, 1, &sum, &why), OK);
	assert_true(str_equal(sum.value, STR("T4tCwi3TcptRm6b2jS2nzFstYG0F2u1a1RKMwD5sY1g=-1")));
}

static void test_checksums_when_a_part_has_none_then_internal(void **state)
{
	struct object_part parts[COUNT_OF(pieces)];
	struct fault why = { 0 };
	for (int composite = 0; composite < 2; composite++) {
		struct object_checksum sum = { .kind = CHECKSUM_CRC32, .composite = composite != 0 };
		make_parts(CHECKSUM_CRC32, parts);
		parts[2].checksum = (struct object_checksum){ 0 };
		assert_int_equal(sums_of_parts(&a, parts, COUNT_OF(parts), &sum, &why), IO);
	}
	struct object_checksum none = { 0 };
	assert_int_equal(sums_of_parts(&a, parts, COUNT_OF(parts), &none, &why), OK);
	assert_int_equal(none.value.n, 0);
}

static void test_etag_when_of_parts_then_md5_of_md5s(void **state)
{
	struct object_part parts[] = { { .number = 1, .etag = STR("900150983cd24fb0d6963f7d28e17f72") },
		{ .number = 2, .etag = STR("900150983cd24fb0d6963f7d28e17f72") } };
	struct fault why = { 0 };
	struct str etag;
	assert_int_equal(sums_etag_of_parts(&a, parts, 1, &etag, &why), OK);
	assert_true(str_equal(etag, STR("af5da9f45af7a300e3aded972f8ff687-1")));
	parts[1].etag = STR("no md5");
	assert_int_equal(sums_etag_of_parts(&a, parts, 2, &etag, &why), INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_when_of_parts_then_that_of_the_whole),
		cmocka_unit_test(test_composite_when_of_one_part_then_the_checksum_of_its_checksum),
		cmocka_unit_test(test_checksums_when_a_part_has_none_then_internal),
		cmocka_unit_test(test_etag_when_of_parts_then_md5_of_md5s),
	};
	return cmocka_run_group_tests(tests, up, down);
}
