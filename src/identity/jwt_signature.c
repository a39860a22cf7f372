/* See jwt_signature.h. OpenSSL's queue of errors is emptied after each failure: TLS, on the same thread, reads it. */
#include "identity/jwt_signature.h"

#include "base/ecdsa.h"
#include "base/hash.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

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
static enum jwt_cause verify_bytes(enum jwt_algorithm algorithm, const struct jwk *key, struct str text, struct str signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ready =
		ctx != NULL && EVP_MD_CTX_copy_ex(ctx, key->verification) == 1 && (algorithm != JWT_PS256 || set_pss(EVP_MD_CTX_get_pkey_ctx(ctx)));
	bool valid =
		ready && EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n, (const unsigned char *)text.p, text.n) == 1;
	EVP_MD_CTX_free(ctx);
	if (!valid)
		ERR_clear_error();
	return valid ? JWT_VALID : ready ? JWT_SIGNATURE : JWT_NO_MEMORY;
}

static bool is_zero(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != 0)
			return false;
	return true;
}

static enum jwt_cause check_ecdsa(const struct jwk *key, struct str text, struct str signature)
{
	unsigned char der[ECDSA_DER_MAX_BYTES];
	if (signature.n != 2 * ECDSA_NUMBER_BYTES || is_zero(str_slice(signature, 0, ECDSA_NUMBER_BYTES)) ||
		is_zero(str_slice(signature, ECDSA_NUMBER_BYTES, signature.n)))
		return JWT_SIGNATURE_FORM;
	size_t n = ecdsa_write_der((const unsigned char *)signature.p, (const unsigned char *)signature.p + ECDSA_NUMBER_BYTES, der);
	assert(n <= sizeof der);
	return n > 0 ? verify_bytes(JWT_ES256, key, text, (struct str){ (const char *)der, n }) : JWT_NO_MEMORY;
}

enum jwt_cause jwt_signature_check(enum jwt_algorithm algorithm, const struct jwk *key, struct str text, struct str signature)
{
	assert(key != NULL && key->flaw == JWK_USABLE && key->verification != NULL);
	assert(jwt_signature_fits(algorithm, key->type));
	if (algorithm == JWT_ES256)
		return check_ecdsa(key, text, signature);
	size_t size = algorithm == JWT_EDDSA ? ED25519_SIGNATURE_BYTES : (size_t)EVP_PKEY_get_size(key->key);
	if (signature.n != size)
		return JWT_SIGNATURE_FORM;
	return verify_bytes(algorithm, key, text, signature);
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
