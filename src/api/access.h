/* Access control: which callers a route admits, and whose images they may access. */
#ifndef API_ACCESS_H
#define API_ACCESS_H

#include "base/fault.h"
#include "api/call.h"
#include "image/slot.h"

/* Identify the caller, and check the route's rule before anything is read, so that a caller without a key cannot find out what
 * exists. Fills in c->caller, as whoever the caller acts for (onBehalfOf in the query).
 * may_wait  see caller_read
 * Errors    CROSS_SITE; KEY_NEEDED nothing was sent; SCOPE_MISSING; BAD_FIELD; those of caller_read */
enum status access_check(struct api_call *c, bool may_wait, struct fault *why) MUST_CHECK;
/* Let the caller act for the user that its application names so, for the rest of the call. Again with the same text: nothing changes.
 * subject  any text
 * Errors   KEY_NEEDED; SCOPE_MISSING; BAD_FIELD; TOO_MUCH */
enum status access_act_as(struct api_call *c, struct str subject, struct fault *why) MUST_CHECK;

/* Whether it is known who the caller is. */
bool access_identifies(const struct api_call *c);
/* Of a path that names an image: refuse it to a caller who may not see it, or whose delete token is not its. Where that depends on the
 * row, c->row is it then. Blocks: workers only.
 * Errors  NO_SUCH_IMAGE; TOO_MANY_TRIES; STORAGE_FAILED */
enum status access_image(struct api_call *c, struct fault *why) MUST_CHECK;
/* Whether the caller may see this image; of one with a delete token, whether it is this image's. */
bool access_sees(const struct api_call *c, const struct image_row *row);
/* Whose images the caller's lists have; "": those of all. An administrator may name an owner, by `owner` in the query.
 * Errors  BAD_FIELD; KEY_NEEDED; SCOPE_MISSING */
enum status access_owner(struct api_call *c, struct str *owner, struct fault *why) MUST_CHECK;

/* Whether anonymous callers may change and delete images without a delete token. */
bool access_anybody_changes(const struct api_options *o);

/* Say in the request of a slot whose its image will be. */
void access_name_owner(const struct api_call *c, struct slot_request *slot);

/* Whether the caller may choose this visibility: a public image needs a key or a token, also where nothing else does, since
 * anyone who knows its id can read it from then on.
 * Errors  PUBLIC_DENIED none was sent */
enum status access_visibility(const struct api_call *c, bool is_public, struct fault *why) MUST_CHECK;

#endif
