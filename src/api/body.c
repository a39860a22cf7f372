/* Reading the JSON bodies of requests with jansson.
 *
 * A member that a request does not have is refused by name, so that a misspelled or an unsupported one is not taken for accepted.
 * jansson is strict where it matters: no duplicates (with JSON_REJECT_DUPLICATES), no bytes after
 * the value, well-formed UTF-8 without surrogates, no U+0000, numbers within 64 bits and doubles, at
 * most 2048 levels. Each kind of error has its own message here, because jansson's quote the input.
 * Pure; any thread. */
#include "api/body.h"

#include "base/codec.h"
#include "base/hash.h"
#include "base/json.h"
#include "identity/owner.h"

#include <stdlib.h>

#define NAME_SHOWN_MAX 64
#define TYPES_MAX 16
#define TYPES_MAX_BYTES (TYPES_MAX * 256)
#define METADATA_JSON_MAX (6 * METADATA_MAX_BYTES + 8 * METADATA_MAX_MEMBERS)

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

/* Whether all members are of the list, with commas. */
static enum status check_members(const json_t *object, const char *known, struct fault *why)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		bool is_known = false;
		for (struct str rest = str_of(known); rest.p != NULL && !is_known;)
			is_known = str_equal(str_trim(str_cut(&rest, ',')), str_of(name));
		if (is_known)
			continue;
		/* What is not a plain name is not quoted. */
		bool shown = str_consists_of(str_of(name), STR("_-.")) && str_of(name).n <= NAME_SHOWN_MAX;
		return fault_set(why, BAD_FIELD, "%s is not known; the members of this request are %s.", shown ? name : "A member", known);
	}
	return OK;
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

struct metadata_member {
	struct str name, value;
};

static int compare_members(const void *x, const void *y)
{
	return str_compare(((const struct metadata_member *)x)->name, ((const struct metadata_member *)y)->name);
}

static enum status collect_metadata(const json_t *object, struct metadata_member *members, size_t *n, struct fault *why)
{
	const char *name;
	json_t *value;
	size_t bytes = 0;

	*n = 0;
	json_object_foreach((json_t *)object, name, value)
	{
		struct metadata_member m = { str_of(name), json_text(value) };
		if (!json_is_string(value) || m.name.n == 0)
			return fault_set(
				why, BAD_FIELD, "metadata must be an object whose members have a name and are strings, not objects, arrays or numbers.");
		bytes += m.name.n + m.value.n;
		members[(*n)++] = m;
	}
	if (bytes > METADATA_MAX_BYTES)
		return fault_set(
			why, BAD_FIELD, "metadata must have at most %d bytes, names and values together; this has %zu.", METADATA_MAX_BYTES, bytes);
	return OK;
}

/* In the order of the names, so that the same metadata are the same text. */
static enum status write_metadata(struct arena *a, const json_t *object, struct str *out, struct fault *why)
{
	struct metadata_member members[METADATA_MAX_MEMBERS];
	struct buf b;
	size_t n;

	if (!json_is_object(object))
		return fault_set(why, BAD_FIELD, "metadata must be an object of strings, as {\"album\":\"7\"}.");
	if (json_object_size(object) > METADATA_MAX_MEMBERS)
		return fault_set(
			why, BAD_FIELD, "metadata must have at most %d members; this has %zu.", METADATA_MAX_MEMBERS, json_object_size(object));
	TRY(collect_metadata(object, members, &n, why));
	*out = STR("");
	if (n == 0)
		return OK;
	qsort(members, n, sizeof(*members), compare_members);
	buf_init_arena(&b, a, METADATA_JSON_MAX);
	buf_put_char(&b, '{');
	for (size_t i = 0; i < n; i++) {
		buf_put(&b, i == 0 ? STR("\"") : STR(",\""));
		json_escape(&b, members[i].name);
		buf_put(&b, STR("\":\""));
		json_escape(&b, members[i].value);
		buf_put_char(&b, '"');
	}
	buf_put_char(&b, '}');
	TRY(fault_check_buf(&b, why));
	*out = buf_str(&b);
	return OK;
}

/* As a list with commas, which no media type has. */
static enum status read_types(struct arena *a, const json_t *types, struct str *out, struct fault *why)
{
	struct buf b;
	size_t n = json_array_size(types);

	if (n < 1 || n > TYPES_MAX)
		return fault_set(why, BAD_FIELD, "allowedTypes must be an array of 1 to %d media types, as [\"image/jpeg\"].", TYPES_MAX);
	buf_init_arena(&b, a, TYPES_MAX_BYTES);
	for (size_t i = 0; i < n; i++) {
		struct str type = json_text(json_array_get(types, i));
		if (!media_type_valid(type))
			return fault_set(why, BAD_FIELD, "allowedTypes must contain media types without parameters, as \"image/jpeg\".");
		BUF_PUT(&b, i == 0 ? STR("") : STR(","), type);
	}
	TRY(fault_check_buf(&b, why));
	*out = buf_str(&b);
	return OK;
}

/* What only tightens the rules. */
static enum status read_limits(struct arena *a, const json_t *object, struct slot_request *out, struct fault *why)
{
	const json_t *size = json_object_get(object, "maxSize"), *life = json_object_get(object, "expiresIn");
	const json_t *types = json_object_get(object, "allowedTypes");
	json_int_t seconds = json_integer_value(life);

	if (size != NULL && (!json_is_integer(size) || json_integer_value(size) < 1))
		return fault_set(why, BAD_FIELD, "maxSize must be an integer of 1 or more.");
	if (life != NULL && (!json_is_integer(life) || seconds < 1 || seconds > LINK_LIFE_MAX_S))
		return fault_set(why, BAD_FIELD, "expiresIn must be an integer of seconds from 1 to %d.", LINK_LIFE_MAX_S);
	out->max_size = (uint64_t)json_integer_value(size);
	out->expires_in_s = (uint32_t)seconds;
	out->allowed_types = STR("");
	return types == NULL ? OK : read_types(a, types, &out->allowed_types, why);
}

/* The optional members. */
static enum status read_options(struct arena *a, const json_t *object, struct slot_request *out, struct fault *why)
{
	const json_t *metadata = json_object_get(object, "metadata");
	const json_t *size = json_object_get(object, "fileSize"), *method = json_object_get(object, "method");
	struct str text = json_text(method);

	out->has_size = size != NULL;
	out->form = str_equal(text, STR("POST"));
	if (out->has_size && (!json_is_integer(size) || json_integer_value(size) < 1))
		return fault_set(why, BAD_FIELD, "fileSize must be an integer of 1 or more.");
	if (method != NULL && !out->form && !str_equal(text, STR("PUT")))
		return fault_set(why, BAD_FIELD, "method must be \"PUT\" or \"POST\".");
	out->file_size = (uint64_t)json_integer_value(size);
	out->metadata = STR("");
	if (metadata != NULL)
		TRY(write_metadata(a, metadata, &out->metadata, why));
	TRY(read_limits(a, object, out, why));
	out->has_on_behalf_of = json_object_get(object, "onBehalfOf") != NULL;
	if (out->has_on_behalf_of)
		TRY(read_text(a, object, "onBehalfOf", &out->on_behalf_of, why));
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
	TRY(check_members(
		object, "fileName, fileType, fileSize, method, visibility, metadata, maxSize, allowedTypes, expiresIn, onBehalfOf", why));
	TRY(read_text(a, object, "fileName", &r.file_name, why));
	TRY(read_text(a, object, "fileType", &r.file_type, why));
	TRY(read_options(a, object, &r, why));
	*out = r;
	return OK;
}

enum status body_read_change(struct arena *a, struct str body, struct image_change *out, struct fault *why)
{
	assert(a != NULL);
	assert(out != NULL);
	json_auto_t *object = NULL;
	struct image_change change = { .metadata = STR("") };

	TRY(read_object(body, &object, why));
	TRY(check_members(object, "visibility, fileName, metadata", why));
	const json_t *metadata = json_object_get(object, "metadata");
	change.has_file_name = json_object_get(object, "fileName") != NULL;
	change.has_metadata = metadata != NULL;
	TRY(read_visibility(object, &change.has_visibility, &change.is_public, why));
	if (change.has_file_name)
		TRY(read_text(a, object, "fileName", &change.file_name, why));
	if (change.has_metadata && !json_is_null(metadata))
		TRY(write_metadata(a, metadata, &change.metadata, why));
	if (!change.has_visibility && !change.has_file_name && !change.has_metadata)
		return fault_set(why, BAD_FIELD, "The request changes nothing: send at least one of visibility, fileName and metadata.");
	*out = change;
	return OK;
}

enum status body_read_ids(struct arena *a, struct str body, struct id_list *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	json_auto_t *object = NULL;

	TRY(read_object(body, &object, why));
	TRY(check_members(object, "imageIds", why));
	const json_t *ids = json_object_get(object, "imageIds");
	size_t n = json_array_size(ids);
	if (n < 1 || n > IDS_MAX)
		return fault_set(why, BAD_FIELD, "imageIds must be an array of 1 to %d image ids.", IDS_MAX);
	struct str *all = arena_array(a, n, sizeof(*all));
	TRY(fault_check_arena(a, why));
	for (size_t i = 0; i < n; i++) {
		all[i] = str_dup(a, json_text(json_array_get(ids, i)));
		if (!uuid_valid(all[i]))
			return fault_set(
				why, BAD_FIELD, "imageIds must contain only image ids, which are UUIDs in lower case; item %zu is not one.", i + 1);
	}
	*out = (struct id_list){ all, n };
	return fault_check_arena(a, why);
}

enum status body_read_link(struct arena *a, struct str body, struct link_request *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	json_auto_t *object = NULL;

	TRY(read_object(body, &object, why));
	TRY(check_members(object, "expiresIn, variant", why));
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

enum status body_read_metadata(struct arena *a, struct str text, struct str *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	json_auto_t *object = NULL;

	enum status st = read_object(text, &object, why);
	if (st == INVALID) /* what it says begins with "The body" */
		return fault_set(why, BAD_FIELD, "metadata%s Send an object of strings, as {\"album\":\"7\"}.", why->text + sizeof "The body" - 1);
	TRY(st);
	return write_metadata(a, object, out, why);
}

static enum status read_scopes(const json_t *list, unsigned *out, struct fault *why)
{
	enum api_scope scope;

	*out = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!api_scope_parse(json_text(json_array_get(list, i)), &scope))
			return fault_set(why, BAD_FIELD, "scopes may contain only upload, read, delete, act-as and admin.");
		*out |= scope;
	}
	return *out != 0 ? OK : fault_set(why, BAD_FIELD, "scopes must be an array of at least one of upload, read, delete, act-as and admin.");
}

enum status body_read_key(struct arena *a, struct str body, struct key_request *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	json_auto_t *object = NULL;

	*out = (struct key_request){ 0 };
	TRY(read_object(body, &object, why));
	TRY(check_members(object, "name, scopes, owner, expiresIn", why));
	const json_t *life = json_object_get(object, "expiresIn"), *owner = json_object_get(object, "owner");
	out->name = str_dup(a, str_trim(json_text(json_object_get(object, "name"))));
	out->owner = str_dup(a, json_text(owner));
	TRY(fault_check_arena(a, why));
	if (!subject_valid(out->name))
		return fault_set(
			why, BAD_FIELD, "name must be a string of 1 to %d bytes without control characters, for people.", SUBJECT_MAX_BYTES);
	if (owner != NULL && !owner_valid(out->owner))
		return fault_set(why, BAD_FIELD,
			"owner must be %d hexadecimal digits in lower case, as records have it; a user of an application is named by onBehalfOf.",
			OWNER_CHARS);
	if (life != NULL && (!json_is_integer(life) || json_integer_value(life) < 1 || json_integer_value(life) > KEY_LIFE_MAX_S))
		return fault_set(why, BAD_FIELD, "expiresIn must be an integer of seconds from 1 to %lld.", (long long)KEY_LIFE_MAX_S);
	out->expires_in_s = json_integer_value(life);
	return read_scopes(json_object_get(object, "scopes"), &out->scopes, why);
}

enum status body_read_quota(struct str body, struct owner_quota *out, struct fault *why)
{
	assert(out != NULL);
	json_auto_t *object = NULL;
	struct owner_quota quota = { 0 };
	const struct {
		const char *name;
		uint64_t *to;
	} members[] = { { "bytes", &quota.bytes }, { "images", &quota.images }, { "pending", &quota.pending },
		{ "slotsPerMinute", &quota.slots_per_minute } };

	TRY(read_object(body, &object, why));
	TRY(check_members(object, "bytes, images, pending, slotsPerMinute", why));
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		const json_t *value = json_object_get(object, members[i].name);
		if (value != NULL && (!json_is_integer(value) || json_integer_value(value) < 1))
			return fault_set(why, BAD_FIELD, "%s must be an integer of 1 or more; leave it out for no limit.", members[i].name);
		*members[i].to = (uint64_t)json_integer_value(value);
	}
	*out = quota;
	return OK;
}
