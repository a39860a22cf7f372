/* The private key that signs CloudFront's URLs: ECDSA on P-256 with SHA-256, in DER, as CloudFront verifies it.
 *
 * The same text always has the same signature, so that a URL which is made again is the same and a browser finds it in its cache:
 * the nonce is computed from key and text.
 * Source: RFC 6979, 3.2; Amazon CloudFront developer guide, "Create a signed URL using a canned policy". */
#ifndef AWS_CLOUDFRONT_KEY_H
#define AWS_CLOUDFRONT_KEY_H

#include "base/ecdsa.h"
#include "base/fault.h"
#include "base/str.h"

#define CLOUDFRONT_SIGNATURE_MAX ECDSA_DER_MAX_BYTES

struct cloudfront_key;

/* Read a private key.
 * pem     PKCS #8 or SEC 1, without a passphrase; wiping it is the caller's
 * Errors  BAD_SETTING it is no such key, or not on P-256: the text says so and never has any of it; OUT_OF_MEMORY */
enum status cloudfront_key_read(struct str pem, struct cloudfront_key **out, struct fault *why) MUST_CHECK;
/* Accepts NULL inside; wipes the key. */
void cloudfront_key_free(struct cloudfront_key **key);
/* Sign a text.
 * out     written only on OK; *n bytes
 * Errors  OUT_OF_MEMORY
 * Threads any */
enum status cloudfront_key_sign(const struct cloudfront_key *key, struct str text, unsigned char out[CLOUDFRONT_SIGNATURE_MAX], size_t *n,
	struct fault *why) MUST_CHECK;

#endif
