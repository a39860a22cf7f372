/* An image's row as the JSON record that clients see. */
#ifndef API_RECORD_H
#define API_RECORD_H

#include "api/call.h"

enum record_form {
	RECORD_ALONE = 0,           /* with status and expiresAt */
	RECORD_IN_LIST = 1 << 0,    /* of a page of uploaded images */
	RECORD_KEPT = 1 << 1,       /* with what was kept of what was removed, which only callers with the key may see */
	RECORD_IN_EVENT = 1 << 3,   /* of a webhook: with status, without what is secret or expires */
	RECORD_OWNER = 1 << 5,      /* with owner, issuer and subject, for administrators */
	RECORD_NO_LINKS = 1 << 4,   /* of an image that is gone */
	RECORD_UNREADABLE = 1 << 6, /* without what leads to the bytes, for one who may send images and not read them */
	RECORD_STATUS = 1 << 7,     /* in a list, with status */
	RECORD_NO_URLS = 1 << 2,    /* of the store: without fileUrl and downloadUrl, in a list alone */
};

/* Append the record as a JSON object; URLs are presigned now. Memory for signing is released
 * at once, so that a long page costs no more than its text.
 * form    a set of enum record_form
 * Errors  those of image_service_download */
enum status record_write(struct product *p, const struct image_row *row, unsigned form, struct buf *b, struct fault *why) MUST_CHECK;
/* Its members alone, into an object that is open. */
enum status record_write_members(
	struct product *p, const struct image_row *row, unsigned form, struct buf *b, struct fault *why) MUST_CHECK;

/* The form for what this caller may see. */
unsigned record_form_for(const struct api_call *c, unsigned form);
/* Add the record's version as ETag. */
void record_tag(struct api_call *c, const struct image_row *row);
/* Answer 200 with the record of one image, and its version as ETag, for If-Match.
 * Errors  those of record_write; TOO_MUCH */
enum status record_answer(struct api_call *c, const struct image_row *row, struct fault *why) MUST_CHECK;

#endif
