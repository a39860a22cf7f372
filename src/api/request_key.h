/* Idempotency-Key: repeating a request for a slot makes no second one.
 *
 * There is no table of keys. The image's id is made of the owner and the key (image/slot.h), so that a repetition finds the row of the first
 * request, and the row has a hash of that request, by which another one under the same key is refused. Anonymous callers may send one only
 * with an image. They share one set of keys, and whoever repeats a request gets its delete token: so their keys must be too long to guess.
 * Source: draft-ietf-httpapi-idempotency-key-header-07 */
#ifndef API_REQUEST_KEY_H
#define API_REQUEST_KEY_H

#include "api/call.h"

#define REQUEST_KEY_HEADER STR("Idempotency-Key")
#define REQUEST_KEY_MAX_BYTES 128
#define REQUEST_KEY_ANONYMOUS_MIN_BYTES 32

/* Read the text of an Idempotency-Key: printable ASCII without quotes and backslashes, itself in quotes or not.
 * false: it is empty, longer than REQUEST_KEY_MAX_BYTES, or of another form. Pure; out borrows from value */
bool request_key_parse(struct str value, struct str *out) MUST_CHECK;
/* Read the key of a request.
 * out     "": none was sent
 * Errors  BAD_FIELD malformed, sent twice, or from an anonymous caller with a slot or too short; NOT_HERE the server has no secret for it */
enum status request_key_read(const struct api_call *c, struct str *out, struct fault *why) MUST_CHECK;
/* Set the fault IMAGE_GONE, for a key whose image has been deleted, and return its status. */
enum status request_key_gone(struct fault *why);
/* Find the row of the first request with this owner and key.
 * again   the row that this request makes, with its hash
 * failed  how inserting that row has failed; OK: it was not tried yet
 * out     its image_id is "" where there is none
 * Errors  KEY_REUSED that was another request; IMAGE_GONE; where there is none, `failed` with its fault, which is in `why` */
enum status request_key_find_first(
	struct api_call *c, const struct image_row *again, enum status failed, struct image_row *out, struct fault *why) MUST_CHECK;

#endif
