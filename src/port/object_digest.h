/* Whether bytes are those of which a digest was recorded: a SHA-256, an ETag that is an MD5, also of parts, or a checksum that an S3
 * client sent. Fed in pieces, so that an object need not be in memory. One thread at a time.
 * Source: Amazon S3 User Guide, "Checking object integrity", for the ETag of objects that were uploaded in parts. */
#ifndef PORT_OBJECT_DIGEST_H
#define PORT_OBJECT_DIGEST_H

#include "port/object_meta.h"

/* What is recorded. One of it is compared: the SHA-256, a checksum that is one, the ETag, another checksum; the first that can be. */
struct object_digests {
	struct str sha256; /* hex, of all bytes; "": not known */
	struct str etag;   /* hex MD5, or with "-N" that of the MD5s of N parts */
	struct object_checksum checksum;
	const struct object_part *parts; /* their sizes; NULL: not known */
	size_t n_parts;
};

enum object_digest_kind { DIGEST_NOTHING, DIGEST_SHA256, DIGEST_CHECKSUM, DIGEST_MD5, DIGEST_MD5_OF_PARTS };

struct object_digest {
	const struct object_digests *recorded;
	enum object_digest_kind kind;
	struct hash hash; /* of all, or of the parts' */
	struct hash part;
	struct checksum checksum;
	size_t parts_done; /* that were begun */
	uint64_t part_left;
	bool differs; /* sticky: there are not as many bytes as the parts have */
};

/* Which of them is compared. DIGEST_NOTHING: none can be. Pure. */
enum object_digest_kind object_digest_choose(const struct object_digests *recorded);
/* recorded  borrowed until the end */
void object_digest_begin(struct object_digest *d, const struct object_digests *recorded);
void object_digest_add(struct object_digest *d, const void *p, size_t n);
/* Whether they are the same; true where nothing could be compared. Ends it. */
bool object_digest_end(struct object_digest *d) MUST_CHECK;

#endif
