/* The MD5 of several inputs side by side. Each step of MD5 waits for the one before, so that one input leaves most of the processor
 * idle: eight in the lanes of vector registers take little longer than one.
 * Source: RFC 1321 */
#ifndef BASE_MD5_LANES_H
#define BASE_MD5_LANES_H

#include "base/hash.h"

#define MD5_LANES 8

/* What is hashed: read from its start to its end, piece by piece. */
struct md5_input {
	/* Write the next bytes to p: n, or fewer at the end.  false: they cannot be read, and there is no digest */
	bool (*read)(struct md5_input *, unsigned char *p, size_t n, size_t *got);
	unsigned char digest[MD5_BYTES]; /* written unless `failed` */
	bool failed;
};

/* Hash these inputs, of any number and any lengths; most are hashed in the time of one where MD5_LANES are of one length.
 * Without memory all have failed.
 * Threads  any; crypto_init comes first */
void md5_inputs(struct md5_input *const inputs[], size_t n);

#endif
