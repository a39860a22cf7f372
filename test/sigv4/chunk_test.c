/* Chunk and trailer signatures: the examples of the S3 API reference, and each altered in one bit. */
#include "sigv4/cases.h"

#include "sigv4/chunk.h"

#define SEED "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
#define TRAILER_SEED "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
#define TRAILER_LINE "x-amz-checksum-crc32c:sOO8/Q==\n"

static const struct str SECRET = { "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 40 };
static const size_t SIZES[] = { 65536, 1024, 0 };
static const char *const PLAIN[] = {
	"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
	"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
	"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
};
static const char *const WITH_TRAILER[] = {
	"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
	"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
	"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
	"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
};

static struct chunk_chain chain_from(const char *seed)
{
	struct chunk_chain c;
	struct parsed_signature auth = {
		.amz_date = STR("20130524T000000Z"), .scope = { STR("20130524"), STR("us-east-1"), STR("s3") }, .signature = str_of(seed)
	};
	chunk_chain_init(&c, &auth, SECRET);
	return c;
}

static void digest_of_chunk(size_t i, unsigned char out[SHA256_BYTES])
{
	static char body[65536];
	memset(body, 'a', sizeof body);
	sha256((struct str){ body, SIZES[i] }, out);
}

static bool chunk_holds(struct chunk_chain *c, size_t i, const char *signature)
{
	unsigned char digest[SHA256_BYTES];
	digest_of_chunk(i, digest);
	return chunk_chain_next(c, false, digest, str_of(signature));
}

static void test_chunks_when_of_the_reference_then_valid(void **state)
{
	struct chunk_chain c = chain_from(SEED);
	for (size_t i = 0; i < COUNT_OF(PLAIN); i++)
		assert_true(chunk_holds(&c, i, PLAIN[i]));
	chunk_chain_deinit(&c);
}

static void test_trailer_when_of_the_reference_then_valid(void **state)
{
	unsigned char digest[SHA256_BYTES];
	struct chunk_chain c = chain_from(TRAILER_SEED);
	for (size_t i = 0; i < COUNT_OF(SIZES); i++)
		assert_true(chunk_holds(&c, i, WITH_TRAILER[i]));
	sha256(STR(TRAILER_LINE), digest);
	assert_true(chunk_chain_next(&c, true, digest, str_of(WITH_TRAILER[3])));
	chunk_chain_deinit(&c);
}

static void test_chunk_when_one_bit_is_flipped_then_invalid(void **state)
{
	for (size_t at = 0; at < SIGNATURE_CHARS; at++) {
		char signature[SIGNATURE_CHARS + 1];
		struct chunk_chain c = chain_from(SEED);
		memcpy(signature, PLAIN[0], sizeof signature);
		signature[at] ^= 1;
		assert_false(chunk_holds(&c, 0, signature));
		chunk_chain_deinit(&c);
	}
	for (size_t at = 0; at < 8 * SHA256_BYTES; at++) {
		unsigned char digest[SHA256_BYTES];
		struct chunk_chain c = chain_from(SEED);
		digest_of_chunk(0, digest);
		digest[at / 8] ^= (unsigned char)(1 << at % 8);
		assert_false(chunk_chain_next(&c, false, digest, str_of(PLAIN[0])));
		chunk_chain_deinit(&c);
	}
}

static void test_chunk_when_out_of_order_then_invalid(void **state)
{
	struct chunk_chain c = chain_from(SEED);
	assert_false(chunk_holds(&c, 1, PLAIN[1]));
	assert_false(chunk_holds(&c, 1, PLAIN[1]));
	chunk_chain_deinit(&c);
	c = chain_from(SEED);
	assert_true(chunk_holds(&c, 0, PLAIN[0]));
	assert_false(chunk_holds(&c, 0, PLAIN[0]));
	chunk_chain_deinit(&c);
}

static void test_chunk_when_signed_as_a_trailer_then_invalid(void **state)
{
	unsigned char digest[SHA256_BYTES];
	struct chunk_chain c = chain_from(SEED);
	digest_of_chunk(0, digest);
	assert_false(chunk_chain_next(&c, true, digest, str_of(PLAIN[0])));
	chunk_chain_deinit(&c);
	for (size_t n = 0; n < SIGNATURE_CHARS; n++) {
		c = chain_from(SEED);
		assert_false(chunk_chain_next(&c, false, digest, (struct str){ PLAIN[0], n }));
		chunk_chain_deinit(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunks_when_of_the_reference_then_valid),
		cmocka_unit_test(test_trailer_when_of_the_reference_then_valid),
		cmocka_unit_test(test_chunk_when_one_bit_is_flipped_then_invalid),
		cmocka_unit_test(test_chunk_when_out_of_order_then_invalid),
		cmocka_unit_test(test_chunk_when_signed_as_a_trailer_then_invalid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
