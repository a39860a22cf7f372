/* What all tables share: the names of scopes, and what is refused. */
#include "port/api_key_table.h"

static const struct {
	enum api_scope scope;
	const char *name;
} scopes[] = { { SCOPE_UPLOAD, "upload" }, { SCOPE_READ, "read" }, { SCOPE_DELETE, "delete" }, { SCOPE_ACT_AS, "act-as" },
	{ SCOPE_ADMIN, "admin" } };

const char *api_scope_name(unsigned scope)
{
	for (size_t i = 0; i < COUNT_OF(scopes); i++)
		if (scopes[i].scope == scope)
			return scopes[i].name;
	return "";
}

bool api_scope_parse(struct str text, enum api_scope *out)
{
	assert(out != NULL);
	for (size_t i = 0; i < COUNT_OF(scopes); i++) {
		if (!str_equal(text, str_of(scopes[i].name)))
			continue;
		*out = scopes[i].scope;
		return true;
	}
	return false;
}

enum status no_such_api_key(struct fault *why)
{
	return fault_set(why, NO_SUCH_API_KEY, "There is no API key with this id.");
}

enum status api_key_exists(struct fault *why)
{
	return fault_set(why, API_KEY_EXISTS, "An API key with this id already exists.");
}

enum status api_keys_full(struct fault *why)
{
	return fault_set(why, TOO_MUCH, "There are %d API keys, which is the limit: remove some.", API_KEYS_MAX);
}
