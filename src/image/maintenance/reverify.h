/* Images of older versions, which did not decode them or did not remove what can identify a person. Their
 * rows say so, and what was done is in the row, so that this may end at any time and be run again: it goes on with the rest.
 *
 * An image is decoded, and its row gets the verdict, the placeholder and the color. With `strip` it is rewritten too, if the
 * result decodes as well. One that is damaged is marked and left as it is: it may be all that there is of it.
 *
 * Crash-safe: with an embedded store object and row change in one commit. On a remote one the row says first what the object
 * will be, and that it is stripped only after it was written; whoever finds the one without the other does the same again. */
#ifndef IMAGE_MAINTENANCE_REVERIFY_H
#define IMAGE_MAINTENANCE_REVERIFY_H

#include "image/product.h"
#include "port/bucket_store.h"

#define REVERIFY_RATE_MAX 1000
#define REVERIFY_RATE_DEFAULT 10

struct reverify_result {
	uint64_t total;       /* uploaded images when it began; a remote table may lag */
	uint64_t seen;        /* images looked at so far, all of these together: */
	uint64_t before;      /* nothing was to be done, or they are of a type that is not decoded */
	uint64_t ok;          /* decoded, and intact */
	uint64_t recoverable; /* decoded, with a fault that browsers pass over */
	uint64_t corrupt;     /* decoded, and damaged: marked */
	uint64_t over_limit;  /* decoding one needs more than the settings allow: left as they were */
	uint64_t changed;     /* deleted or replaced in the meantime */
	uint64_t failed;      /* could not be read or written: left as they were, and tried again by the next run */
	uint64_t stripped;    /* of ok and recoverable: what can identify a person was looked for, and removed where it was there */
};

struct reverify_options {
	struct product *product;      /* with a renderer */
	struct bucket_store *buckets; /* of the images, where object and row change in one commit; NULL: a remote store */
	struct str bucket;
	bool strip;
	uint32_t per_second; /* images, at most; 1..REVERIFY_RATE_MAX */
	/* Wait until clock_mono_ms() is until_ms, 0: not at all.  false: stop now */
	bool (*wait)(void *arg, int64_t until_ms);
	/* After each image.  row: as it is now, if it was found to be damaged, or could not be dealt with; else NULL.  why: of the latter, else NULL */
	void (*progress)(void *arg, const struct reverify_result *so_far, const struct image_row *row, const struct fault *why);
	void *arg; /* of both */
};

/* Go through all uploaded images, the newest first. Images that are uploaded meanwhile need nothing.
 * out     written in any case
 * stopped *stopped: `wait` said so before the end
 * Errors  those of the table's list: nothing after it was looked at. OK too where images failed: see out
 * Threads one at a time per table; blocks */
enum status reverify_run(const struct reverify_options *o, struct reverify_result *out, bool *stopped, struct fault *why) MUST_CHECK;

/* Verify one image again, whatever its row says, and change no byte of it.
 * o       product, buckets and bucket
 * now     its row afterwards; in `a`
 * Errors  NO_SUCH_IMAGE; NOT_HERE images, or those of this type, are not decoded here; STATE_CHANGED it is not uploaded, or was replaced
 *         meanwhile; TOO_MUCH decoding it needs more than the settings allow; OVERLOADED; STORAGE_FAILED; UPSTREAM_FAILED
 * Threads workers */
enum status reverify_image(
	const struct reverify_options *o, struct str image_id, struct arena *a, struct image_row *now, struct fault *why) MUST_CHECK;

#endif
