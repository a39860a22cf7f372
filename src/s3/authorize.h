/* Authorization of a key: first the owner of the bucket, then the key's grants.
 * Reads the bucket's row; any thread. */
#ifndef S3_AUTHORIZE_H
#define S3_AUTHORIZE_H

#include "base/fault.h"
#include "s3/call.h"

/* The call's own operation at the call's own address; sets the call's bucket where there must be one.
 * Errors  NO_SUCH_BUCKET; ACCESS_DENIED another user's bucket, no grant, slots; STORAGE_FAILED */
enum status authorize_call(struct s3_call *c, struct fault *why) MUST_CHECK;
/* Whether the call's operation makes the bucket that it names, which then need not exist. */
bool permit_makes_bucket(const struct s3_call *c);
/* Something else on the same call: reading the source of a copy, one key of many. The bucket must be the key's user's.
 * actions   of enum key_action
 * Errors    as authorize_call's */
enum status authorize_other(struct s3_call *c, unsigned actions, struct str bucket, struct str key, struct fault *why) MUST_CHECK;
/* The same where the bucket's owner is known.  Errors: ACCESS_DENIED */
enum status authorize_key(const struct s3_call *c, unsigned actions, struct str bucket, struct str key, struct fault *why) MUST_CHECK;
/* The bucket's row. For the image bucket without its CORS, because it is read on every request.
 * Errors  NO_SUCH_BUCKET; STORAGE_FAILED */
enum status authorize_find_bucket(const struct s3_call *c, struct str name, struct bucket_info *out, struct fault *why) MUST_CHECK;

#endif
