/* Copying all images, with their rows, owners, API keys and events, from the backend of one product to that of another.
 *
 * One pass makes the destination be what the source is: it reads what both have, copies what differs, and removes what the source does
 * not have any more. So a pass that was cut off is simply repeated, a pass over a source that changes gets close, and a pass
 * that finds nothing to do has compared every row, and the size and ETag of every object. Blocks on the ports, with threads of its own. */
#ifndef IMAGE_MAINTENANCE_MIGRATION_H
#define IMAGE_MAINTENANCE_MIGRATION_H

#include "image/product.h"
#include "port/api_key_table.h"
#include "port/transfer.h"

/* product: its store, table, users and cdn, and whether objects_change. */
struct migration_side {
	struct product *product;
	struct api_key_table *api_keys;
	struct outbox *outbox;
	struct transfer *transfer;
};

struct migration_result {
	uint64_t rows, uploaded, bytes;   /* at the source: all rows, and uploaded images with their bytes */
	uint64_t users, api_keys, events; /* at the source */
	uint64_t copied, copied_bytes;    /* images whose row or object differed */
	uint64_t removed;                 /* images that the source does not have any more */
	uint64_t others;                  /* owners, API keys and events that differed */
	uint64_t damaged;                 /* images whose object is missing at the source, or is not what its row says */
	int64_t urls_until_ms;            /* when the last upload URL that the source gave out expires; 0: there is none */
};

struct migration_options {
	struct migration_side from, to;
	unsigned jobs;  /* images that are copied at a time, at least 1 */
	bool is_closed; /* nothing changes at the source any more: events are copied too, and objects of pending rows */
	int64_t
		renewed_until_ms; /* URLs of slots with an Idempotency-Key, which may be signed again, expire by then at the latest; 0: with the slot */
	bool (*stop)(void *arg);                                            /* true ends it early with DEADLINE; NULL: never */
	void (*progress)(void *arg, const struct migration_result *so_far); /* now and then; may be NULL */
	void (*damaged)(void *arg, struct str image_id, const char *text);  /* on any thread, one at a time; may be NULL */
	void *arg;
};

/* One pass.
 * out     written in any case
 * Errors  those of the ports; CORRUPT the destination has other bytes than were sent; DEADLINE stopped; OUT_OF_MEMORY */
enum status migration_pass(const struct migration_options *o, struct migration_result *out, struct fault *why) MUST_CHECK;
/* Whether a pass has found nothing to do. */
static inline bool migration_is_same(const struct migration_result *r)
{
	return r->copied + r->removed + r->others == 0;
}

#endif
