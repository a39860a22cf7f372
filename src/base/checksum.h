/* The checksums that S3 clients send with a body: CRC32, CRC32C, CRC64NVME, SHA-1, SHA-256. One table
 * has for each: its name as in x-amz-checksum-algorithm, its header, the length of its value.
 * Pure but for the context of a running sum; any thread.
 * Source: Amazon S3 User Guide, "Checking object integrity". */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include "base/fault.h"
#include "base/hash.h"
#include "base/str.h"

enum checksum_kind { CHECKSUM_NONE, CHECKSUM_CRC32, CHECKSUM_CRC32C, CHECKSUM_CRC64NVME, CHECKSUM_SHA1, CHECKSUM_SHA256 };
#define CHECKSUM_KINDS 6
#define CHECKSUM_BYTES_MAX 32
#define CHECKSUM_TEXT_MAX 44 /* base64 of the longest; no NUL */

struct checksum_kind_info {
	const char *name;    /* "CRC32C" */
	const char *header;  /* "x-amz-checksum-crc32c" */
	const char *element; /* "ChecksumCRC32C" */
	size_t bytes;        /* of the value */
	bool linear;         /* a CRC: sums of parts can be combined */
};

/* Of any kind but NONE. */
const struct checksum_kind_info *checksum_info(enum checksum_kind kind);
/* By name ("crc32c", case aside) or by header; NONE when it is unknown. */
enum checksum_kind checksum_by_name(struct str name);
enum checksum_kind checksum_by_header(struct str header);

/* A running sum. */
struct checksum {
	enum checksum_kind kind;
	uint64_t crc;     /* of the CRCs */
	struct hash hash; /* of the SHAs */
};
/* Begin; of NONE nothing is summed. What is not ended holds nothing. */
void checksum_init(struct checksum *c, enum checksum_kind kind);
void checksum_update(struct checksum *c, const void *p, size_t n);
/* Write checksum_info(kind)->bytes bytes, big-endian for the CRCs, and end it. Not of NONE. */
void checksum_final(struct checksum *c, unsigned char *out);

/* The CRC of a and b in a row, from the CRC of each and the length of b. `sum` of a is replaced.
 * Only of linear kinds. */
void checksum_combine(enum checksum_kind kind, unsigned char *sum, const unsigned char *sum_b, uint64_t bytes_b);

#endif
