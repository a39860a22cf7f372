/* Any bytes as JSON, by the rules for tokens and by those for events. What must hold: what is read is what jansson reads, member for
 * member, and what is refused jansson refuses too, or it nests too deep, or has a byte 0, which jansson passes over after a number, or a
 * name with U+0000, which jansson refuses. */
#include "base/json_tree.h"

#include "base/arena.h"

#include <assert.h>
#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_BYTES ((size_t)64 << 20)
#define NEST_MAX 16

static bool same_text(struct str text, const json_t *theirs)
{
	return str_equal(text, (struct str){ json_string_value(theirs), json_string_length(theirs) });
}

static void compare(const struct json_node *ours, json_t *theirs);

static void compare_members(const struct json_node *ours, json_t *theirs)
{
	const char *name;
	size_t n;
	json_t *value;
	json_object_keylen_foreach(theirs, name, n, value)
	{
		assert(ours != NULL && str_equal(ours->name, (struct str){ name, n }));
		compare(ours, value);
		ours = ours->next;
	}
	assert(ours == NULL);
}

static void compare_items(const struct json_node *ours, json_t *theirs)
{
	for (size_t i = 0; i < json_array_size(theirs); i++, ours = ours->next) {
		assert(ours != NULL);
		compare(ours, json_array_get(theirs, i));
	}
	assert(ours == NULL);
}

static void compare(const struct json_node *ours, json_t *theirs)
{
	switch (ours->kind) {
	case NODE_NULL:
		assert(json_is_null(theirs));
		return;
	case NODE_FALSE:
		assert(json_is_false(theirs));
		return;
	case NODE_TRUE:
		assert(json_is_true(theirs));
		return;
	case NODE_INTEGER:
		assert(json_is_integer(theirs) && json_integer_value(theirs) == ours->integer);
		return;
	case NODE_REAL:
		assert(json_is_real(theirs) && json_real_value(theirs) == ours->real);
		return;
	case NODE_TEXT:
		assert(json_is_string(theirs) && same_text(ours->text, theirs));
		return;
	case NODE_ARRAY:
		assert(json_is_array(theirs));
		compare_items(ours->first, theirs);
		return;
	case NODE_OBJECT:
		assert(json_is_object(theirs));
		compare_members(ours->first, theirs);
		return;
	}
	assert(false);
}

static unsigned depth_of(const json_t *value)
{
	unsigned deepest = 0;
	const char *name;
	size_t i;
	json_t *inner;
	json_object_foreach((json_t *)value, name, inner)
	{
		unsigned depth = depth_of(inner);
		deepest = depth > deepest ? depth : deepest;
	}
	json_array_foreach(value, i, inner)
	{
		unsigned depth = depth_of(inner);
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest + (json_is_object(value) || json_is_array(value));
}

static void check(struct str text, const struct json_tree_rules *rules, size_t flags)
{
	const struct json_node *ours;
	struct arena a;
	json_error_t error;
	arena_init(&a, ARENA_BYTES);
	json_t *theirs = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | flags, &error);
	if (json_tree_read(text, rules, &a, &ours) != JSON_TREE_READ)
		assert(!json_is_object(theirs) || depth_of(theirs) > rules->nest_max || str_find_char(text, '\0') < text.n);
	else if (theirs != NULL)
		compare(ours, theirs);
	else
		assert((rules->allows_nul && json_error_code(&error) == json_error_null_byte_in_key) ||
			(rules->allows_repeats && json_error_code(&error) == json_error_duplicate_key));
	json_decref(theirs);
	arena_deinit(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct json_tree_rules token = { .nest_max = NEST_MAX },
										event = { .nest_max = NEST_MAX, .allows_repeats = true, .allows_nul = true };
	const struct str text = { (const char *)data, size };
	check(text, &token, 0);
	check(text, &event, JSON_ALLOW_NUL);
	return 0;
}
