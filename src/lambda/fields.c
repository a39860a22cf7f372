/* Lookups by name in jansson's tree. */
#include "lambda/fields.h"

#include <stdarg.h>

enum status fields_parse(struct str text, json_t **out, struct fault *why)
{
	assert(out != NULL);
	json_error_t error;
	bool starved;
	json_t *root = json_read(text, JSON_ALLOW_NUL, &error, &starved);
	if (json_is_object(root)) {
		*out = root;
		return OK;
	}
	json_decref(root);
	if (starved)
		return fault_no_memory(why);
	if (root == NULL && json_error_code(&error) == json_error_null_byte_in_key)
		return fault_set(why, BAD_FIELD, "the name of a member of the event has a NUL");
	enum status st = fault_set(why, INVALID_INPUT, "the event is not a JSON object");
	fault_cause(why, "%s at byte %d of %zu", root == NULL ? error.text : "another value", error.position, text.n);
	return st;
}

struct str field_text(const json_t *object, const char *name)
{
	return json_text(json_object_get(object, name));
}

struct str field_at(const json_t *object, ...)
{
	const json_t *at = object;
	va_list names;
	va_start(names, object);
	for (const char *name = va_arg(names, const char *); name != NULL && at != NULL; name = va_arg(names, const char *))
		at = json_object_get(at, name);
	va_end(names);
	return json_text(at);
}
