/* Inside sigv4/: the six parts of a canonical request, each as text, so that explain.c can replace
 * one of them by what a mistaken client would have signed. */
#ifndef SIGV4_CANONICAL_H
#define SIGV4_CANONICAL_H

#include "base/fault.h"
#include "sigv4/sign.h"

#define CANONICAL_MAX_BYTES (256 * 1024)

struct canonical_parts {
	struct str method;
	struct str path;    /* encoded once */
	struct str query;   /* encoded and sorted */
	struct str headers; /* "name:value\n" each */
	struct str signed_headers;
	struct str payload_hash;
};

/* Errors  INVALID_INPUT a signed header is missing or a %XX is bad; TOO_MUCH */
enum status canonical_split(struct arena *a, const struct canonical_input *in, struct canonical_parts *out, struct fault *why) MUST_CHECK;
void canonical_join(const struct canonical_parts *parts, struct buf *out);

/* `s` percent-encoded; borrowed when nothing needs it. */
struct str canonical_encode(struct arena *a, struct str s, bool keep_slash);
/* The pairs but X-Amz-Signature, encoded, with '&' between. Sorted by encoded name, then value. */
struct str canonical_query(struct arena *a, const struct query *q);
/* Append the lines of all signed headers.  Errors: INVALID_INPUT one is missing */
enum status canonical_headers(const struct canonical_input *in, struct buf *out, struct fault *why) MUST_CHECK;

#endif
