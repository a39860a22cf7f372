/* The product's state: its rules and its two ports. Created at start, read by all threads. */
#ifndef IMAGE_PRODUCT_H
#define IMAGE_PRODUCT_H

#include "image/delivery_link.h"
#include "port/cdn.h"
#include "port/image_table.h"
#include "port/object_store.h"
#include "port/renderer.h"
#include "port/user_table.h"

#define IMAGE_PREFIX STR("images/")
/* How often a pending image may be verified again because a client reads it. A client that polls for its
 * upload must not make the server fetch the object each time. */
#define RECHECK_EVERY_MS 1000

/* What of an upload must be in order: its headers; enough of its pixels for browsers to show it; or everything. */
enum image_check { CHECK_HEADER, CHECK_DECODE, CHECK_STRICT };

struct image_rules {
	struct str allowed_types;    /* media types with commas */
	struct str unverified_types; /* those of them that are accepted unseen; "": none */
	uint64_t max_size_bytes;
	uint64_t max_pixels;
	uint32_t url_ttl_s;
	uint32_t pending_ttl_s; /* kept after the URL has expired */
	uint32_t rejected_ttl_s;
	uint32_t orphan_ttl_s;
	bool strip;             /* what can identify a person is removed from images */
	unsigned keep;          /* a set of enum keep_metadata: what of that the row keeps */
	enum image_check check; /* without a renderer: CHECK_HEADER */
	bool require_size;      /* a slot needs its fileSize */
	bool is_public;         /* new images, unless their slot says otherwise */
};

/* The delivery links that are given out. Texts are borrowed. */
struct delivery_rules {
	struct delivery_keys keys; /* none: no links */
	struct str url;            /* what they begin with, scheme, host and port; "": no links */
	uint32_t ttl_s;            /* of those in records, at least */
};

#define REQUEST_SECRET_BYTES 32

struct rate_limit;
struct thumbnails;

struct product {
	struct image_rules rules;
	struct delivery_rules delivery;
	bool has_request_secret; /* of the ids of images that are requested with an Idempotency-Key, see slot_set_secret */
	unsigned char request_secret[REQUEST_SECRET_BYTES];
	struct object_store *store;
	struct image_table *table;
	struct user_table *users;         /* NULL: this backend has none */
	struct cdn *cdn;                  /* NULL: nobody but the store and this program serves images */
	struct thumbnails *thumbnails;    /* NULL: there are none */
	struct renderer *renderer;        /* NULL: images are not decoded here */
	bool objects_change;              /* the store may replace an object without updating the table */
	struct rate_limit *recheck_limit; /* of an image's rechecks; NULL: the store resolves rows itself */
};

#endif
