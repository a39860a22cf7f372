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

static enum status check_anonymous(const struct api_call *c, struct str key, struct fault *why)
{
	if (c->route->stream == NULL)
		return fault_set(
			why, BAD_FIELD, "Idempotency-Key requires an API key or a token: send Authorization: Bearer … with it, or leave it out.");
	if (key.n < REQUEST_KEY_ANONYMOUS_MIN_BYTES)
		return fault_set(why, BAD_FIELD,
			"Without an API key or a token, Idempotency-Key must have at least %d characters that nobody can guess: send a random UUID.",
			REQUEST_KEY_ANONYMOUS_MIN_BYTES);
	return OK;
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
		TRY(check_anonymous(c, *out, why));
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

enum status request_key_find_first(
	struct api_call *c, const struct image_row *again, enum status failed, struct image_row *out, struct fault *why)
{
	assert(c != NULL && again != NULL && again->request_hash.n > 0 && out != NULL);
	struct fault unread = { 0 };
	enum status st = table_get(c->api->product->table, again->image_id, c->arena, out, &unread);

	if (st != OK) {
		*out = (struct image_row){ .image_id = STR("") };
		return failed == EXISTS && unread.code == F_NO_SUCH_IMAGE ? request_key_gone(why) : failed;
	}
	c->x->answer.image_id = out->image_id;
	if (str_equal(out->request_hash, again->request_hash))
		return OK;
	return fault_set(why, KEY_REUSED, "This Idempotency-Key came with another request before: send a new key with each new request.");
}
