/* See jwt_signature.h. OpenSSL's queue of errors is emptied after each failure: TLS, on the same thread, reads it. */
#include "identity/jwt_signature.h"

#include "base/hash.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#define NUMBER_BYTES 32 /* of r and s, on P-256 */
#define DER_MAX_BYTES (2 + 2 * (2 + 1 + NUMBER_BYTES))
#define ED25519_SIGNATURE_BYTES 64

bool jwt_signature_fits(enum jwt_algorithm algorithm, enum jwk_type type)
{
	switch (algorithm) {
	case JWT_RS256:
	case JWT_PS256:
		return type == JWK_RSA;
	case JWT_ES256:
		return type == JWK_P256;
	case JWT_EDDSA:
		return type == JWK_ED25519;
	case JWT_HS256:
		return false;
	}
	assert(false);
	return false;
}

static bool set_pss(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* As OpenSSL reads it: of ECDSA in DER. */
static enum jwt_cause verify_bytes(enum jwt_algorithm algorithm, EVP_PKEY *key, struct str text, struct str signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *padding;
	const EVP_MD *digest = algorithm == JWT_EDDSA ? NULL : EVP_sha256();
	bool ready = ctx != NULL && EVP_DigestVerifyInit(ctx, &padding, digest, NULL, key) == 1 && (algorithm != JWT_PS256 || set_pss(padding));
	bool valid =
		ready && EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n, (const unsigned char *)text.p, text.n) == 1;
	EVP_MD_CTX_free(ctx);
	if (!valid)
		ERR_clear_error();
	return valid ? JWT_VALID : ready ? JWT_SIGNATURE : JWT_NO_MEMORY;
}

/* r and s, NUMBER_BYTES each, as OpenSSL's DER. der has DER_MAX_BYTES; the result is 0 where memory failed. */
static size_t write_der(struct str signature, unsigned char *der)
{
	ECDSA_SIG *both = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn((const unsigned char *)signature.p, NUMBER_BYTES, NULL);
	BIGNUM *s = BN_bin2bn((const unsigned char *)signature.p + NUMBER_BYTES, NUMBER_BYTES, NULL);
	int n = 0;
	if (both != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(both, r, s) == 1) {
		r = s = NULL; /* they are in `both` now */
		n = i2d_ECDSA_SIG(both, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(both);
	return n > 0 ? (size_t)n : 0;
}

static bool is_zero(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != 0)
			return false;
	return true;
}

static enum jwt_cause check_ecdsa(EVP_PKEY *key, struct str text, struct str signature)
{
	unsigned char der[DER_MAX_BYTES];
	if (signature.n != 2 * NUMBER_BYTES || is_zero(str_slice(signature, 0, NUMBER_BYTES)) ||
		is_zero(str_slice(signature, NUMBER_BYTES, signature.n)))
		return JWT_SIGNATURE_FORM;
	size_t n = write_der(signature, der);
	assert(n <= sizeof der);
	return n > 0 ? verify_bytes(JWT_ES256, key, text, (struct str){ (const char *)der, n }) : JWT_NO_MEMORY;
}

enum jwt_cause jwt_signature_check(enum jwt_algorithm algorithm, const struct jwk *key, struct str text, struct str signature)
{
	assert(key != NULL && key->flaw == JWK_USABLE && key->key != NULL);
	assert(jwt_signature_fits(algorithm, key->type));
	if (algorithm == JWT_ES256)
		return check_ecdsa(key->key, text, signature);
	size_t size = algorithm == JWT_EDDSA ? ED25519_SIGNATURE_BYTES : (size_t)EVP_PKEY_get_size(key->key);
	if (signature.n != size)
		return JWT_SIGNATURE_FORM;
	return verify_bytes(algorithm, key->key, text, signature);
}

enum jwt_cause jwt_signature_check_secret(struct str secret, struct str text, struct str signature)
{
	assert(secret.n >= JWK_SECRET_MIN_BYTES);
	unsigned char mac[SHA256_BYTES];
	if (signature.n != sizeof mac)
		return JWT_SIGNATURE_FORM;
	hmac_sha256(secret, text, mac);
	return secret_equal(signature, (struct str){ (const char *)mac, sizeof mac }) ? JWT_VALID : JWT_SIGNATURE;
}
