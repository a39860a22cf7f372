/* How items are examined, for fsck.c. See fsck.h. */
#ifndef IMAGE_MAINTENANCE_FSCK_ITEMS_H
#define IMAGE_MAINTENANCE_FSCK_ITEMS_H

#include "image/maintenance/fsck.h"

struct fsck_item {
	struct str name;
	const struct image_row *row; /* of "image/ID", as it was listed; NULL: it is read */
	uint64_t marked;             /* out: 1 for an image that is marked as damaged, and is */
};

enum status fsck_examine_item(
	const struct fsck_options *o, struct fsck_item *item, bool repair, struct finding_sink *sink, struct fault *why) MUST_CHECK;

#endif
