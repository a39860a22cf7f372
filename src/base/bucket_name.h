/* What a bucket may be called, here and on AWS. Pure; any thread.
 * Source: Amazon S3 User Guide, "General purpose bucket naming rules". */
#ifndef BASE_BUCKET_NAME_H
#define BASE_BUCKET_NAME_H

#include "base/str.h"

bool bucket_name_ok(struct str name);

#endif
