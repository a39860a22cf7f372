/* POST /upload: a slot for one image. The answer is what a client needs to send the bytes, and the
 * token that lets it take them back. The row is durable before this answer is made, see image/slot.h. */
#include "api/call.h"

#include "api/body.h"
#include "api/writer.h"

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
	writer_text(b, STR("deleteToken"), s->delete_token);
	writer_close(b, '}');
}

enum status upload_run(struct call *c, struct fault *why)
{
	struct slot_request want;
	struct slot slot;
	struct buf b;

	TRY(body_read_slot(c->arena, buf_str(&c->body), &want, why));
	TRY(slot_open(c->api->product, &want, c->arena, &slot, why));
	c->x->answer.image_id = slot.row.image_id;
	buf_init_arena(&b, c->arena, SLOT_MAX_BYTES);
	write_slot(&b, &slot, want.form);
	return call_json(c, &b, why);
}
