/* The size of a chunk is checked when it begins, its signature after its last byte was received. Its bytes are passed on
 * before that, because a chunk may be of any size; so nothing may be committed before stream_end returns OK. */
#include "s3/wire/body_stream.h"

#include <string.h>

enum status stream_begin(struct body_stream *s, const struct parsed_signature *auth, struct str secret, uint64_t given, struct fault *why)
{
	assert(s->digests != NULL && s->arena != NULL);
	assert(auth->payload != PAYLOAD_HASH && auth->payload != PAYLOAD_UNSIGNED);
	s->signed_chunks = auth->payload == PAYLOAD_CHUNKS || auth->payload == PAYLOAD_CHUNKS_TRAILER;
	s->has_trailer = auth->payload == PAYLOAD_UNSIGNED_TRAILER || auth->payload == PAYLOAD_CHUNKS_TRAILER;
	s->given = given;
	chunked_init(&s->parser, s->signed_chunks && s->has_trailer);
	if (s->has_trailer != s->digests->in_trailer)
		return fault_set(why, REQUEST_INVALID,
			s->has_trailer ? "The x-amz-trailer header must name the checksum that follows the chunks."
						   : "The x-amz-trailer header was sent, but x-amz-content-sha256 announces no trailer.");
	if (s->signed_chunks)
		chunk_chain_init(&s->chain, auth, secret);
	return OK;
}

static enum status wrong_length(struct fault *why)
{
	return fault_set(why, BODY_CUT, "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header");
}

static enum status wrong_signature(struct fault *why)
{
	return fault_set(why, SIGNATURE_WRONG,
		"The request signature we calculated does not match the signature you provided. "
		"Check your key and signing method.");
}

static enum status wrong_trailer(struct fault *why)
{
	return fault_set(why, TRAILER_MALFORMED, "the trailer is not the one that was announced");
}

static enum status check_chunk(struct body_stream *s, struct fault *why)
{
	unsigned char digest[SHA256_BYTES];
	if (!s->signed_chunks)
		return OK;
	hash_final(&s->chunk_sum, digest);
	if (!chunk_chain_next(&s->chain, false, digest, (struct str){ s->signature, SIGNATURE_CHARS }))
		return wrong_signature(why);
	return OK;
}

static enum status take_trailer(struct body_stream *s, struct fault *why)
{
	struct str name = s->parser.name, value = s->parser.value;
	if (!s->has_trailer)
		return wrong_trailer(why);
	if (str_equal_nocase(name, STR("x-amz-trailer-signature"))) {
		unsigned char digest[SHA256_BYTES];
		if (!s->signed_chunks || s->trailer_signed || !s->checksum_seen)
			return wrong_trailer(why);
		hash_final(&s->chunk_sum, digest);
		if (!chunk_chain_next(&s->chain, true, digest, s->parser.value))
			return wrong_signature(why);
		s->trailer_signed = true;
		return OK;
	}
	if (s->checksum_seen || s->trailer_signed || checksum_by_header(name) != s->digests->kind)
		return wrong_trailer(why);
	s->checksum_seen = true;
	if (s->signed_chunks) {
		/* "name:value\n", as it was signed */
		const struct str pieces[] = { str_lower(s->arena, name), STR(":"), value, STR("\n") };
		hash_init(&s->chunk_sum, HASH_SHA256);
		for (size_t i = 0; i < COUNT_OF(pieces); i++)
			hash_update(&s->chunk_sum, pieces[i].p, pieces[i].n);
	}
	return digests_set(s->arena, s->digests, value, why);
}

enum status stream_next(struct body_stream *s, struct str *piece, struct str *bytes, struct fault *why)
{
	assert(piece != NULL && bytes != NULL);
	assert(s->got <= s->given);
	const struct chunked *p = &s->parser;
	uint64_t size_before = p->size;
	*bytes = (struct str){ 0 };
	switch (chunked_next(&s->parser, piece, bytes)) {
	case CHUNKED_CHUNK:
		if (s->signed_chunks && s->chunks > 0 && size_before < CHUNK_MIN_BYTES && p->size > 0)
			return fault_set(why, CHUNK_TOO_SMALL, "Only the last chunk is allowed to have a size less than 8192 bytes");
		if (p->size > s->given - s->got)
			return wrong_length(why);
		s->got += p->size;
		s->chunks++;
		if (!s->signed_chunks)
			return OK;
		if (p->signature.n != SIGNATURE_CHARS)
			return fault_set(why, CHUNK_INVALID, "Each chunk must have a chunk-signature of 64 hex digits.");
		memcpy(s->signature, p->signature.p, SIGNATURE_CHARS);
		hash_init(&s->chunk_sum, HASH_SHA256);
		return p->size > 0 ? OK : check_chunk(s, why);
	case CHUNKED_DATA:
		if (s->signed_chunks)
			hash_update(&s->chunk_sum, bytes->p, bytes->n);
		return OK;
	case CHUNKED_CHUNK_END:
		return check_chunk(s, why);
	case CHUNKED_TRAILER:
		return take_trailer(s, why);
	case CHUNKED_END:
		s->ended = true;
		return OK;
	case CHUNKED_BAD:
		if (s->parser.in_trailer)
			return wrong_trailer(why);
		return fault_set(why, CHUNK_INVALID, "The aws-chunked body is not well-formed: %s.", s->parser.why);
	case CHUNKED_MORE:
		break;
	}
	return OK;
}

enum status stream_end(struct body_stream *s, struct fault *why)
{
	assert(s != NULL);
	if (!s->ended)
		return fault_set(why, BODY_CUT, "The request body terminated unexpectedly");
	if (s->got != s->given)
		return wrong_length(why);
	if (s->has_trailer && !s->checksum_seen)
		return wrong_trailer(why);
	if (s->has_trailer && s->signed_chunks && !s->trailer_signed)
		return wrong_signature(why);
	return OK;
}

void stream_drop(struct body_stream *s)
{
	assert(s != NULL);
	chunk_chain_deinit(&s->chain);
}
