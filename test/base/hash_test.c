/* Digests and MACs against the vectors of their RFCs; secrets; UUIDs. */
#include "unit.h"

#include "base/codec.h"
#include "base/hash.h"

#include <pthread.h>
#include <string.h>

static const char *hash_hex(enum hash_kind kind, struct str data, size_t piece, char hex[65])
{
	unsigned char digest[SHA256_BYTES];
	struct hash h;
	hash_init(&h, kind);
	for (size_t at = 0; at < data.n; at += piece)
		hash_update(&h, data.p + at, data.n - at < piece ? data.n - at : piece);
	hash_final(&h, digest);
	hex_encode(digest, kind == HASH_MD5 ? MD5_BYTES : SHA256_BYTES, hex);
	return hex;
}

/* RFC 1321 A.5 */
static void test_md5_gives_the_rfc_suite(void **state)
{
	static const struct {
		const char *data, *digest;
	} suite[] = {
		{ "", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "a", "0cc175b9c0f1b6a831c399e269772661" },
		{ "abc", "900150983cd24fb0d6963f7d28e17f72" },
		{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
		{ "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
		{ "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f" },
		{ "12345678901234567890123456789012345678901234567890123456789012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a" },
	};
	char hex[65];
	for (size_t i = 0; i < COUNT_OF(suite); i++)
		for (size_t piece = 1; piece < 90; piece += 11)
			assert_string_equal(hash_hex(HASH_MD5, str_of(suite[i].data), piece, hex), suite[i].digest);
}

/* RFC 6234 8.5, TEST1 and TEST2_1, and the empty message */
static void test_sha256_gives_the_rfc_vectors(void **state)
{
	static const struct {
		const char *data, *digest;
	} suite[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	char hex[65];
	for (size_t i = 0; i < COUNT_OF(suite); i++) {
		assert_string_equal(hash_hex(HASH_SHA256, str_of(suite[i].data), 7, hex), suite[i].digest);
		sha256_hex(str_of(suite[i].data), hex);
		assert_string_equal(hex, suite[i].digest);
	}
	sha256_hex((struct str){ NULL, 0 }, hex);
	assert_string_equal(hex, suite[0].digest);
}

/* RFC 6234 8.5, TEST3: a million times "a" */
static void test_sha256_of_a_million_bytes_is_right(void **state)
{
	unsigned char digest[SHA256_BYTES];
	char hex[65], piece[1000];
	struct hash h;
	memset(piece, 'a', sizeof piece);
	hash_init(&h, HASH_SHA256);
	for (int i = 0; i < 1000; i++)
		hash_update(&h, piece, sizeof piece);
	hash_final(&h, digest);
	hex_encode(digest, sizeof digest, hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static struct str repeat(char *memory, int byte, size_t n)
{
	memset(memory, byte, n);
	return (struct str){ memory, n };
}

/* RFC 4231 4.2 to 4.8; 4.6 truncates and is left out */
static void test_hmac_gives_the_rfc_vectors(void **state)
{
	char key[131], data[50], counting[25];
	for (int i = 0; i < 25; i++)
		counting[i] = (char)(i + 1);
	const struct {
		struct str key, data;
		const char *mac;
	} suite[] = {
		{ { repeat(key, 0x0b, 20).p, 20 }, STR("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ STR("Jefe"), STR("what do ya want for nothing?"), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ { counting, 25 }, repeat(data, 0xcd, 50), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
	};
	unsigned char mac[SHA256_BYTES];
	char hex[65];
	for (size_t i = 0; i < COUNT_OF(suite); i++) {
		hmac_sha256(suite[i].key, suite[i].data, mac);
		hex_encode(mac, sizeof mac, hex);
		assert_string_equal(hex, suite[i].mac);
	}
}

/* RFC 4231 4.4, 4.7 and 4.8: keys of 20 and of 131 bytes of aa */
static void test_hmac_with_a_key_longer_than_the_block_is_right(void **state)
{
	static const struct {
		const char *data, *mac;
	} suite[] = {
		{ "Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
		{ "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
		  "hashed before being used by the HMAC algorithm.",
			"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
	};
	unsigned char mac[SHA256_BYTES];
	char hex[65], key[131], data[50];
	for (size_t i = 0; i < COUNT_OF(suite); i++) {
		hmac_sha256(repeat(key, 0xaa, 131), str_of(suite[i].data), mac);
		hex_encode(mac, sizeof mac, hex);
		assert_string_equal(hex, suite[i].mac);
	}
	hmac_sha256(repeat(key, 0xaa, 20), repeat(data, 0xdd, 50), mac);
	hex_encode(mac, sizeof mac, hex);
	assert_string_equal(hex, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
}

static void test_hash_when_ended_then_its_context_is_wiped(void **state)
{
	static const unsigned char zeros[sizeof((struct hash *)0)->context];
	for (enum hash_kind kind = HASH_MD5; kind <= HASH_SHA256; kind++) {
		struct hash h;
		unsigned char digest[SHA256_BYTES];
		hash_init(&h, kind);
		hash_update(&h, "secret", 6);
		hash_final(&h, digest);
		assert_memory_equal(h.context, zeros, sizeof zeros);
	}
}

/* RFC 3174 7.3 */
static void test_sha1_gives_the_rfc_vector(void **state)
{
	unsigned char digest[SHA1_BYTES];
	char hex[2 * SHA1_BYTES + 1];
	struct hash h;
	hash_init(&h, HASH_SHA1);
	hash_update(&h, "ab", 2);
	hash_update(&h, "c", 1);
	hash_final(&h, digest);
	hex_encode(digest, sizeof digest, hex);
	assert_string_equal(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void *hash_many(void *wrong)
{
	char hex[65];
	for (int i = 0; i < 200; i++) {
		hash_hex(HASH_MD5, STR("abc"), 1, hex);
		*(int *)wrong += strcmp(hex, "900150983cd24fb0d6963f7d28e17f72") != 0;
		sha256_hex(STR("abc"), hex);
		*(int *)wrong += strncmp(hex, "ba7816bf", 8) != 0;
	}
	return NULL;
}

static void test_threads_hash_concurrently(void **state)
{
	pthread_t threads[4];
	int wrong[4] = { 0 };
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hash_many, &wrong[i]), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(wrong[i], 0);
	}
}

static void test_secrets_are_equal_only_whole(void **state)
{
	assert_true(secret_equal(STR("secret"), STR("secret")));
	assert_false(secret_equal(STR("secret"), STR("secreT")));
	assert_false(secret_equal(STR("Secret"), STR("secret")));
	assert_false(secret_equal(STR("secret"), STR("secre")));
	assert_false(secret_equal(STR("secre"), STR("secret")));
	assert_false(secret_equal((struct str){ NULL, 0 }, STR("secret")));
	assert_false(secret_equal(STR("secret"), (struct str){ NULL, 0 }));
	assert_true(secret_equal((struct str){ NULL, 0 }, STR("")));
}

static void test_wipe_leaves_zeros(void **state)
{
	char secret[] = "secret";
	char zeros[sizeof secret] = { 0 };
	secret_wipe(secret, sizeof secret);
	assert_memory_equal(secret, zeros, sizeof secret);
}

static void test_random_bytes_fill_all_and_differ(void **state)
{
	unsigned char a[1000] = { 0 }, b[1000] = { 0 };
	random_bytes(a, sizeof a);
	random_bytes(b, sizeof b);
	assert_memory_not_equal(a, b, 32);
	assert_memory_not_equal(a + 968, b + 968, 32);
}

static void test_uuids_are_valid_and_differ(void **state)
{
	char a[UUID_CHARS + 1], b[UUID_CHARS + 1];
	for (int i = 0; i < 1000; i++) {
		uuid_v4(a);
		assert_int_equal(strlen(a), UUID_CHARS);
		assert_true(uuid_valid(str_of(a)));
	}
	uuid_v4(b);
	assert_string_not_equal(a, b);
}

static void test_uuid_is_made_again_of_its_bytes(void **state)
{
	(void)state;
	unsigned char bytes[UUID_BYTES];
	char again[UUID_CHARS + 1];
	assert_true(uuid_to_bytes(STR("0f8fad5b-d9cb-469f-a165-70867728950e"), bytes));
	assert_int_equal(bytes[0], 0x0f);
	assert_int_equal(bytes[UUID_BYTES - 1], 0x0e);
	uuid_of_bytes(bytes, again);
	assert_string_equal(again, "0f8fad5b-d9cb-469f-a165-70867728950e");
	assert_false(uuid_to_bytes(STR("0f8fad5bd9cb469fa16570867728950e"), bytes));
}

static void test_uuid_of_another_form_is_refused(void **state)
{
	assert_true(uuid_valid(STR("0f8fad5b-d9cb-469f-a165-70867728950e")));
	const struct str bad[] = {
		STR(""),
		STR("0F8FAD5B-D9CB-469F-A165-70867728950E"), /* upper case */
		STR("0f8fad5b-d9cb-169f-a165-70867728950e"), /* version 1 */
		STR("0f8fad5b-d9cb-469f-c165-70867728950e"), /* another variant */
		STR("0f8fad5b-d9cb-469f-a165-70867728950"),
		STR("0f8fad5b-d9cb-469f-a165-70867728950e0"),
		STR("0f8fad5bd9cb-469f-a165-70867728950e00"),
		STR("0f8fad5bxd9cb-469f-a165-70867728950e"),
		STR("0f8fad5b-d9cb-469f-a165-70867728950g"),
		STR("\0f8fad5b-d9cb-469f-a165-70867728950e"),
		STR("0f8fad5b\0d9cb-469f-a165-70867728950e"),
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(uuid_valid(bad[i]));
}

/* Vectors of the FNV reference code (Noll's test suite). */
static void test_fnv_gives_the_published_values(void **state)
{
	assert_true(hash_fnv32(STR("")) == 0x811c9dc5u && hash_fnv32(STR("a")) == 0xe40c292cu && hash_fnv32(STR("foobar")) == 0xbf9cf968u);
	assert_true(hash_fnv64(HASH_FNV64, STR("a")) == 0xaf63dc4c8601ec8cu);
	assert_true(hash_fnv64(hash_fnv64(HASH_FNV64, STR("foo")), STR("bar")) == 0x85944171f73967e8u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_md5_gives_the_rfc_suite),
		cmocka_unit_test(test_sha256_gives_the_rfc_vectors),
		cmocka_unit_test(test_sha256_of_a_million_bytes_is_right),
		cmocka_unit_test(test_hmac_gives_the_rfc_vectors),
		cmocka_unit_test(test_hmac_with_a_key_longer_than_the_block_is_right),
		cmocka_unit_test(test_sha1_gives_the_rfc_vector),
		cmocka_unit_test(test_hash_when_ended_then_its_context_is_wiped),
		cmocka_unit_test(test_threads_hash_concurrently),
		cmocka_unit_test(test_secrets_are_equal_only_whole),
		cmocka_unit_test(test_wipe_leaves_zeros),
		cmocka_unit_test(test_random_bytes_fill_all_and_differ),
		cmocka_unit_test(test_fnv_gives_the_published_values),
		cmocka_unit_test(test_uuids_are_valid_and_differ),
		cmocka_unit_test(test_uuid_is_made_again_of_its_bytes),
		cmocka_unit_test(test_uuid_of_another_form_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
