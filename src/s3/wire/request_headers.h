/* Headers that a request has more than once. A signature is over all values of a header, joined with commas, so a value that
 * is looked up must be that one too. Pure; any thread. */
#ifndef S3_WIRE_REQUEST_HEADERS_H
#define S3_WIRE_REQUEST_HEADERS_H

#include "http/message.h"

/* Make every header that S3 knows unique in `r`, and index them: values of a list are joined with ',', a header with a single value is
 * refused when it is repeated. Headers that mean nothing to S3 stay as they are.
 * r       its headers are replaced by a list in `a` where some are repeated
 * Errors  REQUEST_INVALID repeated; TOO_MUCH more than 512 headers that S3 knows, or the arena is full
 * Source  RFC 9110 5.2, 5.3; AWS Signature Version 4, "Canonical headers" */
enum status request_headers_combine(struct arena *a, struct request *r, struct fault *why) MUST_CHECK;

#endif
