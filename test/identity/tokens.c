/* See tokens.h. */
#include "identity/tokens.h"

#include "rsa_keys.h"

#include "base/codec.h"
#include "base/hash.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

static const char *const NAMES[TOKEN_KEYS] = { "rsa", "other", "p256", "ed", "short", "p384" };

const char *token_key_name(enum token_key which)
{
	return NAMES[which];
}

void token_keys_make(struct token_keys *k)
{
	k->keys[TOKEN_RSA] = rsa_key_read(RSA_KEY);
	k->keys[TOKEN_RSA_OTHER] = rsa_key_read(RSA_KEY_OTHER);
	k->keys[TOKEN_P256] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	k->keys[TOKEN_ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	k->keys[TOKEN_RSA_SHORT] = rsa_key_read(RSA_KEY_SHORT);
	k->keys[TOKEN_P384] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	for (size_t i = 0; i < TOKEN_KEYS; i++)
		assert_non_null(k->keys[i]);
}

void token_keys_free(struct token_keys *k)
{
	for (size_t i = 0; i < TOKEN_KEYS; i++)
		EVP_PKEY_free(k->keys[i]);
}

struct str token_base64url(struct arena *a, struct str bytes)
{
	struct buf b;
	buf_init_arena(&b, a, 2 * bytes.n + 8);
	base64url_encode(&b, bytes);
	assert_true(buf_ok(&b));
	return buf_str(&b);
}

/* A number of the key in base64url, `bytes` long; 0: as long as it is. */
static struct str number(struct arena *a, EVP_PKEY *key, const char *parameter, int bytes)
{
	unsigned char memory[2048];
	BIGNUM *n = NULL;
	assert_int_equal(EVP_PKEY_get_bn_param(key, parameter, &n), 1);
	int length = BN_bn2binpad(n, memory, bytes > 0 ? bytes : BN_num_bytes(n));
	assert_true(length > 0);
	BN_free(n);
	return token_base64url(a, (struct str){ (const char *)memory, (size_t)length });
}

struct str token_jwk(struct arena *a, const struct token_keys *k, enum token_key which, const char *more)
{
	EVP_PKEY *key = k->keys[which];
	unsigned char raw[32];
	size_t n = sizeof raw;
	switch (which) {
	case TOKEN_RSA:
	case TOKEN_RSA_OTHER:
	case TOKEN_RSA_SHORT:
		return str_printf(a, "{\"kty\":\"RSA\",\"kid\":\"%s\",\"n\":\"%.*s\",\"e\":\"%.*s\"%s}", NAMES[which],
			STRF(number(a, key, OSSL_PKEY_PARAM_RSA_N, 0)), STRF(number(a, key, OSSL_PKEY_PARAM_RSA_E, 0)), more);
	case TOKEN_P256:
	case TOKEN_P384:
		return str_printf(a, "{\"kty\":\"EC\",\"crv\":\"%s\",\"kid\":\"%s\",\"x\":\"%.*s\",\"y\":\"%.*s\"%s}",
			which == TOKEN_P256 ? "P-256" : "P-384", NAMES[which],
			STRF(number(a, key, OSSL_PKEY_PARAM_EC_PUB_X, which == TOKEN_P256 ? 32 : 48)),
			STRF(number(a, key, OSSL_PKEY_PARAM_EC_PUB_Y, which == TOKEN_P256 ? 32 : 48)), more);
	case TOKEN_ED25519:
		assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &n), 1);
		return str_printf(a, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\",\"x\":\"%.*s\"%s}", NAMES[which],
			STRF(token_base64url(a, (struct str){ (const char *)raw, n })), more);
	}
	fail();
	return STR("");
}

struct str token_set(struct arena *a, const struct token_keys *k, const enum token_key *which, size_t n)
{
	struct buf b;
	buf_init_arena(&b, a, 65536);
	buf_put(&b, STR("{\"keys\":["));
	for (size_t i = 0; i < n; i++)
		BUF_PUT(&b, i > 0 ? STR(",") : STR(""), token_jwk(a, k, which[i], ""));
	buf_put(&b, STR("]}"));
	assert_true(buf_ok(&b));
	return buf_str(&b);
}

static struct str signed_text(struct arena *a, struct str header, struct str payload)
{
	return STR_CONCAT(a, token_base64url(a, header), STR("."), token_base64url(a, payload));
}

/* OpenSSL's DER of r and s as JWS has them, 32 bytes each. */
static size_t raw_ecdsa(unsigned char *signature, size_t n)
{
	const unsigned char *at = signature;
	ECDSA_SIG *both = d2i_ECDSA_SIG(NULL, &at, (long)n);
	assert_non_null(both);
	unsigned char raw[64];
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(both), raw, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(both), raw + 32, 32), 32);
	ECDSA_SIG_free(both);
	for (size_t i = 0; i < sizeof raw; i++)
		signature[i] = raw[i];
	return sizeof raw;
}

struct str token_sign(struct arena *a, EVP_PKEY *key, const char *alg, struct str header, struct str payload)
{
	struct str text = signed_text(a, header, payload);
	bool edwards = str_equal(str_of(alg), STR("EdDSA"));
	unsigned char signature[1024];
	size_t n = sizeof signature;
	EVP_PKEY_CTX *padding;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestSignInit(ctx, &padding, edwards ? NULL : EVP_sha256(), NULL, key), 1);
	if (str_equal(str_of(alg), STR("PS256"))) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST), 1);
	}
	assert_int_equal(EVP_DigestSign(ctx, signature, &n, (const unsigned char *)text.p, text.n), 1);
	EVP_MD_CTX_free(ctx);
	if (str_equal(str_of(alg), STR("ES256")))
		n = raw_ecdsa(signature, n);
	return STR_CONCAT(a, text, STR("."), token_base64url(a, (struct str){ (const char *)signature, n }));
}

struct str token_sign_secret(struct arena *a, struct str secret, struct str header, struct str payload)
{
	struct str text = signed_text(a, header, payload);
	unsigned char mac[SHA256_BYTES];
	hmac_sha256(secret, text, mac);
	return STR_CONCAT(a, text, STR("."), token_base64url(a, (struct str){ (const char *)mac, sizeof mac }));
}

struct str token_pem(struct arena *a, EVP_PKEY *key)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *p;
	assert_int_equal(PEM_write_bio_PUBKEY(out, key), 1);
	long n = BIO_get_mem_data(out, &p);
	struct str pem = str_dup(a, (struct str){ p, (size_t)n });
	BIO_free(out);
	return pem;
}

struct str token_replace(struct arena *a, struct str s, const char *from, const char *to)
{
	size_t at = str_find(s, str_of(from));
	if (at == s.n)
		fail_msg("\"%s\" is not in %.*s", from, STRF(s));
	return STR_CONCAT(a, str_slice(s, 0, at), str_of(to), str_slice(s, at + str_of(from).n, s.n));
}
