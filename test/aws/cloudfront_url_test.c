/* The signed URL: its parts in their order, and a signature of the canned policy that CloudFront makes of them. */
#include "unit.h"

#include "aws/cloudfront_url.h"
#include "base/arena.h"
#include "base/codec.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define URL_MAX 2048

struct fixture {
	EVP_PKEY *pair;
	struct cloudfront_key *key;
	struct arena a;
	struct buf url;
	struct fault why;
};

static int set_up(void **state)
{
	static struct fixture f;
	char memory[1024];
	f = (struct fixture){ .pair = EVP_EC_gen("P-256") };
	BIO *out = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_PrivateKey(out, f.pair, NULL, NULL, 0, NULL, NULL), 1);
	int n = BIO_read(out, memory, sizeof memory);
	BIO_free(out);
	assert_int_equal(cloudfront_key_read((struct str){ memory, (size_t)n }, &f.key, &f.why), OK);
	arena_init(&f.a, 1 << 16);
	buf_init_arena(&f.url, &f.a, URL_MAX);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	cloudfront_key_free(&f->key);
	EVP_PKEY_free(f->pair);
	arena_deinit(&f->a);
	return 0;
}

static bool verifies(const struct fixture *f, struct str policy, struct str signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool valid = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, f->pair) == 1 &&
		EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n, (const unsigned char *)policy.p, policy.n) == 1;
	EVP_MD_CTX_free(ctx);
	return valid;
}

/* Base64 as it was before the three characters were replaced. */
static struct str decode_signature(struct fixture *f, struct str text)
{
	struct str out;
	char *plain = arena_alloc(&f->a, text.n);
	for (size_t i = 0; i < text.n; i++)
		plain[i] = text.p[i] == '-' ? '+' : text.p[i] == '_' ? '=' : text.p[i] == '~' ? '/' : text.p[i];
	assert_true(base64_decode(&f->a, (struct str){ plain, text.n }, &out));
	return out;
}

/* The signature of a URL whose other parts are as they must be. */
static struct str signature_of(struct fixture *f, struct str before)
{
	const struct str after = STR("&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256");
	struct str url = buf_str(&f->url);
	assert_true(str_starts_with(url, before) && str_ends_with(url, after));
	return decode_signature(f, str_slice(url, before.n, url.n - after.n));
}

static void test_sign_a_url_then_its_policy_is_the_canned_one(void **state)
{
	struct fixture *f = *state;
	const struct str policy =
		STR("{\"Statement\":[{\"Resource\":\"https://d111111abcdef8.cloudfront.net/images/a.jpg\",\"Condition\":{\"DateLessThan\":"
			"{\"AWS:EpochTime\":1767290400}}}]}");
	assert_int_equal(cloudfront_url_sign(f->key, STR("K2JCJMDEHXQW5F"), STR("https://d111111abcdef8.cloudfront.net/images/a.jpg"),
						 1767290400, &f->url, &f->why),
		OK);
	struct str signature = signature_of(f, STR("https://d111111abcdef8.cloudfront.net/images/a.jpg?Expires=1767290400&Signature="));
	assert_true(verifies(f, policy, signature));
	assert_false(verifies(f, STR("{}"), signature));
}

static void test_sign_a_url_with_a_query_then_the_policy_has_it_and_ours_comes_after(void **state)
{
	struct fixture *f = *state;
	const struct str url = STR("https://cdn.example.com/images/a.jpg?response-content-type=image%2Fjpeg");
	const struct str policy =
		STR("{\"Statement\":[{\"Resource\":\"https://cdn.example.com/images/a.jpg?response-content-type=image%2Fjpeg\","
			"\"Condition\":{\"DateLessThan\":{\"AWS:EpochTime\":1}}}]}");
	assert_int_equal(cloudfront_url_sign(f->key, STR("K2JCJMDEHXQW5F"), url, 1, &f->url, &f->why), OK);
	assert_true(verifies(
		f, policy, signature_of(f, STR("https://cdn.example.com/images/a.jpg?response-content-type=image%2Fjpeg&Expires=1&Signature="))));
}

static void test_sign_when_the_buffer_is_too_small_then_it_is_reported(void **state)
{
	struct fixture *f = *state;
	struct buf small;
	buf_init_arena(&small, &f->a, 40);
	assert_int_equal(cloudfront_url_sign(f->key, STR("K1"), STR("https://cdn.example.com/images/a.jpg"), 1, &small, &f->why), LIMIT);
	assert_int_equal(f->why.code, F_TOO_MUCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sign_a_url_then_its_policy_is_the_canned_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sign_a_url_with_a_query_then_the_policy_has_it_and_ours_comes_after, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sign_when_the_buffer_is_too_small_then_it_is_reported, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
