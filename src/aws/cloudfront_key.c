/* See cloudfront_key.h. OpenSSL 3.0 signs with a random nonce only, so that the few lines of ECDSA are here, on its numbers and
 * points. The time that sums and remainders take depends on their values: what has the secret or the nonce in it is multiplied by a random
 * number before. OpenSSL's queue of errors is emptied after each failure: TLS, on the same thread, reads it. */
#include "aws/cloudfront_key.h"

#include "base/hash.h"
#include "base/mem.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <string.h>

#define NUMBER_BYTES ECDSA_NUMBER_BYTES /* of the key, the nonce, r and s */

struct cloudfront_key {
	EC_GROUP *curve;
	BIGNUM *secret;
};

/* OpenSSL would ask the terminal. */
static int refuse_passphrase(char *out, int size, int writes, void *arg)
{
	(void)out, (void)size, (void)writes, (void)arg;
	return -1;
}

static bool is_p256(const EVP_PKEY *key)
{
	char name[32] = "";
	return key != NULL && EVP_PKEY_get_group_name(key, name, sizeof name, NULL) == 1 && strcmp(name, SN_X9_62_prime256v1) == 0;
}

enum status cloudfront_key_read(struct str pem, struct cloudfront_key **out, struct fault *why)
{
	assert(out != NULL && pem.n <= INT32_MAX);
	struct cloudfront_key *key = mem_new(1, sizeof *key);
	BIO *text = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (key == NULL || text == NULL) {
		mem_free(key);
		BIO_free(text);
		return fault_no_memory(why);
	}
	EVP_PKEY *read = PEM_read_bio_PrivateKey(text, NULL, refuse_passphrase, NULL);
	bool fits = is_p256(read) && EVP_PKEY_get_bn_param(read, OSSL_PKEY_PARAM_PRIV_KEY, &key->secret) == 1;
	key->curve = fits ? EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1) : NULL;
	EVP_PKEY_free(read);
	BIO_free(text);
	ERR_clear_error();
	bool starved = fits && key->curve == NULL;
	if (fits && !starved && !BN_is_zero(key->secret) && BN_cmp(key->secret, EC_GROUP_get0_order(key->curve)) < 0) {
		BN_set_flags(key->secret, BN_FLG_CONSTTIME);
		*out = key;
		return OK;
	}
	cloudfront_key_free(&key);
	return starved
		? fault_no_memory(why)
		: fault_set(why, BAD_SETTING, "The key of the CDN must be a private key on the curve P-256, in PEM without a passphrase.");
}

void cloudfront_key_free(struct cloudfront_key **key)
{
	assert(key != NULL);
	if (*key == NULL)
		return;
	BN_clear_free((*key)->secret);
	EC_GROUP_free((*key)->curve);
	mem_free(*key);
	*key = NULL;
}

/* The generator of nonces. Source: RFC 6979, 3.2, whose K and V these are */
struct nonces {
	unsigned char k[SHA256_BYTES], v[SHA256_BYTES];
};

static void next_value(struct nonces *n)
{
	hmac_sha256((struct str){ (const char *)n->k, sizeof n->k }, (struct str){ (const char *)n->v, sizeof n->v }, n->v);
}

/* K = HMAC(K, V || separator || more), V = HMAC(K, V) */
static void mix(struct nonces *n, unsigned char separator, const unsigned char *more, size_t n_more)
{
	unsigned char text[SHA256_BYTES + 1 + 2 * NUMBER_BYTES];
	assert(n_more <= 2 * NUMBER_BYTES);
	memcpy(text, n->v, SHA256_BYTES);
	text[SHA256_BYTES] = separator;
	if (n_more > 0)
		memcpy(text + SHA256_BYTES + 1, more, n_more);
	hmac_sha256((struct str){ (const char *)n->k, sizeof n->k }, (struct str){ (const char *)text, SHA256_BYTES + 1 + n_more }, n->k);
	secret_wipe(text, sizeof text);
	next_value(n);
}

static bool start_nonces(struct nonces *n, const struct cloudfront_key *key, const BIGNUM *digest)
{
	unsigned char both[2 * NUMBER_BYTES]; /* the key, and the digest below the order */
	memset(n->v, 1, sizeof n->v);
	memset(n->k, 0, sizeof n->k);
	bool ok = BN_bn2binpad(key->secret, both, NUMBER_BYTES) == NUMBER_BYTES &&
		BN_bn2binpad(digest, both + NUMBER_BYTES, NUMBER_BYTES) == NUMBER_BYTES;
	if (ok) {
		mix(n, 0, both, sizeof both);
		mix(n, 1, both, sizeof both);
	}
	secret_wipe(both, sizeof both);
	return ok;
}

/* What one signature is computed with; the numbers belong to the context. */
struct signing {
	const struct cloudfront_key *key;
	BN_CTX *ctx;
	const BIGNUM *order;
	BIGNUM *digest, *nonce, *blind, *x, *y, *r, *s;
	EC_POINT *point;
};

/* Odd, so not zero, and below the order. */
static bool choose_blind(struct signing *w)
{
	unsigned char bytes[NUMBER_BYTES];
	random_bytes(bytes, sizeof bytes);
	bytes[0] = 0;
	bytes[NUMBER_BYTES - 1] |= 1;
	bool ok = BN_bin2bn(bytes, sizeof bytes, w->blind) != NULL;
	secret_wipe(bytes, sizeof bytes);
	return ok;
}

/* s = (blind * digest + blind * r * secret) / (blind * nonce) modulo the order, which is (digest + r * secret) / nonce. */
static bool compute_s(struct signing *w)
{
	return choose_blind(w) && BN_mod_mul(w->x, w->blind, w->r, w->order, w->ctx) == 1 &&
		BN_mod_mul(w->x, w->x, w->key->secret, w->order, w->ctx) == 1 && BN_mod_mul(w->y, w->blind, w->digest, w->order, w->ctx) == 1 &&
		BN_mod_add(w->x, w->x, w->y, w->order, w->ctx) == 1 && BN_mod_mul(w->nonce, w->nonce, w->blind, w->order, w->ctx) == 1 &&
		BN_mod_inverse(w->nonce, w->nonce, w->order, w->ctx) != NULL && BN_mod_mul(w->s, w->x, w->nonce, w->order, w->ctx) == 1;
}

/* r = x of nonce * G modulo the order. If it is zero, which does not happen in practice, another nonce is used. */
static bool try_nonce(struct signing *w, bool *found)
{
	*found = false;
	if (BN_is_zero(w->nonce) || BN_cmp(w->nonce, w->order) >= 0)
		return true;
	if (EC_POINT_mul(w->key->curve, w->point, w->nonce, NULL, NULL, w->ctx) != 1 ||
		EC_POINT_get_affine_coordinates(w->key->curve, w->point, w->x, NULL, w->ctx) != 1 || BN_nnmod(w->r, w->x, w->order, w->ctx) != 1 ||
		!compute_s(w))
		return false;
	*found = !BN_is_zero(w->r) && !BN_is_zero(w->s);
	return true;
}

static bool compute(struct signing *w, struct str text)
{
	unsigned char digest[SHA256_BYTES];
	struct nonces nonces;
	bool found = false;
	sha256(text, digest);
	bool ok = BN_bin2bn(digest, sizeof digest, w->x) != NULL && BN_nnmod(w->digest, w->x, w->order, w->ctx) == 1 &&
		start_nonces(&nonces, w->key, w->digest);
	while (ok && !found) {
		next_value(&nonces);
		ok = BN_bin2bn(nonces.v, sizeof nonces.v, w->nonce) != NULL && try_nonce(w, &found);
		if (ok && !found)
			mix(&nonces, 0, NULL, 0);
	}
	secret_wipe(&nonces, sizeof nonces);
	return ok;
}

/* 0: memory failed. */
static size_t write_der(const struct signing *w, unsigned char *der)
{
	unsigned char r[NUMBER_BYTES], s[NUMBER_BYTES];
	if (BN_bn2binpad(w->r, r, sizeof r) != NUMBER_BYTES || BN_bn2binpad(w->s, s, sizeof s) != NUMBER_BYTES)
		return 0;
	return ecdsa_write_der(r, s, der);
}

enum status cloudfront_key_sign(
	const struct cloudfront_key *key, struct str text, unsigned char out[CLOUDFRONT_SIGNATURE_MAX], size_t *n, struct fault *why)
{
	assert(key != NULL && out != NULL && n != NULL);
	struct signing w = {
		.key = key, .ctx = BN_CTX_secure_new(), .order = EC_GROUP_get0_order(key->curve), .point = EC_POINT_new(key->curve)
	};
	size_t written = 0;
	if (w.ctx != NULL && w.point != NULL) {
		BN_CTX_start(w.ctx);
		w.digest = BN_CTX_get(w.ctx);
		w.nonce = BN_CTX_get(w.ctx);
		w.blind = BN_CTX_get(w.ctx);
		w.x = BN_CTX_get(w.ctx);
		w.y = BN_CTX_get(w.ctx);
		w.r = BN_CTX_get(w.ctx);
		w.s = BN_CTX_get(w.ctx);
		if (w.s != NULL) {
			BN_set_flags(w.nonce, BN_FLG_CONSTTIME);
			written = compute(&w, text) ? write_der(&w, out) : 0;
			BN_clear(w.nonce);
			BN_clear(w.blind);
			BN_clear(w.x);
			BN_clear(w.y);
		}
		BN_CTX_end(w.ctx);
	}
	EC_POINT_clear_free(w.point);
	BN_CTX_free(w.ctx);
	if (written == 0) {
		ERR_clear_error();
		return fault_no_memory(why);
	}
	assert(written <= CLOUDFRONT_SIGNATURE_MAX);
	*n = written;
	return OK;
}
