/* What happens when bytes reach images/: may they come, do they pass the look, and what does a
 * second arrival mean. The verdict's rules, shared by the embedded store's PUT and POST and by
 * whoever looks at objects on a remote store. */
#ifndef IMAGE_ARRIVAL_H
#define IMAGE_ARRIVAL_H

#include "image/product.h"

/* Whether the key is one of ours (images/<uuid>.<ext>) and the id in it; "" when not. */
struct str arrival_image_id(struct str key);
/* Read the row of the key and say whether bytes may come. An uploaded row is let through, since the
 * same bytes may come again.
 * Errors  SLOT_ENDED no such slot, rejected, or past its ends_ms; STORAGE_FAILED */
enum status arrival_admit(struct product *p, struct str key, int64_t now_ms, struct arena *a, struct image_row *row, struct fault *why) MUST_CHECK;
/* Look at a whole body and fill in the settlement: uploaded, or rejected with the reason. Pure.
 * row           the slot
 * etag          hex MD5, borrowed by the settlement */
void arrival_judge(const struct image_rules *rules, const struct image_row *row, struct str bytes, struct str etag, int64_t now_ms, struct settlement *out);
/* What a settlement that found the row not pending means: OK the same bytes are there already
 * (size and MD5 alike); SLOT_TAKEN other bytes are; SLOT_ENDED it was rejected. */
enum status arrival_repeat(const struct image_row *now, uint64_t size, struct str etag, struct fault *why) MUST_CHECK;

#endif
