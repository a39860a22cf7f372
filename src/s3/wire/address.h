/* The resource of a request: the service, a bucket, or an object. Pure; any thread. */
#ifndef S3_WIRE_ADDRESS_H
#define S3_WIRE_ADDRESS_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/object_key.h"
#include "base/str.h"

enum address_level { AT_SERVICE, AT_BUCKET, AT_OBJECT };

struct address {
	enum address_level level;
	struct str bucket; /* decoded; "" at the service */
	struct str key;    /* decoded, 1..1024 bytes of UTF-8 without U+0000 at an object; else "" */
};

/* Read a path-style path as it was sent: /bucket/key, percent-encoding undone once.
 * '+' is a plus, and '/', empty segments and '..' within the key are plain bytes of it.
 * Errors  KEY_TOO_LONG; KEY_INVALID bad %XX, no UTF-8, U+0000; TOO_MUCH
 * Source  Amazon S3 User Guide, "Object key names", "Path-style requests" */
enum status address_parse(struct arena *a, struct str path, struct address *out, struct fault *why) MUST_CHECK;

#endif
