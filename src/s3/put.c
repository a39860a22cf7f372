/* PUT of an object, and of a part of a multipart upload: everything in the head is checked before the first byte
 * of the body, so that a client that waits for "100 Continue" never sends a body in vain.
 *
 * A body that is announced as small needs no worker: its commit is started on the reactor, and the response is sent when
 * that is done. An image is verified, so it always needs a worker.
 * Source: Amazon S3 API, PutObject, UploadPart. */
#include "s3/put_body.h"

#include "s3/acl.h"
#include "s3/object_headers.h"
#include "s3/parameters.h"

static enum status length_missing(struct fault *why)
{
	return fault_set(why, LENGTH_MISSING, "You must provide the Content-Length HTTP header.");
}

/* The body's framing, length and digests.
 * length   of the object; UINT64_MAX: not given */
static enum status read_body(struct s3_call *c, uint64_t *length, struct fault *why)
{
	const struct request *r = &c->x->request;
	struct s3_upload *u = c->upload;
	*length = r->has_length ? r->length : UINT64_MAX;
	if (!r->has_length && !r->chunked)
		return length_missing(why);
	TRY(digests_read(&c->x->arena, &r->by_name, &u->digests, why));
	switch (c->auth.payload) {
	case PAYLOAD_HASH:
		u->digests.sha256 = c->auth.payload_hash;
		break;
	case PAYLOAD_UNSIGNED:
		break;
	case PAYLOAD_UNSIGNED_TRAILER:
	case PAYLOAD_CHUNKS:
	case PAYLOAD_CHUNKS_TRAILER:
		if (!str_to_u64(str_trim(request_header(r, STR("x-amz-decoded-content-length"))), length))
			return length_missing(why);
		if (r->has_length && *length > r->length) /* or space would be reserved for bytes that are never received */
			return fault_set(why, BODY_CUT, "The x-amz-decoded-content-length is more than the Content-Length");
		u->stream = ARENA_NEW(&c->x->arena, struct body_stream);
		if (u->stream == NULL)
			return fault_too_much(why);
		u->stream->digests = &u->digests;
		u->stream->arena = &c->x->arena;
		return stream_begin(u->stream, &c->auth, str_of(c->key->secret), *length, why);
	}
	if (u->digests.in_trailer)
		return fault_set(why, REQUEST_INVALID, "The x-amz-trailer header was sent, but x-amz-content-sha256 announces no trailer.");
	struct str coding = request_header(r, STR("content-encoding"));
	if (!c->auth.in_header && str_find(str_lower(&c->x->arena, coding), STR("aws-chunked")) < coding.n)
		return fault_set(why, REQUEST_INVALID, "Content-Encoding: aws-chunked is not possible with a presigned URL.");
	return OK;
}

static enum status begin_body(struct s3_call *c, uint64_t length, enum handler_step *step, struct fault *why)
{
	bool small = length <= BUCKET_SMALL_BYTES && !c->is_image;
	*step = small ? HANDLER_RUN_ASYNC : HANDLER_READ_BODY;
	return upload_begin(c, length == UINT64_MAX ? 0 : length, why);
}

enum status put_begin(struct s3_call *c, enum handler_step *step, struct fault *why)
{
	assert(c->at.level == AT_OBJECT);
	assert(c->upload == NULL);
	uint64_t length;
	TRY(call_refuse_reserved(c, !c->auth.in_header, why)); /* whichever key has signed the URL */
	TRY(upload_make(c, &c->x->request.by_name, why));
	TRY(acl_check_headers(c, &c->x->request.by_name, why));
	TRY(object_headers_condition(c, &c->upload->condition, why));
	if (c->is_image && c->upload->condition.etag.n > 0)
		return fault_set(why, NOT_IMPLEMENTED, "If-Match is not supported for an image: images are never replaced.");
	TRY(read_body(c, &length, why));
	return begin_body(c, length, step, why);
}

/* An upload with a checksum algorithm accepts no part with another. */
static enum status match_checksum(struct s3_call *c, const struct part_upload *of, struct fault *why)
{
	struct s3_upload *u = c->upload;
	enum checksum_kind want = of->meta.checksum.kind, got = u->digests.kind;
	u->default_kind = want;
	if (want == CHECKSUM_NONE || got == CHECKSUM_NONE || want == got)
		return OK;
	return fault_set(why, REQUEST_INVALID, "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
		checksum_info(want)->name, checksum_info(got)->name);
}

enum status part_put_begin(struct s3_call *c, enum handler_step *step, struct fault *why)
{
	assert(c->at.level == AT_OBJECT);
	assert(c->upload == NULL);
	struct part_upload of;
	uint64_t length;
	TRY(call_refuse_reserved(c, false, why));
	TRY(upload_make(c, &(const struct header_index){ 0 }, why)); /* the metadata of a part is its upload's */
	TRY(parameter_part_number(c, &c->upload->part_number, why));
	TRY(object_headers_refuse(&c->x->request.by_name, why));
	TRY(parts_find(c->s3->parts, c->at.bucket, c->at.key, parameter(c, "uploadId"), &c->x->arena, &of, why));
	c->upload->upload_id = of.id;
	TRY(read_body(c, &length, why));
	TRY(match_checksum(c, &of, why));
	return begin_body(c, length, step, why);
}

enum status put_data(struct s3_call *c, struct str piece, struct fault *why)
{
	assert(c->upload != NULL);
	struct s3_upload *u = c->upload;
	if (u->stream == NULL)
		return upload_write(c, piece, why);
	while (piece.n > 0) {
		struct str bytes;
		TRY(stream_next(u->stream, &piece, &bytes, why));
		if (bytes.n > 0)
			TRY(upload_write(c, bytes, why));
	}
	return OK;
}

static void answer_stored(struct s3_call *c)
{
	const struct s3_upload *u = c->upload;
	const struct object_checksum *sum = &u->meta.checksum;
	struct answer *ans = &c->x->answer;
	ans->status = 200;
	answer_header(ans, STR("ETag"), STR_CONCAT(&c->x->arena, STR("\""), u->etag, STR("\"")));
	if (sum->kind == CHECKSUM_NONE || u->sum_changed)
		return;
	answer_header(ans, str_of(checksum_info(sum->kind)->header), sum->value);
	if (u->upload_id.n == 0)
		answer_header(ans, STR("x-amz-checksum-type"), STR("FULL_OBJECT"));
}

static enum status check_length(const struct s3_call *c, struct fault *why)
{
	const struct request *r = &c->x->request;
	if (c->upload->stream == NULL && r->has_length && c->upload->received != r->length)
		return fault_set(why, BODY_CUT, "You did not provide the number of bytes specified by the Content-Length HTTP header");
	return OK;
}

enum status put_finish(struct s3_call *c, struct fault *why)
{
	assert(c->upload != NULL);
	TRY(check_length(c, why));
	TRY(upload_finish(c, why));
	answer_stored(c);
	return OK;
}

static void on_stored(struct s3_call *c, enum status st, const struct fault *why)
{
	if (st == OK)
		answer_stored(c);
	call_complete(c, st, why);
}

void put_start(struct s3_call *c)
{
	assert(c->upload != NULL && !c->is_image);
	struct fault why = { 0 };
	enum status st = check_length(c, &why);
	if (st != OK)
		call_complete(c, st, &why);
	else
		put_body_commit(c, on_stored);
}
