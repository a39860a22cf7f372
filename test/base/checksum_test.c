/* The checksums against published values, against themselves in pieces of every size, and combined
 * against the sum of the whole. */
#include "unit.h"

#include "base/checksum.h"
#include "base/codec.h"

#include <stdio.h>
#include <string.h>

static const char *hex_of(enum checksum_kind kind, struct str s)
{
	static char hex[2 * CHECKSUM_BYTES_MAX + 1];
	unsigned char sum[CHECKSUM_BYTES_MAX];
	struct checksum c;
	checksum_init(&c, kind);
	checksum_update(&c, s.p, s.n);
	checksum_final(&c, sum);
	hex_encode(sum, checksum_info(kind)->bytes, hex);
	return hex;
}

/* The check values of the catalogue of CRCs, FIPS 180, and of RFC 3720 B.4. */
static void test_checksum_of_published_text_is_the_published_one(void **state)
{
	static const struct {
		enum checksum_kind kind;
		const char *text, *hex;
	} rows[] = {
		{ CHECKSUM_CRC32, "123456789", "cbf43926" }, { CHECKSUM_CRC32C, "123456789", "e3069283" },
		{ CHECKSUM_CRC64NVME, "123456789", "ae8b14860a799888" }, { CHECKSUM_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ CHECKSUM_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" }, { CHECKSUM_CRC32, "", "00000000" },
		{ CHECKSUM_CRC64NVME, "", "0000000000000000" },
		{ CHECKSUM_CRC32, "hello world\n", "af083b2d" }, /* base64 rwg7LQ==, as the SDKs send */
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(hex_of(rows[i].kind, str_of(rows[i].text)), rows[i].hex);
}

static void test_crc32c_of_rfc_3720_is_as_printed(void **state)
{
	char bytes[32] = { 0 };
	assert_string_equal(hex_of(CHECKSUM_CRC32C, (struct str){ bytes, 32 }), "8a9136aa");
	memset(bytes, 0xff, sizeof bytes);
	assert_string_equal(hex_of(CHECKSUM_CRC32C, (struct str){ bytes, 32 }), "62a8ab43");
	for (int i = 0; i < 32; i++)
		bytes[i] = (char)i;
	assert_string_equal(hex_of(CHECKSUM_CRC32C, (struct str){ bytes, 32 }), "46dd794e");
}

static void test_kind_when_named_then_is_found_by_name_and_by_header(void **state)
{
	for (enum checksum_kind k = CHECKSUM_CRC32; k < CHECKSUM_KINDS; k++) {
		assert_int_equal(checksum_by_name(str_of(checksum_info(k)->name)), k);
		assert_int_equal(checksum_by_header(str_of(checksum_info(k)->header)), k);
	}
	assert_int_equal(checksum_by_name(STR("crc32c")), CHECKSUM_CRC32C);
	assert_int_equal(checksum_by_name(STR("md5")), CHECKSUM_NONE);
	assert_int_equal(checksum_by_name(STR("")), CHECKSUM_NONE);
	assert_int_equal(checksum_by_header(STR("X-Amz-Checksum-Sha1")), CHECKSUM_SHA1);
	assert_int_equal(checksum_by_header(STR("x-amz-checksum-md5")), CHECKSUM_NONE);
}

#define SAMPLE 1000
static unsigned char sample[SAMPLE];

static int fill(void **state)
{
	uint32_t x = 1;
	for (size_t i = 0; i < SAMPLE; i++) {
		x = x * 1664525 + 1013904223;
		sample[i] = (unsigned char)(x >> 24);
	}
	return 0;
}

/* Bit by bit, from the definition alone. */
static uint64_t slow_crc(uint64_t polynomial, size_t bits, size_t n)
{
	uint64_t ones = bits == 64 ? UINT64_MAX : UINT32_MAX, crc = ones;
	for (size_t i = 0; i < n; i++) {
		crc ^= sample[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
	}
	return crc ^ ones;
}

static void test_crc_when_of_any_length_then_is_that_of_the_definition(void **state)
{
	static const struct {
		enum checksum_kind kind;
		uint64_t polynomial;
		size_t bits;
	} rows[] = { { CHECKSUM_CRC32, 0xedb88320, 32 }, { CHECKSUM_CRC32C, 0x82f63b78, 32 }, { CHECKSUM_CRC64NVME, 0x9a6c9329ac4bc9b5, 64 } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (size_t n = 0; n < 400; n++) {
			char want[17];
			snprintf(want, sizeof want, "%0*llx", (int)rows[i].bits / 4, (unsigned long long)slow_crc(rows[i].polynomial, rows[i].bits, n));
			assert_string_equal(hex_of(rows[i].kind, (struct str){ (char *)sample, n }), want);
		}
	}
}

static void sum_of(enum checksum_kind kind, size_t from, size_t to, unsigned char *out)
{
	struct checksum c;
	checksum_init(&c, kind);
	for (size_t at = from; at < to; at += 7)
		checksum_update(&c, sample + at, to - at < 7 ? to - at : 7);
	checksum_final(&c, out);
}

static void test_checksums_when_combined_then_that_of_the_whole(void **state)
{
	for (enum checksum_kind k = CHECKSUM_CRC32; k <= CHECKSUM_CRC64NVME; k++) {
		unsigned char whole[CHECKSUM_BYTES_MAX], a[CHECKSUM_BYTES_MAX], b[CHECKSUM_BYTES_MAX];
		sum_of(k, 0, SAMPLE, whole);
		for (size_t cut = 0; cut <= SAMPLE; cut += cut < 20 || cut >= SAMPLE - 20 ? 1 : 37) {
			sum_of(k, 0, cut, a);
			sum_of(k, cut, SAMPLE, b);
			checksum_combine(k, a, b, SAMPLE - cut);
			assert_memory_equal(a, whole, checksum_info(k)->bytes);
		}
	}
}

/* Of a length that no memory holds: appending 2^40 zeros in one step and in two is the same. */
static void test_checksums_when_combined_over_huge_lengths_then_agree(void **state)
{
	for (enum checksum_kind k = CHECKSUM_CRC32; k <= CHECKSUM_CRC64NVME; k++) {
		unsigned char one[8], two[8], zero[8] = { 0 };
		sum_of(k, 0, 100, one);
		memcpy(two, one, sizeof two);
		checksum_combine(k, one, zero, (uint64_t)1 << 40);
		checksum_combine(k, two, zero, ((uint64_t)1 << 40) - 12345);
		checksum_combine(k, two, zero, 12345);
		assert_memory_equal(one, two, checksum_info(k)->bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksum_of_published_text_is_the_published_one),
		cmocka_unit_test(test_crc32c_of_rfc_3720_is_as_printed),
		cmocka_unit_test(test_kind_when_named_then_is_found_by_name_and_by_header),
		cmocka_unit_test(test_crc_when_of_any_length_then_is_that_of_the_definition),
		cmocka_unit_test(test_checksums_when_combined_then_that_of_the_whole),
		cmocka_unit_test(test_checksums_when_combined_over_huge_lengths_then_agree),
	};
	return cmocka_run_group_tests(tests, fill, NULL);
}
