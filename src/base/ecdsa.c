/* See ecdsa.h. */
#include "base/ecdsa.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>

size_t ecdsa_write_der(const unsigned char *r, const unsigned char *s, unsigned char *der)
{
	assert(r != NULL && s != NULL && der != NULL);
	ECDSA_SIG *both = ECDSA_SIG_new();
	BIGNUM *first = BN_bin2bn(r, ECDSA_NUMBER_BYTES, NULL), *second = BN_bin2bn(s, ECDSA_NUMBER_BYTES, NULL);
	int n = 0;
	if (both != NULL && first != NULL && second != NULL && ECDSA_SIG_set0(both, first, second) == 1) {
		first = second = NULL; /* they are in `both` now */
		n = i2d_ECDSA_SIG(both, &der);
	}
	BN_free(first);
	BN_free(second);
	ECDSA_SIG_free(both);
	return n > 0 ? (size_t)n : 0;
}
