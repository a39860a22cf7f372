/* The MD5 of several inputs in parallel. Each step of MD5 depends on the one before, so that a single input leaves most of the processor
 * idle: eight inputs in the lanes of vector registers take less than twice the time of one.
 * Source: RFC 1321 */
#ifndef BASE_MD5_LANES_H
#define BASE_MD5_LANES_H

#include "base/hash.h"

#define MD5_LANES 8

/* An input, read from start to end in pieces. */
struct md5_input {
	/* Write the next n bytes to p, or fewer at the end, and their number to got.  false: they cannot be read; `failed` is set */
	bool (*read)(struct md5_input *, unsigned char *p, size_t n, size_t *got);
	unsigned char digest[MD5_BYTES]; /* written unless `failed` */
	bool failed;
};

/* Hash any number of inputs of any lengths; it is fastest with MD5_LANES inputs of the same length. If memory cannot be allocated, all have
 * failed.
 * Threads  any */
void md5_inputs(struct md5_input *const inputs[], size_t n);

#endif
