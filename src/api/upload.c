/* POST /upload and POST /uppy: a slot for one image, in our format or in the one that Uppy's S3 uploader
 * expects from a signer. The response has what a client needs to send the bytes, and the
 * token with which it can delete them. It is written in advance and sent once the row is durable; if the insert fails, a
 * problem replaces it. A request with an Idempotency-Key runs on a worker, since it may have to read the row of the first one. */
#include "api/call.h"

#include "api/access.h"
#include "api/body.h"
#include "api/record.h"
#include "api/request_key.h"
#include "base/writer.h"
#include "base/metrics.h"

#define SLOT_MAX_BYTES 65536

static void write_pairs(struct buf *b, struct str name, const struct header *pairs, size_t n)
{
	writer_open(b, name, '{');
	for (size_t i = 0; i < n; i++)
		writer_text(b, pairs[i].name, pairs[i].value);
	writer_close(b, '}');
}

static void write_slot(struct buf *b, const struct slot *s, bool form)
{
	writer_open(b, (struct str){ 0 }, '{');
	writer_text(b, STR("imageId"), s->row.image_id);
	writer_text(b, STR("uploadUrl"), s->url);
	writer_text(b, STR("fileUrl"), s->address);
	writer_text(b, STR("method"), form ? STR("POST") : STR("PUT"));
	write_pairs(b, form ? STR("fields") : STR("headers"), s->headers, s->n_headers);
	writer_time(b, STR("expiresAt"), s->expires_ms);
	if (s->delete_token.n > 0)
		writer_text(b, STR("deleteToken"), s->delete_token);
	writer_close(b, '}');
}

/* A caller may pass this to Uppy as it is: Uppy reads the first five members and ignores the others. It takes anything
 * with `fields` for a form, so a PUT has none, not even empty ones.
 * Source: @uppy/aws-s3 6, PresignedResponse (signRequest); 3 to 5, AwsS3UploadParameters (getUploadParameters) */
static void write_parameters(struct buf *b, const struct slot *s, bool form)
{
	writer_open(b, (struct str){ 0 }, '{');
	writer_text(b, STR("method"), form ? STR("POST") : STR("PUT"));
	writer_text(b, STR("url"), s->url);
	writer_text(b, STR("key"), s->row.key);
	write_pairs(b, form ? STR("fields") : STR("headers"), s->headers, s->n_headers);
	writer_number(b, STR("expires"), (uint64_t)(s->expires_ms - s->signed_ms + 999) / 1000); /* signatures have whole seconds */
	writer_text(b, STR("imageId"), s->row.image_id);
	writer_text(b, STR("fileUrl"), s->address);
	writer_time(b, STR("expiresAt"), s->expires_ms);
	if (s->delete_token.n > 0)
		writer_text(b, STR("deleteToken"), s->delete_token);
	writer_close(b, '}');
}

static enum status read_request(struct api_call *c, struct slot_request *want, struct fault *why)
{
	TRY(body_read_slot(c->arena, buf_str(&c->body), want, why));
	if (want->has_visibility)
		TRY(access_visibility(c, want->is_public, why));
	if (want->has_on_behalf_of)
		TRY(access_act_as(c, want->on_behalf_of, why));
	access_name_owner(c, want);
	return request_key_read(c, &want->request_key, why);
}

static enum status answer_slot(struct api_call *c, const struct slot *slot, bool form, struct fault *why)
{
	struct buf b;

	buf_init_arena(&b, c->arena, SLOT_MAX_BYTES);
	(c->route->for_uppy ? write_parameters : write_slot)(&b, slot, form);
	return call_json(c, &b, why);
}

/* The row is durable: the response is sent. */
static void count_slot(struct api_call *c, const struct slot *slot)
{
	c->x->answer.image_id = slot->row.image_id;
	metric_add(M_SLOTS, 1);
}

/* There is a row for this owner and Idempotency-Key: the answer is what it was, or what has become of it. */
static enum status answer_repeat(struct api_call *c, const struct slot_request *want, const struct image_row *row, struct fault *why)
{
	struct slot again;

	if (row->status != IMAGE_PENDING)
		return record_answer(c, row, why);
	enum status st = slot_renew(c->api->product, want, row, c->arena, &again, why);
	if (st == DENIED)
		return request_key_gone(why);
	TRY(st);
	return answer_slot(c, &again, want->form, why);
}

/* A request that is repeated fails to insert, whether its row is there or its quota is full of it: nothing is reserved a second time. */
enum status upload_run(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->route->has_body);
	struct slot_request want;
	struct slot slot;
	struct image_row first;

	TRY(read_request(c, &want, why));
	TRY(slot_prepare(c->api->product, &want, c->arena, &slot, why));
	enum status st = table_insert(c->api->product->table, &slot.row, why);
	if (st == OK) {
		count_slot(c, &slot);
		return answer_slot(c, &slot, want.form, why);
	}
	if (want.request_key.n == 0)
		return st;
	TRY(request_key_find_first(c, &slot.row, st, &first, why));
	return answer_repeat(c, &want, &first, why);
}

struct start {
	struct write_completion wait;
	struct api_call *call;
	struct slot slot;
};

/* On the table's thread. */
static void on_inserted(struct write_completion *w, enum status status)
{
	struct start *s = (struct start *)w;
	struct request_context *x = s->call->x;

	if (status == OK)
		count_slot(s->call, &s->slot);
	else
		call_end(s->call, status, &w->why);
	x->done(x);
}

/* The slot and its response, in advance. */
static enum status prepare_slot(struct api_call *c, struct slot *slot, struct fault *why)
{
	struct slot_request want;

	TRY(read_request(c, &want, why));
	assert(want.request_key.n == 0); /* those run on a worker */
	TRY(slot_prepare(c->api->product, &want, c->arena, slot, why));
	return answer_slot(c, slot, want.form, why);
}

void upload_start(struct api_call *c)
{
	assert(c != NULL && c->route->has_body);
	struct start *s = ARENA_NEW(c->arena, struct start);
	struct fault why = { .code = F_NONE };
	enum status status = s == NULL ? fault_no_memory(&why) : prepare_slot(c, &s->slot, &why);

	if (!call_end(c, status, &why)) {
		c->x->done(c->x);
		return;
	}
	s->wait.done = on_inserted;
	s->call = c;
	table_start_insert(c->api->product->table, &s->slot.row, c->arena, &s->wait);
}
