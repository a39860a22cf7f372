/* Access control: the API key, and the delete token of one image. */
#ifndef API_ACCESS_H
#define API_ACCESS_H

#include "base/fault.h"
#include "api/call.h"

/* Check the route's rule before anything is read, so that a caller without a key cannot find out what
 * exists. Sets c->has_key. A DELETE with some token is let through; access_token checks it.
 * Errors  KEY_NEEDED no key was sent; KEY_WRONG; TOO_MANY_TRIES, see http/bearer.h */
enum status access_check(struct api_call *c, struct fault *why) MUST_CHECK;
/* For a caller without the key: check the delete token against the row.
 * Errors  KEY_WRONG; TOO_MANY_TRIES */
enum status access_token(const struct api_call *c, const struct image_row *row, struct fault *why) MUST_CHECK;

/* Whose images the caller's lists have; "": those of all. An administrator may name an owner, by `owner` in the query.
 * Errors  BAD_FIELD; KEY_NEEDED */
enum status access_owner(struct api_call *c, struct str *owner, struct fault *why) MUST_CHECK;
/* Whether the caller may see this image. */
bool access_sees(const struct api_call *c, const struct image_row *row);
/* Whether it is known who the caller is. */
bool access_identifies(const struct api_call *c);
/* Whether the caller may choose this visibility: a public image needs the key, also where nothing else does, since
 * anyone who knows its id can read it from then on.
 * Errors  PUBLIC_DENIED no key was sent; KEY_WRONG; TOO_MANY_TRIES */
enum status access_visibility(const struct api_call *c, bool is_public, struct fault *why) MUST_CHECK;

/* What the call was authorized by, for the log: "anybody", "key" or "deleteToken". */
const char *access_name(const struct api_call *c);

#endif
