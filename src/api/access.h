/* Who may do what: the API key, and the delete token of one image. */
#ifndef API_ACCESS_H
#define API_ACCESS_H

#include "base/fault.h"
#include "api/call.h"

/* Check the route's rule, before anything is read: so a caller without a key learns nothing of what
 * exists. Sets c->has_key. A caller of DELETE with some token is let through for access_token to judge.
 * Errors  KEY_NEEDED nothing was given; KEY_WRONG */
enum status access_check(struct api_call *c, struct fault *why) MUST_CHECK;
/* For a caller without the key: check the delete token against the row.
 * Errors  KEY_WRONG */
enum status access_token(const struct api_call *c, const struct image_row *row, struct fault *why) MUST_CHECK;

/* In whose name the call was let through, for the log: "anybody", "key" or "deleteToken". */
const char *access_name(const struct api_call *c);

#endif
