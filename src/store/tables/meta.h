/* What an object carries next to its bytes, as it is in a row: a blob of numbers and texts, each with its
 * length. Kind and composite of the checksum are in the row's flags, so that listings need no blob. Pure. */
#ifndef STORE_TABLES_META_H
#define STORE_TABLES_META_H

#include "base/buf.h"
#include "base/fault.h"
#include "port/object_meta.h"

#define META_MAX_BYTES ((size_t)2 << 20)

/* The flags of a row of objects, parts and uploads. */
enum {
	ROW_CHECKSUM = 7, /* mask: enum checksum_kind */
	ROW_COMPOSITE = 8,
	ROW_META_ASIDE = 16, /* the blob is too large for the row and is in metas, under the file's number */
	ROW_INLINED = 32,    /* the bytes are in bodies, under the file's number, and there is no file */
};

/* The checksum's flags. */
unsigned meta_flags(const struct object_meta *m);
/* The checksum of flags, without its value. */
struct object_checksum meta_checksum(unsigned flags);
/* Append to b, which may grow to META_MAX_BYTES; nothing when there is no metadata. */
void meta_encode(const struct object_meta *m, struct buf *b);
/* The other way; texts are copied into the arena.
 * Errors  TOO_MUCH the arena is full; STORAGE_FAILED not what meta_encode gives */
enum status meta_decode(struct str blob, unsigned flags, struct arena *a, struct object_meta *out, struct fault *why) MUST_CHECK;
/* A copy that lives in `a` alone; to be checked when arena_ok. */
struct object_meta meta_dup(const struct object_meta *m, struct arena *a);

#endif
