/* Check what is stored: rows against objects both ways, the bytes of every object against what is recorded of them, thumbnails and
 * copies without an image, the counters, and what a backend knows of itself (port/storage_check.h). For `tintype fsck`.
 *
 * It works by items, each of which is examined by itself and in any order: "image/ID" is a row with its object, "key/KEY" an object
 * with its row, "users" what owners use; all others are those of the backend. While uploads and deletions go on
 * something may look wrong for a moment, so that what is found is examined again when it has had time to settle, and only
 * what is found both times counts. */
#ifndef IMAGE_MAINTENANCE_FSCK_H
#define IMAGE_MAINTENANCE_FSCK_H

#include "image/product.h"
#include "port/storage_check.h"

#define FSCK_JOBS_MAX 16
#define FSCK_FOUND_MAX 100000 /* with more the check ends early */

struct fsck_result {
	uint64_t total;    /* uploaded images when it began; a remote table may lag */
	uint64_t images;   /* rows that were examined */
	uint64_t objects;  /* objects and parts whose bytes were read */
	uint64_t bytes;    /* of these */
	uint64_t unhashed; /* of these: nothing is recorded that the bytes could be compared with */
	uint64_t marked;   /* images that an earlier repair marked as damaged, and that are so */
	uint64_t found;    /* findings */
	bool too_many;     /* more than FSCK_FOUND_MAX: not all was examined */
};

struct fsck_options {
	struct product *product;
	struct storage_check *check; /* of the backend; NULL: a remote store, which is read by product->store */
	unsigned jobs;               /* threads; 1..FSCK_JOBS_MAX */
	int64_t settle_ms;           /* before what was found is examined again */
	bool (*stop)(void *arg);     /* true ends it early; NULL: never. Any thread */
	/* How far it is, after each item. One thread at a time; may be NULL */
	void (*progress)(void *arg, const struct fsck_result *so_far);
	void (*found)(void *arg, const struct finding *); /* what was found both times. One thread at a time */
	void *arg;                                        /* of all three */
};

/* The names of items in which something was found, each once. */
struct fsck_items {
	struct str *names;
	size_t n;
	struct arena arena;
};
void fsck_items_deinit(struct fsck_items *items);

/* Examine everything.
 * items   out: to be repaired; the caller ends it, in any case
 * Errors  DEADLINE it was stopped; OUT_OF_MEMORY; INTERNAL no thread; those of the ports: not all was examined
 * Threads blocks */
enum status fsck_run(const struct fsck_options *o, struct fsck_result *out, struct fsck_items *items, struct fault *why) MUST_CHECK;

/* Examine one item, and with `repair` repair what is found, whatever else goes on. Of o only product and check matter.
 * Errors  INVALID_INPUT no item has such a name; those of the ports */
enum status fsck_examine(
	const struct fsck_options *o, struct str item, bool repair, struct finding_sink *sink, struct fault *why) MUST_CHECK;

#endif
