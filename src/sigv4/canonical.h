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

/* Values are trimmed, runs of blanks become one, repeated headers are joined with ','.
 * Errors  INVALID_INPUT a signed header is missing or a %XX is bad; TOO_MUCH */
enum status canonical_split(struct arena *a, const struct canonical_input *in, struct canonical_parts *out, struct fault *why) MUST_CHECK;
void canonical_join(const struct canonical_parts *parts, struct buf *out);
/* The string to sign of these parts; "" when the arena is full.
 * canonical   set to the canonical request; may be NULL */
struct str canonical_text(
	const struct canonical_parts *parts, struct str amz_date, const struct sigv4_scope *scope, struct arena *a, struct str *canonical);
/* The Host that clients will send for a base URL, without the port when it is the scheme's own.
 * Errors  INVALID_INPUT not a scheme, a host and perhaps a port */
enum status base_url_host(struct str base_url, struct str *host, struct fault *why) MUST_CHECK;

/* `s` percent-encoded; s itself if nothing needs encoding. */
struct str canonical_encode(struct arena *a, struct str s, bool keep_slash);
/* The pairs but X-Amz-Signature, encoded, with '&' between. Sorted by encoded name, then value. */
struct str canonical_query(struct arena *a, const struct query *q);
/* Append the lines of all signed headers.  Errors: INVALID_INPUT one is missing */
enum status canonical_headers(const struct canonical_input *in, struct buf *out, struct fault *why) MUST_CHECK;

#endif
