/* See jwt_json.h. jansson has a limit of 2,048 levels, so the depth is counted before it is called. */
#include "identity/jwt_json.h"

#include "base/json.h"

/* Whether brackets outside of strings nest at most JWT_NEST_MAX deep; of malformed JSON either answer is right. */
static bool is_shallow(struct str text)
{
	size_t depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '[') && ++depth > JWT_NEST_MAX)
			return false;
		else if (!in_string && (c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return true;
}

enum jwt_cause jwt_json_read(struct str text, struct jwt_json_causes causes, json_t **out)
{
	assert(out != NULL);
	json_error_t error;
	bool starved;
	if (!is_shallow(text))
		return causes.malformed;
	json_t *value = json_read(text, JSON_REJECT_DUPLICATES, &error, &starved);
	if (value == NULL)
		return starved ? JWT_NO_MEMORY : json_error_code(&error) == json_error_duplicate_key ? causes.twice : causes.malformed;
	if (!json_is_object(value)) {
		json_decref(value);
		return causes.malformed;
	}
	*out = value;
	return JWT_VALID;
}

bool jwt_json_listed(struct str list, struct str text)
{
	for (struct str rest = list; text.n > 0 && rest.p != NULL;)
		if (str_equal(str_trim(str_cut(&rest, ',')), text))
			return true;
	return false;
}
