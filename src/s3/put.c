/* PUT of an object: everything the head can tell is checked before the first byte of the body, so that
 * a client that waits for "100 Continue" never sends a body in vain.
 * Source: Amazon S3 API, PutObject. */
#include "s3/upload.h"

#include "base/codec.h"
#include "s3/text.h"

#include <string.h>

static enum status read_md5(struct call *c, struct upload *u, struct fault *why)
{
	struct str value = request_header(&c->x->request, STR("content-md5")), raw = { 0 };
	if (value.p == NULL)
		return OK;
	if (!base64_decode(&c->x->arena, str_trim(value), &raw) || raw.n != MD5_BYTES)
		return fault_set(why, DIGEST_INVALID, "The Content-MD5 you specified is not valid: it must be the base64 of 16 bytes.");
	memcpy(u->md5, raw.p, MD5_BYTES);
	u->has_md5 = true;
	return OK;
}

/* A signed payload hash binds the body; claim_parse has seen to its form. */
static void read_payload_hash(const struct call *c, struct upload *u)
{
	if (!str_equal(c->claim.payload_hash, SIGV4_UNSIGNED_PAYLOAD))
		u->sha256 = c->claim.payload_hash;
}

static enum status read_conditions(struct call *c, struct upload *u, struct fault *why)
{
	const struct request *r = &c->x->request;
	struct str value = request_header(r, STR("if-none-match"));
	if (request_header(r, STR("if-match")).p != NULL)
		return fault_set(why, ARGUMENT_INVALID, "If-Match is not supported on PUT.");
	if (value.p == NULL)
		return OK;
	if (!str_equal(str_trim(value), STR("*")))
		return fault_set(why, ARGUMENT_INVALID, "If-None-Match on PUT can only be '*'.");
	u->only_if_absent = true;
	return OK;
}

/* aws-chunked is a framing inside the body; stored as it is it would be no image, and reject a good one. */
static enum status read_type(struct call *c, struct upload *u, struct fault *why)
{
	const struct request *r = &c->x->request;
	struct str type = request_header(r, STR("content-type")), coding = request_header(r, STR("content-encoding"));
	if (str_find(str_lower(&c->x->arena, coding), STR("aws-chunked")) < coding.n)
		return fault_set(why, REQUEST_INVALID, "Content-Encoding: aws-chunked is not possible with a presigned URL.");
	if (!header_value_ok(type) || type.n > 255)
		return fault_set(why, ARGUMENT_INVALID, "The Content-Type must be at most 255 printable ASCII characters.");
	u->content_type = type.n > 0 ? type : STR("binary/octet-stream");
	return OK;
}

enum status put_begin(struct call *c, enum door_step *step, struct fault *why)
{
	const struct request *r = &c->x->request;
	struct upload *u = ARENA_NEW(&c->x->arena, struct upload);
	if (!r->has_length && !r->chunked)
		return fault_set(why, LENGTH_MISSING, "You must provide the Content-Length HTTP header.");
	if (u == NULL)
		return fault_set(why, TOO_MUCH, "the request's head is too large");
	u->max_bytes = OBJECT_MAX_BYTES;
	TRY(read_md5(c, u, why));
	read_payload_hash(c, u);
	TRY(read_conditions(c, u, why));
	TRY(read_type(c, u, why));
	c->upload = u;
	*step = DOOR_BODY;
	return upload_begin(c, r->has_length ? r->length : 0, why);
}

enum status put_data(struct call *c, struct str piece, struct fault *why)
{
	return upload_write(c, piece, why);
}

enum status put_finish(struct call *c, struct fault *why)
{
	const struct request *r = &c->x->request;
	struct str etag = { 0 };
	if (r->has_length && c->upload->received != r->length)
		return fault_set(why, BODY_CUT, "You did not provide the number of bytes specified by the Content-Length HTTP header");
	TRY(upload_finish(c, &etag, why));
	c->x->answer.status = 200;
	answer_header(&c->x->answer, STR("ETag"), str_printf(&c->x->arena, "\"%.*s\"", STRF(etag)));
	return OK;
}
