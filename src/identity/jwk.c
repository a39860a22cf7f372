/* Import of key sets with jansson and OpenSSL. See jwk.h. */
#include "identity/jwk.h"

#include "base/arena.h"
#include "base/codec.h"
#include "base/json.h"
#include "base/mem.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdatomic.h>
#include <string.h>

#define ARENA_MAX_BYTES ((size_t)2 << 20) /* kids, and what is decoded of JWK_SET_MAX_BYTES */
#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192
#define RSA_EXPONENT_MIN 65537 /* 2^16 + 1 */
#define RSA_EXPONENT_MAX_BITS 64
#define P256_BYTES 32
#define ED25519_BYTES 32

struct jwk_set {
	atomic_uint holders;
	struct arena arena; /* the keys, their texts, and the secret */
	struct jwk *keys;
	size_t n;
	struct str secret;
	unsigned char digest[SHA256_BYTES];
};

const char *jwk_flaw_text(enum jwk_flaw flaw)
{
	static const char *const texts[] = {
#define FLAW(name, meaning) [JWK_##name] = meaning,
#include "identity/jwk_flaw.def"
#undef FLAW
	};
	assert(flaw < JWK_FLAWS);
	return texts[flaw];
}

/* The bytes of a member in base64url; empty: missing or malformed. */
static struct str read_bytes(struct arena *a, const json_t *json, const char *member)
{
	struct str bytes;
	return base64url_decode(a, json_text(json_object_get(json, member)), &bytes) ? bytes : (struct str){ NULL, 0 };
}

/* The public key of these parameters; NULL: OpenSSL refuses them, or memory failed. */
static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *parameters)
{
	OSSL_PARAM *built = OSSL_PARAM_BLD_to_param(parameters);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;
	if (built == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, built) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(built);
	return key;
}

static enum jwk_flaw check_rsa(const BIGNUM *n, const BIGNUM *e)
{
	if (BN_num_bits(n) < RSA_MIN_BITS || BN_num_bits(n) > RSA_MAX_BITS)
		return JWK_RSA_BITS;
	if (!BN_is_odd(e) || BN_num_bits(e) > RSA_EXPONENT_MAX_BITS || BN_get_word(e) < RSA_EXPONENT_MIN)
		return JWK_RSA_EXPONENT;
	return BN_is_odd(n) ? JWK_USABLE : JWK_FORM;
}

static enum jwk_flaw import_rsa(struct arena *a, const json_t *json, struct jwk *out)
{
	struct str modulus = read_bytes(a, json, "n"), exponent = read_bytes(a, json, "e");
	if (modulus.n == 0 || exponent.n == 0)
		return JWK_FORM;
	BIGNUM *n = BN_bin2bn((const unsigned char *)modulus.p, (int)modulus.n, NULL);
	BIGNUM *e = BN_bin2bn((const unsigned char *)exponent.p, (int)exponent.n, NULL);
	OSSL_PARAM_BLD *parameters = OSSL_PARAM_BLD_new();
	enum jwk_flaw flaw = n != NULL && e != NULL && parameters != NULL ? check_rsa(n, e) : JWK_FORM;
	if (flaw == JWK_USABLE && OSSL_PARAM_BLD_push_BN(parameters, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(parameters, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		out->key = make_key("RSA", parameters);
	out->type = JWK_RSA;
	OSSL_PARAM_BLD_free(parameters);
	BN_free(n);
	BN_free(e);
	return flaw == JWK_USABLE && out->key == NULL ? JWK_FORM : flaw;
}

static enum jwk_flaw import_ec(struct arena *a, const json_t *json, struct jwk *out)
{
	unsigned char point[1 + 2 * P256_BYTES] = { POINT_CONVERSION_UNCOMPRESSED };
	if (!str_equal(json_text(json_object_get(json, "crv")), STR("P-256")))
		return JWK_TYPE;
	struct str x = read_bytes(a, json, "x"), y = read_bytes(a, json, "y");
	if (x.n != P256_BYTES || y.n != P256_BYTES)
		return JWK_POINT;
	memcpy(point + 1, x.p, P256_BYTES);
	memcpy(point + 1 + P256_BYTES, y.p, P256_BYTES);
	OSSL_PARAM_BLD *parameters = OSSL_PARAM_BLD_new();
	if (parameters != NULL && OSSL_PARAM_BLD_push_utf8_string(parameters, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(parameters, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
		out->key = make_key("EC", parameters);
	out->type = JWK_P256;
	OSSL_PARAM_BLD_free(parameters);
	return out->key != NULL ? JWK_USABLE : JWK_POINT;
}

static enum jwk_flaw import_okp(struct arena *a, const json_t *json, struct jwk *out)
{
	if (!str_equal(json_text(json_object_get(json, "crv")), STR("Ed25519")))
		return JWK_TYPE;
	struct str x = read_bytes(a, json, "x");
	if (x.n != ED25519_BYTES)
		return JWK_POINT;
	out->key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.p, x.n);
	out->type = JWK_ED25519;
	return out->key != NULL ? JWK_USABLE : JWK_POINT;
}

/* Whether "use" and "key_ops", where they are there, allow verification (RFC 7517 4.2, 4.3). */
static bool is_for_verification(const json_t *json)
{
	const json_t *use = json_object_get(json, "use"), *operations = json_object_get(json, "key_ops"), *operation;
	bool verifies = operations == NULL;
	size_t i;
	json_array_foreach(operations, i, operation) verifies = verifies || str_equal(json_text(operation), STR("verify"));
	return verifies && (use == NULL || str_equal(json_text(use), STR("sig")));
}

/* The members that keys of every type have. */
static enum jwk_flaw read_names(struct arena *a, const json_t *json, struct jwk *out)
{
	const json_t *kid = json_object_get(json, "kid"), *alg = json_object_get(json, "alg");
	out->has_kid = kid != NULL;
	out->kid = str_dup(a, json_text(kid));
	out->alg = str_dup(a, json_text(alg));
	if (out->has_kid && (out->kid.n < 1 || out->kid.n > JWK_KID_MAX_BYTES))
		return JWK_KID;
	return alg != NULL && out->alg.n == 0 ? JWK_FORM : JWK_USABLE;
}

/* To begin a verification takes OpenSSL 3 several look-ups of algorithms by name, and to copy one that has begun takes none. */
static bool begin_verification(struct jwk *key)
{
	key->verification = EVP_MD_CTX_new();
	return key->verification != NULL &&
		EVP_DigestVerifyInit(key->verification, NULL, key->type == JWK_ED25519 ? NULL : EVP_sha256(), NULL, key->key) == 1;
}

static enum jwk_flaw import_key(struct arena *a, const json_t *json, struct jwk *out)
{
	static const struct {
		struct str kty;
		enum jwk_flaw (*import)(struct arena *a, const json_t *json, struct jwk *out);
	} types[] = { { { "RSA", 3 }, import_rsa }, { { "EC", 2 }, import_ec }, { { "OKP", 3 }, import_okp } };
	struct str kty = json_text(json_object_get(json, "kty"));
	enum jwk_flaw flaw = read_names(a, json, out);
	if (kty.n == 0 || flaw != JWK_USABLE)
		return flaw != JWK_USABLE ? flaw : JWK_FORM;
	if (str_equal(kty, STR("oct")))
		return JWK_SECRET;
	if (json_object_get(json, "d") != NULL)
		return JWK_PRIVATE;
	if (!is_for_verification(json))
		return JWK_USE;
	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (str_equal(kty, types[i].kty))
			return types[i].import(a, json, out);
	return JWK_TYPE;
}

/* Whether a usable key before this one is of its type and kid. */
static bool is_repeated(const struct jwk_set *set, const struct jwk *key)
{
	for (const struct jwk *k = set->keys; k < key; k++)
		if (k->flaw == JWK_USABLE && k->type == key->type && k->has_kid && key->has_kid && str_equal(k->kid, key->kid))
			return true;
	return false;
}

static enum status import_keys(struct jwk_set *set, const json_t *keys, struct fault *why)
{
	size_t usable = 0;
	if (!json_is_array(keys))
		return fault_set(why, INVALID_INPUT, "it is not a JWK set: an object whose member \"keys\" is an array");
	if (json_array_size(keys) > JWK_SET_MAX_KEYS)
		return fault_set(why, INVALID_INPUT, "it has %zu keys; at most %d are accepted", json_array_size(keys), JWK_SET_MAX_KEYS);
	set->keys = arena_array(&set->arena, json_array_size(keys), sizeof *set->keys);
	for (size_t i = 0; set->keys != NULL && i < json_array_size(keys); i++) {
		struct jwk *key = &set->keys[set->n++];
		key->flaw = import_key(&set->arena, json_array_get(keys, i), key);
		if (key->flaw == JWK_USABLE && !begin_verification(key))
			key->flaw = JWK_FORM;
		if (key->flaw == JWK_USABLE && is_repeated(set, key))
			key->flaw = JWK_KID_TWICE;
		usable += key->flaw == JWK_USABLE;
	}
	ERR_clear_error();
	TRY(fault_blame_arena(&set->arena, fault_check_arena(&set->arena, why), why));
	if (usable == 0)
		return fault_set(why, INVALID_INPUT, "none of its %zu keys can be used%s%s", set->n, set->n > 0 ? "; the first is " : "",
			set->n > 0 ? jwk_flaw_text(set->keys[0].flaw) : "");
	return OK;
}

static struct jwk_set *new_set(struct str text)
{
	struct jwk_set *set = mem_new(1, sizeof *set);
	if (set == NULL)
		return NULL;
	atomic_init(&set->holders, 1);
	arena_init(&set->arena, ARENA_MAX_BYTES);
	sha256(text, set->digest);
	return set;
}

enum status jwk_set_new(struct str json, struct jwk_set **out, struct fault *why)
{
	assert(out != NULL);
	json_error_t error;
	bool starved;
	if (json.n > JWK_SET_MAX_BYTES)
		return fault_set(why, INVALID_INPUT, "it has %zu bytes; at most %zu are accepted", json.n, JWK_SET_MAX_BYTES);
	json_t *root = json_read(json, JSON_REJECT_DUPLICATES, &error, &starved);
	if (root == NULL)
		return starved ? fault_no_memory(why)
					   : fault_set(why, INVALID_INPUT, "it is not valid JSON (line %d, column %d)", error.line, error.column);
	struct jwk_set *set = new_set(json);
	enum status status = set != NULL ? import_keys(set, json_object_get(root, "keys"), why) : fault_no_memory(why);
	json_decref(root);
	if (status != OK) {
		jwk_set_free(&set);
		return status;
	}
	*out = set;
	return OK;
}

struct jwk_set *jwk_set_of_secret(struct str secret)
{
	assert(secret.n >= JWK_SECRET_MIN_BYTES);
	struct jwk_set *set = new_set(secret);
	if (set == NULL)
		return NULL;
	set->secret = str_dup(&set->arena, secret);
	if (set->secret.p == NULL)
		jwk_set_free(&set);
	return set;
}

struct jwk_set *jwk_set_hold(struct jwk_set *set)
{
	assert(set != NULL);
	atomic_fetch_add(&set->holders, 1);
	return set;
}

void jwk_set_free(struct jwk_set **at)
{
	assert(at != NULL);
	struct jwk_set *set = *at;
	*at = NULL;
	if (set == NULL || atomic_fetch_sub(&set->holders, 1) > 1)
		return;
	for (size_t i = 0; i < set->n; i++) {
		EVP_MD_CTX_free(set->keys[i].verification);
		EVP_PKEY_free(set->keys[i].key);
	}
	secret_wipe((char *)(uintptr_t)set->secret.p, set->secret.n);
	arena_deinit(&set->arena);
	mem_free(set);
}

size_t jwk_set_count(const struct jwk_set *set)
{
	return set->n;
}

const struct jwk *jwk_set_at(const struct jwk_set *set, size_t i)
{
	assert(i < set->n);
	return &set->keys[i];
}

struct str jwk_set_secret(const struct jwk_set *set)
{
	return set->secret;
}

const unsigned char *jwk_set_digest(const struct jwk_set *set)
{
	return set->digest;
}
