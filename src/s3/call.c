/* What all operations need: the key of the call, and the details of its error. */
#include "s3/call.h"

#include "base/codec.h"
#include "image/verdict.h"

void call_detail(struct s3_call *c, const char *element, struct str value)
{
	assert(c != NULL);
	assert(element != NULL);
	if (c->n_details < ERROR_DETAILS_MAX)
		c->details[c->n_details++] = (struct error_detail){ element, value };
}

void call_detail_missing(struct s3_call *c, struct str bucket, struct str key, const struct fault *why)
{
	assert(c != NULL);
	assert(why != NULL);
	const struct query_pair *upload = query_find(&c->x->request.query, STR("uploadId"));
	enum status st = fault_status(why->code);

	if (c->missing_named)
		return;
	if (why->code == F_NO_SUCH_KEY || why->code == F_NO_SUCH_VERSION)
		call_detail(c, "Key", key);
	else if (why->code == F_NO_SUCH_UPLOAD && upload != NULL)
		call_detail(c, "UploadId", upload->value);
	else if ((st == NOT_FOUND || st == EXISTS) && bucket.n > 0)
		call_detail(c, "BucketName", bucket);
	c->missing_named = true;
}

void call_set_key(struct s3_call *c, struct str key)
{
	assert(c != NULL && c->s3 != NULL);
	bool here = str_equal(c->at.bucket, c->s3->options.image_bucket);

	c->at.key = key;
	c->is_image = here && str_starts_with(key, IMAGE_PREFIX);
	c->is_reserved = c->is_image || (here && str_starts_with(key, STR("thumbs/")));
	c->image_id = c->x->answer.image_id = c->is_image ? image_id_of_key(key) : (struct str){ 0 };
}

struct str call_object_url(struct s3_call *c)
{
	assert(c->at.level != AT_SERVICE && c->at.key.n > 0);
	struct str host = request_header(&c->x->request, STR("host"));
	struct buf b;
	buf_init_arena(&b, &c->x->arena, c->x->arena.cap_bytes);
	if (host.n > 0)
		buf_printf(&b, "%s://%.*s", c->s3->options.secure ? "https" : "http", STRF(host));
	buf_put_char(&b, '/');
	uri_encode(&b, c->at.bucket, false);
	buf_put_char(&b, '/');
	uri_encode(&b, c->at.key, true);
	return buf_str(&b);
}

enum status call_refuse_reserved(const struct s3_call *c, bool by_slot, struct fault *why)
{
	if ((by_slot && c->is_image) || !c->is_reserved)
		return OK;
	return fault_set(why, ACCESS_DENIED,
		"Access Denied. Images are uploaded through upload slots only: nothing else can be written under images/ and thumbs/.");
}
