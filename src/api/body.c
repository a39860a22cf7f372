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

static enum status read_visibility(const json_t *object, bool *given, bool *is_public, struct fault *why)
{
	const json_t *value = json_object_get(object, "visibility");

	*given = value != NULL;
	*is_public = false;
	if (value != NULL && !image_visibility_parse(json_text(value), is_public))
		return fault_set(why, BAD_FIELD, "visibility must be \"private\" or \"public\".");
	return OK;
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
	return read_visibility(object, &out->has_visibility, &out->is_public, why);
}

/* The body as an object; the caller's to free. */
static enum status read_object(struct str body, json_t **out, struct fault *why)
{
	json_error_t error;
	bool starved = false;

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
	*out = json_incref(object);
	return OK;
}

enum status body_read_slot(struct arena *a, struct str body, struct slot_request *out, struct fault *why)
{
	assert(a != NULL);
	assert(out != NULL);
	json_auto_t *object = NULL;
	struct slot_request r = { 0 };

	TRY(read_object(body, &object, why));
	TRY(read_text(a, object, "fileName", &r.file_name, why));
	TRY(read_text(a, object, "fileType", &r.file_type, why));
	TRY(read_options(object, &r, why));
	*out = r;
	return OK;
}

enum status body_read_visibility(struct str body, bool *is_public, struct fault *why)
{
	assert(is_public != NULL);
	json_auto_t *object = NULL;
	bool given;

	TRY(read_object(body, &object, why));
	TRY(read_visibility(object, &given, is_public, why));
	return given ? OK : fault_set(why, BAD_FIELD, "visibility is missing. Send {\"visibility\":\"public\"} or \"private\".");
}

enum status body_read_link(struct arena *a, struct str body, struct link_request *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	json_auto_t *object = NULL;

	TRY(read_object(body, &object, why));
	const json_t *life = json_object_get(object, "expiresIn"), *variant = json_object_get(object, "variant");
	json_int_t seconds = json_integer_value(life);
	struct delivery_variant v;
	if (life != NULL && (!json_is_integer(life) || seconds < 1 || seconds > LINK_LIFE_MAX_S))
		return fault_set(why, BAD_FIELD, "expiresIn must be an integer of seconds from 1 to %d.", LINK_LIFE_MAX_S);
	*out = (struct link_request){ .expires_in_s = life != NULL ? (uint32_t)seconds : 0,
		.variant = variant != NULL ? str_dup(a, json_text(variant)) : STR("original") };
	TRY(fault_check_arena(a, why));
	if (!delivery_variant_parse(out->variant, &v))
		return fault_set(why, BAD_FIELD, "variant must be \"original\", or the last part of one of the record's links.");
	return OK;
}
