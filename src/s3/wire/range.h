/* The Range header. Pure; any thread.  Source: RFC 9110 14.1.2, 14.2. */
#ifndef S3_WIRE_RANGE_H
#define S3_WIRE_RANGE_H

#include "base/str.h"

enum range_kind {
	RANGE_WHOLE, /* none, not of bytes, malformed, or several: send the whole object */
	RANGE_PART,
	RANGE_UNSATISFIABLE, /* well-formed, and no byte of it is in the object */
};

struct range {
	uint64_t first;
	uint64_t length; /* at least 1 when RANGE_PART */
};

/* Read the header's value against an object of `size` bytes. out is written only on RANGE_PART. */
enum range_kind range_parse(struct str value, uint64_t size, struct range *out);

#endif
