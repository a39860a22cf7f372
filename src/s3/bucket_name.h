/* What a bucket may be called. Pure; any thread.  Source: Amazon S3 User Guide, "Bucket naming rules". */
#ifndef S3_BUCKET_NAME_H
#define S3_BUCKET_NAME_H

#include "base/str.h"

bool bucket_name_ok(struct str name);

#endif
