/* Signatures of ECDSA in the form that OpenSSL and CloudFront have them in. Pure; any thread. */
#ifndef BASE_ECDSA_H
#define BASE_ECDSA_H

#include <stddef.h>

#define ECDSA_NUMBER_BYTES 32 /* of r and of s, on P-256 */
#define ECDSA_DER_MAX_BYTES (2 + 2 * (2 + 1 + ECDSA_NUMBER_BYTES))

/* Write r and s as DER's sequence of two integers.
 * r, s     ECDSA_NUMBER_BYTES each, the highest byte first
 * der      of ECDSA_DER_MAX_BYTES
 * Returns  how many bytes were written; 0: memory failed
 * Source: RFC 3279, 2.2.3 */
size_t ecdsa_write_der(const unsigned char *r, const unsigned char *s, unsigned char *der);

#endif
