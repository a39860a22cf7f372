/* The signing operations of object_store. URLs begin with the public URL of the storage listener,
 * never with a Host header; a key is path style, /bucket/key. */
#include "base/codec.h"
#include "store/engine.h"
#include "sigv4/presign.h"

#include <assert.h>

/* A key of 1024 bytes, each as %XX, and the rest of a URL. */
#define URL_MAX_BYTES 8192
#define SERVICE STR("s3")

static struct sigv4_key slots_key(struct engine *e)
{
	const struct access_key *k = credentials_slots(&e->keys);

	return (struct sigv4_key){
		.access_key = str_of(k->id),
		.secret = str_of(k->secret),
		.region = str_of(e->region),
		.service = SERVICE,
	};
}

/* key "": the bucket's own address. */
static struct str object_address(const struct engine *e, struct str key, struct arena *a)
{
	struct buf b;

	buf_init_arena(&b, a, URL_MAX_BYTES);
	buf_put(&b, str_of(e->public_url));
	buf_put_char(&b, '/');
	uri_encode(&b, str_of(e->bucket), false);
	if (key.n > 0) {
		buf_put_char(&b, '/');
		uri_encode(&b, key, true);
	}
	return buf_ok(&b) ? buf_str(&b) : (struct str){ 0 };
}

static enum status check_request(const struct engine *e, struct fault *why)
{
	if (e->public_url[0] == '\0')
		return fault_set(why, INTERNAL, "The server is still starting; try again.");
	return OK;
}

enum status signing_presign(
	struct object_store *s, const struct presign_request *r, struct arena *a, struct presigned *out, struct fault *why)
{
	struct engine *e = ENGINE_OF(s, store);
	struct sigv4_key key = slots_key(e);
	struct header query[3];
	size_t n = 0;
	struct str url = { 0 };

	assert(r->key.n > 0);
	TRY(check_request(e, why));
	if (r->disposition.n > 0)
		query[n++] = (struct header){ STR("response-content-disposition"), r->disposition };
	if (r->content_type.n > 0)
		query[n++] = (struct header){ STR("response-content-type"), r->content_type };
	if (r->cache_control.n > 0)
		query[n++] = (struct header){ STR("response-cache-control"), r->cache_control };
	struct presign_input in = {
		.method = r->method,
		.base_url = str_of(e->public_url),
		.path = STR_CONCAT(a, STR("/"), str_of(e->bucket), STR("/"), r->key),
		.headers = r->headers,
		.n_headers = r->n_headers,
		.query = query,
		.n_query = n,
		.now_ms = presign_time_ms(r),
		.expires_s = r->expires_s,
	};
	TRY(presign_url(&key, &in, a, &url, why));
	/* The signature's date has whole seconds, and its lifetime begins there. */
	int64_t signed_ms = presign_time_ms(r) - presign_time_ms(r) % 1000;
	*out = (struct presigned){ url, object_address(e, r->key, a), signed_ms + (int64_t)r->expires_s * 1000 };
	return fault_check_arena(a, why);
}

enum status signing_form(struct object_store *s, const struct form_request *r, struct arena *a, struct post_form *out, struct fault *why)
{
	struct engine *e = ENGINE_OF(s, store);
	struct sigv4_key key = slots_key(e);
	struct post_policy_input in = {
		.bucket = str_of(e->bucket),
		.key = r->key,
		.content_type = r->content_type,
		.min_size = r->min_size,
		.max_size = r->max_size,
		.now_ms = r->now_ms,
		.expires_s = r->expires_s,
	};
	struct header *fields = arena_array(a, POST_FIELDS, sizeof *fields);
	size_t n = 0;

	assert(r->key.n > 0);
	TRY(check_request(e, why));
	if (fields == NULL)
		return fault_too_much(why);
	TRY(presign_post(&key, &in, a, fields, &n, why));
	*out = (struct post_form){
		.url = object_address(e, STR(""), a),
		.address = object_address(e, r->key, a),
		.fields = fields,
		.n_fields = n,
		.expires_ms = r->now_ms + (int64_t)r->expires_s * 1000,
	};
	return fault_check_arena(a, why);
}
