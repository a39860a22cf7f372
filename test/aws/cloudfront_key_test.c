/* Signatures as RFC 6979 has them, and as OpenSSL verifies them; which keys are refused. */
#include "rsa_keys.h"

#include "aws/cloudfront_key.h"

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

/* The key of RFC 6979, A.2.5, as SEC 1 has it, without the public point. */
#define RFC_KEY \
	"-----BEGIN EC PRIVATE KEY-----\n" \
	"MDECAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49\n" \
	"AwEH\n" \
	"-----END EC PRIVATE KEY-----\n"

struct fixture {
	struct cloudfront_key *key;
	struct fault why;
	unsigned char der[CLOUDFRONT_SIGNATURE_MAX];
	size_t n;
};

static struct str pem_of(EVP_PKEY *key, const EVP_CIPHER *cipher, char *memory, size_t size)
{
	BIO *out = BIO_new(BIO_s_mem());
	unsigned char passphrase[] = "secret";
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, key, cipher, (char *)passphrase, cipher != NULL ? 6 : 0, NULL, NULL), 1);
	int n = BIO_read(out, memory, (int)size);
	assert_in_range(n, 1, size - 1);
	BIO_free(out);
	return (struct str){ memory, (size_t)n };
}

static EVP_PKEY *make_key(const char *curve)
{
	EVP_PKEY *key = EVP_EC_gen(curve);
	assert_non_null(key);
	return key;
}

static void sign(struct fixture *f, struct str text)
{
	assert_int_equal(cloudfront_key_sign(f->key, text, f->der, &f->n, &f->why), OK);
}

static void assert_numbers(const struct fixture *f, const char *r_hex, const char *s_hex)
{
	const unsigned char *at = f->der;
	const BIGNUM *r, *s;
	ECDSA_SIG *both = d2i_ECDSA_SIG(NULL, &at, (long)f->n);
	assert_non_null(both);
	assert_ptr_equal(at, f->der + f->n);
	ECDSA_SIG_get0(both, &r, &s);
	char *got_r = BN_bn2hex(r), *got_s = BN_bn2hex(s);
	assert_string_equal(got_r, r_hex);
	assert_string_equal(got_s, s_hex);
	OPENSSL_free(got_r);
	OPENSSL_free(got_s);
	ECDSA_SIG_free(both);
}

static void test_sign_the_texts_of_the_rfc_then_its_signatures(void **state)
{
	struct fixture f = { 0 };
	(void)state;
	assert_int_equal(cloudfront_key_read(STR(RFC_KEY), &f.key, &f.why), OK);
	sign(&f, STR("sample"));
	assert_numbers(&f, "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
		"F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
	sign(&f, STR("test"));
	assert_numbers(&f, "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
		"019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083");
	cloudfront_key_free(&f.key);
	assert_null(f.key);
}

static void test_sign_with_any_key_then_openssl_verifies_it_and_the_same_text_has_the_same(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		struct fixture f = { 0 }, again = { 0 };
		char memory[1024], text[64];
		EVP_PKEY *made = make_key("P-256");
		assert_int_equal(cloudfront_key_read(pem_of(made, NULL, memory, sizeof memory), &f.key, &f.why), OK);
		int n = snprintf(text, sizeof text, "text %d", i);
		sign(&f, (struct str){ text, (size_t)n });
		EVP_MD_CTX *verify = EVP_MD_CTX_new();
		assert_int_equal(EVP_DigestVerifyInit(verify, NULL, EVP_sha256(), NULL, made), 1);
		assert_int_equal(EVP_DigestVerify(verify, f.der, f.n, (const unsigned char *)text, (size_t)n), 1);
		EVP_MD_CTX_free(verify);
		again = f;
		sign(&again, (struct str){ text, (size_t)n });
		assert_int_equal(again.n, f.n);
		assert_memory_equal(again.der, f.der, f.n);
		cloudfront_key_free(&f.key);
		EVP_PKEY_free(made);
	}
}

static void refuse(struct str pem)
{
	struct fixture f = { 0 };
	assert_int_equal(cloudfront_key_read(pem, &f.key, &f.why), INVALID);
	assert_int_equal(f.why.code, F_BAD_SETTING);
	assert_null(f.key);
	assert_non_null(strstr(f.why.text, "P-256"));
}

static void test_read_what_is_no_key_of_this_kind_then_it_is_refused(void **state)
{
	char memory[4096];
	EVP_PKEY *other = make_key("P-384"), *rsa = rsa_key_read(RSA_KEY), *locked = make_key("P-256");
	(void)state;
	refuse(STR(""));
	refuse(STR("no key"));
	refuse(STR("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
	refuse(STR("-----BEGIN EC PRIVATE KEY-----\n"
			   "MDECAQEEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAoAoGCCqGSM49\n"
			   "AwEH\n"
			   "-----END EC PRIVATE KEY-----\n")); /* 0, and the order of the curve */
	refuse(STR("-----BEGIN EC PRIVATE KEY-----\n"
			   "MDECAQEEIP////8AAAAA//////////+85vqtpxeehPO5ysL8YyVRoAoGCCqGSM49\n"
			   "AwEH\n"
			   "-----END EC PRIVATE KEY-----\n"));
	refuse(pem_of(other, NULL, memory, sizeof memory));
	refuse(pem_of(rsa, NULL, memory, sizeof memory));
	refuse(pem_of(locked, EVP_aes_128_cbc(), memory, sizeof memory));
	EVP_PKEY_free(other);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(locked);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_sign_the_texts_of_the_rfc_then_its_signatures),
	cmocka_unit_test(test_sign_with_any_key_then_openssl_verifies_it_and_the_same_text_has_the_same),
	cmocka_unit_test(test_read_what_is_no_key_of_this_kind_then_it_is_refused),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
