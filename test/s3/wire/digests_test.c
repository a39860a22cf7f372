/* The digests that a request may give for its body, and how they are checked. */
#include "unit.h"

#include "base/codec.h"
#include "s3/wire/digests.h"

#include <string.h>

#define HELLO STR("hello world\n")
#define SHA256 "a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447"

static struct arena arena;

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

#define H(name, value) \
	{ \
		{ name, sizeof(name) - 1 }, \
		{ \
			value, sizeof(value) - 1 \
		} \
	}
#define HEADERS 3

static enum status check(struct digests *d, struct object_checksum *stored, struct fault *why)
{
	unsigned char md5[MD5_BYTES];
	struct hash h;
	hash_init(&h, HASH_MD5);
	hash_update(&h, HELLO.p, HELLO.n);
	hash_final(&h, md5);
	digests_start(d, CHECKSUM_NONE);
	digests_update(d, str_slice(HELLO, 0, 5));
	digests_update(d, str_slice(HELLO, 5, HELLO.n));
	return digests_check(&arena, d, md5, stored, why);
}

static void test_headers_when_given_then_read_and_compared_with_the_body(void **state)
{
	static const struct {
		struct header headers[HEADERS];
		enum fault_code code;
		enum checksum_kind kind;
	} rows[] = {
		{ { H("Accept", "x") }, F_NONE, CHECKSUM_NONE },
		{ { H("Content-MD5", "b1kCrCNwJL3QwXbLkwY9xA==") }, F_NONE, CHECKSUM_NONE },
		{ { H("Content-MD5", "b1kCrCNwJL3QwXbLkwY9xB==") }, F_DIGEST_INVALID, CHECKSUM_NONE },
		{ { H("Content-MD5", "c1kCrCNwJL3QwXbLkwY9xA==") }, F_DIGEST_WRONG, CHECKSUM_NONE },
		{ { H("Content-MD5", "") }, F_DIGEST_INVALID, CHECKSUM_NONE },
		{ { H("X-Amz-Checksum-CRC32", " rwg7LQ== ") }, F_NONE, CHECKSUM_CRC32 },
		{ { H("x-amz-checksum-crc32", "rwg7LA==") }, F_CHECKSUM_WRONG, CHECKSUM_CRC32 },
		{ { H("x-amz-checksum-crc32", "rwg7LQ") }, F_CHECKSUM_INVALID, CHECKSUM_CRC32 },
		{ { H("x-amz-checksum-crc32", "") }, F_CHECKSUM_INVALID, CHECKSUM_CRC32 },
		{ { H("x-amz-checksum-sha1", "rwg7LQ==") }, F_CHECKSUM_INVALID, CHECKSUM_SHA1 },
		{ { H("x-amz-checksum-crc32c", "8P9ykg==") }, F_NONE, CHECKSUM_CRC32C },
		{ { H("x-amz-checksum-crc64nvme", "D3gOhIHSoh8=") }, F_NONE, CHECKSUM_CRC64NVME },
		{ { H("x-amz-checksum-mode", "ENABLED"), H("x-amz-checksum-type", "FULL_OBJECT") }, F_NONE, CHECKSUM_NONE },
		{ { H("x-amz-checksum-crc32", "rwg7LQ=="), H("x-amz-checksum-crc32c", "8P9ykg==") }, F_REQUEST_INVALID, CHECKSUM_CRC32 },
		{ { H("x-amz-checksum-crc32", "rwg7LQ=="), H("x-amz-checksum-crc32", "rwg7LQ==") }, F_REQUEST_INVALID, CHECKSUM_CRC32 },
		{ { H("x-amz-checksum-crc32", "rwg7LQ=="), H("x-amz-sdk-checksum-algorithm", "crc32") }, F_NONE, CHECKSUM_CRC32 },
		{ { H("x-amz-checksum-crc32", "rwg7LQ=="), H("x-amz-sdk-checksum-algorithm", "SHA1") }, F_REQUEST_INVALID, CHECKSUM_CRC32 },
		{ { H("x-amz-sdk-checksum-algorithm", "CRC32") }, F_REQUEST_INVALID, CHECKSUM_NONE },
		{ { H("x-amz-checksum-algorithm", "SHA256") }, F_NONE, CHECKSUM_SHA256 },
		{ { H("x-amz-checksum-algorithm", "MD5") }, F_REQUEST_INVALID, CHECKSUM_NONE },
		{ { H("x-amz-trailer", "x-amz-checksum-crc32"), H("x-amz-sdk-checksum-algorithm", "CRC32") }, F_NONE, CHECKSUM_CRC32 },
		{ { H("x-amz-trailer", "x-amz-checksum-crc32, x-amz-checksum-sha1") }, F_REQUEST_INVALID, CHECKSUM_CRC32 },
		{ { H("x-amz-trailer", "x-amz-meta-a") }, F_REQUEST_INVALID, CHECKSUM_NONE },
		{ { H("x-amz-trailer", "x-amz-checksum-crc32"), H("x-amz-checksum-crc32", "rwg7LQ==") }, F_REQUEST_INVALID, CHECKSUM_CRC32 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct digests d = { 0 };
		struct header_index headers;
		struct object_checksum stored = { 0 };
		struct fault why = { 0 };
		enum status st = header_index_make(&arena, rows[i].headers, HEADERS, &headers, &why);
		if (st == OK)
			st = digests_read(&arena, &headers, &d, &why);
		if (st == OK)
			st = check(&d, &stored, &why);
		if (why.code != rows[i].code || (st == OK) != (rows[i].code == F_NONE))
			fail_msg("row %zu: %s \"%s\"", i, fault_name(why.code), why.text);
		if (st == OK)
			assert_int_equal(stored.kind, rows[i].kind);
	}
}

static void test_hash_when_signed_then_it_binds_in_any_case(void **state)
{
	static const struct {
		const char *hex;
		enum fault_code code;
	} rows[] = { { SHA256, F_NONE }, { "A948904F2F0F479B8F8197694B30184B0D2ED1C1CD2A1EC0FB85D299A192A447", F_NONE },
		{ "b948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447", F_PAYLOAD_HASH_WRONG } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct digests d = { .sha256 = str_of(rows[i].hex) };
		struct object_checksum stored;
		struct fault why = { 0 };
		(void)!check(&d, &stored, &why);
		assert_int_equal(why.code, rows[i].code);
	}
}

static void test_checksum_when_none_is_given_then_the_default_is_computed(void **state)
{
	unsigned char md5[MD5_BYTES] = { 0 };
	struct digests d = { 0 };
	struct object_checksum stored;
	digests_start(&d, CHECKSUM_CRC64NVME);
	digests_update(&d, HELLO);
	assert_int_equal(digests_check(&arena, &d, md5, &stored, NULL), OK);
	assert_int_equal(stored.kind, CHECKSUM_CRC64NVME);
	assert_str(stored.value, STR("D3gOhIHSoh8="));
}

static void test_value_from_the_trailer_counts(void **state)
{
	struct digests d = { .kind = CHECKSUM_CRC32, .in_trailer = true };
	struct object_checksum stored;
	struct fault why = { 0 };
	assert_int_equal(digests_set(&arena, &d, STR("x"), &why), INVALID);
	assert_string_equal(why.text, "Value for x-amz-checksum-crc32 trailing header is invalid.");
	assert_int_equal(digests_set(&arena, &d, STR("rwg7LA=="), &why), OK);
	assert_int_equal(check(&d, &stored, &why), CORRUPT);
	assert_string_equal(why.text, "The CRC32 you specified did not match the calculated checksum.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_headers_when_given_then_read_and_compared_with_the_body, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hash_when_signed_then_it_binds_in_any_case, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_checksum_when_none_is_given_then_the_default_is_computed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_value_from_the_trailer_counts, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
