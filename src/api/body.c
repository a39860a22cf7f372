/* Reading the JSON body of POST /upload with jansson.
 *
 * jansson is strict where it matters: no duplicates (with JSON_REJECT_DUPLICATES), no bytes after
 * the value, well-formed UTF-8 without surrogates, no U+0000, numbers within 64 bits and doubles, at
 * most 2048 levels. Each kind of error has its own message here, because jansson's quote the input.
 * Pure; any thread. */
#include "api/body.h"

#include "base/json.h"

static enum status refuse_json(const json_error_t *error, struct fault *why)
{
	static const struct {
		enum json_error_code code;
		const char *text;
	} known[] = {
		{ json_error_premature_end_of_input, "it ends too early" },
		{ json_error_end_of_input_expected, "there is data after its end" },
		{ json_error_duplicate_key, "a member appears twice" },
		{ json_error_numeric_overflow, "a number is out of range" },
		{ json_error_null_character, "it contains U+0000" },
		{ json_error_null_byte_in_key, "it contains U+0000" },
		{ json_error_invalid_utf8, "it is not UTF-8" },
		{ json_error_stack_overflow, "it is nested too deeply" },
	};
	const char *reason = NULL;

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (json_error_code(error) == known[i].code)
			reason = known[i].text;
	return fault_set(why, BAD_JSON, "The body is not valid JSON%s%s (line %d, column %d).", reason != NULL ? ": " : "",
		reason != NULL ? reason : "", error->line, error->column);
}

static enum status read_text(struct arena *a, const json_t *object, const char *name, struct str *out, struct fault *why)
{
	const json_t *value = json_object_get(object, name);

	if (value == NULL)
		return fault_set(why, BAD_FIELD, "%s is missing. Send {\"fileName\":\"cat.jpg\",\"fileType\":\"image/jpeg\"}.", name);
	if (!json_is_string(value))
		return fault_set(why, BAD_FIELD, "%s must be a string.", name);
	*out = str_dup(a, json_text(value));
	return fault_check_arena(a, why);
}

/* The optional members. */
static enum status read_options(const json_t *object, struct slot_request *out, struct fault *why)
{
	const json_t *size = json_object_get(object, "fileSize"), *method = json_object_get(object, "method");
	struct str text = json_text(method);

	out->has_size = size != NULL;
	out->form = str_equal(text, STR("POST"));
	if (out->has_size && (!json_is_integer(size) || json_integer_value(size) < 1))
		return fault_set(why, BAD_FIELD, "fileSize must be an integer of 1 or more.");
	if (method != NULL && !out->form && !str_equal(text, STR("PUT")))
		return fault_set(why, BAD_FIELD, "method must be \"PUT\" or \"POST\".");
	out->file_size = (uint64_t)json_integer_value(size);
	return OK;
}

enum status body_read_slot(struct arena *a, struct str body, struct slot_request *out, struct fault *why)
{
	assert(a != NULL);
	assert(out != NULL);
	json_error_t error;
	bool starved = false;
	struct slot_request r = { 0 };

	if (body.n == 0)
		return fault_set(why, BAD_JSON, "The body is empty; send a JSON object.");
	/* any value is JSON: RFC 8259 2 */
	json_auto_t *object = json_read(body, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error, &starved);
	if (starved)
		return fault_no_memory(why);
	if (object == NULL)
		return refuse_json(&error, why);
	if (!json_is_object(object))
		return fault_set(why, BAD_JSON, "The body is JSON, but not an object.");
	TRY(read_text(a, object, "fileName", &r.file_name, why));
	TRY(read_text(a, object, "fileType", &r.file_type, why));
	TRY(read_options(object, &r, why));
	*out = r;
	return OK;
}
