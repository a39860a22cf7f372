/* POST /upload: a slot for one image. The answer is what a client needs to send the bytes, and the
 * token that lets it take them back. It is written ahead, while nobody waits for it, and let go once
 * the row is durable; if the row fails, a problem takes its place. */
#include "api/call.h"

#include "api/body.h"
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
	writer_text(b, STR("deleteToken"), s->delete_token);
	writer_close(b, '}');
}

/* The slot, and the answer that hands it out. */
static enum status prepare(struct call *c, struct slot *slot, struct fault *why)
{
	struct slot_request want;
	struct buf b;

	TRY(body_read_slot(c->arena, buf_str(&c->body), &want, why));
	TRY(slot_prepare(c->api->product, &want, c->arena, slot, why));
	buf_init_arena(&b, c->arena, SLOT_MAX_BYTES);
	write_slot(&b, slot, want.form);
	return call_json(c, &b, why);
}

/* The row is durable: the answer stands. */
static void count(struct call *c, const struct slot *slot)
{
	c->x->answer.image_id = slot->row.image_id;
	metric_add(M_SLOTS, 1);
}

enum status upload_run(struct call *c, struct fault *why)
{
	struct slot slot;

	TRY(prepare(c, &slot, why));
	TRY(table_insert(c->api->product->table, &slot.row, why));
	count(c, &slot);
	return OK;
}

struct start {
	struct table_wait wait;
	struct call *call;
	struct slot slot;
};

/* On the table's thread. */
static void done(struct table_wait *w, enum status status)
{
	struct start *s = (struct start *)w;
	struct exchange *x = s->call->x;

	if (status == OK)
		count(s->call, &s->slot);
	else
		call_end(s->call, status, &w->why);
	x->wake(x);
}

void upload_start(struct call *c)
{
	struct start *s = ARENA_NEW(c->arena, struct start);
	struct fault why = { .code = F_NONE };
	enum status status = s == NULL ? fault_set(&why, OUT_OF_MEMORY, "no memory for the slot") : prepare(c, &s->slot, &why);

	if (!call_end(c, status, &why)) {
		c->x->wake(c->x);
		return;
	}
	s->wait.done = done;
	s->call = c;
	table_start_insert(c->api->product->table, &s->slot.row, c->arena, &s->wait);
}
