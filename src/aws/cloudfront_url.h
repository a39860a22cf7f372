/* CloudFront's signed URLs, each with a canned policy of its own: one URL, until one time.
 * Source: Amazon CloudFront developer guide, "Create a signed URL using a canned policy". */
#ifndef AWS_CLOUDFRONT_URL_H
#define AWS_CLOUDFRONT_URL_H

#include "aws/cloudfront_key.h"
#include "base/buf.h"

/* Append the signed form of a URL.
 * key        that CloudFront has the public part of
 * key_id     CloudFront's ID of it, such as K2JCJMDEHXQW5F: letters and digits
 * url        with its own query, percent-encoded; none of CloudFront's parameters, no blank, quote, backslash or '*'
 * expires_s  a Unix time in seconds
 * Errors     OUT_OF_MEMORY; TOO_MUCH the buffer is full
 * Threads    any */
enum status cloudfront_url_sign(
	const struct cloudfront_key *key, struct str key_id, struct str url, int64_t expires_s, struct buf *b, struct fault *why) MUST_CHECK;

#endif
