/* The JSON of a token's header and payload: objects alone, at most JWT_NEST_MAX deep, with no member twice, since readers
 * differ in which of the two they take. Pure; any thread. */
#ifndef IDENTITY_JWT_JSON_H
#define IDENTITY_JWT_JSON_H

#include "identity/jwt.h"

#include <jansson.h>

/* What to say of an object: the header's causes, or the payload's. */
struct jwt_json_causes {
	enum jwt_cause malformed, twice;
};

/* out     the caller's to release with json_decref; written only on JWT_VALID
 * Result  JWT_VALID, one of `causes`, or JWT_NO_MEMORY */
enum jwt_cause jwt_json_read(struct str text, struct jwt_json_causes causes, json_t **out) MUST_CHECK;
/* Whether text is in a list whose items are separated by commas, with or without blanks around them. An empty text never is. */
bool jwt_json_listed(struct str list, struct str text);

#endif
