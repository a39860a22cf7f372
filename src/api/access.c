/* Who may do what.
 *
 * A key or a token comes as `Authorization: Bearer …`; a delete token may also come as
 * `X-Delete-Token: …`, for callers whose Authorization is spoken for. Secrets are compared in
 * constant time; of a token only its SHA-256 is stored. Nothing given is 401 with WWW-Authenticate,
 * something wrong is 403. */
#include "api/access.h"

#include "base/hash.h"

#include <assert.h>

static bool asks_key(const struct api_options *o, enum access_rule rule)
{
	switch (rule) {
	case FOR_ANYBODY:
		return false;
	case FOR_SLOTS:
		return o->key_for_slots;
	case FOR_IMAGES:
	case FOR_DELETE:
		return o->key_for_images;
	}
	assert(false);
	return true;
}

/* RFC 6750 2.1; the scheme's case does not matter (RFC 9110 11.1). */
static struct str bearer(const struct request *r)
{
	struct str value = str_trim(request_header(r, STR("Authorization")));

	if (!str_starts_with_nocase(value, STR("Bearer ")))
		return (struct str){ 0 };
	return str_trim(str_slice(value, sizeof("Bearer ") - 1, value.n));
}

static struct str delete_token(const struct request *r)
{
	struct str own = str_trim(request_header(r, STR("X-Delete-Token")));

	return own.n > 0 ? own : bearer(r);
}

enum status access_check(struct call *c, struct fault *why)
{
	const struct api_options *o = &c->api->options;
	enum access_rule rule = c->at.route->rule;
	struct str given = bearer(&c->x->request);

	c->has_key = !asks_key(o, rule) || (o->key.n > 0 && given.n > 0 && secret_equal(o->key, given));
	if (c->has_key)
		return OK;
	if (rule == FOR_DELETE && delete_token(&c->x->request).n > 0)
		return OK;
	if (rule == FOR_DELETE)
		return fault_set(why, KEY_NEEDED, "Deleting needs the API key or the image's delete token: send Authorization: Bearer …");
	if (given.n == 0)
		return fault_set(why, KEY_NEEDED, "This call needs the API key: send Authorization: Bearer …");
	return fault_set(why, KEY_WRONG, "This is not the API key.");
}

const char *access_name(const struct call *c)
{
	if (!asks_key(&c->api->options, c->at.route->rule))
		return "anybody";
	return c->has_key ? "key" : "deleteToken";
}

enum status access_token(const struct call *c, const struct image_row *row, struct fault *why)
{
	char hex[2 * SHA256_BYTES + 1];

	if (c->has_key)
		return OK;
	sha256_hex(delete_token(&c->x->request), hex);
	if (secret_equal(row->delete_hash, str_of(hex)))
		return OK;
	return fault_set(why, KEY_WRONG, "This is neither the API key nor this image's delete token.");
}
