/* See jwt_json.h. */
#include "identity/jwt_json.h"

enum jwt_cause jwt_json_read(struct str text, struct jwt_json_causes causes, struct arena *a, const struct json_node **out)
{
	static const struct json_tree_rules rules = { .nest_max = JWT_NEST_MAX };
	switch (json_tree_read(text, &rules, a, out)) {
	case JSON_TREE_READ:
		return JWT_VALID;
	case JSON_TREE_MALFORMED:
		return causes.malformed;
	case JSON_TREE_REPEATED:
		return causes.twice;
	case JSON_TREE_NO_MEMORY:
		return JWT_NO_MEMORY;
	}
	assert(false);
	return causes.malformed;
}
