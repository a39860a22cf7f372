/* See request_key.h. Any thread. */
#include "api/request_key.h"

#include "api/access.h"
#include "http/text.h"

bool request_key_parse(struct str value, struct str *out)
{
	assert(out != NULL);
	struct str key = str_unquote(str_trim(value));

	if (key.n == 0 || key.n > REQUEST_KEY_MAX_BYTES || !http_is_printable(key))
		return false;
	if (str_find_char(key, '"') < key.n || str_find_char(key, '\\') < key.n)
		return false;
	*out = key;
	return true;
}

enum status request_key_read(const struct api_call *c, struct str *out, struct fault *why)
{
	assert(c != NULL && out != NULL);
	const struct request *r = &c->x->request;
	size_t found = 0;

	*out = STR("");
	for (size_t i = 0; i < r->n_headers; i++)
		found += str_equal_nocase(r->headers[i].name, REQUEST_KEY_HEADER);
	if (found == 0)
		return OK;
	if (found > 1 || !request_key_parse(request_header(r, REQUEST_KEY_HEADER), out))
		return fault_set(why, BAD_FIELD,
			"Idempotency-Key must be one text of 1 to %d printable ASCII characters without quotes and backslashes, in quotes or not.",
			REQUEST_KEY_MAX_BYTES);
	if (!access_identifies(c))
		return fault_set(
			why, BAD_FIELD, "Idempotency-Key is for callers that say who they are: send Authorization: Bearer … with it, or leave it out.");
	if (!c->api->product->has_request_secret)
		return fault_set(
			why, NOT_HERE, "This server takes no Idempotency-Key: set TINTYPE_DELIVERY_KEYS, from which it makes the ids of such images.");
	return OK;
}

enum status request_key_gone(struct fault *why)
{
	return fault_set(why, IMAGE_GONE,
		"The image that was requested with this Idempotency-Key was deleted, or its slot has expired: send a new key to upload it again.");
}
