/* The JSON request bodies. Pure: bytes and an arena in, a struct out. */
#ifndef API_BODY_H
#define API_BODY_H

#include "base/fault.h"
#include "image/slot.h"
#include "port/api_key_table.h"

/* Read {"fileName","fileType","fileSize"?,"method"?,"visibility"?,"metadata"?,"maxSize"?,"allowedTypes"?,
 * "expiresIn"?} of POST /upload. Any other member is refused, here and
 * in all bodies. slot_prepare validates the texts and the size.
 * body    at most 16 KiB, checked by the caller
 * out     texts live in `a`
 * Errors  BAD_JSON not a JSON object, repeated members, too deep, numbers out of range, U+0000;
 *         BAD_FIELD a member is missing, unknown or of the wrong type; TOO_MUCH */
enum status body_read_slot(struct arena *a, struct str body, struct slot_request *out, struct fault *why) MUST_CHECK;

/* Read {"visibility"?,"fileName"?,"metadata"?} of PATCH /images/{imageId}, one of them at least; metadata that are null are to be
 * removed. file_name_check validates the name.
 * out     without image_id and if_version; texts live in `a`
 * Errors  those of body_read_slot */
enum status body_read_change(struct arena *a, struct str body, struct image_change *out, struct fault *why) MUST_CHECK;

#define KEY_LIFE_MAX_S ((int64_t)10 * 366 * 86400)

struct key_request {
	struct str name;
	unsigned scopes;      /* a set of enum api_scope, not empty */
	struct str owner;     /* whose it is to be; "": not given */
	int64_t expires_in_s; /* 0: never */
};

/* Read {"name","scopes","owner"?,"expiresIn"?} of POST /keys.
 * out     texts live in `a`
 * Errors  those of body_read_slot */
enum status body_read_key(struct arena *a, struct str body, struct key_request *out, struct fault *why) MUST_CHECK;

/* Read {"bytes"?,"images"?,"pending"?,"slotsPerMinute"?} of PUT /users/{owner}/quota: what is missing is not limited.
 * Errors  those of body_read_slot */
enum status body_read_quota(struct str body, struct owner_quota *out, struct fault *why) MUST_CHECK;

#define LINK_LIFE_MAX_S 604800

struct link_request {
	uint32_t expires_in_s; /* 0: not given */
	struct str variant;    /* as delivery_variant_parse takes it */
};

/* Read {"expiresIn"?,"variant"?} of POST /images/{imageId}/links.  Errors: those of body_read_slot */
enum status body_read_link(struct arena *a, struct str body, struct link_request *out, struct fault *why) MUST_CHECK;

#define IDS_MAX 1000

struct id_list {
	const struct str *ids; /* UUIDs; one may be there twice */
	size_t n;
};

/* Read {"imageIds"} of POST /images/delete.  Errors: those of body_read_slot */
enum status body_read_ids(struct arena *a, struct str body, struct id_list *out, struct fault *why) MUST_CHECK;

#define METADATA_MAX_MEMBERS 32
#define METADATA_MAX_BYTES 2048 /* of names and values as UTF-8 */

/* Read an application's metadata: an object of strings.
 * out     the same as compact JSON, in the order of the names; "" of an empty object; lives in `a`
 * Errors  those of body_read_slot */
enum status body_read_metadata(struct arena *a, struct str text, struct str *out, struct fault *why) MUST_CHECK;

#endif
