/* See owners.h. */
#include "postgres/owners.h"

void batch_name_owner(struct pg_batch *b, struct pg_owner *o, const struct image_row *who, int64_t now_ms)
{
	if (o->is_there && (o->user.issuer.n > 0 || who->issuer.n == 0))
		return;
	o->user.issuer = str_dup(batch_arena(b), who->issuer);
	o->user.subject = str_dup(batch_arena(b), who->subject);
	o->user.first_ms = now_ms;
	o->user.seen_ms = o->is_there ? o->user.seen_ms : now_ms;
	o->is_there = o->changed = true;
}

enum status batch_reserve(struct pg_batch *b, const struct image_row *row, struct fault *why)
{
	const int64_t minute = row->created_ms / QUOTA_MINUTE_MS;

	if (row->owner.n == 0)
		return OK;
	/* An owner without a row has no usage, but is checked too: its first slot may exceed the quota. */
	struct pg_owner *o = batch_owner(b, row->owner);
	if (o == NULL)
		return fault_too_much(why);
	const struct owner_quota *q = o->user.has_quota ? &o->user.quota : &batch_writer(b)->quota;
	uint64_t slots = o->minute == minute ? o->minute_slots : 0;
	if (o->user.blocked)
		return owner_blocked(why);
	TRY(owner_quota_check(q, &o->user.usage, row->max_bytes, why));
	TRY(owner_quota_check_rate(q, slots, row->created_ms, why));
	batch_name_owner(b, o, row, row->created_ms);
	o->minute = minute;
	o->minute_slots = slots + 1;
	o->user.seen_ms = row->created_ms;
	o->changed = true;
	return OK;
}

static void count_image(struct image_counts *c, const struct image_row *row, int by)
{
	if (row == NULL)
		return;
	c->pending += row->status == IMAGE_PENDING ? (uint64_t)by : 0;
	c->uploaded += row->status == IMAGE_UPLOADED ? (uint64_t)by : 0;
	c->stored_bytes += row->status == IMAGE_UPLOADED ? (uint64_t)by * row->file_size : 0;
	c->rejected += row->status == IMAGE_REJECTED ? (uint64_t)by : 0;
}

enum status batch_move(struct pg_batch *b, const struct image_row *before, const struct image_row *after, struct fault *why)
{
	const struct image_row *who = before != NULL ? before : after;

	if (who->owner.n > 0) {
		struct pg_owner *o = batch_owner(b, who->owner);
		if (o == NULL)
			return fault_too_much(why);
		batch_name_owner(b, o, who, who->created_ms);
		owner_usage_add(&o->user.usage, before, -1);
		owner_usage_add(&o->user.usage, after, 1);
		o->changed = true;
	}
	count_image(batch_counts(b), before, -1);
	count_image(batch_counts(b), after, 1);
	return OK;
}
