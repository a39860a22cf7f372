/* Secrets that are kept in the Parameter Store of AWS Systems Manager, as SecureString parameters. */
#ifndef AWS_PARAMETER_H
#define AWS_PARAMETER_H

#include "aws/service.h"

/* Read the value of a parameter, decrypted.
 * ssm     the service "ssm"
 * name    1 to 1011 visible ASCII characters, such as /tintype/prod/admin-key
 * out     written only on OK; not empty; lives in `a`
 * Errors  UPSTREAM_FAILED: there is no such parameter, the role may not read it, or the service fails; the cause says which, and
 *         never has the value. DEADLINE; OVERLOADED; TOO_MUCH
 * Threads any; blocks
 * Source  AWS Systems Manager API reference, GetParameter */
enum status aws_parameter_get(struct aws_service *ssm, struct str name, struct arena *a, struct str *out, struct fault *why) MUST_CHECK;

#endif
