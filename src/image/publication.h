/* Images of a remote store behind a CDN: what their URLs are, and the copies of public ones, public/<image id>/<variant>, which the CDN
 * serves to anyone.
 *
 * The row decides: copies are made after it says that the image is public, and it is read again after that, so that of a
 * change to private at the same time, or a deletion, one of the two removes them. Every step may be repeated. What was cut off is
 * repaired by the same call when it is repeated.
 * Without a CDN nothing here does anything. Blocks on the ports: workers only, but for publication_link. */
#ifndef IMAGE_PUBLICATION_H
#define IMAGE_PUBLICATION_H

#include "image/product.h"

#define PUBLIC_PREFIX STR("public/")

enum publication_change {
	PUBLICATION_CHECK,   /* nothing is known to have changed: a copy of the original that is there is left as it is */
	PUBLICATION_THUMBS,  /* the row says now which thumbnails there are */
	PUBLICATION_NAMED,   /* what the row says about the copies may have changed, not the bytes */
	PUBLICATION_HIDDEN,  /* the image was made private, now or at an earlier attempt */
	PUBLICATION_REPLACED /* there may be copies of other bytes, and caches that have them */
};

/* Make the copies be what the row says: those of an uploaded public image, else none.
 * Errors  NO_SUCH_IMAGE it was deleted in the meantime, and its copies too; those of cdn_copy, cdn_invalidate and the object store: the
 *         row is as it was, and the call may be repeated */
enum status publication_update(
	struct product *p, const struct image_row *row, enum publication_change change, struct fault *why) MUST_CHECK;
/* Remove the copies of an image whose row is gone, private or rejected, which an interrupted change or deletion has left.
 * removed  whether there was a reason to
 * Errors   as above */
enum status publication_repair(struct product *p, struct str image_id, bool *removed, struct fault *why) MUST_CHECK;
/* The image is gone: remove its copies, and have the CDN forget them.
 * was_public  whether there may be copies in caches although none is in the bucket
 * Errors      as above */
enum status publication_remove(struct product *p, struct str image_id, bool was_public, struct fault *why) MUST_CHECK;

/* Whether there is to be a copy of the original, and there is none of these bytes, or it cannot be asked for. Blocks. */
bool publication_lacks_copy(struct product *p, const struct image_row *row);

/* Whether the CDN serves a variant of an image: the original, or a thumbnail that the row records. Others are served by delivery links. */
bool publication_has(const struct product *p, const struct image_row *row, struct str variant);
/* The CDN's URL of such a variant.
 * expires_s  a Unix time in seconds; 0: of a public image, not signed
 * Errors     those of cdn_sign
 * Threads    any */
enum status publication_link(const struct product *p, const struct image_row *row, struct str variant, int64_t expires_s, struct arena *a,
	struct str *url, struct fault *why) MUST_CHECK;

#endif
