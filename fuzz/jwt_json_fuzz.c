/* Any bytes as the JSON of a token. What must hold: what is read is what jansson reads, member for member, and what is refused jansson
 * refuses too, or it nests too deep, or has a byte 0, which jansson passes over after a number. */
#include "identity/jwt_json.h"

#include "base/arena.h"

#include <assert.h>
#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_BYTES ((size_t)64 << 20)

static bool same_text(struct str text, const json_t *theirs)
{
	return str_equal(text, (struct str){ json_string_value(theirs), json_string_length(theirs) });
}

static void compare(const struct jwt_value *ours, json_t *theirs);

static void compare_members(const struct jwt_value *ours, json_t *theirs)
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

static void compare_items(const struct jwt_value *ours, json_t *theirs)
{
	for (size_t i = 0; i < json_array_size(theirs); i++, ours = ours->next) {
		assert(ours != NULL);
		compare(ours, json_array_get(theirs, i));
	}
	assert(ours == NULL);
}

static void compare(const struct jwt_value *ours, json_t *theirs)
{
	switch (ours->kind) {
	case JWT_NULL:
		assert(json_is_null(theirs));
		return;
	case JWT_FALSE:
		assert(json_is_false(theirs));
		return;
	case JWT_TRUE:
		assert(json_is_true(theirs));
		return;
	case JWT_INTEGER:
		assert(json_is_integer(theirs) && json_integer_value(theirs) == ours->integer);
		return;
	case JWT_REAL:
		assert(json_is_real(theirs) && json_real_value(theirs) == ours->real);
		return;
	case JWT_TEXT:
		assert(json_is_string(theirs) && same_text(ours->text, theirs));
		return;
	case JWT_ARRAY:
		assert(json_is_array(theirs));
		compare_items(ours->first, theirs);
		return;
	case JWT_OBJECT:
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct jwt_value *ours;
	struct str text = { (const char *)data, size };
	struct arena a;
	arena_init(&a, ARENA_BYTES);
	json_t *theirs = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	struct jwt_json_causes causes = { JWT_PAYLOAD_JSON, JWT_PAYLOAD_TWICE };
	enum jwt_cause cause = jwt_json_read(text, causes, &a, &ours);
	if (cause == JWT_VALID)
		compare(ours, theirs);
	else
		assert(!json_is_object(theirs) || depth_of(theirs) > JWT_NEST_MAX || str_find_char(text, '\0') < text.n);
	json_decref(theirs);
	arena_deinit(&a);
	return 0;
}
