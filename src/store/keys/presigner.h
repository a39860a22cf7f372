/* Presigned URLs and forms for the embedded store, signed with the `slots` key. Only compute. */
#ifndef STORE_KEYS_PRESIGNER_H
#define STORE_KEYS_PRESIGNER_H

#include "base/fault.h"
#include "port/object_store.h"

enum status signing_presign(
	struct object_store *s, const struct presign_request *r, struct arena *a, struct presigned *out, struct fault *why) MUST_CHECK;
enum status signing_form(
	struct object_store *s, const struct form_request *r, struct arena *a, struct post_form *out, struct fault *why) MUST_CHECK;

#endif
