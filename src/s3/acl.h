/* Access control lists in requests. Buckets and objects are always private. */
#ifndef S3_ACL_H
#define S3_ACL_H

#include "base/fault.h"
#include "s3/call.h"

/* Of the headers of a request, or the fields of a form: x-amz-acl may only state that no others have access, and x-amz-grant-*
 * are refused.
 * Errors  ARGUMENT_INVALID no canned ACL; ACL_UNSUPPORTED access for others, BUCKET_ACL_UNSUPPORTED in CreateBucket */
enum status acl_check_headers(struct s3_call *c, const struct header_index *headers, struct fault *why) MUST_CHECK;
/* The same of one value, named by `name`. */
enum status acl_check_canned(struct s3_call *c, const char *name, struct str acl, struct fault *why) MUST_CHECK;

#endif
