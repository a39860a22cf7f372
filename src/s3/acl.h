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
/* Read an AccessControlPolicy. It may state what is the case: full control for the owner, or nothing.
 * Errors  XML_MALFORMED; ACL_UNSUPPORTED it grants something to others; TOO_MUCH */
enum status acl_read(struct arena *a, struct str body, struct str owner, struct fault *why) MUST_CHECK;

#endif
