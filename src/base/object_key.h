/* What the key of an object may be: 1 to 1024 bytes of UTF-8 without U+0000. The same on every engine.
 * Source: Amazon S3 User Guide, "Naming Amazon S3 objects". */
#ifndef BASE_OBJECT_KEY_H
#define BASE_OBJECT_KEY_H

#include "base/fault.h"
#include "base/str.h"

#define OBJECT_KEY_MAX_BYTES 1024

/* Errors  KEY_TOO_LONG; KEY_INVALID empty, not UTF-8, U+0000 */
enum status object_key_check(struct str key, struct fault *why) MUST_CHECK;

#endif
