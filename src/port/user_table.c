/* The rules of quotas that all tables share. See user_table.h. */
#include "port/user_table.h"

void owner_usage_add(struct owner_usage *u, const struct image_row *row, int by)
{
	assert(by == 1 || by == -1);
	if (row == NULL)
		return;
	switch (row->status) {
	case IMAGE_PENDING:
		u->pending += (uint64_t)by;
		u->reserved_bytes += (uint64_t)by * row->max_bytes;
		return;
	case IMAGE_UPLOADED:
		u->images += (uint64_t)by;
		u->bytes += (uint64_t)by * row->file_size;
		return;
	case IMAGE_REJECTED:
		return;
	}
}

/* Whether `more` fits into what is left of a limit; 0: there is none. */
static bool fits(uint64_t limit, uint64_t used, uint64_t more)
{
	return limit == 0 || (used <= limit && more <= limit - used);
}

enum status owner_quota_check(const struct owner_quota *q, const struct owner_usage *u, uint64_t max_bytes, struct fault *why)
{
	uint64_t bytes = u->bytes + u->reserved_bytes, images = u->images + u->pending;

	if (!fits(q->bytes, bytes, max_bytes))
		return fault_set(why, QUOTA_FULL,
			"The quota of %llu byte%s is full: stored %llu, reserved for pending uploads %llu, needed for this one %llu. "
			"Delete images, or wait until pending uploads have ended.",
			(unsigned long long)q->bytes, plural_s(q->bytes), (unsigned long long)u->bytes, (unsigned long long)u->reserved_bytes,
			(unsigned long long)max_bytes);
	if (!fits(q->images, images, 1))
		return fault_set(why, QUOTA_FULL,
			"The quota of %llu image%s is full: stored %llu, pending %llu. Delete images, or wait until pending uploads "
			"have ended.",
			(unsigned long long)q->images, plural_s(q->images), (unsigned long long)u->images, (unsigned long long)u->pending);
	if (!fits(q->pending, u->pending, 1))
		return fault_set(why, QUOTA_FULL,
			"The quota of %llu pending upload%s is full. Upload what was announced, or wait until it has expired.",
			(unsigned long long)q->pending, plural_s(q->pending));
	return OK;
}

enum status owner_quota_check_rate(const struct owner_quota *q, uint64_t minute_slots, int64_t now_ms, struct fault *why)
{
	int64_t left_ms = QUOTA_MINUTE_MS - now_ms % QUOTA_MINUTE_MS;

	if (fits(q->slots_per_minute, minute_slots, 1))
		return OK;
	enum status st = fault_set(why, TOO_MANY, "The quota of %llu upload%s per minute is used up; try again in %u second%s.",
		(unsigned long long)q->slots_per_minute, plural_s(q->slots_per_minute), fault_wait_s(left_ms), plural_s(fault_wait_s(left_ms)));
	fault_retry_after(why, left_ms);
	return st;
}

enum status owner_blocked(struct fault *why)
{
	return fault_set(why, OWNER_BLOCKED, "This user is being deleted; new uploads are refused until that is done.");
}

enum status no_such_user(struct fault *why)
{
	return fault_set(why, NO_SUCH_USER, "There is no user with this owner.");
}

enum status user_not_blocked(struct fault *why)
{
	return fault_set(why, STATE_CHANGED, "The user is not blocked.");
}

enum status user_has_images(struct fault *why)
{
	return fault_set(why, STATE_CHANGED, "The user still has images.");
}

void owner_usage_add_derived(struct owner_usage *u, int64_t bytes)
{
	bool below = bytes < 0 && (uint64_t)-bytes > u->derived_bytes;

	u->derived_bytes = below ? 0 : u->derived_bytes + (uint64_t)bytes;
}

void owner_usage_correct(struct owner_usage *u, const struct owner_usage *recorded, const struct owner_usage *counted)
{
	/* A difference that is negative wraps, and so does the sum. */
	u->bytes += counted->bytes - recorded->bytes;
	u->images += counted->images - recorded->images;
	u->pending += counted->pending - recorded->pending;
	u->reserved_bytes += counted->reserved_bytes - recorded->reserved_bytes;
}

bool owner_usage_equal(const struct owner_usage *x, const struct owner_usage *y)
{
	return x->bytes == y->bytes && x->images == y->images && x->pending == y->pending && x->reserved_bytes == y->reserved_bytes;
}

void user_recount_note(
	struct user_recount *r, struct arena *a, struct str owner, const struct owner_usage *recorded, const struct owner_usage *counted)
{
	bool right = owner_usage_equal(recorded, counted);
	struct user_repair *repair = right ? NULL : ARENA_NEW(a, struct user_repair);

	r->owners += right;
	r->repaired += !right;
	if (repair == NULL)
		return;
	*repair = (struct user_repair){ str_dup(a, owner), *recorded, *counted, r->repairs };
	repair->counted.derived_bytes = recorded->derived_bytes;
	r->repairs = repair;
}
