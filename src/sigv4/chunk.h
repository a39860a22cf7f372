/* The signatures of a body that is signed in chunks: each is over the chunk and the signature before it, the first over
 * the request's own. Pure; one thread at a time.
 * Source: Amazon S3 API, "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks". */
#ifndef SIGV4_CHUNK_H
#define SIGV4_CHUNK_H

#include "sigv4/verify.h"

struct chunk_chain {
	unsigned char key[SHA256_BYTES];
	struct str amz_date; /* borrowed, as the scope, from the parsed signature */
	struct sigv4_scope scope;
	char last[SIGNATURE_CHARS + 1]; /* the signature that the next one builds upon */
};

/* Begin after the request's signature, which has been verified. */
void chunk_chain_init(struct chunk_chain *c, const struct parsed_signature *auth, struct str secret);
/* Whether `signature` is that of the next chunk, or of the trailer, in constant time. Either way the next one builds
 * upon the one that was computed.
 * digest   of the chunk's bytes, or of the trailer's lines ("name:value\n" each) */
bool chunk_chain_next(struct chunk_chain *c, bool trailer, const unsigned char digest[SHA256_BYTES], struct str signature) MUST_CHECK;
/* Wipe the key; safe on a zeroed one. */
void chunk_chain_deinit(struct chunk_chain *c);

#endif
