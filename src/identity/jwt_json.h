/* The JSON of a token's header and payload, as a tree in an arena: objects alone, at most JWT_NEST_MAX deep, with no member twice, since
 * readers differ in which of the two they take. Much faster than jansson, since nothing but the tree is allocated. Pure; any thread.
 * Source: RFC 8259 */
#ifndef IDENTITY_JWT_JSON_H
#define IDENTITY_JWT_JSON_H

#include "identity/jwt.h"

enum jwt_value_kind { JWT_NULL, JWT_FALSE, JWT_TRUE, JWT_INTEGER, JWT_REAL, JWT_TEXT, JWT_ARRAY, JWT_OBJECT };

struct jwt_value {
	enum jwt_value_kind kind;
	uint32_t name_hash;
	struct str name; /* of a member of an object */
	union {
		int64_t integer;
		double real; /* finite */
		struct str text;
		const struct jwt_value *first; /* of an array or object that is not empty */
	};
	const struct jwt_value *next; /* of the same array or object, in the order of the text */
};

/* What to say of an object: the header's causes, or the payload's. */
struct jwt_json_causes {
	enum jwt_cause malformed, twice;
};

/* text    borrowed: strings without escapes are in it
 * out     the object; written only on JWT_VALID
 * Result  JWT_VALID, one of `causes`, or JWT_NO_MEMORY */
enum jwt_cause jwt_json_read(struct str text, struct jwt_json_causes causes, struct arena *a, const struct jwt_value **out) MUST_CHECK;
/* The member of this name; NULL: there is none, or value is NULL or no object. */
const struct jwt_value *jwt_member(const struct jwt_value *value, struct str name);
/* The first item of an array; NULL of an empty one, of any other value and of NULL. */
const struct jwt_value *jwt_items(const struct jwt_value *value);
/* The text of a string; {NULL, 0} of any other value and of NULL. */
struct str jwt_text(const struct jwt_value *value);
static inline struct str jwt_member_text(const struct jwt_value *value, struct str name)
{
	return jwt_text(jwt_member(value, name));
}
/* Whether text is in a list whose items are separated by commas, with or without blanks around them. An empty text never is. */
bool jwt_json_listed(struct str list, struct str text);

#endif
