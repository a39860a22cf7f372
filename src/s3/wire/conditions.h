/* Conditional requests: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range.
 * Pure; any thread.  Source: RFC 9110 13. */
#ifndef S3_WIRE_CONDITIONS_H
#define S3_WIRE_CONDITIONS_H

#include "http/message.h"

enum condition_verdict { CONDITION_HOLDS, CONDITION_NOT_MODIFIED, CONDITION_FAILS };

/* The headers' values; {NULL, 0} where there is none. */
struct conditions {
	struct str if_match, if_none_match, if_modified_since, if_unmodified_since;
};

/* The result of a GET or HEAD of an existing object, in the order of RFC 9110 13.2.2.
 * etag         without quotes
 * modified_ms  compared in whole seconds, as it is sent */
enum condition_verdict conditions_check(const struct conditions *c, struct str etag, int64_t modified_ms);
/* The same of a request's headers. */
enum condition_verdict conditions_check_request(const struct request *r, struct str etag, int64_t modified_ms);
/* Whether Range applies under If-Range: the same strong tag, or exactly the date. */
bool if_range_holds(struct str value, struct str etag, int64_t modified_ms);

#endif
