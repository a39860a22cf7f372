/* Parameters of the query, as the lists have them, and the tokens by which a list continues. */
#ifndef S3_PARAMETERS_H
#define S3_PARAMETERS_H

#include "base/fault.h"
#include "s3/call.h"

/* The value of the first parameter of this name; {NULL, 0} when there is none. */
struct str parameter(const struct s3_call *c, const char *name);
/* A number of 0..INT32_MAX; `default_` if it is missing or empty; `most` if it is more than that.
 * Errors  ARGUMENT_INVALID */
enum status parameter_count(
	struct s3_call *c, const char *name, uint32_t default_, uint32_t most, uint32_t *out, struct fault *why) MUST_CHECK;
/* A count in a header.  Errors: ARGUMENT_INVALID */
enum status header_count(
	struct s3_call *c, const char *name, uint32_t default_, uint32_t most, uint32_t *out, struct fault *why) MUST_CHECK;
/* encoding-type: missing or "url".  Errors: ARGUMENT_INVALID */
enum status parameter_encoding(struct s3_call *c, bool *url, struct fault *why) MUST_CHECK;
/* A text that is compared with keys: UTF-8 of at most 1024 bytes.  Errors: ARGUMENT_INVALID */
enum status parameter_text(struct s3_call *c, const char *name, struct str *out, struct fault *why) MUST_CHECK;
/* partNumber.  Errors: ARGUMENT_INVALID not 1..10000 */
enum status parameter_part_number(struct s3_call *c, uint32_t *out, struct fault *why) MUST_CHECK;
/* versionId: missing, or "null", which is what every object has here.
 * Errors  NO_SUCH_VERSION; ARGUMENT_INVALID not of the form of a version id */
enum status parameter_version(struct s3_call *c, struct fault *why) MUST_CHECK;
enum status version_check(struct str id, struct fault *why) MUST_CHECK;
/* ARGUMENT_INVALID with the two elements that S3 adds. */
enum status argument_fault(struct s3_call *c, const char *name, struct str value, const char *text, struct fault *why) MUST_CHECK;

/* A continuation token: where a list continues, opaque to clients and checked when it comes back. {NULL, 0}: the arena is full.
 * scope   what the token is good for: a bucket's name; "": the list of buckets */
struct str token_write(struct arena *a, struct str scope, struct str last);
/* Errors  ARGUMENT_INVALID no token, or one of another scope */
enum status token_read(struct s3_call *c, struct str scope, struct str token, struct str *last, struct fault *why) MUST_CHECK;
/* The same, pure. false: refused. */
bool token_decode(struct arena *a, struct str scope, struct str token, struct str *last) MUST_CHECK;

#endif
