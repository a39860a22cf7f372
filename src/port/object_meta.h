/* What an object carries next to its bytes and its type. Borrowed; it lives in the arena
 * or the hold that came with it. Source: Amazon S3 API, PutObject, GetObjectAttributes. */
#ifndef PORT_OBJECT_META_H
#define PORT_OBJECT_META_H

#include "base/checksum.h"
#include "http/message.h"

/* A stored checksum, as returned to clients. */
struct object_checksum {
	enum checksum_kind kind; /* CHECKSUM_NONE: none is stored */
	bool composite;          /* over the parts' sums, not over the bytes; the value ends in "-N" */
	struct str value;        /* base64, with "-N" when composite */
};

/* One part of an object that was uploaded in parts. */
struct object_part {
	uint32_t number; /* 1..10000, rising */
	uint64_t size;
	struct str etag; /* hex MD5 of the part's bytes; "" in a finished object */
	struct object_checksum checksum;
	int64_t modified_ms; /* 0 in a finished object */
};

struct object_meta {
	/* Headers that are stored and returned: cache-control, content-disposition, content-encoding,
	 * content-language, expires, x-amz-website-redirect-location, x-amz-meta-*; names in lower case, each once.
	 * Not the content type. */
	const struct header *headers;
	size_t n_headers;
	struct object_checksum checksum;
	const struct object_part *parts; /* NULL: it came in one piece */
	size_t n_parts;
};

#define META_USER_BYTES_MAX 2048 /* of all x-amz-meta- names (without the prefix) and values, as S3 */
#define PART_NUMBER_MAX 10000
#define PART_MIN_BYTES ((uint64_t)5 * 1024 * 1024) /* of every part but the last */

#endif
