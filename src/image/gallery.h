/* The gallery: list, read, complete and delete images. Blocks on the ports: workers only. */
#ifndef IMAGE_GALLERY_H
#define IMAGE_GALLERY_H

#include "image/product.h"

/* Complete a slot: look at the object if the row is still pending, and give the row as it then is.
 * Errors  NO_SUCH_IMAGE; NOT_ARRIVED; STORAGE_FAILED */
enum status gallery_complete(struct product *p, struct str image_id, struct arena *a, struct image_row *out, struct fault *why) MUST_CHECK;
/* Delete object and row, whatever the state.  Errors: NO_SUCH_IMAGE; STORAGE_FAILED; DISK_FULL */
enum status gallery_remove(struct product *p, struct str image_id, struct fault *why) MUST_CHECK;
/* A presigned GET whose answer carries the file's name and verdict type. */
enum status gallery_download(struct product *p, const struct image_row *row, struct arena *a, struct presigned *out, struct fault *why) MUST_CHECK;
/* RFC 6266 / 8187: inline; filename="ascii fallback"; filename*=UTF-8''percent-encoded. Never CR, LF or quotes unescaped. */
struct str content_disposition(struct arena *a, struct str file_name);

#endif
