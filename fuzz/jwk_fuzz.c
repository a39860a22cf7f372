/* Any bytes as a JWK set. What must hold: a set that is imported has a usable key, no more keys than a set may have, and each usable key is one
 * that signatures can be verified with; a set is never a secret. */
#include "identity/jwk.h"

#include <assert.h>
#include <openssl/evp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_usable(const struct jwk *key)
{
	assert(key->key != NULL);
	assert(!key->has_kid || (key->kid.n > 0 && key->kid.n <= JWK_KID_MAX_BYTES));
	int bits = EVP_PKEY_get_bits(key->key);
	switch (key->type) {
	case JWK_RSA:
		assert(bits >= 2048 && bits <= 8192);
		return;
	case JWK_P256:
		assert(bits == 256);
		return;
	case JWK_ED25519:
		assert(EVP_PKEY_get_base_id(key->key) == EVP_PKEY_ED25519);
		return;
	}
	assert(false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jwk_set *set = NULL;
	struct fault why = { 0 };
	size_t usable = 0;
	if (jwk_set_new((struct str){ (const char *)data, size }, &set, &why) != OK) {
		assert(set == NULL && why.text[0] != '\0');
		return 0;
	}
	assert(jwk_set_secret(set).n == 0 && jwk_set_count(set) <= JWK_SET_MAX_KEYS);
	for (size_t i = 0; i < jwk_set_count(set); i++) {
		const struct jwk *key = jwk_set_at(set, i);
		assert(jwk_flaw_text(key->flaw)[0] != '\0');
		if (key->flaw == JWK_USABLE)
			check_usable(key);
		usable += key->flaw == JWK_USABLE;
	}
	assert(usable > 0);
	jwk_set_free(&set);
	return 0;
}
