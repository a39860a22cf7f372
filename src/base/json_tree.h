/* JSON as a tree in an arena: of a client's token, or of an event of API Gateway. Much faster than jansson, since nothing but the tree is
 * allocated. Pure; any thread.
 * Source: RFC 8259 */
#ifndef BASE_JSON_TREE_H
#define BASE_JSON_TREE_H

#include "base/str.h"

enum json_node_kind { NODE_NULL, NODE_FALSE, NODE_TRUE, NODE_INTEGER, NODE_REAL, NODE_TEXT, NODE_ARRAY, NODE_OBJECT };

struct json_node {
	enum json_node_kind kind;
	uint32_t name_hash;
	struct str name; /* of a member of an object */
	union {
		int64_t integer;
		double real; /* finite */
		struct str text;
		const struct json_node *first; /* of an array or object that is not empty */
	};
	const struct json_node *next; /* of the same array or object, in the order of the text */
};

struct json_tree_rules {
	unsigned nest_max;   /* arrays and objects in each other, the outermost included */
	bool allows_repeats; /* of a member: node_member gives the first. Readers differ in which they take */
	bool allows_nul;     /* U+0000 in texts and names */
};

enum json_tree_end { JSON_TREE_READ, JSON_TREE_MALFORMED, JSON_TREE_REPEATED, JSON_TREE_NO_MEMORY };

/* Read one object, and nothing behind it but blanks.
 * text    borrowed: strings without escapes are in it
 * out     the object; written only on JSON_TREE_READ */
enum json_tree_end json_tree_read(
	struct str text, const struct json_tree_rules *rules, struct arena *a, const struct json_node **out) MUST_CHECK;
/* The member of this name; NULL: there is none, or value is NULL or no object. */
const struct json_node *node_member(const struct json_node *value, struct str name);
/* The first item of an array; NULL of an empty one, of any other value and of NULL. */
const struct json_node *node_items(const struct json_node *value);
/* The text of a string; {NULL, 0} of any other value and of NULL. */
struct str node_text(const struct json_node *value);
static inline struct str node_member_text(const struct json_node *value, struct str name)
{
	return node_text(node_member(value, name));
}

#endif
