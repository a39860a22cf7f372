/* Access control lists in requests. Buckets and objects are always private. */
#ifndef S3_ACL_H
#define S3_ACL_H

#include "base/fault.h"
#include "s3/call.h"

/* x-amz-acl: a known canned one is accepted, without effect; x-amz-grant-* are not.
 * Errors  ARGUMENT_INVALID no canned ACL; ACL_UNSUPPORTED grants */
enum status acl_check_headers(struct s3_call *c, struct fault *why) MUST_CHECK;
/* The same of one value, named by `name`. */
enum status acl_check_canned(struct s3_call *c, const char *name, struct str acl, struct fault *why) MUST_CHECK;

#endif
