/* The outbox on PostgreSQL: events, written in the transaction of the change that they tell of. */
#include "base/clock.h"
#include "base/codec.h"
#include "postgres/parts.h"

/* An id is made of the number, which finds the row, and of a random token: a database that is restored from a backup gives the same
 * numbers again, and a receiver must not take other events for those that it has seen. */
#define NUMBER_CHARS 12
#define TOKEN_CHARS (OUTBOX_ID_CHARS - 4 - NUMBER_CHARS)

enum status pg_outbox_add(struct pg_batch *b, enum outbox_kind kind, const struct image_row *row, struct fault *why)
{
	const struct outbox_source *source = atomic_load(&batch_writer(b)->outbox_source);
	unsigned char random[TOKEN_CHARS / 2], id[UUID_BYTES];
	char token[TOKEN_CHARS + 1];
	struct buf body;
	int64_t now_ms = clock_now_ms();

	if (source == NULL || (source->kinds & 1U << kind) == 0 || !uuid_to_bytes(row->image_id, id))
		return OK;
	buf_init_arena(&body, batch_arena(b), OUTBOX_BODY_MAX);
	TRY(source->write(source->arg, kind, row, now_ms, &body, why));
	TRY(fault_check_buf(&body, why));
	random_bytes(random, sizeof random);
	hex_encode(random, sizeof random, token);
	BATCH_SEND(b, NULL, PQ_OUTBOX_ADD, pg_text((struct str){ token, TOKEN_CHARS }), pg_number(kind), pg_uuid(id), pg_text(row->owner),
		pg_text(buf_str(&body)), pg_number(now_ms));
	batch_note_event(b);
	return OK;
}
