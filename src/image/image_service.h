/* The image service: list, read, complete and delete images. Blocks on the ports: workers only. */
#ifndef IMAGE_IMAGE_SERVICE_H
#define IMAGE_IMAGE_SERVICE_H

#include "base/fault.h"
#include "image/product.h"

/* Complete a slot: verify the object if the row is still pending, and return the resulting row,
 * uploaded or rejected. May be repeated. The object is read into memory of its own, not into `a`.
 * Errors  NO_SUCH_IMAGE; NOT_ARRIVED; STORAGE_FAILED */
enum status image_service_complete(
	struct product *p, struct str image_id, struct arena *a, struct image_row *out, struct fault *why) MUST_CHECK;
/* Read a row of any status. On a store that sends no events a pending one is verified first, as often
 * as the product's recheck limit allows; if that fails the row stays as it was, and the sweep verifies it again.
 * Errors  NO_SUCH_IMAGE; STORAGE_FAILED; UPSTREAM_FAILED */
enum status image_service_read(
	struct product *p, struct str image_id, struct arena *a, struct image_row *out, struct fault *why) MUST_CHECK;
/* Whether there is such an image and it is pending, by image_service_read. What fails says no. */
bool image_service_is_pending(struct product *p, struct str image_id);
/* Delete row and object, whatever the state. If the object's removal fails the row is gone already: the
 * image is not listed any more, and the sweep removes an object without a row.
 * Errors  NO_SUCH_IMAGE; STORAGE_FAILED; DISK_FULL */
enum status image_service_remove(struct product *p, struct str image_id, struct fault *why) MUST_CHECK;
#define REMOVE_MANY_MAX 50

/* The same of at most REMOVE_MANY_MAX rows, in one commit where the table can.
 * removed  out, in any case: of each, whether its row was there and is removed; an object that is left then is an orphan
 * Errors   those of image_service_remove, but for NO_SUCH_IMAGE */
enum status image_service_remove_many(
	struct product *p, const struct image_row *rows, size_t n, bool *removed, struct fault *why) MUST_CHECK;
/* How long a download URL stays the same: a GET is signed as of the start of such a window and expires this much later than
 * url_ttl_s says, so that a client that asks again gets the URL whose response it has. */
#define DOWNLOAD_WINDOW_S 300
/* A presigned GET or HEAD whose response has the file's name and verified type; a GET's may be kept for the window. With a CDN both are
 * its signed URL.
 * method  which of the two */
enum status image_service_download(struct product *p, const struct image_row *row, struct str method, struct arena *a,
	struct presigned *out, struct fault *why) MUST_CHECK;
/* How long a redirect to such a URL may be kept, in seconds: a minute less than the URL lives. 0 or less: not at all. */
int64_t image_service_redirect_age(const struct presigned *read);
/* Whether there are delivery links: the product has a CDN, or keys and an address for them. */
bool image_service_has_links(const struct product *p);
/* Whether the original is delivered by links, see verdict_is_shown. */
bool image_service_has_original(const struct product *p, const struct image_row *row);
/* Whether an image has this variant now: it is the original, or one that thumbnails_variant gives. */
bool image_service_has_variant(const struct product *p, const struct image_row *row, struct str variant);
/* The URL of a delivery link, as of now; a public image's is not signed, unless it shall expire. The CDN's, where it serves the variant.
 * variant    as delivery_variant_write gives it
 * expires_s  0: as records have it, see delivery_link_expiry
 * url        in `a`
 * Errors     TOO_MUCH; those of cdn_sign */
enum status image_service_link(const struct product *p, const struct image_row *row, struct str variant, int64_t expires_s, struct arena *a,
	struct str *url, struct fault *why) MUST_CHECK;
/* RFC 6266: inline, or attachment for a type that a browser is not to show; filename="fallback"; filename*=UTF-8''percent-encoded. The fallback is printable
 * ASCII; what is not, and quotes, backslash, slash and percent, become '_'. {NULL,0} when `a` is full. */
struct str content_disposition(struct arena *a, struct str file_type, struct str file_name);

#endif
