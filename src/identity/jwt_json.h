/* The JSON of a token's header and payload: at most JWT_NEST_MAX deep, with no member twice and no U+0000. Pure; any thread. */
#ifndef IDENTITY_JWT_JSON_H
#define IDENTITY_JWT_JSON_H

#include "base/json_tree.h"
#include "identity/jwt.h"

/* What to say of an object: the header's causes, or the payload's. */
struct jwt_json_causes {
	enum jwt_cause malformed, twice;
};

/* text    borrowed: strings without escapes are in it
 * out     the object; written only on JWT_VALID
 * Result  JWT_VALID, one of `causes`, or JWT_NO_MEMORY */
enum jwt_cause jwt_json_read(struct str text, struct jwt_json_causes causes, struct arena *a, const struct json_node **out) MUST_CHECK;

#endif
