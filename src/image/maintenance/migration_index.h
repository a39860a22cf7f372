/* What a destination has, by image id, in memory: 40 bytes for each image, and room for more. Rows and objects are remembered as digests,
 * with which those of the source are compared. One thread at a time. */
#ifndef IMAGE_MAINTENANCE_MIGRATION_INDEX_H
#define IMAGE_MAINTENANCE_MIGRATION_INDEX_H

#include "base/hash.h"
#include "port/transfer.h"

#define MIGRATION_ID_BYTES 16

struct migration_entry {
	unsigned char id[MIGRATION_ID_BYTES];
	uint64_t row;    /* migration_digest_row; 0: there is none */
	uint64_t object; /* migration_digest_object; 0: there is none */
	bool used;
	bool kept; /* only its id is kept */
	bool seen; /* the source has it too */
};

struct migration_index {
	struct migration_entry *entries;
	size_t n, room;
};

/* The entry of an id, added where it is missing. Good until the next call.  NULL: memory failed */
struct migration_entry *migration_index_add(struct migration_index *x, const unsigned char id[MIGRATION_ID_BYTES]);
/* The same, or NULL where it is missing. */
struct migration_entry *migration_index_find(const struct migration_index *x, const unsigned char id[MIGRATION_ID_BYTES]);
/* Safe on a zeroed one. */
void migration_index_deinit(struct migration_index *x);

/* Digests of what must be the same on both sides; never 0. Of a row: every member but the thumbnails, which are made anew, and the time of the
 * object, which is the store's own. */
uint64_t migration_digest_row(const struct transfer_entry *e);
uint64_t migration_digest_object(uint64_t size, struct str etag);

#endif
