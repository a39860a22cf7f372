/* Verify an object whose row is not resolved yet: for complete, the sweep and
 * the events of a remote store. */
#ifndef IMAGE_VERIFY_H
#define IMAGE_VERIFY_H

#include "base/fault.h"
#include "image/product.h"

/* Read the object of a pending row, verify it, resolve the row; rejected bytes are removed.
 * row     pending; or uploaded, where its object was found to be another one since
 * now_ms  the time of the verdict
 * now     the row as it is afterwards, whichever call resolved it: uploaded or rejected; lives in `a`
 * Errors  NO_SUCH_KEY no object is there; NO_SUCH_IMAGE the row is gone; other errors of the ports, with the row
 *         unchanged unless only the removal of the rejected bytes failed, which the sweep retries */
enum status verify_object(
	struct product *p, const struct image_row *row, int64_t now_ms, struct arena *a, struct image_row *now, struct fault *why) MUST_CHECK;

/* Whether the object that is there is the one that the uploaded row reports. An ETag alone does not say so, since two
 * bodies may have the same MD5: the time of the write must be the same too. */
bool look_is_current(const struct product *p, const struct image_row *row, const struct object_info *there);
/* The same, asked of the store: an uploaded row whose object is another one is verified and resolved again.
 * Parameters and errors as above; now is a copy of the row where nothing changed */
enum status look_again(
	struct product *p, const struct image_row *row, int64_t now_ms, struct arena *a, struct image_row *now, struct fault *why) MUST_CHECK;

#endif
