/* The outbox on PostgreSQL: events, written in the transaction of the change that they tell of. */
#include "base/clock.h"
#include "postgres/parts.h"

enum status pg_outbox_add(struct pg_batch *b, enum outbox_kind kind, const struct image_row *row, struct fault *why)
{
	const struct outbox_source *source = atomic_load(&batch_writer(b)->outbox_source);
	unsigned char id[UUID_BYTES];
	char token[OUTBOX_TOKEN_CHARS + 1];
	struct buf body;
	int64_t now_ms = clock_now_ms();

	if (source == NULL || (source->kinds & 1U << kind) == 0 || !uuid_to_bytes(row->image_id, id))
		return OK;
	buf_init_arena(&body, batch_arena(b), OUTBOX_BODY_MAX);
	TRY(source->write(source->arg, kind, row, now_ms, &body, why));
	TRY(fault_check_buf(&body, why));
	outbox_make_token(token);
	BATCH_SEND(b, NULL, PQ_OUTBOX_ADD, pg_text(str_of(token)), pg_number(kind), pg_uuid(id), pg_text(row->owner), pg_text(buf_str(&body)),
		pg_number(now_ms));
	batch_note_event(b);
	return OK;
}
