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
	image_counts_add(batch_counts(b), before, -1);
	image_counts_add(batch_counts(b), after, 1);
	return OK;
}
