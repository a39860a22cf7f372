/* See user_recount.h. */
#include "port/user_recount.h"

/* Of one call. */
#define OWNERS_MAX 200
#define ROWS_MAX 100000

enum status user_recount_run(
	const struct owner_counter *c, struct str from_owner, bool repair, struct arena *a, struct user_recount *out, struct fault *why)
{
	struct user_recount done = { 0 };
	struct str owner;
	uint64_t rows = 0;

	TRY(c->next(c->arg, from_owner, a, &owner, why));
	while (owner.n > 0 && done.owners + done.repaired < OWNERS_MAX && rows < ROWS_MAX) {
		struct owner_count n = { .who = { .owner = owner } };
		TRY(c->count(c->arg, a, &n, why));
		if (repair && !owner_usage_equal(&n.recorded, &n.counted))
			TRY(c->repair(c->arg, &n, why));
		user_recount_note(&done, a, owner, &n.recorded, &n.counted);
		rows += n.rows;
		done.next_owner = owner;
		TRY(c->next(c->arg, owner, a, &owner, why));
	}
	if (owner.n == 0)
		done.next_owner = STR("");
	*out = done;
	return fault_check_arena(a, why);
}
